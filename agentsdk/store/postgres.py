"""A store in Postgres, for several machines that share their runs. Needs the extra `postgres`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from agentsdk.errors import MissingExtra, StoreDamaged, StoreError, StoreTooNew, StoreUnavailable
from agentsdk.i18n import _
from agentsdk.store.sql import TABLES, VERSION, SqlStore

LEASE_SECONDS = 15.0
PATIENCE_SECONDS = 10.0
"""How long a database that went away is waited for."""

_LOCK = 0x61674A6C
"""Of pg_advisory_xact_lock: two processes do not make the tables at once."""


class PostgresStore(SqlStore):
    """Keeps runs in the database at `url`: "postgresql://user@host/database". The tables are made where missing.

    Raises:
        MissingExtra: psycopg is not installed.

    """

    def __init__(
        self, url: str, *, lease_seconds: float = LEASE_SECONDS, patience: float = PATIENCE_SECONDS
    ) -> None:
        try:
            import psycopg  # noqa: F401  # a missing one is told before anything runs
        except ImportError as error:
            raise MissingExtra(
                _("A store in Postgres needs psycopg."), fix='pip install "agentsdk[postgres]"'
            ) from error
        name = without_password(url)
        super().__init__(name, lambda: _Postgres(url, name), lease_seconds=lease_seconds, patience=patience)


def without_password(url: str) -> str:
    """Return the address as it may be shown."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"


class _Postgres:
    """One connection, in autocommit: transactions are begun and ended by hand."""

    update = " FOR UPDATE"
    # It conflicts with the lock that every INSERT takes: no text is added while those that nobody uses are looked for.
    alone = "LOCK TABLE agentsdk_blobs IN SHARE ROW EXCLUSIVE MODE"

    def __init__(self, url: str, name: str) -> None:
        import psycopg

        self._name = name
        try:
            self._db = psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="agentsdk")
        except psycopg.Error as error:
            raise self._unavailable(error) from error
        try:
            self._prepare()
        except BaseException as error:
            self._db.close()
            raise self.as_store_error(error) from error

    def _prepare(self) -> None:
        self.begin(durable=True)
        self.execute("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        [(there,)], _changed = self.execute("SELECT to_regclass('agentsdk_schema') IS NOT NULL")
        if not there:
            self.execute("CREATE TABLE agentsdk_schema (version BIGINT NOT NULL)")
            self.execute("INSERT INTO agentsdk_schema (version) VALUES (?)", (VERSION,))
            for table in TABLES:
                self.execute(table.format(bytes="BYTEA", compact=""))
        versions, _changed = self.execute("SELECT version FROM agentsdk_schema")
        if len(versions) != 1 or versions[0][0] > VERSION:
            raise StoreTooNew(
                _("{path} was written by a later version of agentsdk.").format(path=self._name),
                why=_("Its format is {found}, and this one knows {known}.").format(
                    found=", ".join(str(v) for (v,) in versions) or "?", known=VERSION
                ),
                fix="pip install --upgrade agentsdk",
            )
        self.end(commit=True)

    def begin(self, *, durable: bool) -> None:  # noqa: ARG002  # Postgres has every commit on disk
        """Begin a transaction."""
        self._db.execute("BEGIN")

    def end(self, *, commit: bool) -> None:
        """Commit or take back."""
        self._db.execute("COMMIT" if commit else "ROLLBACK")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[tuple[Any, ...]], int]:
        """Run a statement; return its rows, and how many it changed."""
        cursor = self._db.execute(sql.replace("?", "%s").encode(), values or None)
        return (cursor.fetchall() if cursor.description else []), cursor.rowcount

    def now(self) -> float:
        """Return the database's time: the machines' clocks may differ."""
        [(seconds,)], _changed = self.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(seconds)

    def close(self) -> None:
        """Close."""
        self._db.close()

    def as_store_error(self, error: BaseException) -> BaseException:
        """Return the StoreError that an error of Postgres amounts to."""
        import psycopg

        if isinstance(error, StoreError) or not isinstance(error, psycopg.Error):
            return error
        if isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)):
            return StoreDamaged(
                _("{path} is damaged, or is no store of runs.").format(path=self._name),
                why=str(error).splitlines()[0],
                fix=_("Restore the tables agentsdk_* from a backup, or give another database."),
            )
        return self._unavailable(error)

    def is_lost(self, error: BaseException) -> bool:
        """Return whether the connection is gone, or the server told the transaction to be tried again."""
        import psycopg

        again = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
        return bool(self._db.broken or self._db.closed) or isinstance(error, again)

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        lines = str(error).strip().splitlines()
        return StoreUnavailable(
            _("The database {path} does not answer as it should.").format(path=self._name),
            why=lines[0] if lines else type(error).__name__,
            fix=_("See that the server runs, and that the user may create tables."),
        )
