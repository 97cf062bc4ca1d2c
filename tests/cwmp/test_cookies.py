"""Cookies: where they go, how long they live, and how many an ACS can make a device keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp.cookies import LONGEST, MOST, Cookies
from cpescript.kernel.time import SECOND

URL = "http://acs.lab.example:7547/cwmp/in"
DATE = "Sun, 01 Mar 2026 10:00:00 GMT"


def sent(text: str, url: str, set_at: str = URL, now: int = 0, date: str | None = None) -> str:
    cookies = Cookies()
    cookies.take(text, set_at, 0, date)
    return cookies.header(url, now)


@pytest.mark.parametrize(
    ("attributes", "url", "goes"),
    [
        ("", URL, True),
        ("", "http://acs.lab.example/cwmp/other", True),
        ("", "http://acs.lab.example/", False),
        ("", "http://acs.lab.example/cwmpx", False),
        ("", "http://other.lab.example/cwmp/in", False),
        ("", "http://sub.acs.lab.example/cwmp/in", False),
        ("; Path=/", "http://acs.lab.example/", True),
        ("; path=/files/", "http://acs.lab.example/files/x", True),
        ("; path=/files/", "http://acs.lab.example/files", False),
        ("; Path=odd", URL, True),
        ("; Domain=lab.example", "http://files.lab.example/cwmp/x", True),
        ("; Domain=.lab.example", URL, True),
        ("; Domain=acs.lab.example", "http://sub.acs.lab.example/cwmp/x", False),
        ("; Domain=example", URL, False),
        ("; Domain=other.example", URL, False),
        ("; Secure", URL, False),
        ("; HttpOnly; SameSite=Lax", URL, True),
    ],
)
def test_where_a_cookie_goes(attributes: str, url: str, goes: bool) -> None:
    assert sent(f"s=1{attributes}", url) == ("s=1" if goes else "")


def test_a_secure_cookie_goes_over_tls_only() -> None:
    there = URL.replace("http:", "https:")
    assert sent("s=1; Secure", there, set_at=there) == "s=1"
    assert sent("s=1; Secure", URL, set_at=there) == ""
    assert sent("s=1; Secure", there, set_at=URL) == "", "who speaks plainly cannot set one"


def test_a_part_of_an_address_is_no_domain() -> None:
    url = "http://192.0.2.7/cwmp/in"
    assert sent("s=1; Domain=2.7", url, set_at=url) == ""
    assert sent("s=1; Domain=192.0.2.7", url, set_at=url) == "s=1"


@pytest.mark.parametrize(
    ("attributes", "date", "lives"),
    [
        ("Max-Age=10", None, 10),
        ("Max-Age=0", None, 0),
        ("Max-Age=-1", None, 0),
        ("Max-Age=x", None, None),
        ("Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None, 10),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", None, 0),
        ("Expires=Sun, 01 Mar 2026 10:00:30 GMT", DATE, 30),
        ("Expires=Sun, 01 Mar 2026 09:00:00 GMT", DATE, 0),
        ("Expires=Sun, 01 Mar 2026 10:00:30 GMT", None, None),
        ("Expires=soon", DATE, None),
        ("Expires=Sun, 01 Mar 2026 10:00:30 GMT", "today", None),
    ],
)
def test_how_long_a_cookie_lives(attributes: str, date: str | None, lives: int | None) -> None:
    text = f"s=1; {attributes}"
    if lives != 0:
        assert sent(text, URL, now=(lives or 1000) * SECOND - 1, date=date) == "s=1"
    if lives is not None:
        assert sent(text, URL, now=lives * SECOND, date=date) == ""


def test_the_longer_path_goes_first_and_a_name_is_replaced_where_it_was_set() -> None:
    cookies = Cookies()
    for text in ("a=1; Path=/", "b=2; Path=/cwmp", "a=3; Path=/", "c=4; Path=/"):
        cookies.take(text, URL, 0)
    assert cookies.header(URL, 0) == "b=2; a=3; c=4"
    cookies.take("a=; Path=/; Max-Age=0", URL, 0)
    assert cookies.header(URL, 0) == "b=2; c=4"


def test_a_cookie_that_is_too_long_is_not_kept() -> None:
    cookies = Cookies()
    cookies.take(f"s={'x' * (LONGEST - 1)}", URL, 0)
    assert len(cookies) == 0
    cookies.take(f"s={'x' * (LONGEST - 2)}", URL, 0)
    assert len(cookies) == 1


def test_a_flood_is_bounded() -> None:
    cookies = Cookies()
    for number in range(1000):
        cookies.take(f"s{number}={'x' * 4000}", URL, 0)
    assert len(cookies) == MOST
    assert len(cookies.header(URL, 0)) < MOST * LONGEST
    assert "s999=" in cookies.header(URL, 0)


@given(st.text(max_size=60), st.text(max_size=30))
def test_nothing_that_an_acs_sets_raises(text: str, date: str) -> None:
    cookies = Cookies()
    cookies.take(text, URL, 0, date)
    cookies.take(f"a=b; Expires={text}; Max-Age={date}", URL, 0, date)
    assert isinstance(cookies.header(URL, 0), str)
