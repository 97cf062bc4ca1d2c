"""Files over real HTTP: what a device downloads or uploads, streamed, bounded, and told in one `Fetched`.

Rules:

1. Whatever the file server does, `carry` returns: a status with what was read, or the word for what went wrong.
2. Nothing is kept of a file but its first `HEAD` octets, its size and its hash.
3. A redirect leads to http or https only, never from https to http, at most five times; credentials are answers to
   a challenge of whoever challenges, once each.
4. The body is taken as it is sent: no content coding is asked for, none is undone.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from cpescript.cwmp import digest
from cpescript.cwmp.fetch import HEAD, Fetch, Fetched, FetchFailure
from cpescript.kernel import draws
from cpescript.transport.base import Limits
from cpescript.transport.connection import target_of
from cpescript.transport.options import WireOptions
from cpescript.transport.tls import Contexts, TlsProblem, Who, words

if TYPE_CHECKING:
    import ssl

AT_ONCE = 32
"""Files under way at once; the others wait their turn, which no time limit counts."""
GOODBYE = 0.25
"""Real seconds at the end for TLS connections to say goodbye: aiohttp does not wait for that, and uvloop does not close
while one is at it."""
MOST_REDIRECTS = 5
SLACK = 64 * 1024
"""Octets beyond the size that the ACS told, before a file is given up: enough to see that it is another one."""
_CHUNK = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Heard:
    """What has been heard of a file server before time ran out."""

    status: int | None = None


class Fetcher:
    """Carries files for a fleet, with the TLS, the proxy and the source address that its sessions have."""

    def __init__(self, tls: Contexts, options: WireOptions, limits: Limits) -> None:
        self._tls = tls
        self._proxy = options.proxy
        self._source = options.source_addresses[0] if options.source_addresses else None
        self._limits = limits
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._client: aiohttp.ClientSession | None = None
        self._cnonces = 0
        self._secure = False

    async def carry(self, who: Who, fetch: Fetch) -> Fetched:
        """Make the exchange that a device wants."""
        heard = _Heard()
        async with self._turns:
            try:
                async with asyncio.timeout(self._limits.carrying):
                    return await self._carry(who, fetch, heard)
            except aiohttp.ConnectionTimeoutError:
                return Fetched("timeout", reason=f"no connection within {self._limits.connect:g} s")
            except aiohttp.ServerTimeoutError:
                return Fetched("timeout", reason=f"nothing came for {self._limits.response:g} s")
            except TimeoutError:
                return Fetched("timeout", heard.status, reason=f"not done within {self._limits.carrying:g} s")
            except aiohttp.ClientConnectorCertificateError as problem:
                return Fetched("tls", reason=words(problem.certificate_error))
            except aiohttp.ClientConnectorSSLError as problem:
                return Fetched("tls", reason=words(problem.os_error))
            except (aiohttp.ClientSSLError, TlsProblem) as problem:
                return Fetched("tls", reason=words(problem))
            except aiohttp.ClientConnectorError as problem:
                return Fetched("refused", reason=self._nobody(problem))
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientOSError):
                return Fetched("cut", reason="the connection was closed before an answer")
            except aiohttp.ClientHttpProxyError as problem:
                return Fetched("http", reason=f"the proxy answers with status {problem.status}")
            except (aiohttp.ClientError, ValueError):
                return Fetched("http", reason="the answer is no HTTP")

    async def close(self) -> None:
        """Close what connections are open."""
        if self._client is not None:
            await self._client.close()
            if self._secure:
                await asyncio.sleep(GOODBYE)

    def _nobody(self, problem: aiohttp.ClientConnectorError) -> str:
        """Say where nobody took a connection, and why not."""
        host, whom = problem.host, "host"
        if self._proxy is not None:
            host, whom = urlsplit(self._proxy).hostname or host, "proxy"
        if isinstance(problem, aiohttp.ClientConnectorDNSError):
            return f"the name of the {whom} {host} is not known"
        where = f"the {whom} {f'[{host}]' if ':' in host else host}:{problem.port}"
        if isinstance(problem.os_error, ConnectionRefusedError):
            return f"nobody listens at {where}"
        return f"no connection to {where}: {problem.os_error.strerror or problem.os_error}"

    async def _carry(self, who: Who, fetch: Fetch, heard: _Heard) -> Fetched:
        url, authorization, context = fetch.url, "", self._tls.of(who)
        redirects = asked = 0
        while True:
            target = target_of(url)
            if target is None:
                return Fetched("http", reason="no HTTP URL")
            self._secure = self._secure or target.tls
            async with await self._request(url, authorization, context, fetch) as response:
                challenges = response.headers.getall("WWW-Authenticate", [])
                challenge = digest.parse_challenge(challenges) if response.status == 401 and fetch.username else None
                if challenge is not None and (not asked or (challenge.stale and asked == 1)):
                    asked += 1
                    authorization = self._answer(challenge, fetch, url)
                elif response.status in _REDIRECTS and "Location" in response.headers:
                    redirects += 1
                    new = urljoin(url, response.headers["Location"].strip())
                    down = url.startswith("https:") and not new.lower().startswith("https:")
                    if redirects > MOST_REDIRECTS or down:
                        why = "a redirect from https" if down else f"more than {MOST_REDIRECTS} redirects"
                        return Fetched("http", reason=why)
                    url, authorization, asked = new, "", 0
                else:
                    heard.status = response.status
                    return await self._read(response, fetch)

    async def _request(
        self, url: str, authorization: str, context: ssl.SSLContext, fetch: Fetch
    ) -> aiohttp.ClientResponse:
        headers = {"Accept-Encoding": "identity"}
        if authorization:
            headers["Authorization"] = authorization
        if self._client is None:
            source = (self._source, 0) if self._source is not None else None
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, local_addr=source, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._limits.connect, sock_read=self._limits.response
                ),
            )
        return await self._client.request(
            fetch.method,
            URL(url),
            data=fetch.body,
            headers=headers,
            allow_redirects=False,
            ssl=context,
            proxy=self._proxy,
        )

    def _answer(self, challenge: digest.Challenge, fetch: Fetch, url: str) -> str:
        self._cnonces += 1
        cnonce = f"{draws.draw(draws.stream(0, 'fetch:cnonce'), self._cnonces):016x}"
        return digest.authorization(
            challenge,
            fetch.username,
            fetch.password,
            fetch.method,
            URL(url).raw_path_qs,
            1,
            cnonce,
            body=fetch.body or b"",
        )

    async def _read(self, response: aiohttp.ClientResponse, fetch: Fetch) -> Fetched:
        most = fetch.offered_size + SLACK if fetch.offered_size else self._limits.file
        size, head, digester = 0, bytearray(), hashlib.sha256()
        failure: FetchFailure = ""
        try:
            async for chunk in response.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > most:
                    failure = "too-large"
                    break
                digester.update(chunk)
                if len(head) < HEAD:
                    head += chunk[: HEAD - len(head)]
        except (TimeoutError, aiohttp.ServerTimeoutError):
            failure = "timeout"
        except (aiohttp.ClientPayloadError, OSError):
            failure = "cut"
        if failure:
            why = f"more than {most} octets" if failure == "too-large" else f"after {size} octets"
            return Fetched(failure, response.status, reason=why)
        if fetch.method != "GET":
            sent = fetch.body or b""
            return Fetched("", response.status, len(sent), hashlib.sha256(sent).hexdigest())
        return Fetched("", response.status, size, digester.hexdigest(), bytes(head))
