"""A hostile caller of a fleet's connection-request port, as a program: `flooder.py PORT`, until its input ends.

Each line of its input is one that it has listened in on, `PATH<tab>AUTHORIZATION`: it plays those again, and uses them
on other paths. It says a word once it has had an answer of each kind, and writes one JSON object at its end: how many
connections it made, and each answer that it got, with nonces blotted out, by the kind of its question.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from itertools import count

CROWD = 48
"""Callers at once of each kind that asks; each begins anew as soon as it is done."""
HOLDERS = 400
"""Connections that are held, by whoever says nothing or never comes to an end: more than there is room for."""
NONCE = re.compile(rb'nonce="[^"]*"')
WRONG = 'Digest username="{}", realm="HG100", nonce="{}", uri="{}", response="{}", qop=auth, nc=00000001, cnonce="x"'


class Flooder:
    def __init__(self, port: int) -> None:
        self.port = port
        self.made = 0
        self.answers: dict[str, set[str]] = {}
        self.heard: list[tuple[str, str]] = []
        self.numbers = count()

    def asks(self, kind: str) -> bytes:
        """Return what a caller of a kind says; nothing where it has nothing to say yet."""
        number = next(self.numbers)
        path, proof = self.heard[number % len(self.heard)] if self.heard else ("", "")
        other = self.heard[(number + 1) % len(self.heard)][0] if self.heard else ""
        nonce = proof.partition('nonce="')[2].partition('"')[0]
        host = "Host: x\r\n"
        match kind:
            case "guesses a path":
                return f"GET /{number % 400}-{number:016x} HTTP/1.1\r\n{host}\r\n".encode()
            case "asks for the root":
                return f"GET / HTTP/1.1\r\n{host}\r\n".encode()
            case "sends a giant header":
                return f"GET / HTTP/1.1\r\n{host}X: {'y' * 100_000}\r\n\r\n".encode()
            case "speaks no HTTP":
                return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20
            case _ if not path:
                return b""
            case "asks without a proof":
                return f"GET {path} HTTP/1.1\r\n{host}\r\n".encode()
            case "knows the name":
                name = proof.partition('username="')[2].partition('"')[0]
                wrong = WRONG.format(name, nonce, path, "0" * 32)
                return f"GET {path} HTTP/1.1\r\n{host}Authorization: {wrong}\r\n\r\n".encode()
            case "knows nothing":
                wrong = WRONG.format("nobody", nonce, path, "0" * 32)
                return f"GET {path} HTTP/1.1\r\n{host}Authorization: {wrong}\r\n\r\n".encode()
            case "replays a proof":
                return f"GET {path} HTTP/1.1\r\n{host}Authorization: {proof}\r\n\r\n".encode()
            case "uses a proof elsewhere":
                return (
                    f"GET {other} HTTP/1.1\r\n{host}Authorization: {proof}\r\n\r\n".encode() if other != path else b""
                )
            case _:
                return f"GET {path} HTTP/1.1\r\n{host}Authorization: Basic !!!{'=' * 2000}\r\n\r\n".encode()

    async def ask(self, kind: str) -> None:
        while True:
            said = self.asks(kind)
            if not said:
                await asyncio.sleep(0.02)
                continue
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            self.made += 1
            try:
                writer.write(said)
                answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                continue
            finally:
                writer.transport.abort()
            before = len(self.answers)
            self.answers.setdefault(kind, set()).add(NONCE.sub(b'nonce=""', answer).decode("latin-1"))
            if before < len(self.answers) == len(KINDS):
                print("content", flush=True)

    async def hold(self, number: int) -> None:
        """Take a place: say nothing, or an octet of a head now and then."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.made += 1
                while not reader.at_eof() and not writer.is_closing():
                    if number % 2:
                        writer.write(b"G")
                    await asyncio.sleep(0.05)
                writer.transport.abort()
            except OSError:
                pass
            await asyncio.sleep(0.05)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self.tasks = [asyncio.create_task(self.ask(kind)) for kind in KINDS for _ in range(CROWD // len(KINDS))]
        self.tasks += [asyncio.create_task(self.hold(number)) for number in range(HOLDERS)]
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            path, _, proof = line.rstrip("\n").partition("\t")
            self.heard.append((path, proof))
        answers = {kind: sorted(told) for kind, told in self.answers.items()}
        print(json.dumps({"made": self.made, "answers": answers}), flush=True)
        # At once, however many are still at it.
        os._exit(0)


KINDS = (
    "guesses a path",
    "asks for the root",
    "sends a giant header",
    "speaks no HTTP",
    "asks without a proof",
    "knows the name",
    "knows nothing",
    "replays a proof",
    "uses a proof elsewhere",
    "shows a broken proof",
)

if __name__ == "__main__":
    asyncio.run(Flooder(int(sys.argv[1])).run())
