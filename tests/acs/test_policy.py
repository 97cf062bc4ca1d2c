"""Policy files: every mistake reported with its place and remedy, hostile ones refused, good ones understood.

Each `policies/NAME.yaml` has its diagnostics in `NAME.err`; CPESCRIPT_REWRITE_GOLDENS=1 rewrites those, and git shows
the change.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.acs.policy import SECTIONS, load_policy, read_policy, value_type
from cpescript.acs.rules import DEFAULT_POLICY, Action, Condition, Policy, Rule, Window
from cpescript.cwmp.events import CODES, PERSISTENCE
from cpescript.kernel.time import HOUR, MINUTE, SECOND
from cpescript.language.vocabulary import EVENTS
from scripts import make_reference

HERE = Path(__file__).parent
POLICIES = HERE / "policies"
SHIPPED = HERE.parents[1] / "scenarios"


def good(text: str) -> Policy:
    policy, bag = read_policy(text, "p.yaml")
    assert policy is not None, bag.render()
    return policy


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_mistakes(path: Path) -> None:
    policy, bag = read_policy(path.read_text(), path.name)
    assert policy is None
    golden = path.with_suffix(".err")
    if os.environ.get("CPESCRIPT_REWRITE_GOLDENS"):
        golden.write_text(bag.render())
    assert bag.render() == golden.read_text()


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_policies_that_ship_are_good(path: Path) -> None:
    policy, bag = load_policy(path)
    assert policy is not None, bag.render()
    assert not len(bag)


def test_the_acs_and_scenarios_know_the_same_events() -> None:
    assert CODES == EVENTS
    assert set(PERSISTENCE) <= set(CODES)


def test_the_rollout_is_what_the_first_look_needs() -> None:
    policy, _ = load_policy(SHIPPED / "rollout.yaml")
    assert policy is not None
    assert policy.rules == DEFAULT_POLICY.rules
    campaign = policy.campaigns["start_rollout"]
    assert (campaign.concurrency, campaign.verify) == (20, ".DeviceInfo.SoftwareVersion")
    assert campaign.retries in (1, 2)


def test_the_default_policy_can_be_written_as_a_file() -> None:
    policy = good(
        """
        rules:
          - name: bootstrap
            when: {event: 0 BOOTSTRAP}
            then:
              - set:
                  .ManagementServer.PeriodicInformInterval: 300
                  .ManagementServer.ConnectionRequestUsername: !string "{oui}-{serial}"
                  .ManagementServer.ConnectionRequestPassword: !string "{secret}"
          - name: stray
            when: {parameter_key: changed}
            repeat: first
            then:
              - set:
                  .ManagementServer.PeriodicInformInterval: 300
                  .ManagementServer.ConnectionRequestUsername: !string "{oui}-{serial}"
                  .ManagementServer.ConnectionRequestPassword: !string "{secret}"
        """
    )
    assert policy.rules == DEFAULT_POLICY.rules


def test_scalars_are_texts_as_written() -> None:
    policy = good('rules: [{then: [set: {.A: 2.10, .B: on, .C: 007, .D: "300", .E: -3, .F: !int 4, .G: "{{x}}"}]}]')
    (action,) = policy.rules[0].then
    assert action.arguments["settings"] == (
        (".A", "2.10", "string"),
        (".B", "on", "string"),
        (".C", "007", "unsignedInt"),
        (".D", "300", "string"),
        (".E", "-3", "int"),
        (".F", "4", "int"),
        (".G", "{{x}}", ""),
    )


def test_one_value_stands_for_a_list_of_one() -> None:
    policy = good("rules: [{when: {event: 1 BOOT, oui: [A, B]}, then: [get: .A.]}]")
    assert policy.rules == (
        Rule("rule 1", Condition(event=("1 BOOT",), oui=("A", "B")), (Action("get", {"paths": (".A.",)}),)),
    )


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("4h", Window(lasting=4 * HOUR)),  # type: ignore[arg-type]
        ("02:00-05:30", Window(opens=2 * HOUR, closes=5 * HOUR + 30 * MINUTE)),  # type: ignore[arg-type]
        ("23:00-01:00", Window(opens=23 * HOUR, closes=HOUR)),  # type: ignore[arg-type]
    ],
)
def test_windows(text: str, window: Window) -> None:
    assert good(f"campaigns: {{a: {{firmware: x, window: {text}}}}}").campaigns["a"].window == window


def test_everything_else_a_file_may_say() -> None:
    policy = good(
        """
        parameter_key: mine
        session_idle: 90s
        authentication: {scheme: digest, realm: lab, users: {a: b}, device: {username: "{serial}", password: x}}
        connection_requests: {answer_within: 1m, retry_after: 10s, retries: 0, timeout: 2s}
        campaigns:
          tune:
            inputs: {ssid: text, channel: {type: int, default: 6}}
            then: [set: {.A: "{ssid}"}, reboot, tag: tuned]
          upgrade: {firmware: 1.0, verify: none}
        """
    )
    assert (policy.rules, policy.parameter_key, policy.session_idle) == ((), "mine", 90 * SECOND)
    assert policy.authentication.device == ("{serial}", "x")
    assert policy.connection_requests.retries == 0
    assert [action.verb for action in policy.campaigns["tune"].then] == ["set", "reboot", "tag"]
    assert policy.campaigns["tune"].inputs["channel"].default == "6"
    assert policy.campaigns["upgrade"].verify is None


class TestHostileFiles:
    def test_too_large(self, tmp_path: Path) -> None:
        path = tmp_path / "big.yaml"
        path.write_text("#" * (1 << 20) + "\n")
        policy, bag = load_policy(path)
        assert policy is None
        assert [item.code for item in bag] == ["too-large"]

    def test_not_utf_8(self, tmp_path: Path) -> None:
        path = tmp_path / "latin.yaml"
        path.write_bytes(b"# caf\xe9")
        assert [item.code for item in load_policy(path)[1]] == ["encoding"]

    def test_not_there(self, tmp_path: Path) -> None:
        assert [item.code for item in load_policy(tmp_path / "none.yaml")[1]] == ["unreadable"]
        assert [item.code for item in load_policy(tmp_path)[1]] == ["unreadable"]

    def test_a_thousand_levels(self) -> None:
        assert [item.code for item in read_policy("[" * 100_000, "p")[1]] == ["too-deep"]

    def test_a_bomb_of_anchors(self) -> None:
        text = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(20))
        assert [item.code for item in read_policy(text, "p")[1]] == ["alias"]

    @given(st.text(max_size=200))
    def test_any_text_is_a_policy_or_has_diagnostics(self, text: str) -> None:
        policy, bag = read_policy(text, "p")
        assert (policy is None) == bag.failed

    @given(
        st.recursive(
            st.sampled_from(["x", "1", "30s", ".A.", "{serial}", "", "true", "default"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from([key.name for keys in SECTIONS.values() for key in keys]), inner, max_size=4
                )
            ),
            max_leaves=20,
        )
    )
    def test_any_shape_is_a_policy_or_has_diagnostics(self, shape: object) -> None:
        policy, bag = read_policy(json.dumps(shape), "p")
        assert (policy is None) == bag.failed


@pytest.mark.parametrize(
    ("text", "type"),
    [("true", "boolean"), ("True", "string"), ("0", "unsignedInt"), ("-1", "int"), ("1.5", "string"), ("", "string"),
     ("2026-01-01T00:00:00Z", "dateTime"), ("99999999999", "string")],
)  # fmt: skip
def test_the_type_of_a_value_by_its_look(text: str, type: str) -> None:
    assert value_type(text) == type


def test_the_reference_page_lists_every_key() -> None:
    page = make_reference.policy()
    for keys in SECTIONS.values():
        for key in keys:
            assert f"| `{key.name}`" in page
    assert "start_rollout:" in page


def test_the_example_of_the_reference_page_is_a_good_policy() -> None:
    policy = good(make_reference.policy().partition("```yaml\n")[2].partition("```")[0])
    assert "start_rollout" in policy.campaigns
