"""A Store in SQL that SQLite and Postgres both understand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from agentsdk.errors import LeaseLost, RunHeld, RunUnknown, StoreDamaged
from agentsdk.i18n import _
from agentsdk.store import owner as owners
from agentsdk.store.packed import pack, seal, unpack
from agentsdk.store.store import REPLACED, Kind, Lease, Row, RunRecord, Status
from agentsdk.store.worker import Connection, Worker

VERSION = 1
"""Of the tables; raised when they change."""

TABLES = (
    """CREATE TABLE agentsdk_runs (
        id TEXT PRIMARY KEY, thread TEXT NOT NULL, status TEXT NOT NULL, created DOUBLE PRECISION NOT NULL,
        changed DOUBLE PRECISION NOT NULL, question TEXT NOT NULL, model TEXT NOT NULL, owner TEXT NOT NULL,
        until DOUBLE PRECISION NOT NULL, generation BIGINT NOT NULL, held BIGINT NOT NULL)""",
    """CREATE TABLE agentsdk_rows (
        run TEXT NOT NULL, at BIGINT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
        step TEXT NOT NULL, does TEXT NOT NULL, attempt BIGINT NOT NULL, value {bytes} NOT NULL, seal TEXT NOT NULL,
        PRIMARY KEY (run, key))""",
    "CREATE TABLE agentsdk_blobs (digest TEXT PRIMARY KEY, data {bytes} NOT NULL)",
    "CREATE TABLE agentsdk_uses (run TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, digest)){compact}",
    """CREATE TABLE agentsdk_turns (
        thread TEXT NOT NULL, at BIGINT NOT NULL, run TEXT NOT NULL, value {bytes} NOT NULL, seal TEXT NOT NULL,
        PRIMARY KEY (thread, run))""",
    "CREATE INDEX agentsdk_runs_changed ON agentsdk_runs (changed)",
)
"""The tables, with a hole for the name of the type that holds bytes."""

_RECORD = "id, thread, status, created, changed, question, model, owner, until, generation, held"
_QUESTION = 200
"""Characters of a question that lists show."""


class SqlStore:
    """Keeps runs in a database.

    Args:
        name: a path or an address without its password.
        connect: opens a connection; called by the store's own thread.
        lease_seconds: how long a lease holds unless it is renewed.
        patience: seconds during which a lost connection is opened again.

    """

    def __init__(
        self, name: str, connect: Callable[[], Connection], *, lease_seconds: float, patience: float = 0.0
    ) -> None:
        self.name = name
        self.lease_seconds = lease_seconds
        self._worker = Worker(connect, patience=patience)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    async def begin(self, run: RunRecord, rows: Sequence[Row]) -> Lease:
        """Keep a new run with its first rows, and return its lease."""

        def work(db: Connection) -> Lease:
            now = db.now()
            # A lost connection may have left it unsaid that this very insert was committed.
            db.execute(
                f"INSERT INTO agentsdk_runs ({_RECORD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0)"  # noqa: S608  # a constant
                " ON CONFLICT (id) DO NOTHING",
                (
                    run.id,
                    _text(run.thread),
                    "running",
                    now,
                    now,
                    _text(run.question[:_QUESTION]),
                    _text(run.model),
                    run.owner,
                    now + self.lease_seconds,
                ),
            )
            lease = Lease(run.id, run.owner, 1)
            self._hold(db, lease)
            self._keep(db, lease.run, rows)
            return lease

        return await self._worker.do(work, durable=True)

    async def take(self, run: str, owner: str) -> Lease:
        """Return the lease of a run that nobody holds; its errors are RunUnknown and RunHeld."""

        def work(db: Connection) -> Lease:
            record = self._record(db, run, lock=True)
            if record.owner == owner:  # it was committed when the connection was lost
                return Lease(run, owner, record.generation)
            if record.held:
                raise _held(record, db.now())
            lease = Lease(run, owner, record.generation + 1)
            now = db.now()
            db.execute(
                "UPDATE agentsdk_runs SET owner = ?, until = ?, changed = ?, generation = ?, status = 'running'"
                " WHERE id = ?",
                (owner, now + self.lease_seconds, now, lease.generation, run),
            )
            return lease

        return await self._worker.do(work)

    async def renew(self, lease: Lease) -> None:
        """Hold the lease for another while."""
        await self._worker.do(lambda db: self._hold(db, lease))

    async def release(self, lease: Lease, status: Status) -> None:
        """Give the lease back and say how the run stands."""

        def work(db: Connection) -> None:
            _same, changed = db.execute(
                "UPDATE agentsdk_runs SET owner = '', until = 0, status = ?, changed = ?"
                " WHERE id = ? AND generation = ? AND owner = ?",
                (status, db.now(), lease.run, lease.generation, lease.owner),
            )
            if not changed and self._record(db, lease.run).generation != lease.generation:
                raise _lost(lease)

        await self._worker.do(work)

    async def write(self, lease: Lease, rows: Sequence[Row], *, durable: bool = False) -> None:
        """Keep rows, all or none, under the lease."""

        def work(db: Connection) -> None:
            self._hold(db, lease)
            self._keep(db, lease.run, rows)

        await self._worker.do(work, durable=durable)

    async def rows(self, run: str) -> list[Row]:
        """Return a run's rows in the order in which they were first written."""

        def work(db: Connection) -> list[Row]:
            self._record(db, run)
            blobs = _blobs(db, run)
            lines, _changed = db.execute(
                "SELECT at, key, kind, state, step, does, attempt, value, seal FROM agentsdk_rows WHERE run = ?"
                " ORDER BY at",
                (run,),
            )
            [(held,)], _changed = db.execute("SELECT held FROM agentsdk_runs WHERE id = ?", (run,))
            if [at for at, *_rest in lines] != list(range(1, held + 1)):
                raise _broken(_("rows of run {run} are missing").format(run=run))  # they would be done again
            return [_row(run, line, blobs) for _at, *line in lines]

        return await self._worker.do(work)

    async def run(self, run: str) -> RunRecord:
        """Return a run, or raise RunUnknown."""
        return await self._worker.do(lambda db: self._record(db, run))

    async def runs(self, *, limit: int = 50, thread: str | None = None) -> list[RunRecord]:
        """Return the runs that changed last, the latest first."""

        def work(db: Connection) -> list[RunRecord]:
            # What holds the lease of a session is no run.
            where, values = " WHERE substr(id, 1, 8) <> 'session '", tuple[str, ...]()
            if thread is not None:
                where, values = f"{where} AND thread = ?", (_text(thread),)
            lines, _changed = db.execute(
                f"SELECT {_RECORD} FROM agentsdk_runs{where} ORDER BY changed DESC, id LIMIT ?",  # noqa: S608  # constants
                (*values, limit),
            )
            return [_as_record(line, db.now()) for line in lines]

        return await self._worker.do(work)

    async def delete(self, *runs: str, before: float | None = None) -> int:
        """Delete runs, and those finished that did not change since `before`; return how many."""

        def work(db: Connection) -> int:
            db.execute(db.alone)
            ids = []
            for run in runs:
                record = self._record(db, run, lock=True)
                if record.held:
                    raise _held(record, db.now())
                ids.append(run)
            if before is not None:
                old, _changed = db.execute(
                    "SELECT id FROM agentsdk_runs WHERE status = 'done' AND owner = '' AND changed < ?",
                    (before,),
                )
                ids += [id_ for (id_,) in old]
            ids = list(dict.fromkeys(ids))
            for id_ in ids:
                for table in ("rows", "uses"):
                    db.execute(f"DELETE FROM agentsdk_{table} WHERE run = ?", (id_,))  # noqa: S608  # constants
                db.execute("DELETE FROM agentsdk_runs WHERE id = ?", (id_,))
            db.execute("DELETE FROM agentsdk_blobs WHERE digest NOT IN (SELECT digest FROM agentsdk_uses)")
            return len(ids)

        return await self._worker.do(work)

    async def add_turns(self, thread: str, run: str, turns: Sequence[Any]) -> None:
        """Append what a finished run adds to a session, once per run."""

        def work(db: Connection) -> None:
            data = self._fold(db, _session(thread), list(turns))
            [(at,)], _changed = db.execute(
                "SELECT COALESCE(MAX(at), 0) + 1 FROM agentsdk_turns WHERE thread = ?", (_text(thread),)
            )
            db.execute(
                "INSERT INTO agentsdk_turns (thread, at, run, value, seal) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (thread, run) DO NOTHING",
                (_text(thread), at, run, data, seal(thread, run, data)),
            )

        await self._worker.do(work)

    async def turns(self, thread: str) -> list[tuple[str, Any]]:
        """Return a session's turns in order."""

        def work(db: Connection) -> list[tuple[str, Any]]:
            lines, _changed = db.execute(
                "SELECT run, value, seal FROM agentsdk_turns WHERE thread = ? ORDER BY at", (_text(thread),)
            )
            blobs = _blobs(db, _session(thread))
            found = []
            for run, value, check in lines:
                data = _as_bytes(value)
                if seal(thread, run, data) != check:
                    raise _broken(_("the turns of a session"))
                found.append((str(run), unpack(data, blobs)))
            return found

        return await self._worker.do(work)

    async def threads(self, *, limit: int = 50) -> list[tuple[str, int, float]]:
        """Return the sessions, the latest first."""

        def work(db: Connection) -> list[tuple[str, int, float]]:
            lines, _changed = db.execute(
                "SELECT t.thread, COUNT(*), COALESCE(MAX(r.changed), 0) AS changed FROM agentsdk_turns t"
                " LEFT JOIN agentsdk_runs r ON r.id = t.run GROUP BY t.thread ORDER BY changed DESC, t.thread LIMIT ?",
                (limit,),
            )
            return [(str(name), int(count), float(changed)) for name, count, changed in lines]

        return await self._worker.do(work)

    async def forget(self, thread: str) -> int:
        """Delete a session's turns and return how many."""

        def work(db: Connection) -> int:
            db.execute(db.alone)
            _none, gone = db.execute("DELETE FROM agentsdk_turns WHERE thread = ?", (_text(thread),))
            db.execute("DELETE FROM agentsdk_uses WHERE run = ?", (_session(thread),))
            db.execute("DELETE FROM agentsdk_runs WHERE id = ?", (_session(thread),))
            db.execute("DELETE FROM agentsdk_blobs WHERE digest NOT IN (SELECT digest FROM agentsdk_uses)")
            return gone

        return await self._worker.do(work)

    async def close(self) -> None:
        """Let go of the connection; a later call opens it again."""
        import asyncio

        await asyncio.to_thread(self._worker.close)

    def _hold(self, db: Connection, lease: Lease) -> None:
        """Prove that the lease is still this driver's, for as long as the transaction lasts, and renew it."""
        now = db.now()
        _none, changed = db.execute(
            "UPDATE agentsdk_runs SET until = ?, changed = ? WHERE id = ? AND generation = ? AND owner = ?",
            (now + self.lease_seconds, now, lease.run, lease.generation, lease.owner),
        )
        if changed != 1:
            raise _lost(lease)

    def _keep(self, db: Connection, run: str, rows: Sequence[Row]) -> None:
        [(held,)], _changed = db.execute("SELECT held FROM agentsdk_runs WHERE id = ?", (run,))
        at = held
        for row in rows:
            data = self._fold(db, run, row.value)
            known, _changed = db.execute(
                "SELECT state, attempt FROM agentsdk_rows WHERE run = ? AND key = ?", (run, row.key)
            )
            attempt = row.attempt
            if known:
                state, attempts = known[0]
                if state == "finished" and row.kind not in REPLACED:
                    continue
                attempt = attempts + (row.state == "started")
            check = seal(run, row.key, row.kind, row.state, _text(row.step), _text(row.do), attempt, data)
            values = (row.kind, row.state, _text(row.step), _text(row.do), attempt, data, check, run, row.key)
            if known:
                db.execute(
                    "UPDATE agentsdk_rows SET kind = ?, state = ?, step = ?, does = ?, attempt = ?, value = ?, seal = ?"
                    " WHERE run = ? AND key = ?",
                    values,
                )
            else:
                at += 1
                db.execute(
                    "INSERT INTO agentsdk_rows (kind, state, step, does, attempt, value, seal, run, key, at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*values, at),
                )
        if at != held:
            db.execute("UPDATE agentsdk_runs SET held = ? WHERE id = ?", (at, run))

    def _fold(self, db: Connection, run: str, value: Any) -> bytes:
        data, blobs = pack(value)
        for name, blob in blobs.items():
            db.execute(
                "INSERT INTO agentsdk_blobs (digest, data) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
                (name, blob),
            )
            db.execute(
                "INSERT INTO agentsdk_uses (run, digest) VALUES (?, ?) ON CONFLICT (run, digest) DO NOTHING",
                (run, name),
            )
        return data

    def _record(self, db: Connection, run: str, *, lock: bool = False) -> RunRecord:
        lines, _changed = db.execute(
            f"SELECT {_RECORD} FROM agentsdk_runs WHERE id = ?{db.update if lock else ''}",  # noqa: S608  # constants
            (_text(run),),
        )
        if not lines:
            raise RunUnknown(
                _("There is no run {run} in {store}.").format(run=run, store=self.name),
                fix=_("agentsdk runs --store {store} lists those there are.").format(store=self.name),
            )
        return _as_record(lines[0], db.now())


