"""Each statement in each kind of block: it does there what it does at the top of a scenario."""

import pytest

# What goes before it, the block's head and its depth; the statement is put below. All begin it at 0:10.
PLACES = {
    "scenario": "wait 10s\n{}",
    "if": "wait 10s\nif true:\n{}",
    "else": 'wait 10s\nif false:\n    fail "no"\nelse:\n{}',
    "repeat": "wait 10s\nrepeat 1:\n{}",
    "repeat every": "wait 10s\nrepeat every 1h for 1h:\n{}",
    "for": "wait 10s\nfor turn in [1]:\n{}",
    "for each": "wait 10s\nfor each d in fleet[1]:\n{}",
    "parallel": "wait 10s\nparallel:\n    if true:\n{}\n    wait 1s\n",
    "background": 'wait 10s\nbackground "beside":\n{}\nwait 20m\n',
    "at": "at +10s:\n{}\nwait 20m\n",
    "on every": "on every ScheduleInform of fleet[1]:\n{}\nwait 20m\n",
    "define": "wait 10s\ndo it(fleet)\n",
    "define finally": "wait 10s\ndo it(fleet)\n",
    "finally": "wait 10s\nfinally:\n{}",
}
DEPTHS = {"parallel": 2}
DEFINES = {
    "define": "define it(fleet):\n{}\n",
    "define finally": 'define it(fleet):\n    note "body"\n    finally:\n{}\n',
}
UNSUITABLE = {
    # A cohort is made once, where its name is known to all.
    "spawn": {"repeat", "repeat every", "for", "for each", "on every", "define", "define finally"},
    "spawn with": {"repeat", "repeat every", "for", "for each", "on every", "define", "define finally"},
}


def scenario(place, statement):
    def at(depth, text):
        return "\n".join("    " * depth + line for line in text.splitlines())

    define = DEFINES.get(place, "")
    depth = {"define": 1, "define finally": 2}.get(place, DEPTHS.get(place, 0 if place == "scenario" else 1))
    body = (define or PLACES[place]).format(at(depth, statement))
    if define:
        head, body = body, PLACES[place]
    else:
        head = ""
    setup = 'spawn 2 of hg100 as fleet\nbackground "news":\n    check InformResponse on each fleet within 2s\n'
    return f'{head}scenario "s":\n{at(1, setup)}\n{at(1, body)}\n'


def note(text):
    return lambda world: [words for _, words in world.executor.notes if words != "body"] == [text]


def logged(*entries):
    return lambda world: world.log == list(entries)


def ordered(*entries):
    return lambda world: [(t, verb, device) for t, verb, device, _ in world.orders] == list(entries)


