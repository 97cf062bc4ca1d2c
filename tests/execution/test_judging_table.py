"""Every kind of claim with every quantifier and clause: each cell is judged as worked out by hand, or refused.

Three devices; from second 6 on, when the claim opens:

=========  ==================  ================================
device     Downloads at        online, and its version is 2
=========  ==================  ================================
fleet[1]   10, 20              from 5 on
fleet[2]   10                  from 5 to 30
fleet[3]   none                never
=========  ==================  ================================
"""

import textwrap

import pytest

from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load

VERSION = "Device.DeviceInfo.SoftwareVersion"
VALUE = f'{VERSION} == "2"'

ENOUGH = {
    "on each fleet": lambda met: met == 3,
    "on any fleet": lambda met: met >= 1,
    "on at least 2 of fleet": lambda met: met >= 2,
    "on at least 50% of fleet": lambda met: met >= 2,
    "on at most 1 of fleet": lambda met: met <= 1,
    "on exactly 1 of fleet": lambda met: met == 1,
}
INORDER = ":\n    Download\n    Download"

# claim, clause: which devices meet it, and whether they do together (None: refused).
ONE_BY_ONE = {
    ("Download", "within 1m"): ((1, 1, 0), True),
    ("at least 2 Download", "within 1m"): ((1, 0, 0), True),
    ("at least 4 Download", "within 1m"): ((0, 0, 0), False),
    ("exactly 1 Download", "within 1m"): ((0, 1, 0), False),
    ("exactly 3 Download", "within 1m"): ((0, 0, 0), True),
    ("at most 1 Download", "within 1m"): ((0, 1, 1), False),
    ("at least 2 Download", ""): ((0, 0, 0), False),
    ("at most 1 Download", ""): ((1, 1, 1), True),
    ("exactly 0 Download", ""): ((1, 1, 1), True),
    ("no Download", "for 1m"): ((0, 0, 1), False),
    ("no Download", "for 3s"): ((1, 1, 1), True),
    (VALUE, ""): ((1, 1, 0), None),
    (VALUE, "within 1m"): ((1, 1, 0), None),
    (VALUE, "for 1m"): ((1, 0, 0), None),
    ("online", ""): ((1, 1, 0), None),
    ("online", "within 1m"): ((1, 1, 0), None),
    ("online", "for 1m"): ((1, 0, 0), None),
    ("not online", "within 1m"): ((0, 1, 1), None),
    ("count(Download) >= 2", ""): ((0, 0, 0), False),
    ("count(Download) >= 2", "within 1m"): ((1, 0, 0), True),
    ("count(Download) < 2", "for 1m"): ((0, 1, 1), False),
    ("in order", "within 1m"): ((1, 0, 0), True),
    ("in any order", "within 1m"): ((1, 0, 0), True),
    ("one of", "within 1m"): ((1, 1, 0), True),
}
# A state or value `for` a time: how many at each instant decides where the quantifier has an upper bound.
AT_EACH_INSTANT = {
    ("online", "on at most 1 of fleet"): False,
    ("online", "on exactly 1 of fleet"): False,
    (VALUE, "on at most 1 of fleet"): False,
    (VALUE, "on exactly 1 of fleet"): False,
    ("count(Download) < 2", "on at most 1 of fleet"): False,
    ("count(Download) < 2", "on exactly 1 of fleet"): False,
}


def written(word, claim, who, clause=""):
    """Spell a statement: states have their devices before them, blocks their lines below."""
    if claim in ("online", "not online") and who.startswith("on "):
        return f"{word} {who.removeprefix('on ')} {claim} {clause}".rstrip()
    text = f"{word} {claim} {who} {clause}".rstrip()
    return text + INORDER if claim in ("in order", "in any order", "one of") else text


def played(play, statement, after=""):
    world = play(f"spawn 3 of hg100 as fleet\nwait 6s\n{statement}\n{after}\n")
    for second, device in ((10, 1), (10, 2), (20, 1)):
        world.at(second, device, "Download")
    for device in (1, 2, 3):
        world.value(0, device, VERSION, "1")
    for device in (1, 2):
        world.state(5, device, "online").value(5, device, VERSION, "2")
    world.state(30, 2, "online", on=False).value(30, 2, VERSION, "1")
    return world


def refused(tmp_path, statement):
    """Return the codes of what is wrong with a statement."""
    path = tmp_path / "case.cpes"
    path.write_text(textwrap.dedent(f"spawn 3 of hg100 as fleet\nwait 6s\n{statement}\nwait 1m\n"))
    program, bag = load(path, standard_catalogue())
    if program is not None and not bag.failed:
        _, bag = program.cases()
    return {item.code for item in bag if item.severity == "error"}


@pytest.mark.parametrize("who", ENOUGH)
@pytest.mark.parametrize(("claim", "clause"), ONE_BY_ONE)
def test_claims_of_devices_one_by_one(play, claim, clause, who):
    met, _ = ONE_BY_ONE[claim, clause]
    expected = ENOUGH[who](sum(met))
    if clause == "for 1m":
        expected = AT_EACH_INSTANT.get((claim, who), expected)
    assert played(play, written("check", claim, who, clause)).run()[0] == ("passed" if expected else "failed")


@pytest.mark.parametrize(("claim", "clause"), ONE_BY_ONE)
def test_claims_of_devices_together(play, tmp_path, claim, clause):
    _, expected = ONE_BY_ONE[claim, clause]
    statement = written("check", claim, "across fleet", clause)
    if expected is None:
        assert refused(tmp_path, statement)
    else:
        assert played(play, statement).run()[0] == ("passed" if expected else "failed")


