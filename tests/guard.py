"""A pytest plugin that keeps Python's sockets on this machine: it stands in where there is no network namespace."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


class OutsideReached(OSError):
    """A test tried to leave this machine."""


def _check(address: Any) -> None:
    if not isinstance(address, tuple):  # a unix socket
        return
    host = str(address[0])
    try:
        inside = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        inside = host in ("localhost", "")
    if not inside:
        raise OutsideReached(f"a test tried to reach {address}: tests stay on this machine")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _check(address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _check(address)
    return _connect_ex(self, address)


def pytest_configure() -> None:
    """Stand between the tests and the network."""
    socket.socket.connect = _guarded_connect  # type: ignore[method-assign, assignment]  # the guard is the point
    socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign, assignment]  # as above
