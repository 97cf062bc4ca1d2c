"""What a user installs: wheel, sdist and editable installs find the libraries, and only `cpescript` is importable."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARIES = ("grammar", "scenarios", "profiles", "adapters")

OFFLINE = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")

pytestmark = pytest.mark.slow

ASK = """
import importlib.util, json, sys
from cpescript import libraries
from cpescript.language import tables
kept = libraries._PACKAGE / "_data" / "cpes.tables"
key = tables.key_of(tables.grammar_text())
print(json.dumps({
    "package": str(libraries._PACKAGE),
    "found": {
        "grammar": str(libraries.find("grammar", "cpes.lark")),
        "scenarios": str(libraries.find("scenarios", "firmware_rollout")),
        "profiles": str(libraries.find("profiles", "hg100")),
    },
    "names": {kind: libraries.names(kind) for kind in ("grammar", "scenarios", "profiles")},
    "tables": kept.is_file() and tables.read_tables(kept.read_bytes(), key) is not None,
    "importable": [name for name in ("tests", "docs", "benchmarks", "grammar", "scenarios", "profiles", "hatch_build")
                   if importlib.util.find_spec(name) is not None],
}))
"""


def clean() -> dict[str, str]:
    """Return an environment in which nothing but the virtual environment decides what is imported."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def python(folder: Path, *arguments: str, where: Path) -> str:
    command = [str(folder / "bin" / "python"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=where, env=clean())
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(folder: Path) -> Path:
    """Make a virtual environment that has our dependencies, but neither us nor what is installed editable here."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    dependencies = sysconfig.get_path("purelib")
    # A folder on the path, not a site folder: its own .pth files, an editable install of us among them, do not count.
    Path(site, "dependencies.pth").write_text(f"{dependencies}\n")
    return folder


def install(folder: Path, *what: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", *OFFLINE, *what],
        check=True,
        capture_output=True,
        cwd=folder,
    )


def build(kind: str, source: Path, out: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
        env=clean(),
    )
    [built] = out.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = environment(tmp_path_factory.mktemp("installed") / "venv")
    install(folder, str(wheel))
    return folder


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def shipped(kind: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / kind).rglob("*") if path.is_file()}


def test_the_wheel_holds_the_package_and_the_libraries_alone(wheel):
    names = members(wheel)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"cpescript"}
    for kind in LIBRARIES:
        assert {f"cpescript/_data/{name}" for name in shipped(kind)} <= names
    assert {"cpescript/_data/cpes.tables", "cpescript/py.typed", "cpescript/cli/new.cpes"} <= names
    assert "cpescript/report/templates/report.html.j2" in names


def test_an_installed_wheel_finds_its_libraries_from_any_folder(installed, tmp_path):
    answer = json.loads(python(installed, "-c", ASK, where=tmp_path))
    package = Path(answer["package"])
    assert package.is_relative_to(installed)
    assert all(Path(found).is_relative_to(package / "_data") for found in answer["found"].values())
    assert answer["names"]["scenarios"]
    assert answer["tables"], "the compiled tables are missing, or not those of the grammar beside them"
    assert answer["importable"] == []


def test_the_installed_command_works_from_any_folder(installed, tmp_path):
    command = [str(installed / "bin" / "cpescript")]
    done = subprocess.run([*command, "profile", "check", "hg100"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    cache = {**clean(), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run([*command, "check", "firmware_rollout"], capture_output=True, cwd=tmp_path, env=cache)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (tmp_path / "cache").exists(), "the wheel's own tables were not used"


def test_a_wheel_made_from_the_sdist_is_the_same(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert members(build("wheel", source, tmp_path / "out")) == members(wheel)
    # The tests are in it, and what they read besides the package.
    for name in ("tests/packaging/test_install.py", "editors/vscode/package.json", ".ci/run", "mkdocs.yml", "LICENSE"):
        assert (source / name).is_file(), name


def test_an_editable_install_finds_the_checkout(tmp_path):
    pytest.importorskip("editables", reason="an editable install needs the package 'editables'")
    folder = environment(tmp_path / "venv")
    install(folder, "--editable", str(ROOT))
    answer = json.loads(python(folder, "-c", ASK, where=tmp_path))
    assert answer["package"] == str(ROOT / "cpescript")
    assert all(Path(found).is_relative_to(ROOT) for found in answer["found"].values())
    assert answer["importable"] == []
