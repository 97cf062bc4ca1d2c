"""https: certificates and names are checked."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cpescript.cwmp.http import HttpRequest
from cpescript.transport.options import WireOptions
from tests.transport.scripted_wire import OK, Talk, World, request

POST = HttpRequest((), b"<a/>")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost that nobody trusts, with its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    file = tmp_path / "server.pem"
    command = (
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {file} -out {tmp_path}/crt"
    )
    command += " -addext subjectAltName=DNS:localhost"
    subprocess.run(command.split(), check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "crt").read_text())
    return file


def _serve(world: World, certificate: Path) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader) is not None:
            writer.write(OK)

    return int(world.serve(handler, ssl=context).rpartition(":")[2].removesuffix("/acs"))


def test_a_trusted_server(make_world: Callable[..., World], certificate: Path) -> None:
    world = make_world(options=WireOptions(tls_ca=certificate))
    talk = Talk(f"https://localhost:{_serve(world, certificate)}/", POST, POST)
    world.run(talk)
    assert talk.log == [(200, b"ok"), (200, b"ok"), "over"]
    assert world.accepted == 1


def test_a_server_that_nobody_vouches_for(make_world: Callable[..., World], certificate: Path) -> None:
    world = make_world()
    talk = Talk(f"https://localhost:{_serve(world, certificate)}/")
    world.run(talk)
    assert talk.log == ["tls"]


def test_a_server_by_another_name(make_world: Callable[..., World], certificate: Path) -> None:
    world = make_world(options=WireOptions(tls_ca=certificate))
    talk = Talk(f"https://127.0.0.1:{_serve(world, certificate)}/")
    world.run(talk)
    assert talk.log == ["tls"]
