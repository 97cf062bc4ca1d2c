"""A scenario's own mistakes that only show while it runs: an error with its place, never a bug of ours."""

import pytest

TRICKY = {
    "repeat every": ("let t = 1s\nrepeat every t - 1s for 1m:\n    reboot cpe", 3, "turns that follow each other"),
    "repeat every less": ("let t = 1s\nrepeat every t - 5s for 1m:\n    reboot cpe", 3, "cannot be less than nothing"),
    "repeat": ("let n = 1\nrepeat n - 2:\n    reboot cpe", 3, "the number of turns cannot be less than nothing: -1"),
    "repeat text": ("repeat odd.text:\n    reboot cpe", 2, 'is a whole number, and this is the text "x"'),
    "repeat part": ("repeat odd.half:\n    reboot cpe", 2, "this is a decimal number, 0.5"),
    "spawn": ("spawn odd.text of hg100 as other", 2, "how many devices is a whole number"),
    "spawn less": ("let n = 1 - 3\nspawn n of hg100 as other", 3, "how many devices cannot be less"),
    "wait": ("wait odd.text", 2, "what follows 'wait' is a duration"),
    "wait less": ("let t = 1s\nwait t - 5s", 3, "cannot be less than nothing: -4s"),
    "at": ("let t = 1s\nat +(t - 5s):\n    reboot cpe\nwait 1m", 3, "cannot be less than nothing"),
    "for": ("for d in odd.text:\n    note d", 2, "'for' goes through devices or a list"),
    "for number": ("for d in odd.half:\n    note d", 2, "'for' goes through devices or a list"),
    "over": ("let t = 1s\nreboot cpe over t - 9s", 3, "cannot be less than nothing"),
    "within": ("let t = 1s\nexpect Download on cpe within t - 9s", 3, "cannot be less than nothing"),
    "slice": ("let n = len(odd.text) + 1\nreboot cpe[n]", 3, "there are 1 devices, counted from 1"),
    "handler where": (
        "on every Download of cpe where 1 / odd.zero > 1:\n    reboot device\nwait 1m", 2, "division by zero"),
    "answer where": (
        "on every Download where 1 / odd.zero > 1 of cpe:\n    answer nothing\nwait 1m", 2, "division by zero"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRICKY)
def test_a_mistake_is_an_error_with_its_place(play, name):
    text, line, message = TRICKY[name]
    source = 'scenario "s":\n    let odd = {text: "x", half: 0.5, zero: 0}\n    spawn 1 of hg100 as cpe\n    note odd\n'
    world = play(source + "\n".join(f"    {each}" for each in text.splitlines()) + "\n    check cpe online\n")
    world.executor.start()
    world.kernel.run(until=10**9)
    if world.boxes:
        world.at(5, 1, "Download").at(6, 1, "Download")
    for ask in getattr(world, "asked", {}).get(1, ()):
        assert list(ask(1, None)) == []
    world.kernel.run()
    (problem,) = world.executor.problems
    assert problem.whose == "scenario"
    assert problem.message.startswith(message) or message in problem.message
    assert problem.span.line == line + 3


def test_the_window_of_a_rate_may_be_a_name(play):
    text = """
        spawn 1 of hg100 as cpe
        let window = 10s
        wait 30s
        check rate(Download) <= {} per window across cpe
        """
    for most, verdict in ((2, "passed"), (1, "failed")):
        world = play(text.format(most)).at(5, 1, "Download").at(21, 1, "Download").at(25, 1, "Download")
        assert world.run()[0] == verdict
