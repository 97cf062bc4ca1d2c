"""An editor, as far as the server can tell: JSON-RPC over the pipes of `cpescript lsp`."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

LONGEST = 120.0
"""Seconds to wait for an answer: machines are shared."""


class Editor:
    """Starts the server, and speaks with it."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cpescript", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
        )
        self.folder = folder
        self.inbox: queue.Queue[dict[str, Any]] = queue.Queue()
        self.aside: list[dict[str, Any]] = []
        self.count = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = 0
            while header.strip():
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
                header = stream.readline()
            self.inbox.put(json.loads(stream.read(length)))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method: str, params: Any = None) -> None:
        self._send({"method": method, "params": params if params is not None else {}})

    def ask(self, method: str, params: Any = None) -> Any:
        """Return the result of a request; raises AssertionError with the error's text for one."""
        self.count += 1
        self._send({"id": self.count, "method": method, "params": params})
        while True:
            message = self.inbox.get(timeout=LONGEST)
            if message.get("id") == self.count and "method" not in message:
                assert "error" not in message, message["error"]["message"]
                return message.get("result")
            self.aside.append(message)

    def told(self, method: str) -> Any:
        """Return the params of the next notification of a method, one that came in between requests first."""
        while True:
            for index, message in enumerate(self.aside):
                if message.get("method") == method:
                    return self.aside.pop(index)["params"]
            self.aside.append(self.inbox.get(timeout=LONGEST))

    # --- what an editor does --------------------------------------------------------------------------------------

    def begin(self) -> Any:
        capabilities = {
            "general": {"positionEncodings": ["utf-16"]},
            "textDocument": {"rename": {"prepareSupport": True}, "publishDiagnostics": {"versionSupport": True}},
            "workspace": {"workspaceEdit": {"documentChanges": True}},
        }
        result = self.ask(
            "initialize",
            {"processId": None, "rootUri": self.folder.as_uri(), "capabilities": capabilities},
        )
        self.notify("initialized")
        return result

    def open(self, name: str, text: str) -> str:
        uri = (self.folder / name).as_uri()
        (self.folder / name).write_text(text, encoding="utf-8")
        document = {"uri": uri, "languageId": "cpes", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def at(self, uri: str, line: int, character: int, **more: Any) -> dict[str, Any]:
        return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, **more}

    def end(self) -> int:
        self.ask("shutdown")
        self.notify("exit")
        code = self.process.wait(LONGEST)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code
