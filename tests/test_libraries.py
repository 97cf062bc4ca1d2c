"""One function finds what ships, by name, with or without its suffix, and nothing outside."""

from pathlib import Path

import pytest

from cpescript import libraries


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay a package out beside a checkout's folders, as `cpescript` stands in them; return the checkout."""
    monkeypatch.setattr(libraries, "_PACKAGE", tmp_path / "cpescript")
    for name in ("profiles/one.yaml", "profiles/two.yml", "profiles/many/a.yaml", "profiles/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "profiles" / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [("one", "one.yaml"), ("one.yaml", "one.yaml"), ("two", "two.yml"), ("many", "many"), ("many/a", "many/a.yaml")],
)
def test_a_name_is_found_with_or_without_its_suffix(installed, name, found):
    assert libraries.find("profiles", name) == installed / "profiles" / found


@pytest.mark.parametrize("name", ["", "three", "empty", "notes", "../cpescript", "../profiles/one", "/etc/passwd"])
def test_what_is_not_in_the_library_is_not_found(installed, name):
    assert libraries.find("profiles", name) is None


def test_names_are_those_that_can_be_found(installed):
    assert libraries.names("profiles") == ["many", "one", "two"]
    assert libraries.names("scenarios") == []


def test_package_data_comes_before_the_checkout(installed):
    data = installed / "cpescript" / "_data" / "profiles"
    data.mkdir(parents=True)
    (data / "one.yaml").touch()
    assert libraries.find("profiles", "one") == data / "one.yaml"
    assert libraries.names("profiles") == ["one"]


def test_all_that_the_project_ships_is_found():
    assert libraries.find("grammar", "cpes") == libraries.find("grammar", "cpes.lark") is not None
    assert "firmware_rollout" in libraries.names("scenarios")
    assert "hg100" in libraries.names("profiles")
