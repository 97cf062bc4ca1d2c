"""`cpescript acs serve`: the ACS on real sockets of this machine, and its north side driven by the adapter."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cpescript.acs.build import build_from_json
from cpescript.acs.orders import DeviceKey, Order
from cpescript.acs.policy import load_policy
from cpescript.acs.server import Acs
from cpescript.adapters.base import AdapterError, Setup
from cpescript.adapters.cpescript import Cpescript, RemoteAcs
from cpescript.cwmp import image
from cpescript.cwmp.codec import decode, encode
from cpescript.cwmp.digest import digest_challenge, parse_authorization, verify
from cpescript.kernel.time import SECOND
from cpescript.transport.acs_service import AcsService, serve
from tests.acs.cpe import Cpe

ROOT = Path(__file__).parents[2]
KEY = DeviceKey("00D0AA", "HG100", "HG000001")


class Served:
    """A service with a client for each side."""

    def __init__(self, service: AcsService, port: int, north: int, client: aiohttp.ClientSession) -> None:
        self.service = service
        self.south = f"http://127.0.0.1:{port}/acs"
        self.north = f"http://127.0.0.1:{north}"
        self.client = client
        self.remote = RemoteAcs(self.north)

    async def post(self, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
        async with self.client.post(self.south, data=io.BytesIO(body), headers=headers) as response:
            return response.status, dict(response.headers), await response.read()

    async def session(self, *events: str, url: str = "") -> list[str]:
        """A device comes; returns the kinds of what it was asked (each answered by its empty response)."""
        cpe = Cpe(Acs())
        cpe.url = url
        _, headers, body = await self.post(encode(cpe.inform_message(*events)))
        assert decode(body).kind == "InformResponse"
        cookie = headers["Set-Cookie"].partition(";")[0]
        asked = []
        status, _, body = await self.post(b"", Cookie=cookie)
        while status == 200:
            request = decode(body)
            asked.append(request.kind)
            answer = cpe.answers[request.kind](request)
            assert isinstance(answer, dict)
            reply = type(request)(f"{request.kind}Response", answer, request.id, request.version)
            status, _, body = await self.post(encode(reply), Cookie=cookie)
        assert status == 204
        return asked


@asynccontextmanager
async def served(acs: Acs | None = None, defects: Sequence[str] = ()) -> AsyncIterator[Served]:
    async with AsyncExitStack() as stack:
        service = AcsService(acs or Acs(), defects)
        port, north = await service.start("127.0.0.1", 0, 0, stack)
        client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        there = Served(service, port, north, client)
        stack.push_async_callback(there.remote.close)
        yield there


@asynccontextmanager
async def device_that_answers(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[str]:
    """A connection-request port; gives its URL."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/1-k3y?a=1"
    finally:
        await runner.cleanup()


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_session_on_real_http() -> None:
    async def story() -> None:
        async with served() as there:
            assert await there.session("2 PERIODIC") == []
            assert await there.session("0 BOOTSTRAP", "1 BOOT") == ["SetParameterValues"]
            status, _, body = await there.post(b"junk")
            assert (status, body) == (400, b"")
            async with there.client.get(there.south) as response:
                assert (response.status, response.headers["Allow"]) == (405, "POST")

    run(story)


def test_the_last_answer_is_an_empty_204_without_content_type() -> None:
    async def story() -> None:
        async with served() as there:
            _, headers, _ = await there.post(encode(Cpe(Acs()).inform_message("2 PERIODIC")))
            assert headers["Content-Type"] == 'text/xml; charset="utf-8"'
            status, last, body = await there.post(b"", Cookie=headers["Set-Cookie"].partition(";")[0])
            assert (status, body) == (204, b"")
            assert "Content-Type" not in last

    run(story)


def test_images_of_declared_firmware_are_served() -> None:
    async def story() -> None:
        async with served(Acs(firmware={"2.1": 200_000, "tiny": 1})) as there:
            base = there.service.acs.file_base_url
            assert base == there.south.removesuffix("acs") + "files/"
            async with there.client.get(f"{base}2.1.bin") as response:
                assert await response.read() == image.filler("2.1", 200_000)
            async with there.client.head(f"{base}2.1.bin") as response:
                assert (response.status, response.headers["Content-Length"]) == (200, "200000")
            async with there.client.get(f"{base}tiny.bin") as response:
                assert await response.read() == image.header("tiny")
            for name in ("3.0.bin", "..%2Fetc%2Fpasswd", ""):
                async with there.client.get(f"{base}{name}") as response:
                    assert response.status in (404, 405)

    run(story)


def test_gzip_and_its_bombs() -> None:
    async def story() -> None:
        async with served() as there:
            packed = gzip.compress(encode(Cpe(Acs()).inform_message("2 PERIODIC")))
            status, _, body = await there.post(packed, **{"Content-Encoding": "gzip"})
            assert (status, decode(body).kind) == (200, "InformResponse")
            bomb = gzip.compress(bytes(50_000_000))
            assert (await there.post(bomb, **{"Content-Encoding": "gzip"}))[0] == 413
            assert (await there.post(bytes(9_000_000)))[0] == 413
            assert (await there.post(packed, **{"Content-Encoding": "br"}))[0] == 415

    run(story)


