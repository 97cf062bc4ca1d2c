"""What the project says of itself holds: versions, licence, extras, continuous integration."""

import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_licence_is_there_in_full(project):
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_what_pins_others_or_needs_a_platform_is_optional(project):
    dependencies = " ".join(project["dependencies"])
    assert "amqtt" not in dependencies
    assert "uvloop" not in re.sub(r"uvloop[^,]*sys_platform[^,]*", "", dependencies)


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"$ make {target}\n" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_continuous_integration_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