def claimed(verdict, at):
    def look(world):
        results = [each for each in world.judge.claims if each.closed != 1_000_000_000]
        return [(each.verdict, each.closed // 10**9) for each in results] == [(verdict, at)]

    return look


STATEMENTS = {
    "spawn": ("spawn 1 of hg100 as late", lambda world: list(world.cohorts["late"]) == [3]),
    "spawn with": (
        'spawn 2 of hg100 as late with:\n    label k = "{device.index}"',
        lambda world: [box.labels for box in world.boxes[2:]] == [{"k": "1"}, {"k": "2"}],
    ),
    "act": ("reboot fleet", logged((10, "reboot", 1), (10, "reboot", 2))),
    "act on one": ("power-cycle fleet[2] for 2m", logged((10, "power-cycle", 2))),
    "act over": ("reboot fleet[2] over 1ms\nwait 1s", logged((10, "reboot", 2))),
    "set": ("set Device.ManagementServer.PeriodicInformInterval = 300 on fleet[1]", logged((10, "set", 1))),
    "inject": ("inject quirk cr-ignored on fleet[1] for 10m", logged((10, "inject-quirk", 1))),
    "stimulus": ("acs reboot fleet[2]", ordered((10, "reboot", 2))),
    "call": ('acs call nightly(a: 1) as r\nnote "{r.status}"', note("200")),
    "call on one": ('acs call nightly(a: 1) on fleet[1] as r\nnote "{r.status}"', note("200")),
    "expect": ("expect Download on fleet[1] within 1m", claimed("met", 15)),
    "expect all": ("expect each fleet online", claimed("met", 10)),
    "expect for": ("expect no Upload on fleet for 30s", claimed("met", 40)),
    "expect count": ("expect exactly 1 Download on fleet[1] within 30s", claimed("met", 40)),
    "expect unless": ("expect Download on fleet[1] within 1m unless Upload", claimed("met", 15)),
    "expect order": (
        'expect in order on fleet[1] within 1m:\n    Download as dl\n    Reboot\nnote "{dl.url}"',
        lambda world: note("u")(world) and claimed("met", 20)(world),
    ),
    "check": ("check Download on fleet[1] within 1m", claimed("met", 15)),
    "as": (
        'expect Download on fleet[1] within 1m as dl\nexpect Reboot on fleet[1] within 30s since dl\nnote "{dl.url}"',
        note("u"),
    ),
    "figure": ("expect elapsed < 1h", claimed("met", 10)),
    "always": ("always fleet[1] online\nwait 5s", claimed("met", 15)),
    "never": ("never Upload on fleet\nwait 5s", claimed("met", 15)),
    "sometimes": ("sometimes Download on fleet\nwait 10s", claimed("met", 20)),
    "never until": ("never Upload on fleet until fleet[1] online\nwait 5s", claimed("vacuous", 10)),
    "handler": ("on first Download of fleet:\n    reboot device\nwait 10s", logged((15, "reboot", 1))),
    "wait": ("wait 5s\nreboot fleet[1]", logged((15, "reboot", 1))),
    "wait until": ("wait until 00:01\nreboot fleet[1]", logged((60, "reboot", 1))),
    "precondition": ("wait until fleet[1] online within 1m\nreboot fleet[1]", logged((10, "reboot", 1))),
    "let": ("let one = fleet[1]\nreboot one", logged((10, "reboot", 1))),
    "let draw": ('let one = 1 of fleet\nnote "{count(one)}"', note("1")),
    "note": ('note "x{1 + 1}"', note("x2")),
    "repeat": ("repeat 2:\n    reboot fleet[1]\n    wait 1s", logged((10, "reboot", 1), (11, "reboot", 1))),
    "repeat every": (
        "repeat every 10s for 20s:\n    reboot fleet[1]\n    wait 1s",
        logged((10, "reboot", 1), (20, "reboot", 1)),
    ),
    "for": ("for x in fleet:\n    reboot x\n    wait 1s", logged((10, "reboot", 1), (11, "reboot", 2))),
    "for each": ("for each x in fleet:\n    wait 1s\n    reboot x", logged((11, "reboot", 1), (11, "reboot", 2))),
    "parallel": (
        "parallel:\n    reboot fleet[1]\n    wait 5s\nreboot fleet[2]",
        logged((10, "reboot", 1), (15, "reboot", 2)),
    ),
    "if": ("if 1 > 2:\n    reboot fleet[1]\nelse if 2 > 1:\n    reboot fleet[2]", logged((10, "reboot", 2))),
    "background": ('background "b":\n    wait 1s\n    reboot fleet[1]\nwait 5s', logged((11, "reboot", 1))),
    "at": ("at +2s:\n    reboot fleet[1]\nwait 5s", logged((12, "reboot", 1))),
    "at time": ("at 00:01:\n    reboot fleet[1]\nwait 55s", logged((60, "reboot", 1))),
    "do": ("do restart(fleet[1])", logged((10, "reboot", 1), (12, "factory-reset", 1))),
}
LIBRARY = """define restart(devices):
    reboot devices
    wait 2s
    finally:
        factory-reset devices
"""


def world_of(play, place, name):
    statement, _ = STATEMENTS[name]
    text = scenario(place, statement)
    world = play((LIBRARY if "do restart" in statement else "") + text)
    for device in (1, 2):
        world.state(0, device, "online").at(1, device, "InformResponse")
    world.at(10, 1, "ScheduleInform").at(15, 1, "Download", url="u").at(20, 1, "Reboot")
    return world


@pytest.mark.parametrize(
    ("place", "name"),
    [(place, name) for place in PLACES for name in STATEMENTS if place not in UNSUITABLE.get(name, ())],
)
def test_each_statement_does_the_same_in_each_block(play, place, name):
    world = world_of(play, place, name)
    verdict = world.run()
    assert verdict == ("passed", ""), (verdict, world.problems)
    assert STATEMENTS[name][1](world), (world.log, world.orders, world.executor.notes, world.judge.claims)
