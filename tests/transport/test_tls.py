"""https: certificates and names are checked, devices show their own, and a failure says why."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cpescript.cwmp.fetch import Fetch, Fetched
from cpescript.cwmp.http import HttpRequest
from cpescript.kernel.queue import Owner
from cpescript.transport import authority
from cpescript.transport.options import WireOptions
from cpescript.transport.tls import Contexts, TlsProblem, Who, server_context, words
from tests.transport.scripted_wire import OK, Talk, World, request

POST = HttpRequest((), b"<a/>")
Make = Callable[..., World]


class Cpe(Owner):
    """An owner with an identity, as devices have."""

    def __init__(self, serial: str) -> None:
        super().__init__(1)
        self.device_id = ("Acme", "00D0AA", "HG100", serial)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    authority.new(folder)
    return folder


@pytest.fixture(scope="module")
def certificate(lab: Path) -> Path:
    return authority.server(lab, ["localhost"])


def serve(world: World, context: ssl.SSLContext, shown: list[Any] | None = None) -> str:
    """Serve https; note what certificate each client shows. Returns the URL."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if shown is not None:
            shown.append(writer.get_extra_info("peercert"))
        while await request(reader) is not None:
            writer.write(OK)

    return world.serve(handler, ssl=context).replace("http://127.0.0.1", "https://localhost")