def test_a_harness_drives_it_through_the_adapter() -> None:
    async def story() -> None:
        async with served() as there:
            remote = there.remote
            await remote.reset(Setup(defects=("wrong-interval",), firmware={"2.1.0": 9}, seed=42))
            assert there.service.driven
            assert await there.session("1 BOOT") == []
            unknown = DeviceKey("00D0AA", "HG100", "nobody")
            results = await remote.orders([Order("reboot", KEY), Order("reboot", unknown), Order("dance", KEY)])
            assert [result.accepted for result in results] == [True, False, False]
            assert results[1].reason.startswith("the ACS knows no device")
            assert await there.session("2 PERIODIC") == ["Reboot"]
            assert await remote.advance(5 * SECOND) is None
            (device,) = await remote.devices()
            assert device["device"] == list(KEY)

    run(story)


def test_the_clock_is_the_harnesss_and_never_goes_back() -> None:
    async def story() -> None:
        async with served() as there:
            with pytest.raises(AdapterError, match="the wall's until a /reset"):
                await there.remote.advance(1)
            await there.remote.reset(Setup())
            await there.session("1 BOOT", url="http://127.0.0.1:9/nobody-listens")
            await there.remote.orders([Order("reboot", KEY)])
            assert await there.remote.advance(0) == 30 * SECOND
            assert await there.remote.advance(30 * SECOND) == 60 * SECOND
            with pytest.raises(AdapterError, match="not before 30000000000"):
                await there.remote.advance(29 * SECOND)

    run(story)


def test_connection_requests_are_made_with_a_proof_before_the_order_is_answered() -> None:
    async def story() -> None:
        heard: list[tuple[str, str, bool]] = []
        async with served() as there:

            def answer(request: web.Request) -> web.Response:
                proof = parse_authorization(request.headers.get("Authorization", ""))
                if proof is None:
                    challenge = digest_challenge("hg100", "n0nce")
                    return web.Response(status=401, headers={"WWW-Authenticate": challenge})
                secret = there.service.acs.decisions.secret(KEY)
                heard.append(
                    (request.method, request.raw_path, verify(proof, "00D0AA-HG000001", secret, "GET", "hg100"))
                )
                assert proof.fields is not None
                assert proof.fields["uri"] == request.raw_path
                return web.Response()

            async with device_that_answers(answer) as url:
                await there.remote.reset(Setup(seed=1))
                await there.session("1 BOOT", url=url)
                await there.remote.orders([Order("connect", KEY)])
                assert heard == [("GET", "/1-k3y?a=1", True)]

    run(story)


@pytest.mark.parametrize(
    ("status", "retried"), [(200, True), (204, True), (401, False), (403, True), (503, True), (302, True)]
)
def test_how_a_call_ends_decides_whether_there_is_another(status: int, retried: bool) -> None:
    async def story() -> None:
        paths = []

        def answer(request: web.Request) -> web.Response:
            paths.append(request.path)
            return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

        async with served() as there, device_that_answers(answer) as url:
            await there.remote.reset(Setup())
            await there.session("1 BOOT", url=url)
            await there.remote.orders([Order("reboot", KEY)])
            assert await there.remote.advance(0) == (30 * SECOND if retried else None)
            assert paths == ["/1-k3y"]

    run(story)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "http://[", "ftp://127.0.0.1:{}/"])
def test_only_http_is_asked(url: str) -> None:
    async def story() -> None:
        reached = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reached.append(url)
            writer.close()

        async with served() as there, await asyncio.start_server(note, "127.0.0.1", 0) as server:
            await there.remote.reset(Setup())
            await there.session("1 BOOT", url=url.format(server.sockets[0].getsockname()[1]))
            await there.remote.orders([Order("connect", KEY)])
            assert await there.remote.advance(0) == 30 * SECOND
            assert not reached

    run(story)


def test_by_the_wall_clock_until_it_is_reset() -> None:
    async def story() -> None:
        async with served() as there:
            async with there.client.get(f"{there.north}/health") as response:
                before = await response.json()
            assert (before["driven"], before["policy"], before["defects"]) == (False, "default", [])
            await asyncio.sleep(0.02)
            async with there.client.get(f"{there.north}/health") as response:
                assert (await response.json())["now"] > before["now"]
            await there.remote.reset(Setup(defects=("wrong-id",)))
            async with there.client.get(f"{there.north}/health") as response:
                after = await response.json()
            assert (after["driven"], after["now"], after["defects"]) == (True, 0, ["wrong-id"])

    run(story)


