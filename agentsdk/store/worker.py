"""A thread that does the work on a database: in order, and what has come together meanwhile in one transaction.

The event loop waits for no disk, and fifty steps that end at once cost one commit. Measured against committing on the
loop itself in docs/decisions/0008-journal-and-no-checkpointer.md.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agentsdk.errors import StoreUnavailable

if TYPE_CHECKING:  # half of the time that `import agentsdk` would take
    import asyncio

T = TypeVar("T")

TOGETHER = 64
"""Most operations of one transaction."""

IDLE = 5.0
"""Seconds after which a database that nobody uses is closed; SQLite then folds its write-ahead log into the file."""


class Connection(Protocol):
    """A database connection, as far as the store's SQL needs one. Used by one thread."""

    update: str
    """What follows a SELECT whose row must not change before the commit; empty where a transaction sees to that."""
    alone: str
    """A statement after which nobody else adds texts until the commit."""

    def begin(self, *, durable: bool) -> None:
        """Begin a transaction."""

    def end(self, *, commit: bool) -> None:
        """Commit or take back."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[tuple[Any, ...]], int]:
        """Run a statement with `?` for each value; return its rows, and how many it changed."""

    def now(self) -> float:
        """Return the time that all who use the database agree on, in seconds since 1970."""

    def close(self) -> None:
        """Close."""

    def as_store_error(self, error: BaseException) -> BaseException:
        """Return the StoreError that a database's error amounts to; any other error as it is."""

    def is_lost(self, error: BaseException) -> bool:
        """Return whether the connection is gone, so that a new one may do better."""


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    durable: bool
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Worker:
    """Does what it is given on a connection of its own.

    Args:
        connect: opens the connection; raises a StoreError.
        patience: seconds during which a lost connection is opened again and the work repeated.

    """

    def __init__(self, connect: Callable[[], Connection], *, patience: float = 0.0, idle: float = IDLE) -> None:
        self._connect = connect
        self._patience = patience
        self._idle = idle
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None

    async def do(self, work: Callable[[Connection], T], *, durable: bool = False) -> T:
        """Return what `work` returns, once its transaction is committed.

        `work` may be run again where the connection was lost, and so must be one that can be.
        """
        import asyncio

        if (
            self._pid != os.getpid()
        ):  # a forked child: the thread did not come along, and the connection is not its
            self._reset()
        loop = asyncio.get_running_loop()
        job = _Job(work, durable, loop, loop.create_future())
        with self._lock:
            self._jobs.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="agentsdk-store", daemon=True)
                self._thread.start()
        return await job.done  # type: ignore[no-any-return]  # the future holds what `work` returned

    def close(self) -> None:
        """Close the connection, once what was asked so far is done."""
        with self._lock:
            thread = self._thread if self._pid == os.getpid() else None
            if thread is not None:
                self._jobs.put(None)
        if thread is not None:
            thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            try:
                first = self._jobs.get(timeout=self._idle)
            except Empty:
                first = None
            if first is None:
                with self._lock:
                    if not self._jobs.empty():
                        continue
                    self._thread = None
                    # Under the lock: the next thread must not open the file before this one has closed it.
                    self._let_go()
                return
            jobs = [first]
            while len(jobs) < TOGETHER:
                try:
                    more = self._jobs.get_nowait()
                except Empty:
                    break
                if more is None:
                    self._jobs.put(None)
                    break
                jobs.append(more)
            self._perform(jobs)
            for job in jobs:
                with contextlib.suppress(RuntimeError):  # its loop has closed: nobody waits any more
                    job.loop.call_soon_threadsafe(_settle, job)

    def _perform(self, jobs: list[_Job]) -> None:
        until = time.monotonic() + self._patience
        pause = 0.05
        while True:
            for job in jobs:
                job.result = job.error = None
            try:
                self._transact(jobs)
            except BaseException as error:
                if self._connection is None:
                    lost = isinstance(error, StoreUnavailable)
                else:
                    lost = self._connection.is_lost(error)
                told = self._connection.as_store_error(error) if self._connection else error
                self._let_go()
                if lost and time.monotonic() < until:
                    time.sleep(pause)
                    pause = min(pause * 2, 1.0)
                    continue
                for job in jobs:
                    job.error = job.error or told
            return

    def _transact(self, jobs: list[_Job]) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect()
        connection.begin(durable=any(j.durable for j in jobs))
        alone = len(jobs) == 1
        for job in jobs:
            if not alone:
                connection.execute("SAVEPOINT job")
            try:
                job.result = job.work(connection)
            except Exception as error:
                if connection.is_lost(error):
                    raise
                job.error = connection.as_store_error(error)
                if not alone:
                    connection.execute("ROLLBACK TO SAVEPOINT job")
            if not alone:
                connection.execute("RELEASE SAVEPOINT job")
        connection.end(commit=not (alone and jobs[0].error))

    def _let_go(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):  # it is broken or closed already
                self._connection.close()
            self._connection = None


def _settle(job: _Job) -> None:
    if job.done.done():  # whoever asked was cancelled
        return
    if job.error is not None:
        job.done.set_exception(job.error)
    else:
        job.done.set_result(job.result)
