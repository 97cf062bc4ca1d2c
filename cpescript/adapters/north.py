"""The HTTP client that adapters speak to an ACS's north side with: bounded, timed, and clear about what went wrong.

Redirects are not followed: what is sent may hold credentials. Answers are read to a bound, whatever they claim.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from cpescript.adapters.base import AdapterError

TIMEOUT = 30.0
"""Real seconds for one call. An ACS that waits for the device before it answers is given that much."""
MAX_ANSWER = 64 * 1024 * 1024
"""Octets of an answer: a device document of GenieACS with 5,000 parameters is some 2 MiB, and they come in lists."""
AT_ONCE = 16
"""Calls under way at once: GenieACS turns away more than twenty for each of its workers."""
SHOWN = 300
"""Characters of an answer that a message shows."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `headers` have lower-case names."""

    where: str
    """Method and URL, without query, for messages."""
    status: int
    reason: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "backslashreplace")

    def json(self) -> Any:
        """Return the JSON value. Raises AdapterError for what is none."""
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            raise AdapterError(f"{self.where}: the answer is no JSON: {self.shown}") from None

    def value(self) -> Any:
        """Return the JSON value, the text where it is none, None where it is empty."""
        if not self.raw:
            return None
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            return self.text

    @property
    def shown(self) -> str:
        """The beginning of the answer, in one line."""
        text = " ".join(self.text.split())
        return text[:SHOWN] + ("…" if len(text) > SHOWN else "") if text else "(empty)"


class North:
    """A north side at a base URL. Raises AdapterError wherever it cannot be spoken to."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AdapterError(f"not an HTTP URL: {url}")
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._tls = tls
        self._proxy = proxy
        self._headers = dict(headers or {})
        self._client: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Make one call. `path` begins with a slash and is percent-escaped already; `query` is not. `timeout`, in real
        seconds, is for a call that takes longer than others."""
        if not path.startswith("/"):
            raise AdapterError(f"{self.url}: the path '{path}' does not begin with a slash")
        where = f"{method} {self.url}{path}"
        target = self.url + path
        if query:
            target += ("&" if "?" in path else "?") + urlencode(query)
        client = await self._session()
        seconds = timeout if timeout is not None else self._timeout
        try:
            async with client.request(
                method,
                URL(target, encoded=True),
                headers={**self._headers, **(headers or {})},
                data=body,
                allow_redirects=False,
                ssl=self._tls if self._tls is not None else True,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                raw = await read_bounded(response, where)
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(where, response.status, response.reason or "", found, raw)
        except TimeoutError:
            raise AdapterError(f"{where}: no answer within {seconds:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise AdapterError(f"{where}: {self._nobody(error)}") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise AdapterError(f"{where}: {str(error) or type(error).__name__}") from None

    def _nobody(self, error: aiohttp.ClientConnectorError) -> str:
        """Say where no connection was to be had, and why."""
        host, port = error.host, error.port
        whom = ""
        if self._proxy is not None:
            parts = urlsplit(self._proxy)
            host, port, whom = parts.hostname or host, parts.port or port, "the proxy "
        at = f"{whom}{f'[{host}]' if ':' in host else host}:{port}"
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return f"no connection to {at}: its name is not known"
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return f"no connection to {at}: {error.certificate_error}"
        if isinstance(error.os_error, ConnectionRefusedError):
            return f"no connection to {at}: nobody listens there"
        return f"no connection to {at}: {error.os_error.strerror or error.os_error}"

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _session(self) -> aiohttp.ClientSession:
        """Return the client of the running loop; one that belongs to a loop that is gone is let go."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            await self.close()
            # A session cookie that a login sets belongs to it; unsafe: the north side may be an IP address.
            self._client = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                cookie_jar=aiohttp.CookieJar(unsafe=True),
                headers={"Accept-Encoding": "identity"},
            )
            self._loop = loop
        return self._client


async def read_bounded(response: aiohttp.ClientResponse, where: str, most: int = MAX_ANSWER) -> bytes:
    """Return the whole body. Raises AdapterError for one that is longer than `most` octets."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > most:
            raise AdapterError(f"{where}: the answer is longer than {most} octets")
        parts.append(part)
    return b"".join(parts)


async def each(
    items: Sequence[_Item], do: Callable[[_Item], Awaitable[_Result]], at_once: int = AT_ONCE
) -> list[_Result]:
    """Do something for each item, so many at once, begun in their order; return the results in their order."""
    results: list[Any] = [None] * len(items)
    left = iter(range(len(items)))

    async def work() -> None:
        for place in left:
            results[place] = await do(items[place])

    workers = [asyncio.ensure_future(work()) for _ in range(min(at_once, len(items)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return results
