"""The HTML report: one file, no script, well-formed, no stranger's markup, pictures that say what they show."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from lxml import etree

from cpescript.report import html
from tests.report import samples

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(HTMLParser):
    """Checks that every element is closed, in order, and keeps what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return html.render(samples.RUN)


@pytest.fixture(scope="module")
def read(page) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_every_element_is_closed_in_order(read):
    assert read.open == []


def test_it_needs_nothing_else(page, read):
    assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in read.seen}
    assert not any(name.startswith("on") for _, attributes in read.seen for name in attributes)
    assert not re.search(r"@import|url\(", page)
    assert all(attributes.get("href", "#").startswith("#") for _, attributes in read.seen)


def test_a_strangers_markup_stays_text(page, read):
    assert "<script>" not in page
    assert any("<script>alert(1)</script>" in words for words in read.words)


def test_controls_are_shown_not_sent(page):
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", page)
    assert "upload \\x00 &lt;&amp;&gt; \\ud800" in page


def test_ids_are_unique_and_links_lead_somewhere(read):
    ids = [attributes["id"] for _, attributes in read.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {value for _, attributes in read.seen for name, value in attributes.items() if name == "href"}
    named = {attributes["aria-labelledby"] for _, attributes in read.seen if "aria-labelledby" in attributes}
    assert {target.removeprefix("#") for target in targets} | named <= set(ids)


def test_every_picture_is_well_formed_and_described(page):
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 2 + 3 + 1  # two timelines, three ladders, response times
    for picture in pictures:
        root = etree.fromstring(picture)
        assert root.get("role") == "img"
        assert root.get("aria-label")


def test_a_ladder_has_an_arrow_a_message_both_ways(page):
    ladder = etree.fromstring(re.findall(r'<svg class="ladder".*?</svg>', page, re.DOTALL)[0])
    kinds = [group.get("class") for group in ladder.iter("g") if group.get("class", "").startswith("rung")]
    assert kinds == [f"rung {message.direction}" for message in samples.MISSES[0].messages]


def test_verdict_settings_claims_and_rerun_are_there(read):
    words = " ".join(" ".join(read.words).split())
    for expected in (
        "95 of 100 devices met it within 4h",
        "forgets-transfer-complete",
        "TransferCompleteResponse, the second of three in order",
        "4h6m",
        "needs an ACS with TR-143",
        samples.FAILED.rerun,
    ):
        assert expected in words


def test_a_run_of_nothing_is_a_page_too():
    reader = Reader()
    reader.feed(html.render(replace(samples.RUN, scenarios=(), exit_status=5)))
    assert "Nothing was selected" in reader.words
