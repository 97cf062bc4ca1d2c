"""Writes the reference pages that are drawn from the project's own tables, so that they cannot say anything else.

    python scripts/make_reference.py           writes them below docs/reference
    python scripts/make_reference.py --check   writes nothing; exit status 1 and their names where one is out of date

A page is a function of nothing that returns Markdown; `PAGES` says which file each fills. To add one, write the
function, add its row, and name the file in `mkdocs.yml`.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by scripts/make_reference.py from the project's own tables: change those, and run it. -->"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, an empty one behind it."""
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return [*lines, ""]


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- messages ---------------------------------------------------------------------------------------------------------


_SENDERS = {"acs": "ACS → device", "cpe": "Device → ACS", "both": "Either way"}


def messages() -> str:
    """Every message that a claim can name: CWMP's from the RPC catalogue, and those of any protocol."""
    from cpescript.cwmp import rpcs
    from cpescript.cwmp.session import Outcome
    from cpescript.language.catalogue import HTTP_FIELDS, standard_catalogue

    known = standard_catalogue().messages
    lines = [
        "# Messages",
        "",
        "What a claim or a handler can name, and the fields that its `where` can ask for. A field is called like the",
        "element on the wire, in snake case. Types are those of the language; a `list` holds what the schema says.",
        "",
        f"Every message also has {', '.join(f'`http.{name}` ({kind})' for name, kind in HTTP_FIELDS.items())}.",
        "",
        "## Short names",
        "",
        *table(("short", "message"), ((f"`{short}`", f"`{full}`") for short, full in rpcs.ABBREVIATIONS.items())),
        "## Messages of any kind",
        "",
        *table(
            ("message", "means", "fields"),
            (
                (f"`{name}`", meaning, ", ".join(f"`{field}`" for field in fields) or "–")
                for name, meaning, fields in (
                    ("Request", "whatever the ACS asks of a device", ()),
                    ("Response", "whatever the ACS answers, empty answers and HTTP errors too", ()),
                    ("ConnectionRequest", "a connection request that reached a device", ("via",)),
                    ("SessionEnd", f"the session is over: {', '.join(get_args(Outcome))}", ("outcome",)),
                )
            ),
        ),
        "`Request` and `Response` have every field of the messages that they can stand for; one that a message lacks",
        "is `null`.",
        "",
        "## CWMP",
        "",
        "*Takes paths*: parameter paths may follow the name (`GPV Device.DeviceInfo.`). *Takes settings*: paths with",
        "values may follow (`SPV Device.A = 300`). *Answerable*: `on every … of T:` can answer it.",
        "",
    ]  # fmt: skip
    for rpc in rpcs.RPCS.values():
        lines += [f"### {rpc.name}", "", f"{_SENDERS[rpc.caller]}, since CWMP {rpc.since}.", ""]
        rows = []
        for kind in (rpc.name, f"{rpc.name}Response"):
            rows += _fields_of(kind, known[kind], rpcs.MESSAGES[kind])
        lines += table(("message", "may carry", "field", "type"), rows)
    lines += ["### Fault", "", "Either side's refusal of the RPC before it.", ""]
    lines += table(
        ("message", "may carry", "field", "type"), _fields_of("Fault", known["Fault"], rpcs.MESSAGES["Fault"])
    )
    lines += ["## Fault codes", "", "`answer fault CODE` takes those of a device, 9000 and above.", ""]
    lines += table(("code", "words"), ((str(code), words) for code, words in rpcs.FAULTS.items()))
    usp = sorted(name for name, message in known.items() if message.protocol == "usp")
    lines += [
        "## USP",
        "",
        "These names are known, so that they can be told apart from slips of the pen; a claim with one is refused",
        "when the scenario is checked, because USP is [not there yet](not-yet.md).",
        "",
        ", ".join(f"`{name}`" for name in usp),
        "",
    ]
    return "\n".join(lines)


