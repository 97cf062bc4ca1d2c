"""`request.…` of a response: in `where`, in what `as` keeps, in a handler."""


def said(play, text):
    world = play(text)
    world.at(1, 1, "Download", url="a").at(2, 1, "DownloadResponse", status=1)
    world.at(3, 1, "Download", url="b").at(4, 1, "DownloadResponse", status=0)
    return world


def test_a_response_is_asked_for_its_request(play):
    text = (
        'spawn 1 of hg100 as cpe\nexpect DownloadResponse where request.url == "{}" and status == 0 on cpe within 1m\n'
    )
    assert said(play, text.format("b")).run() == ("passed", "")
    assert said(play, text.format("a")).run()[0] == "failed"


def test_what_is_kept_knows_its_request(play):
    world = said(
        play,
        """
        spawn 1 of hg100 as cpe
        expect DownloadResponse where status == 0 on cpe within 1m as answer
        note "{answer.request.url} {answer.status}"
        """,
    )
    assert world.run()[0] == "passed"
    assert [text for _, text in world.executor.notes] == ["b 0"]


def test_counts_invariants_and_handlers_ask_for_requests(play):
    world = said(
        play,
        """
        spawn 1 of hg100 as cpe
        on every DownloadResponse where request.url == "b" of cpe:
            note "{message.status}"
        check at most 0 DownloadResponse where request.url == "b" on cpe within 1m
        check count(DownloadResponse where request.url == "b") == 1 on cpe
        """,
    )
    assert world.run()[0] == "failed"
    assert world.claims[4].misses[0].actual == "1 came (at 00:00:04)"
    assert world.claims[5].verdict == "met"
    assert [text for _, text in world.executor.notes] == ["0"]
    world = said(play, 'spawn 1 of hg100 as cpe\nnever DownloadResponse where request.url == "b" on cpe\nwait 1m\n')
    assert world.run()[0] == "failed"


def test_a_request_of_another_session_is_not_its_own(play):
    world = play('spawn 1 of hg100 as cpe\nexpect DownloadResponse where request.url == "b" on cpe within 1m\n')
    world.at(4, 1, "DownloadResponse", status=0)
    assert world.run()[0] == "failed"