def test_what_it_was_served_with_outlives_a_reset() -> None:
    """Who serves a wrong ACS is not to see a run pass because it began by mending it."""

    async def story() -> None:
        rules = load_policy(ROOT / "scenarios" / "rollout.yaml")[0]
        assert rules is not None
        wrong = ["forgets-bootstrap"]
        async with served(Acs(rules, defects=wrong), wrong) as there:
            await there.remote.reset(Setup(defects=("wrong-interval", *wrong)))
            assert there.remote.defects == ("forgets-bootstrap", "wrong-interval")
            assert await there.session("0 BOOTSTRAP", "1 BOOT") == []
            assert there.service.acs.policy is rules
            await there.remote.reset(Setup(policy_text="rules: []", policy_name="none"))
            assert there.remote.defects == ("forgets-bootstrap",)
            assert there.service.acs.policy.name == "none"
            await there.remote.reset(Setup())
            assert there.service.acs.policy is rules
            assert await there.session("0 BOOTSTRAP", "1 BOOT") == []

    run(story)


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/reset", {}, "a set-up is"),
        ("/reset", {**Setup().as_json(), "policy": "rulez: []"}, "did you mean 'rules'"),
        ("/reset", {**Setup().as_json(), "defects": ["x"]}, "no defect is called 'x'"),
        ("/reset", {**Setup().as_json(), "firmware": {"a": "b"}}, "a set-up is"),
        ("/orders", {}, "orders are a list"),
        ("/orders", {"orders": [1]}, "an order is"),
        ("/clock", {"now": "x"}, "until a /reset"),
        ("/clock", [], "a JSON object is expected"),
    ],
)
def test_calls_that_are_no_good(path: str, body: Any, reason: str) -> None:
    async def story() -> None:
        async with served() as there, there.client.post(there.north + path, json=body) as response:
            assert response.status == 400
            assert reason in (await response.json())["error"]

    run(story)


def test_only_json_is_taken_so_that_no_web_page_can_post() -> None:
    async def story() -> None:
        async with served() as there:
            async with there.client.post(f"{there.north}/clock", data=b"{}") as response:
                assert response.status == 415
            headers = {"Content-Type": "application/json"}
            for junk in (b"", b"{", b"[" * 100_000, b"\xff"):
                async with there.client.post(f"{there.north}/clock", data=junk, headers=headers) as response:
                    assert response.status == 400

    run(story)


class TestTheAdapterAlone:
    def test_a_north_side_that_is_not_there(self) -> None:
        async def story() -> None:
            remote = RemoteAcs("http://127.0.0.1:9")
            with pytest.raises(AdapterError, match=r"http://127.0.0.1:9/reset: "):
                await remote.reset(Setup())
            await remote.close()

        run(story)

    @pytest.mark.parametrize(
        ("status", "text", "reason"),
        [(200, "no json", "is this the north side?"), (200, "{}", "but not as many results"),
         (500, "", "HTTP status 500"), (200, '{"results": [{}]}', "without accepted, reason and data")],
    )  # fmt: skip
    def test_something_else_listens_there(self, status: int, text: str, reason: str) -> None:
        async def story() -> None:
            async with device_that_answers(lambda request: web.Response(status=status, text=text)) as url:
                remote = RemoteAcs(url.rpartition("/")[0])
                with pytest.raises(AdapterError, match=reason.replace("?", r"\?")):
                    await remote.orders([Order("reboot", KEY)])
                await remote.close()

        run(story)

    def test_no_url(self) -> None:
        with pytest.raises(AdapterError, match="not an HTTP URL: localhost"):
            RemoteAcs("localhost")

    def test_it_prepares_submits_and_closes_by_the_wires_loop(self) -> None:
        ran: list[str] = []

        def note(job: Any, *rest: Any) -> None:
            ran.append(job.__name__)
            job.close()

        adapter = Cpescript("http://127.0.0.1:9", note, note)
        adapter.prepare(Setup())
        adapter.submit([Order("reboot", KEY)], lambda results: None)
        adapter.close()
        assert ran == ["reset", "orders", "close"]

    def test_a_set_up_there_and_back(self) -> None:
        acs = build_from_json(Setup("rules: []", "x/y.yaml", ("no-retry",), {"1": 2}, seed=3).as_json())
        assert (acs.policy.name, acs.policy.rules, acs.firmware) == ("y", (), {"1": 2})


def test_serve_says_what_is_wrong_before_it_listens(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("rulez: []")
    with pytest.raises(ValueError, match="did you mean 'rules'"):
        serve(0, 0, path)
    with pytest.raises(ValueError, match="no defect is called"):
        serve(0, 0, None, ["nothing"])


def test_serve_announces_its_ports_and_ends_on_a_signal() -> None:
    said: list[str] = []

    def announce(text: str) -> None:
        said.append(text)
        os.kill(os.getpid(), signal.SIGTERM)

    serve(0, 0, announce=announce)
    assert said[0].startswith("CWMP at http://127.0.0.1:")
