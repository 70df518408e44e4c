"""The tests themselves: they cannot leave this machine."""

import os
import socket
import subprocess
import sys

import pytest

from tests.offline import NAMESPACE


def test_no_public_address_can_be_reached_from_a_test() -> None:
    with (
        pytest.raises(OSError, match=r"tests stay on this machine|unreachable"),
        socket.create_connection(("192.0.2.1", 80), timeout=2),
    ):
        pass


@pytest.mark.skipif(
    not os.environ.get(NAMESPACE), reason="this kernel gives no network namespace; the guard stands in"
)
def test_not_even_another_process_can_leave() -> None:
    code = "import socket; socket.create_connection(('1.1.1.1', 53), timeout=2)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "unreachable" in ran.stderr


def test_loopback_is_up() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname(), timeout=2):
            pass