# mode, claim, devices: whether the rule is kept.
INVARIANTS = {
    ("never", "Download", "on fleet"): False,
    ("never", "Download", "on fleet[3]"): True,
    ("never", "Download", "on at least 2 of fleet"): False,
    ("never", "Download", "on at least 3 of fleet"): True,
    ("never", "Download", "across fleet"): False,
    ("never", "Reboot", "on fleet"): True,
    ("sometimes", "Download", "on fleet"): True,
    ("sometimes", "Download", "on fleet[3]"): False,
    ("sometimes", "Download", "on at least 2 of fleet"): True,
    ("sometimes", "Download", "on each fleet"): False,
    ("sometimes", "Download", "across fleet"): True,
    ("always", "at most 2 Download", "on each fleet"): True,
    ("always", "at most 1 Download", "on each fleet"): False,
    ("always", "at most 1 Download", "on at least 2 of fleet"): True,
    ("always", "at most 2 Download", "across fleet"): False,
    ("always", "at most 3 Download", "across fleet"): True,
    ("never", "at least 2 Download", "on fleet"): False,
    ("never", "at least 2 Download", "on at least 2 of fleet"): True,
    ("sometimes", "exactly 2 Download", "on any fleet"): True,
    ("always", "online", "on each fleet"): False,
    ("always", "online", "on each fleet[1]"): True,
    ("always", "online", "on any fleet"): True,
    ("always", "online", "on at least 2 of fleet"): False,
    ("always", "online", "on at most 2 of fleet"): True,
    ("always", "online", "on exactly 2 of fleet"): False,
    ("never", "online", "on any fleet"): False,
    ("never", "online", "on any fleet[3]"): True,
    ("never", "online", "on each fleet"): True,
    ("never", "online", "on exactly 1 of fleet"): False,
    ("never", "online", "on at least 3 of fleet"): True,
    ("sometimes", "online", "on exactly 1 of fleet"): True,
    ("sometimes", "online", "on each fleet"): False,
    ("always", VALUE, "on each fleet[1]"): True,
    ("always", VALUE, "on each fleet"): False,
    ("never", VALUE, "on fleet[3]"): True,
    ("never", VALUE, "on fleet"): False,
    ("sometimes", VALUE, "on at least 2 of fleet"): True,
    ("always", VALUE, "on each fleet where online"): True,
    ("always", VALUE, "on each fleet except fleet[2..3]"): True,
    ("always", "count(Download) <= 2", "on each fleet"): True,
    ("always", "count(Download) <= 2", "across fleet"): False,
    ("always", "count(Download) <= 2", "across fleet[2..3]"): True,
    ("never", "count(Download) == 2", "on at least 2 of fleet"): True,
    ("always", "elapsed < 30s", ""): False,
    ("always", "elapsed < 3m", ""): True,
}


@pytest.mark.parametrize(("mode", "claim", "who"), INVARIANTS)
def test_invariants(play, mode, claim, who):
    world = played(play, written(mode, claim, who), "wait 1m")
    assert world.run()[0] == ("passed" if INVARIANTS[mode, claim, who] else "failed")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("expect Download on fleet", "no-deadline"),
        ("expect Download on fleet for 1m", "wrong-clause"),
        ("expect no Download on fleet", "no-length"),
        ("expect no Download on fleet within 1m", "no-length"),
        ("expect at most 2 Download on fleet for 1m", "wrong-clause"),
        ("expect in order on fleet for 1m:\n    Download", "wrong-clause"),
        ("expect in order on fleet within 1m:\n    Download\n    no Reboot", "no-event"),
        ("expect in any order on fleet within 1m:\n    exactly 2 Download", "no-event"),
        ("always Download on fleet", "no-event"),
        ("always no Download on fleet", "no-event"),
        ("never Download on each fleet", "quantifier"),
        (f"always {VALUE} across fleet", "across"),
        (f"expect in order across fleet within 1m:\n    Download\n    {VALUE}", "across"),
        ("expect Download on fleet within 1m unless no Reboot", "no-event"),
    ],
)
def test_what_has_no_meaning_is_refused(tmp_path, statement, code):
    assert refused(tmp_path, statement) == {code}


UNLESS = {
    "Reboot": "passed",
    "Download": "failed",
    "count(Download) >= 1": "failed",
    "Reboot on fleet[3]": "passed",
    "Download on fleet[2]": "failed",
    f'{VERSION} == "3"': "passed",
}


@pytest.mark.parametrize("second", UNLESS)
def test_unless(play, second):
    statement = f"check at least 2 Download on fleet[1] within 1m unless {second}"
    assert played(play, statement).run()[0] == UNLESS[second]


UNTIL = {
    "Download": "passed",
    "Reboot": "failed",
    f'{VERSION} == "2"': "passed",
    "elapsed > 8s": "passed",
    "elapsed > 15s": "failed",
    "Download on fleet[2]": "passed",
    "Download on fleet[3]": "failed",
}


@pytest.mark.parametrize("end", UNTIL)
def test_until(play, end):
    # Its second Download comes at 20: the rule has to be over by then.
    world = played(play, f"never count(Download) >= {1 if 'elapsed' in end else 2} on fleet[1] until {end}", "wait 1m")
    assert world.run()[0] == UNTIL[end]