def _fields_of(kind: str, message: Any, wire: Any) -> list[tuple[str, str, str, str]]:
    carries = {"nothing": "", "paths": "takes paths", "settings": "takes settings"}[message.carries]
    notes = ", ".join(filter(None, (carries, "answerable" if message.asked else "")))
    fields = [(f"`{name}`", type_) for name, type_ in message.fields.items()] or [("–", "")]
    first, *rest = fields
    return [(f"`{kind}`", notes or "–", *first), *(("", "", *field) for field in rest)]


# --- device states ----------------------------------------------------------------------------------------------------


def states() -> str:
    """The adjectives of devices."""
    from cpescript.device.states import STATES

    rows = ((f"`{state.name}`", state.meaning, state.entered, state.left) for state in STATES.values())
    return "\n".join(
        [
            "# Device states",
            "",
            "The adjectives of claims and targets: `each fleet registered`, `at most 20 of all updating`, `fleet",
            "where offline`. A device may be in several at once; `not` turns one round.",
            "",
            *table(("state", "holds when the device …", "entered when", "left when"), rows),
            "A device that is spawned is `online` before any claim sees it, so `sometimes any fleet offline` and `wait",
            "until fleet offline` wait for one that really goes. With `over` it is `offline` until its turn.",
            "",
            "`subscribed` needs USP, which is [not there yet](not-yet.md).",
            "",
        ]
    )


# --- quirks -----------------------------------------------------------------------------------------------------------


def quirks() -> str:
    """The catalogue of quirks."""
    from cpescript.quirks import catalogue

    lines = [
        "# Quirks",
        "",
        "A device of a profile is clean: it does what the standard says. A quirk makes it misbehave in one named way,",
        "at one [hook point](../explanation/architecture.md#hook-points), until it is removed or its time is over:",
        "",
        "```text",
        "inject quirk NAME(parameter: value, …) on T [for 10m]",
        "remove quirk NAME from T",
        "```",
        "",
        "Parameters without a default must be given. A quirk that never showed on the wire makes the scenario",
        "*vacuous*. Devices are known to do what is marked *field*; *derived* is what a standard or an ACS's code",
        "suggests.",
        "",
    ]
    for name, quirk in catalogue().items():
        lines += [f"## {name}", "", f"{_first_up(quirk.summary)}.", ""]
        rows = [("hook point", ", ".join(quirk.points)), ("origin", quirk.origin), ("a good ACS", quirk.good_acs)]
        lines += table(("", ""), rows)
        if quirk.parameters:
            lines += table(("parameter", "type", "default"),
                           ((f"`{p.name}`", p.takes, "required" if p.required else f"`{_literal(p.default)}`")
                            for p in quirk.parameters))  # fmt: skip
    return "\n".join(lines)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if type(value) is str else str(value)


# --- deliberate defects -----------------------------------------------------------------------------------------------


def defects() -> str:
    """The deliberate defects of the embedded ACS, by the scenario that catches each."""
    from cpescript.acs.defects import catalogue

    groups: dict[str, list[Any]] = {}
    for defect in catalogue().values():
        groups.setdefault(defect.caught_by, []).append(defect)
    lines = [
        "# Deliberate defects",
        "",
        "A scenario that has never been seen failing proves nothing. The embedded ACS can be wrong on purpose, in one",
        "small way at a time: `cpescript run SCENARIO --defect NAME`, as often as wanted, or `cpescript acs serve",
        "--defect NAME`. `cpescript acs defects` lists them on the terminal. Each is caught by a scenario that ships.",
        "",
    ]
    for scenario, caught in groups.items():
        lines += [f"## Caught by {scenario}", "", f"`cpescript run {scenario} --defect {caught[0].name}`", ""]
        lines += table(("defect", "what the ACS then does", "what it owes instead"),
                       ((f"`{d.name}`", d.summary, d.breaks) for d in caught))  # fmt: skip
    return "\n".join(lines)


