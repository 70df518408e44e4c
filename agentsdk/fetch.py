"""Fetches a page of the public network, and of nothing else: a model must not reach what only this machine can.

A name is resolved once, every address it has is checked, and the connection goes to an address that was checked:
a name that changes its address in between (DNS rebinding) gains nothing. Redirects are followed by hand, each
checked in the same way. Proxies of the environment are not used. Rules: OWASP's SSRF cheat sheet, and the cases
that Python's `ipaddress` calls global and are not (NAT64, 6to4, site-local, shared address space).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from agentsdk.errors import ToolError
from agentsdk.i18n import _

MOST_BYTES = 5 * 1024 * 1024
SECONDS = 20.0
MOST_REDIRECTS = 5
_CONNECT_SECONDS = 5.0
"""For each address of a name but the last: one that does not answer must not use up the time of the others."""
_KEPT = "/%:@!$&'()*+,;=~"
PORTS = frozenset({80, 443, 8080, 8443})
"""Where pages are served; other ports are other services."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_REFUSED_V4 = [
    ipaddress.IPv4Network(n)
    # The last is where a virtual machine on Azure asks its host; a public address to the rest of the world.
    for n in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "168.63.129.16/32")
]
_REFUSED_V6 = [
    ipaddress.IPv6Network(n)
    for n in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "fec0::/10",
        "3fff::/20",
        "5f00::/16",
    )
]
_PRIVATE_NAME = re.compile(
    r"(?:.*\.)?(?:local|localhost|localdomain|internal|intranet|private|corp|home|lan|svc|onion|test|invalid|home\.arpa)"
)
"""Ends of names that are no part of the public network (RFC 6761, 6762, 8375, ICANN's .internal, Kubernetes)."""
_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Target:
    """An address taken apart once, so that what was checked is what is asked."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query, as it goes over the wire."""

    def __str__(self) -> str:
        usual = self.port == (443 if self.scheme == "https" else 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if usual else f':{self.port}'}{self.path}"


@dataclass(frozen=True, slots=True)
class Page:
    """What a server sent."""

    url: str
    """The address in the end, after redirects."""
    status: int
    media_type: str
    """"text/html", in lower case, without parameters."""
    charset: str
    """As the server says it; "" where it does not."""
    body: bytes


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public network, by an explicit list of what is not."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is not None:
            return is_public(inner)
        if any(address in network for network in _REFUSED_V6):
            return False
    elif any(address in network for network in _REFUSED_V4):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Fetcher:
    """Fetches pages.

    Args:
        resolve: finds the addresses of a name.
        allowed: decides about an address; `is_public`, unless a test says otherwise.
        ports: the ports that may be asked.

    """

    resolve: Resolve = resolve
    allowed: Callable[[Address], bool] = is_public
    ports: frozenset[int] = field(default=PORTS)

    async def fetch(
        self,
        url: str,
        *,
        most_bytes: int = MOST_BYTES,
        seconds: float = SECONDS,
        most_redirects: int = MOST_REDIRECTS,
    ) -> Page:
        """Return the page at `url`, whatever its status.

        Args:
            most_bytes: of the body, unpacked.
            seconds: in all, redirects included.

        Raises:
            ToolError: the address is none, is not public, cannot be reached, or does not end in time or size.

        """
        try:
            async with asyncio.timeout(seconds):
                target = self._check(url)
                for _hop in range(most_redirects + 1):
                    found = await self._once(target, most_bytes)
                    if isinstance(found, Page):
                        return found
                    target = self._redirected(target, found)
        except TimeoutError as error:
            raise ToolError(
                _("{url} did not answer within {seconds:g} s.").format(url=url[:200], seconds=seconds)
            ) from error
        raise ToolError(
            _("{url} leads on and on: more than {most} redirects.").format(url=url[:200], most=most_redirects)
        )

    def _redirected(self, target: _Target, location: str) -> _Target:
        try:
            moved = self._check(urljoin(str(target), location))
        except ValueError as error:
            raise _refused(location, str(error)) from error
        if target.scheme == "https" and moved.scheme == "http":
            raise _refused(str(moved), _("It leads from https to http, where anybody may change the page."))
        return moved

    async def _once(self, target: _Target, most_bytes: int) -> Page | str:
        """Return the page, or where it has moved to."""
        import httpcore

        from agentsdk.models.http import tls_context

        url = str(target)
        addresses = await self._addresses(target.host, target.port)
        # It has the methods of httpcore's backend; its class would cost the import of httpcore at import.
        backend: Any = _Pinned(addresses, httpcore.AnyIOBackend())
        async with httpcore.AsyncConnectionPool(
            ssl_context=tls_context(), network_backend=backend, retries=0
        ) as pool:
            headers = [
                (b"User-Agent", b"agentsdk/0.1 (page reader)"),
                (b"Accept", b"text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5"),
                (b"Accept-Encoding", b"identity"),
            ]
            try:
                asked = httpcore.URL(
                    scheme=target.scheme, host=target.host, port=target.port, target=target.path
                )
                async with pool.stream("GET", asked, headers=headers) as response:
                    # Servers send addresses in UTF-8, although the standard has ASCII only.
                    told = {
                        k.decode("latin-1").lower(): v.decode("utf-8", "replace") for k, v in response.headers
                    }
                    if response.status in (301, 302, 303, 307, 308) and "location" in told:
                        return told["location"]
                    body = await _read(
                        response.aiter_stream(), told.get("content-encoding", ""), most_bytes, url
                    )
                    media, _semicolon, rest = told.get("content-type", "").partition(";")
                    charset = re.search(r"charset=[\"']?([\w.:-]+)", rest, re.IGNORECASE)
                    return Page(
                        url, response.status, media.strip().lower(), charset[1] if charset else "", body
                    )
            except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
                raise ToolError(
                    _("{url} cannot be reached.").format(url=url[:200]),
                    why=f"{type(error).__name__}: {error}"[:300],
                ) from error

    def _check(self, url: str) -> _Target:
        """Return the parts of an address that has nothing to hide."""
        if re.search(r"[\x00-\x20\x7f\\]", url) or len(url) > 2000:
            raise _refused(url, _("It holds characters that no address has."))
        try:
            parts = urlsplit(url)
            port = parts.port
            path = quote(parts.path or "/", safe=_KEPT) + (
                "?" + quote(parts.query, safe=_KEPT + "?") if parts.query else ""
            )
        except ValueError as error:
            raise _refused(url, str(error)) from error
        if parts.scheme not in ("http", "https"):
            raise _refused(url, _("Only http and https are fetched."))
        if "@" in parts.netloc:
            raise _refused(url, _("It holds a user name."))
        port = (443 if parts.scheme == "https" else 80) if port is None else port
        if port not in self.ports:
            raise _refused(url, _("Port {port} is not one of web pages.").format(port=port))
        host = (parts.hostname or "").lower()
        if not host.isascii():
            try:
                host = host.encode("idna").decode("ascii").lower()
            except UnicodeError as error:
                raise _refused(url, _("Its host is not a name.")) from error
        # A dot at the end is the root of all names; behind a number it is a way around a filter.
        if _HOST.fullmatch(host.removesuffix(".")):
            host = host.removesuffix(".")
        # A number in any other notation, a name of one word, or a name with a % is how a filter is got around.
        elif "%" in host or _literal(host) is None:
            raise _refused(url, _("Its host is not a name of the public network."))
        if _PRIVATE_NAME.fullmatch(host):
            raise _refused(url, _("Its host is not a name of the public network."))
        return _Target(parts.scheme, host, port, path)

    async def _addresses(self, host: str, port: int) -> list[str]:
        literal = _literal(host)
        if literal is not None:
            found: Iterable[str] = [str(literal)]
        else:
            try:
                found = await self.resolve(host, port)
            except (OSError, UnicodeError) as error:
                raise ToolError(
                    _("The name {host} is not known.").format(host=host),
                    why=str(error),
                    fix=_("Check the spelling, and whether this machine has a network."),
                ) from error
        addresses = [str(a) for a in found]
        for address in addresses:
            if not self.allowed(ipaddress.ip_address(address.partition("%")[0])):
                raise _refused(host, _("Its address {address} is not public.").format(address=address))
        if not addresses:
            raise ToolError(_("The name {host} is not known.").format(host=host))
        return addresses