def _blobs(db: Connection, user: str) -> dict[str, bytes]:
    found, _changed = db.execute(
        "SELECT b.digest, b.data FROM agentsdk_uses u JOIN agentsdk_blobs b ON b.digest = u.digest WHERE u.run = ?",
        (user,),
    )
    return {name: _as_bytes(data) for name, data in found}


def _session(thread: str) -> str:
    """Return whose texts those of a session are: they outlast its runs."""
    return f"session {_text(thread)}"


def _row(run: str, line: Sequence[Any], blobs: dict[str, bytes]) -> Row:
    key, kind, state, step, do, attempt, value, check = line
    data = _as_bytes(value)
    if (
        seal(run, key, kind, state, step, do, attempt, data) != check
        or kind not in get_args(Kind)
        or state not in ("started", "finished")
    ):
        raise _broken(_("a row of run {run}").format(run=run))
    return Row(key, kind, unpack(data, blobs), state, step, do, attempt)


def _as_record(line: tuple[Any, ...], now: float) -> RunRecord:
    id_, thread, status, created, changed, question, model, owner, until, generation, _rows = line
    texts, numbers = (id_, thread, status, question, model, owner), (created, changed, until, generation)
    if not (all(isinstance(t, str) for t in texts) and all(isinstance(n, (int, float)) for n in numbers)):
        raise _broken(_("the list of runs"))
    held = bool(owner) and until > now and not owners.is_gone(owner)
    return RunRecord(id_, thread, status, created, changed, question, model, owner, until, generation, held)


def _text(text: str) -> str:
    """Return text as every database takes it: without NUL and lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def _as_bytes(value: Any) -> bytes:
    if not isinstance(value, (bytes, memoryview)):
        raise _broken(_("a row"))
    return bytes(value)


def _broken(what: str) -> StoreDamaged:
    return StoreDamaged(
        _("The store is damaged: {what}.").format(what=what),
        why=_("It is not what was written there."),
        fix=_("Take the file from a backup, or run the question again."),
    )


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        _("Run {run} was taken over by another process.").format(run=lease.run),
        why=_("This one gave no sign of life for longer than a lease lasts, or was thought dead."),
        fix=_("Look at what the other one does: agentsdk show {run}").format(run=lease.run),
    )


def _held(record: RunRecord, now: float) -> RunHeld:
    return RunHeld(
        _("Run {run} is being run by {owner}.").format(run=record.id, owner=owners.shown(record.owner)),
        why=_("Its lease holds for another {seconds:.0f} s, and is renewed while the process lives.").format(
            seconds=max(record.until - now, 1)
        ),
        fix=_("Wait for it, or end that process and try again."),
    )