@contextlib.contextmanager
def server_with_alerts(context: ssl.SSLContext) -> Iterator[str]:
    """Serve https on a thread: what fails in a handshake is told to the peer, which asyncio's servers do not do."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as secure:
            secure.recv(65536)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}/"
    finally:
        thread.join(60)
        listener.close()


def talk(world: World, url: str, serial: str = "HG1") -> Talk:
    found = Talk(url, POST, POST)
    found.device = Cpe(serial)
    world.run(found)
    return found


def test_a_trusted_server(make_world: Make, lab: Path, certificate: Path) -> None:
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem"))
    assert talk(world, serve(world, server_context(certificate))).log == [(200, b"ok"), (200, b"ok"), "over"]
    assert world.accepted == 1


def test_a_server_that_nobody_vouches_for(make_world: Make, certificate: Path) -> None:
    world = make_world()
    found = talk(world, serve(world, server_context(certificate)))
    assert (found.log, found.reason) == (["tls"], "certificate of an unknown CA")


def test_a_server_by_another_name(make_world: Make, lab: Path, certificate: Path) -> None:
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem"))
    found = talk(world, serve(world, server_context(certificate)).replace("localhost", "127.0.0.1"))
    assert (found.log, found.reason) == (["tls"], "host name mismatch")


def test_a_certificate_that_has_expired(make_world: Make, lab: Path, tmp_path: Path) -> None:
    for file in ("ca.pem", "ca.key"):
        (tmp_path / file).write_bytes((lab / file).read_bytes())
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem"))
    found = talk(world, serve(world, server_context(authority.server(tmp_path, ["localhost"], days=-1))))
    assert (found.log, found.reason) == (["tls"], "certificate has expired")


def test_insecure_means_neither_name_nor_signer(make_world: Make, certificate: Path) -> None:
    world = make_world(options=WireOptions(tls_insecure=True))
    assert talk(world, serve(world, server_context(certificate)).replace("localhost", "127.0.0.1")).log[-1] == "over"


def test_a_server_of_an_old_version(make_world: Make, lab: Path, certificate: Path) -> None:
    context = server_context(certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem", tls_least="1.3"))
    with server_with_alerts(context) as url:
        found = talk(world, url)
    assert found.log == ["tls"]
    assert found.reason.startswith("no protocol version in common")


def server_hello(version: int, random: bytes, cipher: bytes) -> bytes:
    """Return a ServerHello that settles on a version, as whoever sits between would forge it (RFC 5246, 7.4.1.3)."""
    hello = version.to_bytes(2, "big") + random + b"\0" + cipher + b"\0"
    handshake = b"\x02" + len(hello).to_bytes(3, "big") + hello
    return b"\x16" + version.to_bytes(2, "big") + len(handshake).to_bytes(2, "big") + handshake


@pytest.mark.parametrize(
    ("version", "random", "why"),
    [
        (0x0300, bytes(32), "no protocol version in common"),
        (0x0301, bytes(32), "no protocol version in common"),
        (0x0302, bytes(32), "no protocol version in common"),
        (0x0303, bytes(24) + b"DOWNGRD\x01", "a downgrade to an older TLS"),
    ],
    ids=["SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2 for one who speaks 1.3"],
)
def test_tls_is_not_downgraded(make_world: Make, version: int, random: bytes, why: str) -> None:
    world = make_world()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(server_hello(version, random, b"\xc0\x2f"))
        await reader.read()

    found = talk(world, world.serve(handler).replace("http:", "https:"))
    assert found.log == ["tls"]
    assert found.reason.startswith(why)


def test_a_server_that_does_not_speak_tls(make_world: Make) -> None:
    world = make_world()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    found = talk(world, world.serve(handler).replace("http:", "https:"))
    assert (found.log, found.reason) == (["tls"], "the ACS does not speak TLS")


def test_each_device_shows_its_own_certificate(make_world: Make, lab: Path, certificate: Path) -> None:
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem", tls_client_certs=lab))
    shown: list[Any] = []
    url = serve(world, server_context(certificate, client_ca=lab / "ca.pem"), shown)
    for serial in ("HG1", "HG2"):
        assert talk(world, url, serial).log[-1] == "over"
    assert [each["subject"][0][0] for each in shown] == [("commonName", "HG1"), ("commonName", "HG2")]
    assert (lab / "HG1.pem").stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_device_without_a_certificate_is_refused(
    make_world: Make, lab: Path, certificate: Path, version: ssl.TLSVersion
) -> None:
    context = server_context(certificate, client_ca=lab / "ca.pem")
    context.maximum_version = version
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem"))
    with server_with_alerts(context) as url:
        found = talk(world, url)
    assert found.log == ["tls"]
    assert "client certificate" in found.reason
    # A server that says nothing leaves a guess.
    silent = talk(world, serve(world, context))
    assert silent.log[0] in ("cut", "tls")
    assert version is ssl.TLSVersion.TLSv1_2 or "client certificate" in silent.reason


def test_a_certificate_that_is_none_is_that_devices_failure(
    make_world: Make, lab: Path, certificate: Path, tmp_path: Path
) -> None:
    (tmp_path / "HG1.pem").write_text("nothing")
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem", tls_client_certs=tmp_path))
    url = serve(world, server_context(certificate))
    found = talk(world, url)
    assert found.log == ["tls"]
    assert "HG1.pem" in found.reason
    assert talk(world, url, "HG2").log[-1] == "over"


def test_files_go_by_the_same_rules(make_world: Make, lab: Path, certificate: Path) -> None:
    came: list[Fetched] = []
    for options in (WireOptions(), WireOptions(tls_ca=lab / "ca.pem")):
        world = make_world(options=options)
        url = serve(world, server_context(certificate))
        world.kernel.at(0, Cpe("HG1"), lambda _, w=world, u=url: w.wire.fetch(Cpe("HG1"), Fetch("GET", u), came.append), None)  # fmt: skip  # noqa: E501
        world.wire.drive(world.kernel)
    assert [each.failure for each in came] == ["tls", ""]


def test_a_file_does_not_move_from_https_to_http(make_world: Make, lab: Path, certificate: Path) -> None:
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem"))
    plain = world.answering(OK)

    async def down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {plain}\r\nContent-Length: 0\r\n\r\n".encode())

    url = world.serve(down, ssl=server_context(certificate)).replace("http://127.0.0.1", "https://localhost")
    came: list[Fetched] = []
    world.kernel.at(0, Cpe("HG1"), lambda _: world.wire.fetch(Cpe("HG1"), Fetch("GET", url), came.append), None)
    world.wire.drive(world.kernel)
    assert came == [Fetched("http", reason="a redirect from https")]


@pytest.mark.parametrize(
    ("trusted", "host", "why"),
    [(False, "localhost", "certificate of an unknown CA"), (True, "127.0.0.1", "host name mismatch")],
)
def test_a_file_that_tls_keeps_back_says_why(
    trusted: bool, host: str, why: str, make_world: Make, lab: Path, certificate: Path
) -> None:
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem" if trusted else None))
    url = serve(world, server_context(certificate)).replace("localhost", host)
    came: list[Fetched] = []
    world.kernel.at(0, Cpe("HG1"), lambda _: world.wire.fetch(Cpe("HG1"), Fetch("GET", url), came.append), None)
    world.wire.drive(world.kernel)
    assert came[0].why == f"tls: {why}"


def test_a_file_server_that_does_not_speak_tls(make_world: Make) -> None:
    world = make_world()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    url = world.serve(handler).replace("http:", "https:")
    came: list[Fetched] = []
    world.kernel.at(0, Cpe("HG1"), lambda _: world.wire.fetch(Cpe("HG1"), Fetch("GET", url), came.append), None)
    world.wire.drive(world.kernel)
    assert came[0].why == "tls: the ACS does not speak TLS"


def test_a_certificate_that_a_scenario_names_goes_before_the_folders(
    make_world: Make, lab: Path, certificate: Path, tmp_path: Path
) -> None:
    world = make_world(options=WireOptions(tls_ca=lab / "ca.pem", tls_client_certs=lab))
    world.wire.reach.tls.show(1, authority.client(lab, "other"))
    with pytest.raises(TlsProblem, match=r"gone\.pem"):
        world.wire.reach.tls.show(1, tmp_path / "gone.pem")
    shown: list[Any] = []
    context = server_context(certificate, client_ca=lab / "ca.pem")
    assert talk(world, serve(world, context, shown)).log[-1] == "over"
    assert "other" in str(shown[0]["subject"])


def test_contexts_are_bounded_and_names_of_files_are_serial_numbers(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpescript.transport.tls.CONTEXTS_KEPT", 4)
    folder = tmp_path / "certificates"
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "x.pem").write_bytes(authority.client(lab, "x").read_bytes())
    contexts = Contexts(WireOptions(tls_ca=lab / "ca.pem", tls_client_certs=folder))
    common = contexts.of(Who("nobody"))
    assert contexts.of(Who("x")) is contexts.of(Who("x")) is not common
    assert contexts.of(Who("../x")) is contexts.of(Who("..")) is contexts.of(Who("")) is common
    for number in range(9):
        (folder / f"{number}.pem").symlink_to(folder / "x.pem")
        contexts.of(Who(str(number)))
    assert len(contexts._own) == 4


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (WireOptions(tls_ca=Path(__file__)), "has no certificates to trust"),
        (WireOptions(tls_ca=Path("/nowhere.pem")), "has no certificates to trust"),
        (WireOptions(tls_client_certs=Path("/nowhere")), "is no folder"),
    ],
)
def test_options_that_cannot_be_used_are_refused_at_once(options: WireOptions, why: str) -> None:
    with pytest.raises(TlsProblem, match=why):
        Contexts(options)


@pytest.mark.parametrize(("name", "why"), [("a/b", "no name"), ("ca", "no name"), ("x" * 70, "no name")])
def test_names_that_are_none(lab: Path, name: str, why: str) -> None:
    with pytest.raises(TlsProblem, match=why):
        authority.client(lab, name)


def test_a_ca_is_made_once(lab: Path, tmp_path: Path) -> None:
    with pytest.raises(TlsProblem, match="already"):
        authority.new(lab)
    with pytest.raises(TlsProblem, match="no test CA"):
        authority.client(tmp_path, "x")


def test_what_nobody_has_a_word_for_is_told_as_it_is() -> None:
    assert words(ssl.SSLError(1, "[SSL] library (_ssl.c:1006)")).startswith("library")
