"""The names of a program: declared once, used where they are used, seen where they can be."""

from __future__ import annotations

from pathlib import Path

from lab import LAB, load, load_text

from cpescript.language.symbols import Symbols

TEXT = """\
param size: int = 3 "gateways"
define onboard(devices, by: duration = 5m):
    \"\"\"Brings them in.\"\"\"
    wait until each devices registered within by

scenario "one" for version in ["1", "2"]:
    spawn size of hg100 as fleet
    do onboard(fleet)
    expect SPV on each fleet within 5m as spv
    for d in fleet:
        let name = "{d.serial} {version} {size}"
        note name
    check spv.parameter_key == "x" on each fleet within 1m

scenario "two":
    spawn 1 of small as fleet
    expect Inform on fleet within 1m
"""


def symbols(text: str) -> Symbols:
    program, _ = load_text(text, "test.cpes", LAB)
    assert program is not None
    return program.symbols


def names(text: str, line: int) -> dict[str, int]:
    return {each.name: each.span.line for each in symbols(text).seen_from("test.cpes", line)}


def test_each_name_is_declared_with_what_it_is() -> None:
    found = [(each.kind, each.name, each.span.line) for each in symbols(TEXT).declarations]
    assert found == [
        ("param", "size", 1),
        ("define", "onboard", 2),
        ("argument", "devices", 2),
        ("argument", "by", 2),
        ("scenario", "one", 6),
        ("case", "version", 6),
        ("cohort", "fleet", 7),
        ("capture", "spv", 9),
        ("devices", "d", 10),
        ("value", "name", 11),
        ("scenario", "two", 15),
        ("cohort", "fleet", 16),
    ]


def test_what_a_name_is_known_to_be() -> None:
    known = {(each.name, each.span.line): each for each in symbols(TEXT).declarations}
    assert (known["size", 1].type, known["size", 1].doc) == ("int", "gateways")
    assert known["onboard", 2].signature == "onboard(devices, by: duration = …)"
    assert known["onboard", 2].doc == "Brings them in."
    assert known["fleet", 7].schema is LAB.boxes["hg100"]
    assert known["fleet", 16].schema is LAB.boxes["small"]
    assert known["spv", 9].message is LAB.messages["SPV"]
    assert known["d", 10].cohorts == {"fleet"}
    assert symbols(TEXT).schemas == (LAB.boxes["hg100"], LAB.boxes["small"])


def test_every_use_leads_to_its_declaration() -> None:
    found = symbols(TEXT)
    uses = {
        (each.name, each.span.line): [(use.span.line, use.span.column) for use in found.uses_of(each)]
        for each in found.declarations
    }
    assert uses["size", 1] == [(7, 11), (11, 43)]
    assert uses["onboard", 2] == [(8, 8)]
    assert uses["by", 2] == [(4, 47)]
    assert uses["fleet", 7] == [(8, 16), (9, 24), (10, 14), (13, 44)]
    assert uses["fleet", 16] == [(17, 22)]
    assert uses["spv", 9] == [(13, 11)]
    assert uses["d", 10] == [(11, 22)]


def test_what_stands_at_a_place() -> None:
    found = symbols(TEXT)
    use = found.at("test.cpes", 17, 24)
    assert use is not None
    assert (use.name, use.span.column, use.span.end_column) == ("fleet", 22, 27)
    assert found.at("test.cpes", 16, 27) in found.declarations
    assert found.at("test.cpes", 16, 1) is None


def test_names_are_seen_in_their_block_and_just_below_it() -> None:
    assert names(TEXT, 4) == {"size": 1, "onboard": 2, "devices": 2, "by": 2}
    assert names(TEXT, 12)["name"] == 11
    assert "name" not in names(TEXT, 13)
    assert names(TEXT, 14)["fleet"] == 7
    assert names(TEXT, 17)["fleet"] == 16
    assert "version" not in names(TEXT, 17)


def test_a_file_with_mistakes_has_names_too() -> None:
    broken = TEXT.replace("spawn 1 of small as fleet", "spwn 1 of small as fleet oops").replace("note name", "nte name")
    known = {(each.kind, each.name) for each in symbols(broken).declarations}
    assert {("unknown", "fleet"), ("value", "name"), ("cohort", "fleet")} <= known


def test_names_of_used_files_lead_there(tmp_path: Path) -> None:
    (tmp_path / "lib.cpes").write_text("param size: int = 1\ndefine go(d):\n    reboot d\n", encoding="utf-8")
    main = tmp_path / "main.cpes"
    main.write_text(
        'use "lib.cpes"\nprofile box = "none.yaml"\nspawn size of box as fleet\ndo go(fleet)\n', encoding="utf-8"
    )
    program, _ = load(main, LAB)
    assert program is not None
    found = program.symbols
    lib = str(tmp_path / "lib.cpes")
    leads = {
        use.name: (use.declaration.span.source, use.declaration.span.line)
        for use in found.references
        if use.declaration is not None and use.span.source == str(main)
    }
    assert leads == {lib: (lib, 1), "box": (str(main), 2), "size": (lib, 1), "go": (lib, 2), "fleet": (str(main), 3)}
    assert {each.name for each in found.seen_from(str(main), 4)} == {"size", "go", "box", "fleet"}
    assert {each.name for each in found.seen_from(lib, 3)} == {"size", "go", "box", "d"}