# --- policy, command line, not yet ------------------------------------------------------------------------------------


_SECTION_TITLES: Mapping[str, str] = {
    "policy": "The file",
    "rule": "`rules:` – a list of",
    "condition": "`when:`",
    "comparison": "`when: parameter:`",
    "action": "`then:` – a list of",
    "download": "`download:`",
    "schedule_download": "`schedule_download:`",
    "install": "`install:`",
    "update": "`update:`",
    "uninstall": "`uninstall:`",
    "upload": "`upload:`",
    "campaign": "`campaigns:` – by name",
    "input": "`inputs:` – by name: a type, or",
    "authentication": "`authentication:`",
    "credentials": "`authentication: device:`",
    "connection_requests": "`connection_requests:`",
}


def policy() -> str:
    """The policy file, from the tables of its reader and the docstring beside them."""
    from cpescript.acs import policy_format

    essay = (policy_format.__doc__ or "").splitlines()
    example = [line[4:] for line in essay if line.startswith("    ")]
    lines = [
        "# The policy file",
        "",
        'What the embedded ACS does of itself is said by a policy: `policy "rollout.yaml"` in a scenario, or',
        "`cpescript acs serve --policy rollout.yaml`. Without one the default policy holds: at `0 BOOTSTRAP`, and when",
        "somebody else has configured the device, it sets PeriodicInformInterval to 300 and connection-request",
        "credentials of the device's own; otherwise it leaves devices alone.",
        *("", "```yaml", *example, "```", ""),
        *essay[essay.index("Rules:") + 2 :],
        "",
    ]
    for section, keys in policy_format.SECTIONS.items():
        rows = ((f"`{key.name}`{', required' if key.required else ''}", key.summary) for key in keys)
        lines += [f"## {_SECTION_TITLES[section]}", "", *table(("key", "means"), rows)]
    return "\n".join(lines)


def commands() -> str:
    """What each command says to --help."""
    import click

    from cpescript.cli import group

    lines = [
        "# Help pages",
        "",
        "What each command says to `--help`. [Command line](command-line.md) says what they are for.",
        "",
    ]

    def add(command: click.Command, name: str, parent: click.Context | None) -> None:
        context = click.Context(
            command, parent, name, max_content_width=96, terminal_width=96, help_option_names=["-h", "--help"]
        )
        lines.extend([f"## {context.command_path}", "", "```text", command.get_help(context).rstrip(), "```", ""])
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                inner = command.get_command(context, each)
                assert inner is not None
                add(inner, each, context)

    add(group, "cpescript", None)
    return "\n".join(lines)


def not_yet() -> str:
    """What the language has and this version refuses."""
    from cpescript.device.profile import LATER
    from cpescript.language.not_yet import NOT_YET

    return "\n".join(
        [
            "# Not there yet",
            "",
            "The language has more than this version can run. What is missing is said when a scenario is checked,",
            "before anything runs, as the error `not-yet`:",
            "",
            *table(("what", "why"), ((key.replace("-", " "), text) for key, text in NOT_YET.items())),
            "Keys of a profile that are read and checked, but change nothing yet:",
            "",
            *(f"- `{key}`" for key in LATER),
        ]
    )


# --- what ships -------------------------------------------------------------------------------------------------------


