"""The journal of a run: what is finished is kept by content, and taken from there when the run is resumed.

A resume drives the same graph again from the top. Model calls (call.py) and steps (act.py) ask here first: what the
journal holds is not done again. Hence a run may depend on its input, on replies and on results, and on nothing else.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from agentsdk.answer import Answer
from agentsdk.approval import Done, Edit, is_decision
from agentsdk.budget import Usage
from agentsdk.errors import ConfigurationError, LeaseLost, StoreDamaged, StoreError
from agentsdk.function_tool import Tool
from agentsdk.i18n import _
from agentsdk.models.model import Request
from agentsdk.plan import Plan, Step
from agentsdk.store.canonical import digest
from agentsdk.store.owner import new_owner
from agentsdk.store.place import effect_key, inside, path, spent
from agentsdk.store.store import Kind, Lease, Row, RunRecord, Status, Store
from agentsdk.store.written import read, write

__all__ = ["Found", "Journal", "Key", "effect_key", "inside", "spent", "version_of"]

FORMAT = 1
"""Part of every key: raised when keys are made in another way, so that no older row is taken for a new one."""

_RENEWALS = 4
"""How often a lease is renewed in the time that it holds."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a row of the journal is found by: a digest of all that its result depends on."""

    digest: str = ""
    """Empty where nothing is kept."""
    kind: Kind = "step"
    """"step" or "call"."""
    step: str = ""
    """The step's id; for a call made inside a step, that step's."""
    do: str = ""
    """The step's tool or kind; for a call, the model."""
    base: str = ""
    """The digest without the occurrence."""
    occurrence: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the journal: finished with a value; or begun without an end, so that its outcome is not known."""

    finished: bool
    value: Any = None
    """Plain JSON, where it is finished."""
    usage: Usage = field(default_factory=Usage)
    """What the model calls inside it used: a resume counts it again."""
    attempt: int = 1
    """How often it was begun."""


class Journal:
    """What one run has fixed.

    Keys count how often the same has been asked in this run, so that a step tried twice has two rows. A key that
    was taken for something that did not end is given back by `leave`.

    Args:
        store: where it is kept; None keeps nothing.
        run_id: the run's.
        thread: the session's that it belongs to.
        rows: what an earlier process of the run has left.

    """

    def __init__(
        self, store: Store | None = None, run_id: str = "", *, thread: str = "", rows: Sequence[Row] = ()
    ) -> None:
        self.store = store
        self.run_id = run_id
        """What `agent.resume` takes; empty where nothing is kept."""
        self.thread = thread
        self._lease: Lease | None = None
        self._lost: LeaseLost | None = None
        self._rows = {row.key: row for row in rows}
        self._taken: dict[str, set[int]] = {}

    def of_step(self, step: Step, inputs: Any, tool: Tool[Any, Any] | None = None, model: str = "") -> Key:
        """Return the key of a step with its resolved inputs; the next occurrence of it is taken."""
        if self.store is None:
            return Key()
        made_by = version_of(tool) if tool is not None else model
        return self._take("step", step.id, step.do, [step.id, step.do, made_by, inputs, step.returns])

    def of_call(self, request: Request, model: str) -> Key:
        """Return the key of a model call; the next occurrence of it is taken."""
        if self.store is None:
            return Key()
        around = path()
        return self._take("call", around[-1] if around else "", model, [model, request])

    def leave(self, key: Key) -> None:
        """Give an occurrence back: it waits, was cancelled or raised, and will be asked for again."""
        self._taken.get(key.base, set()).discard(key.occurrence)

    async def found(self, key: Key) -> Found | None:
        """Return what the run holds under the key, which an earlier process of it may have left.

        Raises:
            LeaseLost: another process has the run.
            StoreDamaged: the row does not hold what it should.

        """
        if self._lost is not None:
            raise self._lost
        row = self._rows.get(key.digest) if key.digest else None
        if row is None:
            return None
        if row.state == "started":
            return Found(finished=False, attempt=row.attempt)
        try:
            usage = read(Usage, row.value["usage"])
            return Found(True, row.value["value"], usage, row.attempt)
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(self.run_id, error) from error

    async def begun(self, key: Key) -> None:
        """Have it on disk that a side effect is about to begin."""
        if self.store is not None and key.digest:
            known = self._rows.get(key.digest)
            row = Row(key.digest, key.kind, None, "started", key.step, key.do)
            await self._write(row, durable=True)
            self._rows[key.digest] = replace(row, attempt=known.attempt + 1 if known else 1)

    async def ended(self, key: Key, value: Any, usage: Usage | None = None) -> None:
        """Have a result on disk: what depends on it may start when this returns."""
        if self.store is not None and key.digest:
            kept = {"value": value, "usage": write(usage or Usage())}
            # A side effect was begun on disk, and so is its end: a power cut in between would leave it unknown.
            durable = key.digest in self._rows
            await self._write(Row(key.digest, key.kind, kept, "finished", key.step, key.do), durable=durable)
            self._rows.pop(key.digest, None)

    async def planned(self, batch: Key, step: Step) -> None:
        """Have a step on disk that the model call `batch` has streamed so far."""
        if self.store is not None and batch.digest:
            key = digest([batch.digest, "planned", step.id])
            await self._write(Row(key, "planned", write(step), "finished", step.id, step.do))

    async def plan_complete(self, batch: Key) -> None:
        """Have it on disk that the call has given all its steps."""
        if self.store is not None and batch.digest:
            await self._write(Row(digest([batch.digest, "plan"]), "plan"))

    def received(self, batch: Key) -> list[Step]:
        """Return the steps that an earlier process had received of this call, in order, where it did not end."""
        if not batch.digest or digest([batch.digest, "plan"]) in self._rows:
            return []
        rows = (r for r in self._rows.values() if r.kind == "planned")
        return [
            self._read(Step, r.value)
            for r in rows
            if r.key == digest([batch.digest, "planned", r.value.get("id")])
        ]

    async def waits(self, step: str, args_hash: str, question: Mapping[str, Any]) -> None:
        """Do nothing: what waits is written down when the run stops for it."""

    async def decided(self, step: str, args_hash: str, decision: Decision) -> None:
        """Have a decision about a step with these arguments on disk: nobody is asked twice."""
        if self.store is not None:
            row = _decision_row(step, args_hash, decision)
            await self._write(row)
            self._rows[row.key] = row

    def decision(self, step: str, args_hash: str) -> Decision | None:
        """Return what was decided about a step with these arguments; None where nothing was."""
        row = self._rows.get(_decision_key(step, args_hash))
        return None if row is None else self._read_decision(row)

    def decisions(self) -> dict[tuple[str, str], Decision]:
        """Return every decision of the run, by the step's id and the digest of its arguments."""
        found = {}
        for row in self._rows.values():
            if row.kind == "decision":
                about = self._read(dict, row.value)
                found[str(about.get("step")), str(about.get("digest"))] = self._read_decision(row)
        return found

    @asynccontextmanager
    async def held(self, first: RunRecord | None = None, rows: Sequence[Row] = ()) -> AsyncIterator[None]:
        """Hold the run's lease: nobody else drives it meanwhile. At the end it is given back.

        Args:
            first: the run, where it is new.
            rows: what is written before anything is done: a new run's input, or new decisions.

        Raises:
            RunHeld: another process has the run.
            LeaseLost: another process has taken it over meanwhile; what was going on here is cancelled.

        """
        if self.store is None:
            yield
            return
        import asyncio

        if first is not None:
            try:
                self._lease = await self.store.begin(first, rows)
            except StoreError:  # it may stand there all the same: then nobody holds it
                self._lease = Lease(first.id, first.owner, 1)
                await self._give_back("stopped")
                raise
        else:
            await self._take_over(rows)
        driver = asyncio.current_task()
        beat = asyncio.create_task(self._beat(driver))
        status: Status = "stopped"
        try:
            yield
            status = self._status
        except asyncio.CancelledError:
            if self._lost is None:
                raise
            if driver is not None:
                driver.uncancel()
            raise self._lost from None
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            await self._give_back(status)

    async def _take_over(self, rows: Sequence[Row]) -> None:
        """Take the lease of a run that is there already, and read what it holds."""
        assert self.store is not None
        self._lease = await self.store.take(self.run_id, new_owner())
        try:
            if rows:
                await self.store.write(self._lease, rows)
            self._rows = {row.key: row for row in await self.store.rows(self.run_id)}
        except BaseException:
            await self._give_back("stopped")
            raise

    async def close(self, answer: Answer[Any], waiting: Iterable[Any] = ()) -> None:
        """Have the answer on disk: the run is complete, unless it waits for a person; then what waits is written."""
        if self.store is None:
            return
        waits = list(waiting)
        if answer.status == "needs_approval" or (answer.status == "needs_input" and waits):
            self._status = "waiting"
            await self._write(Row("waits", "waits", waits))
        else:
            await self._write(Row("answer", "answer", write(answer)), durable=True)
            self._status = "done"

    _status: Status = "stopped"

    async def _beat(self, driver: Any) -> None:
        """Renew the lease while the run goes on; when it is lost, cancel what is going on."""
        import asyncio

        assert self.store is not None
        assert self._lease is not None
        until = time.monotonic() + self.store.lease_seconds
        while True:
            await asyncio.sleep(self.store.lease_seconds / _RENEWALS)
            try:
                await self.store.renew(self._lease)
                until = time.monotonic() + self.store.lease_seconds
                continue
            except LeaseLost as error:
                self._lost = error
            except StoreError as error:  # it may come back, while nobody can have taken the run
                if time.monotonic() < until:
                    continue
                self._lost = LeaseLost(
                    _("The lease of run {run} could not be renewed.").format(run=self.run_id),
                    why=str(error),
                    fix=_("See to the store, then resume the run."),
                )
            driver.cancel()
            return

    async def _give_back(self, status: Status) -> None:
        lease, self._lease = self._lease, None
        if lease is None or self.store is None or self._lost is not None:
            return
        import asyncio
        from contextlib import suppress

        with suppress(StoreError):  # what stopped the run is told; the lease runs out by itself
            await asyncio.shield(self.store.release(lease, status))

    async def _write(self, row: Row, *, durable: bool = False) -> None:
        if self._lost is not None:
            raise self._lost
        if self.store is None or self._lease is None:
            raise LeaseLost(_("Run {run} is not held by this process.").format(run=self.run_id))
        try:
            await self.store.write(self._lease, [row], durable=durable)
        except LeaseLost as error:
            self._lost = error
            raise

    def _take(self, kind: Kind, step: str, do: str, about: Any) -> Key:
        base = digest([FORMAT, self.thread, self.run_id, path(), kind, about])
        taken = self._taken.setdefault(base, set())
        occurrence = next(n for n in range(1, len(taken) + 2) if n not in taken)
        taken.add(occurrence)
        return Key(digest([base, occurrence]), kind, step, do, base, occurrence)

    def _read(self, kind: type[Any], value: Any) -> Any:
        try:
            return read(kind, value)
        except ValueError as error:
            raise _damaged(self.run_id, error) from error

    def _read_decision(self, row: Row) -> Decision:
        try:
            return read_decision(row.value["decision"])
        except (ConfigurationError, KeyError, TypeError) as error:
            raise _damaged(self.run_id, error) from error


