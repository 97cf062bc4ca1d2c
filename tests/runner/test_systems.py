"""What a named system's adapter can do is known when a scenario is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.diagnostics import Bag
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import check
from cpescript.runner.systems import read_system

CORPUS = Path(__file__).parents[1] / "corpus"
HEAD = 'acs portal = "portal.yaml"\nspawn 1 of hg100 as cpe\n'
TAIL = "expect InformResponse on cpe within 1m\n"


def told(tmp_path: Path, line: str) -> Bag:
    adapter = (CORPUS / "valid" / "portal.yaml").read_text(encoding="utf-8")
    (tmp_path / "portal.yaml").write_text(adapter, encoding="utf-8")
    scenario = tmp_path / "s.cpes"
    scenario.write_text(f"{HEAD}{line}\n{TAIL}", encoding="utf-8")
    return check(scenario, standard_catalogue(read_system))


def test_what_the_file_defines_checks() -> None:
    bag = check(CORPUS / "valid" / "systems.cpes", standard_catalogue(read_system))
    assert not bag.failed, bag.render()


@pytest.mark.parametrize(
    ("line", "code", "message", "remedy"),
    [
        ("portal reboot cpe", "unknown-verb", "'portal' knows no 'reboot'", "it knows call"),
        ('portal call wfi(ssid: "x") on cpe', "unknown-call", "'portal' has no call 'wfi'", "did you mean 'wifi'?"),
        ('portal call wifi(sid: "x") on cpe', "arguments", "call 'wifi' takes no 'sid'", "did you mean 'ssid'?"),
        ("portal call wifi() on cpe", "arguments", "call 'wifi' needs 'ssid'", "write ssid: …"),
        (
            "expect portal sees Device.WiFi.SSID.1.SSID exists on cpe within 1m",
            "unknown-verb",
            "'portal' knows no 'sees'",
            "it knows call",
        ),
        (
            "expect portal call stats() where status == 200 within 1m",
            "unknown-call",
            "'portal' has no call 'stats'",
            "did you mean 'status'?",
        ),
    ],
)
def test_what_it_does_not_define_is_a_mistake(tmp_path: Path, line: str, code: str, message: str, remedy: str) -> None:
    (item,) = told(tmp_path, line)
    assert (item.code, item.message, item.remedy) == (code, message, remedy)


def test_a_file_with_mistakes_of_its_own_is_told(tmp_path: Path) -> None:
    (tmp_path / "portal.yaml").write_text("nam: x\n", encoding="utf-8")
    scenario = tmp_path / "s.cpes"
    scenario.write_text(HEAD + TAIL, encoding="utf-8")
    bag = check(scenario, standard_catalogue(read_system))
    assert bag.failed
    assert {Path(item.span.source).name for item in bag} == {"portal.yaml"}