def scenarios() -> str:
    """The scenarios that ship: their docstrings, what they catch, their text."""
    from cpescript import libraries
    from cpescript.acs.defects import catalogue
    from cpescript.language.catalogue import standard_catalogue
    from cpescript.language.loader import load

    caught: dict[str, list[str]] = {}
    for defect in catalogue().values():
        caught.setdefault(defect.caught_by, []).append(defect.name)
    names = libraries.names("scenarios")
    lines = [
        "# Scenarios that ship",
        "",
        "Each runs by its name, from any folder: `cpescript run firmware_rollout`. All pass on the embedded ACS, and",
        "each is shown to fail under the deliberate defects that it names.",
        "",
    ]
    for name in names:
        path = libraries.find("scenarios", name)
        assert path is not None
        program, bag = load(path, standard_catalogue())
        assert program is not None, bag.render()
        assert not bag.failed, bag.render()
        cases, _ = program.cases()
        first = cases[0]
        lines += [f"## {name}", "", " ".join(first.docstring.split()), ""]
        facts = [("tags", ", ".join(f"`{tag}`" for tag in first.tags) or "–")]
        facts += [
            ("parameters", ", ".join(f"`{param.name}` = {_literal(param.value)}" for param in first.params) or "–")
        ]
        facts += [("catches", ", ".join(f"[`{defect}`](defects.md)" for defect in caught.get(name, [])) or "–")]
        lines += [*table(("", ""), facts), "```cpes", path.read_text(encoding="utf-8").rstrip(), "```", ""]
    return "\n".join(lines)


def profiles() -> str:
    """The profiles that ship: what their devices have and do."""
    from cpescript import libraries
    from cpescript.device.profile import load_profile
    from cpescript.kernel.time import format_duration

    lines = [
        "# Profiles that ship",
        "",
        "`spawn N of NAME` finds them by name; a `profiles/` folder beside the scenario, or above it, is looked in",
        "first. `cpescript profile show NAME --parameters` lists every parameter. The vendors are invented.",
        "",
    ]
    for name in libraries.names("profiles"):
        path = libraries.find("profiles", name)
        assert path is not None
        schema, bag = load_profile(path)
        assert schema is not None, bag.render()
        leaves = schema.leaves.values()
        types = Counter(leaf.type for leaf in leaves)
        firmware = schema.transfer.firmware
        schedule = schema.event_schedule
        identity = [schema.leaves[each].default for each in schema.device_id] if schema.device_id else []
        request = schema.connection_request
        facts: list[tuple[str, str]] = [
            ("data model", f"`{schema.root}`"),
            ("parameters", f"{len(schema.leaves)}: {sum(leaf.writable for leaf in leaves)} writable, "
                           f"{sum(leaf.generator is not None for leaf in leaves)} moving"),
            ("types", ", ".join(f"{count} {kind}" for kind, count in types.most_common())),
            ("identity", " · ".join(f"`{text}`" for text in identity)),
            ("connection requests", f"{request.scheme or 'no'} authentication"),
            ("reboot", f"{format_duration(schedule.reboot_delay)} and {format_duration(schedule.boot_delay)} to boot"),
        ]  # fmt: skip
        if firmware is not None:
            facts.append(("version", f"`{schema.leaves[firmware.version_path].default}` at `{firmware.version_path}`"))
            facts.append(("dark while flashing", format_duration(firmware.apply_delay)))
        lines += [f"## {name}", "", *table(("", ""), facts)]
        lines += ["Tables:", "", *(f"- `{table_path}{{i}}.`" for table_path in schema.tables), ""]
        lines += ["What an Inform carries, besides what every Inform must:", ""]
        lines += table(("event", "parameters"),
                       ((f"`{event}`", ", ".join(f"`{each}`" for each in paths) or "–")
                        for event, paths in schema.inform_parameters.items()))  # fmt: skip
    return "\n".join(lines)


def inventory() -> str:
    """What the documents behind the profile format ask for, and the test that shows it."""
    import yaml

    known = yaml.safe_load((ROOT / "tests" / "device" / "inventory.yaml").read_text(encoding="utf-8"))
    lines = [
        "# Inventory of rules",
        "",
        "The profile format and the ways of its devices were described elsewhere before. Each rule of those documents",
        "has a row here, in our words, with the tests that show it; where we decided otherwise, or a thing is not",
        "there yet, the row says so. `::*` means all tests of a file.",
        "",
    ]
    for letter, title in known["sections"].items():
        lines += [f"## {letter}: {title}", ""]
        rows = []
        for name, row in known["rows"].items():
            if name.startswith(f"{letter}-"):
                note = f"open: {row['open']}" if "open" in row else row.get("differs", "–")
                tests = " ".join(f"`{test}`" for test in row.get("tests", ())) or "–"
                rows.append((name, row["what"], note, tests))
        lines += table(("row", "rule", "we do otherwise", "shown by"), rows)
    return "\n".join(lines)