def version_of(tool: Tool[Any, Any]) -> str:
    """Return what changes when a tool does: its author's `version`, its schema and how it is to be treated."""
    flags = [tool.needs_approval, tool.side_effect, tool.pure]
    return digest([tool.name, tool.version, tool.parameters, flags])[:16]


Decision = Any


def to_wire(decision: Decision) -> Any:
    """Return a decision as plain JSON."""
    match decision:
        case Done(value):
            return {"done": value}
        case Edit(Plan() as plan):
            return {"plan": plan.to_dict()}
        case Edit(arguments) if not isinstance(arguments, Plan):
            return {"edit": dict(arguments)}
        case _:
            return decision


def read_decision(value: Any) -> Decision:
    """Return the decision that `value` is the JSON of."""
    if not isinstance(value, dict):
        return value
    if "plan" in value:
        return Edit(Plan.from_dict(value["plan"]))
    if "edit" in value:
        return Edit(dict(value["edit"]))
    return Done(value["done"]) if "done" in value else True


def decision_rows(decisions: Mapping[str, object], waiting: Sequence[Any]) -> list[Row]:
    """Return the rows that hold what a person has decided about what waits.

    Args:
        decisions: by the step's id, or, exactly, by `Waiting.key`.
        waiting: what waits, as the store has it.

    Raises:
        ConfigurationError: nothing of the name waits, or what is given is no decision.

    """
    digests = {each["step"]: each["digest"] for each in waiting}
    steps = {f"{step}#{hash_[:16]}": step for step, hash_ in digests.items()} | {step: step for step in digests}
    rows = []
    for name, decision in decisions.items():
        if name not in steps:
            raise ConfigurationError(
                _("Nothing that waits is called {name!r}.").format(name=name),
                why=_("What waits: {names}.").format(names=", ".join(digests) or "-"),
                fix=_("An answer to a question that was put with other arguments is not used."),
            )
        if not is_decision(decision):
            raise ConfigurationError(
                _("{value!r} decides nothing about {name}.").format(value=decision, name=name),
                fix=_("Give True, False, a reason, Edit(...), or Done(value) where a crash left it unknown."),
            )
        rows.append(_decision_row(steps[name], digests[steps[name]], decision))
    return rows


def _decision_row(step: str, args_hash: str, decision: Decision) -> Row:
    value = {"step": step, "digest": args_hash, "decision": to_wire(decision)}
    return Row(_decision_key(step, args_hash), "decision", value, step=step)


def _decision_key(step: str, args_hash: str) -> str:
    return digest(["decision", step, args_hash])


def _damaged(run: str, error: Exception) -> StoreDamaged:
    return StoreDamaged(
        _("What run {run} has kept cannot be read.").format(run=run),
        why=f"{type(error).__name__}: {error}",
        fix=_("Take the store from a backup, or run the question again."),
    )
