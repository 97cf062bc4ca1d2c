"""Files that are really carried: what a device makes of what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp import files, image
from cpescript.cwmp.fetch import Fetch, Fetched, declared
from tests.cwmp.test_windows import completed
from tests.cwmp.world import INFO, SSID, World, download

CONFIG = "3 Vendor Configuration File"
LOG = "2 Vendor Log File"


def carrying(answer: Fetched | Callable[[Fetch], Fetched], **transfer: Any) -> tuple[World, list[Fetch]]:
    """Return a world whose devices fetch, get that answer, and what they asked for."""
    world = World(extension={"transfer": {"fetch": True, **transfer}})
    asked: list[Fetch] = []

    def fetch(device: Any, what: Fetch, done: Callable[[Fetched], None]) -> None:
        asked.append(what)
        done(answer(what) if callable(answer) else answer)

    world.fetch = fetch  # type: ignore[attr-defined]
    world.device()
    return world, asked


def fetched(head: bytes, size: int | None = None) -> Fetched:
    return Fetched("", 200, len(head) if size is None else size, "abc", head)


def version(world: World) -> str:
    return world.devices[-1].get(f"{INFO}SoftwareVersion")


IMAGE = image.header("4.5.6") + b"rest"


def test_the_version_is_the_images(world: World) -> None:
    world, asked = carrying(fetched(IMAGE))
    world.ask(download(username="u", password="p", file_size=len(IMAGE)))
    world.run(100)
    assert (completed(world), version(world)) == ([(35, 0)], "4.5.6")
    assert asked == [Fetch("GET", "http://files.example/hg100-2.0.0.bin", "u", "p", None, len(IMAGE))]


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\0\1 cpe-labs-firmware-version: 7.0 \xff", "7.0"),
        (b"nothing of the kind", "hg100-2.0.0"),
        (b"", "hg100-2.0.0"),
        (image.MAGIC + b"product-class: HG100\nversion: 9\n\nversion: 8", "9"),
    ],
)
def test_other_ways_to_tell_a_version(head: bytes, found: str) -> None:
    world, _ = carrying(fetched(head))
    world.ask(download())
    world.run(100)
    assert version(world) == found


def test_the_profile_has_a_rule_for_urls() -> None:
    world, _ = carrying(fetched(b"x"), version_pattern=r"hg100-(\d+\.\d+)")
    world.ask(download())
    world.run(100)
    assert version(world) == "2.0"


@pytest.mark.parametrize(
    ("answer", "fields", "code"),
    [
        (Fetched("refused"), {}, 9015),
        (Fetched("timeout"), {}, 9015),
        (Fetched("tls"), {}, 9015),
        (Fetched("timeout", 200), {}, 9017),
        (Fetched("cut"), {}, 9017),
        (Fetched("cut", 200, 5), {}, 9017),
        (Fetched("too-large", 200), {}, 9017),
        (Fetched("", 401), {}, 9012),
        (Fetched("", 403), {}, 9016),
        (Fetched("", 404), {}, 9016),
        (Fetched("", 500), {}, 9010),
        (fetched(IMAGE), {"file_size": 5}, 9018),
        (fetched(IMAGE), {"url": "http://files.example/a.bin?sha256=00"}, 9018),
        (fetched(image.MAGIC + b"version: 2\nproduct-class: Other\n\n"), {}, 9018),
        (fetched(image.MAGIC + b"version: 2\nsize: 1000\n\n"), {}, 9018),
        (fetched(b"\xff\xfe"), {"file_type": CONFIG}, 9018),
        (fetched(b"no setting"), {"file_type": CONFIG}, 9018),
        (fetched(b"x=y", 1 << 20), {"file_type": CONFIG}, 9018),
        (fetched(f"{SSID}=new\nDevice.Nope=1".encode()), {"file_type": CONFIG}, 9018),
    ],
)
def test_what_goes_wrong_is_told_and_changes_nothing(answer: Fetched, fields: dict[str, Any], code: int) -> None:
    world, _ = carrying(answer)
    world.ask(download(**fields))
    world.run(100)
    assert [fault for _, fault in completed(world)] == [code]
    assert version(world) == "1.0.0"
    assert world.devices[-1].get(SSID) == "home"


def test_the_fault_says_why() -> None:
    world, _ = carrying(Fetched("tls", reason="certificate has expired"))
    world.ask(download())
    world.run(100)
    (text,) = [each.message.fields["fault_string"] for each in world.records if each.kind == "TransferComplete"]
    assert text.endswith(": tls: certificate has expired")


def test_the_right_checksum_is_taken() -> None:
    world, _ = carrying(fetched(IMAGE))
    world.ask(download("http://files.example/a.bin?sha256=ABC"))
    world.run(100)
    assert completed(world) == [(35, 0)]


def test_only_http_is_carried() -> None:
    world, asked = carrying(fetched(IMAGE))
    assert world.ask(download("ftp://files.example/a.bin"))[0].fields["fault_code"] == 9013
    assert asked == []


def test_a_configuration_goes_up_and_comes_down() -> None:
    kept: list[bytes] = []

    def server(fetch: Fetch) -> Fetched:
        if fetch.method == "PUT":
            kept.append(fetch.body or b"")
            return Fetched("", 201)
        return fetched(kept[0])

    world, _ = carrying(server)
    device = world.devices[-1]
    # Python knows more ends of a line than this file has.
    device.write(SSID, "a=b\\n\nc\u2028d\x85e", "device")
    upload = {**download().fields, "file_type": CONFIG, "url": "http://files.example/cfg"}
    world.ask(type(download())("Upload", upload))
    world.run(10)
    assert b"Password=\n" in kept[0]
    assert b"secret" not in kept[0]
    device.write(SSID, "other", "device")
    world.ask(download(file_type=CONFIG))
    world.run(10)
    assert device.get(SSID) == "a=b\\n\nc\u2028d\x85e"
    assert device.get("Device.ManagementServer.Password") == "secret"
    assert [code for _, code in completed(world)] == [0, 0]


def test_a_configuration_may_have_remarks_and_any_ends_of_lines() -> None:
    agent = World().device()
    assert files.applied(agent, f"# ours\r\n\r\n \n{SSID}=mine\r\n".encode()) == ""
    assert agent.device.get(SSID) == "mine"
    assert files.applied(agent, f"{SSID}=yours\n\nDevice.Nope=1\n".encode()).startswith("line 3 ")
    assert files.applied(agent, b"\xff") == "the configuration is not UTF-8"
    assert agent.device.get(SSID) == "mine"


def test_an_upload_that_fails() -> None:
    world, asked = carrying(Fetched("", 507))
    world.ask(type(download())("Upload", {**download().fields, "file_type": LOG}))
    world.run(10)
    assert asked[0].body is not None
    assert b"boot" in asked[0].body
    assert [code for _, code in completed(world)] == [9011]


def test_an_answer_that_comes_after_a_reboot_is_nobodys() -> None:
    later: list[Callable[[Fetched], None]] = []
    world = World(extension={"transfer": {"fetch": True}})
    world.fetch = lambda device, what, done: later.append(done)  # type: ignore[attr-defined]
    agent = world.device()
    world.ask(download())
    world.run(6)
    agent.power_cycle(1)
    world.run(5)
    later[0](fetched(IMAGE))
    world.run(60)
    assert [code for _, code in completed(world)] == [9010]
    assert version(world) == "1.0.0"


def test_the_declared_images_are_a_file_server() -> None:
    known = {"2.0.0": 1000}
    got = declared(Fetch("GET", "http://files.example/hg100-2.0.0.bin"), known)
    assert (got.ok, got.size, image.version_in(got.head)) == (True, 1000, "2.0.0")
    assert got.sha256 == __import__("hashlib").sha256(image.filler("2.0.0", 1000)).hexdigest()
    assert declared(Fetch("GET", "http://files.example/hg100-3.0.0.bin"), known).status == 404
    assert declared(Fetch("GET", "http://files.example/hg100-3.0.0.bin"), {}).ok
    assert declared(Fetch("PUT", "http://files.example/x", body=b"abc"), known).size == 3


@given(st.text(st.characters(codec="utf-8")))
def test_any_value_survives_a_configuration(value: str) -> None:
    assert files._plain(files._escaped(value)) == value
    assert "\n" not in files._escaped(value)
