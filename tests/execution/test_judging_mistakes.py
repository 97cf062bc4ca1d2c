"""Mistakes that show only while a scenario runs are the scenario's error, in its own words."""

import pytest


@pytest.mark.parametrize(("expression", "message"), [
    ("p95(nothing)", "p95([]) has no value: there is nothing in it"),
    ("max(nothing)", "max([]) has no value: there is nothing in it"),
    ("pick(nothing)", "pick([]) has no value: nothing to pick from"),
    ("-word", '"x" has no negative'),
    ("random(word, 1)", 'random("x", 1) has no value: "x" is no number'),
    ("word % 2", "'%' does not go with \"x\" and 2"),
    ('word matches "{open}"', "not a regular expression: missing ): ("),
    ("count(fleet[1..len(word) + 8])", "there are 3 devices, counted from 1"),
])  # fmt: skip
def test_an_expression_without_a_value(play, expression, message):
    world = play(f"""
        spawn 3 of hg100 as fleet
        let nothing = [] if elapsed >= 0s else [1]
        let word = "x" if elapsed >= 0s else 5
        let open = "("
        let result = {expression}
        note "{{result}}"
        check each fleet online
        """)
    assert world.run() == ("error", message)
    assert [problem.whose for problem in world.problems] == ["scenario"]


def test_fewer_devices_than_none_cannot_be_drawn(play):
    world = play("spawn 3 of hg100 as fleet\nlet n = 0 - 1\nreboot n of fleet\ncheck each fleet online\n")
    assert world.run() == ("error", "how many to draw cannot be less than nothing: -1")
    assert world.log == []


def test_what_lies_between_is_drawn_once(play):
    world = play('spawn 1 of hg100 as cpe\nlet x = random(1, 6) between 1 and 6\nnote "{x}"\ncheck cpe online\n')
    world.state(0, 1, "online").run()
    assert world._draws == 1
    assert [text for _, text in world.executor.notes] == ["true"]
