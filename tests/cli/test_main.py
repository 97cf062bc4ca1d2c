"""The top of the command line: it starts light, its help is complete, and it keeps its promise about our bugs."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from cpescript import __version__, cli
from cpescript.cli import COMMANDS, group
from cpescript.cli.exits import MEANINGS
from cpescript.results import INTERNAL, INTERRUPTED

ROOT = Path(__file__).parents[2]
HEAVY = ("aiohttp", "asyncio", "importlib.metadata", "jinja2", "lark", "lxml", "rich", "uvloop", "yaml")


def commands() -> list[tuple[str, ...]]:
    context = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = group.get_command(context, name)
        found += [(name, below) for below in command.commands] if isinstance(command, click.Group) else [(name,)]
    return found


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_top_imports_nothing_heavy(arguments):
    code = (
        "import sys\nfrom cpescript import cli\n"
        f"try: cli.main({arguments!r})\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_it_says_its_version(cpescript):
    assert cpescript("--version") == (0, f"cpescript {__version__}\n", "")


def test_python_dash_m_is_the_same_command():
    done = subprocess.run([sys.executable, "-m", "cpescript", "--version"], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == f"cpescript {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_their_own_help_says(name):
    own = " ".join((group.get_command(click.Context(group), name).help or "").split())
    assert own.startswith(COMMANDS[name][1])


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_a_page(cpescript, words):
    status, out, err = cpescript(*words, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"Usage: cpescript {' '.join(words)} ")
    assert "Examples:" in out
    assert all(len(line) <= 100 for line in out.splitlines() if "http" not in line)


def test_every_option_of_run_says_what_it_is_for():
    command = group.get_command(click.Context(group), "run")
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert all(option.help and option.group != "Options" for option in options)


def test_the_docs_list_the_exit_statuses_in_the_same_words():
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    for status, meaning in MEANINGS.items():
        assert f"| {status} | {meaning} |" in page


def test_the_docs_list_every_command():
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`cpescript {name}" not in page] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runn"], "no command is called 'runn': did you mean 'run'?"),
        (["zzz"], "no command is called 'zzz': one of run, "),
        (["run"], "Missing argument 'SCENARIO...'"),
        (["run", "x", "--sed", "1"], "No such option '--sed'."),
        (["run", "x", "--window", "3"], "'3' is not a duration: write 250ms, 30s, 5m, 2h or 1h30m"),
        (["run", "x", "--param", "size"], "a param is given as NAME=VALUE"),
        (["run", "x", "--param", "size=4", "--param", "size=5"], "--param size=***: 'size' is given twice"),
        (["run", "x", "--defect", "no-retri"], "no defect is called 'no-retri': did you mean 'no-retry'?"),
        (["run", "x", "--report-json", "-"], "'-' is no file, and standard output has what people read"),
        (["run", "x", "--report-html", "/dev/null/x"], "'/dev/null/x' cannot be written: Not a directory"),
        (["run", "x", "--params", "/nowhere.yaml"], "File '/nowhere.yaml' does not exist."),
        (["run", "x", "--in-flight", "0"], "0 is not in the range x>=1."),
        (["plan", "no_such_thing"], "there is no scenario 'no_such_thing'"),
        (["profile", "show", "hg10"], "there is no profile 'hg10': did you mean 'hg100'?"),
    ],
)
def test_a_wrong_command_line_is_answered_with_what_was_meant(cpescript, arguments, message):
    status, out, err = cpescript(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch):
    """Return a function that makes `cpescript acs defects` raise."""

    def raises(error: BaseException) -> None:
        def catalogue() -> None:
            raise error

        monkeypatch.setattr("cpescript.acs.defects.catalogue", catalogue)

    return raises


def test_an_exception_of_ours_is_printed_as_our_bug(cpescript, broken, monkeypatch):
    broken(KeyError("fleet"))
    monkeypatch.setattr(cli.Drawn, "seed", 42)
    secret = ["--param", "key=hunter22", "--param=pin=4711", "--acs", "http://lab:hunter22@192.0.2.7/", "--param", "z"]
    monkeypatch.setattr(sys, "argv", ["cpescript", "acs", "defects", "a b", *secret])
    status, out, err = cpescript("acs", "defects")
    assert (status, out) == (INTERNAL, "")
    assert "KeyError: 'fleet'" in err
    assert "This is a bug in cpescript" in err
    assert f"version {__version__}, Python 3." in err
    assert "seed 42" in err
    shown = "--param 'key=***' '--param=pin=***' --acs 'http://lab:***@192.0.2.7/' --param z"
    assert f"command cpescript acs defects 'a b' {shown}\n" in err


def test_ctrl_c_between_two_lines_is_no_bug(cpescript, broken):
    broken(KeyboardInterrupt())
    assert cpescript("acs", "defects") == (INTERRUPTED, "", "\ninterrupted\n")


def test_a_reader_that_has_gone_is_no_bug():
    line = f"{sys.executable} -m cpescript profile show hg100 --parameters | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("Device.")
    assert done.stderr == ""
