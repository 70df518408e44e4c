"""A store in one SQLite file: the default. Several processes of one machine may use it at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agentsdk.errors import StoreDamaged, StoreError, StoreTooNew, StoreUnavailable
from agentsdk.i18n import _
from agentsdk.store.sql import TABLES, VERSION, SqlStore

APPLICATION = 0x61674A6C
"""What SQLite's header says of whose file it is: "agJl"."""

LEASE_SECONDS = 15.0
WAIT_SECONDS = 30.0
"""How long to wait for another process's transaction."""


class SqliteStore(SqlStore):
    """Keeps runs in the file at `path`, which is made where there is none.

    Args:
        lease_seconds: how long a process that is stopped, but not dead, keeps its run.
        clock: seconds since 1970; for tests.

    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        place = (
            Path(path).expanduser().absolute()
        )  # the process may change its folder while the store is in use
        super().__init__(os.fspath(path), lambda: _Sqlite(place, clock), lease_seconds=lease_seconds)


class _Sqlite:
    """One connection, in autocommit: transactions are begun and ended by hand."""

    update = ""
    alone = "SELECT 1"

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.now = clock
        self._path = path
        self._full: bool | None = None
        self._db = self._open()
        try:
            self._prepare()
        except BaseException as error:
            self._db.close()
            raise self.as_store_error(error) from error

    def _open(self) -> sqlite3.Connection:
        try:
            if not self._path.exists():
                # Prompts and results lie here: for the owner alone, where the system has such permissions.
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            # One thread at a time uses it, though not always the same one.
            db = sqlite3.connect(
                self._path,
                isolation_level=None,
                timeout=WAIT_SECONDS,
                check_same_thread=False,
                cached_statements=64,
            )
            # A damaged text is read as well as it goes: its seal then says what it is.
            db.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
            return db  # noqa: TRY300  # the errors of all of it are told in the same way
        except (OSError, sqlite3.Error) as error:
            raise _unavailable(self._path, error) from error

    def _prepare(self) -> None:
        run = self._db.execute
        # A file from a stranger may hold functions in views and triggers: they get nothing but what is harmless.
        run("PRAGMA trusted_schema = OFF")
        run("PRAGMA cell_size_check = ON")
        run("BEGIN")  # one view of it all, while another process may be making the tables
        version = self._version()
        run("COMMIT")
        if version == 0:
            self._write_ahead()
            run("BEGIN IMMEDIATE")
            if self._version() == 0:  # another process may have been quicker
                for table in TABLES:
                    run(table.format(bytes="BLOB", compact=" WITHOUT ROWID"))
                run(f"PRAGMA application_id = {APPLICATION}")
                run(f"PRAGMA user_version = {VERSION}")
            run("COMMIT")
        elif version > VERSION:
            raise StoreTooNew(
                _("{path} was written by a later version of agentsdk.").format(path=self._path),
                why=_("Its format is {found}, and this one knows {known}.").format(
                    found=version, known=VERSION
                ),
                fix="pip install --upgrade agentsdk",
            )
        self._write_ahead()
        run(
            "PRAGMA journal_size_limit = 1048576"
        )  # bytes of the log that stay after it was folded into the file

    def _write_ahead(self) -> None:
        """Put the file in WAL mode. SQLite waits for nobody here: of two that open a new file, one is refused."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)
            else:
                return

    def _version(self) -> int:
        """Return the version of the file's tables; 0 for a new file."""
        run = self._db.execute
        (application,), (version,) = (
            run("PRAGMA application_id").fetchone(),
            run("PRAGMA user_version").fetchone(),
        )
        names = {name for (name,) in run("SELECT name FROM sqlite_master")}
        if not names and application == 0:
            return 0
        strangers = {n for n in names if not n.startswith(("agentsdk_", "sqlite_autoindex_agentsdk_"))}
        kinds = {kind for (kind,) in run("SELECT type FROM sqlite_master")}
        if application != APPLICATION or version < 1 or strangers or kinds - {"table", "index"}:
            raise StoreDamaged(
                _("{path} is no store of runs.").format(path=self._path),
                why=_("It is a database of something else, or was changed by another hand."),
                fix=_('Give another file: store="runs.db"'),
            )
        return int(version)

    def begin(self, *, durable: bool) -> None:
        """Begin a transaction that may write; wait for that of another process."""
        if self._full is not durable:
            # FULL has the log on disk before a commit returns, NORMAL outlasts a killed process and no power cut.
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._full = durable
        self._db.execute("BEGIN IMMEDIATE")

    def end(self, *, commit: bool) -> None:
        """Commit or take back."""
        self._db.execute("COMMIT" if commit else "ROLLBACK")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[tuple[Any, ...]], int]:
        """Run a statement; return its rows, and how many it changed."""
        cursor = self._db.execute(sql, values)
        return cursor.fetchall(), cursor.rowcount

    def close(self) -> None:
        """Close; SQLite folds its log into the file when the last connection does."""
        self._db.close()

    def as_store_error(self, error: BaseException) -> BaseException:
        """Return the StoreError that an error of SQLite amounts to."""
        # SQLite's own message may quote damaged bytes, and Python then fails to read it.
        if isinstance(error, StoreError) or not isinstance(error, (sqlite3.Error, UnicodeDecodeError)):
            return error
        damaged = not isinstance(error, (sqlite3.OperationalError, sqlite3.InterfaceError)) or any(
            word in str(error)
            for word in ("malformed", "no such table", "no such column", "unsupported file format")
        )
        if damaged:
            return StoreDamaged(
                _("{path} is damaged, or is no store of runs.").format(path=self._path),
                why=str(error),
                fix=_("Take the file from a backup, or give another one."),
            )
        return _unavailable(self._path, error)

    def is_lost(self, error: BaseException) -> bool:  # noqa: ARG002  # Postgres looks at it
        """Return False: a file does not come back by waiting for it."""
        return False


def _unavailable(path: Path, error: Exception) -> StoreUnavailable:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return StoreUnavailable(
        _("Runs cannot be kept in {path}.").format(path=path),
        why=why,
        fix=_("Give a file in a folder that exists, may be written, and has space left."),
    )