# --- adapters ---------------------------------------------------------------------------------------------------------


def adapters() -> str:
    """Named targets, the adapters, and the file that describes one."""
    from cpescript.adapters.genieacs_calls import CALLS
    from cpescript.adapters.http_format import adapter_reference
    from cpescript.runner.config import KEYS
    from cpescript.runner.north import ADAPTERS

    head, _, rest = adapter_reference().partition("\n")
    lines = [
        "# Adapters",
        "",
        "An adapter carries a scenario's `acs …` statements to the north side of an ACS, and asks it what it believes.",
        "`--adapter NAME --north URL` names one, or a target.",
        "",
        *table(("adapter", "is for"), ((f"`{name}`", summary) for name, summary in ADAPTERS.items())),
        "Any other name is that of an [adapter file](#the-adapter-file), by path, or one that ships: `freeacs`,",
        "`token_controller`.",
        "",
        "## Named targets",
        "",
        "`[acs.NAME]` in `cpescript.toml`, or `[tool.cpescript.acs.NAME]` in `pyproject.toml`, in the folder of your",
        "scenarios or above it; then `--acs NAME`. A text may be left to the environment:",
        '`password = {environment = "LAB_PASSWORD"}`. What comes from there, and every `password`, shows in no output.',
        "What the command line says is stronger.",
        "",
        *table(("key", "means"), ((f"`{name}`", key.summary) for name, key in KEYS.items())),
        "## GenieACS",
        "",
        "Verbs: `set`, `get`, `add`, `delete`, `download`, `reboot`, `factory-reset`, `connect`, `forget`, and these",
        "calls:",
        "",
        *table(
            ("call", "takes", "does"),
            (
                (
                    f"`{name}`",
                    ", ".join(f"`{each}`" + ("" if each in call.required else "?") for each in call.inputs) or "–",
                    call.summary,
                )
                for name, call in CALLS.items()
            ),
        ),
        "## A program of yours",
        "",
        "`--adapter command --north 'PROGRAM ARGUMENTS' --allow-exec` runs the program for each question, without a",
        "shell: one JSON object on its standard input, one on its standard output.",
        "",
        *(line for line in _command_rows()),
        "",
        f"#{head}",
    ]
    return "\n".join(lines) + "\n" + rest.replace("\n## ", "\n### ")


def _command_rows() -> list[str]:
    from cpescript.adapters import command

    return [line for line in (command.__doc__ or "").splitlines() if line.startswith("|")]


PAGES: Mapping[str, Callable[[], str]] = {
    "messages.md": messages,
    "states.md": states,
    "quirks.md": quirks,
    "defects.md": defects,
    "policy-file.md": policy,
    "adapters.md": adapters,
    "help.md": commands,
    "not-yet.md": not_yet,
    "scenarios.md": scenarios,
    "shipped-profiles.md": profiles,
    "inventory.md": inventory,
}
"""File below docs/reference to the function that returns its text."""


def page(name: str) -> str:
    """Return a page as it is written to its file: the title first, then the note, then the rest."""
    title, _, rest = PAGES[name]().partition("\n")
    return f"{title}\n\n{NOTE}\n{rest.rstrip()}\n"


def main(arguments: Sequence[str]) -> int:
    os.environ["COLUMNS"] = "100"
    stale = []
    for name in PAGES:
        path, text = REFERENCE / name, page(name)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/reference/{name}: {'out of date' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