async def fetch(url: str, **limits: Any) -> Page:
    """Return a page of the public network: `Fetcher().fetch`."""
    return await Fetcher().fetch(url, **limits)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _refused(url: str, why: str) -> ToolError:
    return ToolError(
        _("{url} is not fetched.").format(url=url[:200]),
        why=why,
        fix=_("Give the address of a public web page."),
    )


async def _read(pieces: Any, encoding: str, most: int, url: str) -> bytes:
    """Return a body of at most `most` bytes, unpacked where a server packs it although it was asked not to."""
    kind = encoding.strip().lower()
    if kind not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise ToolError(
            _("{url} is packed in a way that is not read: {kind}.").format(url=url[:200], kind=kind)
        )
    packed = kind not in ("", "identity")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    out = bytearray()
    async for piece in pieces:
        try:
            # One byte more than allowed is unpacked, and no more: a small bomb may hold gigabytes.
            out += unpack.decompress(piece, most + 1 - len(out)) if packed else piece
        except zlib.error as error:
            raise ToolError(_("{url} cannot be unpacked.").format(url=url[:200]), why=str(error)) from error
        if len(out) > most:
            raise ToolError(
                _("{url} is too large.").format(url=url[:200]),
                why=_("At most {most:,} bytes are read.").format(most=most),
            )
    if packed and out and not unpack.eof:
        raise ToolError(_("{url} cannot be unpacked.").format(url=url[:200]), why=_("It ends too early."))
    return bytes(out)


class _Pinned:
    """Connects to the addresses that were checked, whatever the name says by now."""

    def __init__(self, addresses: Sequence[str], inner: Any) -> None:
        self._addresses = addresses
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002  # the name was resolved and checked before
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> Any:
        """Return a connection to the first address that answers."""
        failed: Exception | None = None
        for address in self._addresses:
            last = address == self._addresses[-1]
            seconds = timeout if last else min(timeout or _CONNECT_SECONDS, _CONNECT_SECONDS)
            try:
                return await self._inner.connect_tcp(address, port, seconds, local_address, socket_options)
            except Exception as error:  # the next address may answer
                failed = error
        raise failed or OSError("no address")

    async def connect_unix_socket(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse: a page lies behind no socket file."""
        raise OSError("unix sockets are not fetched from")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
