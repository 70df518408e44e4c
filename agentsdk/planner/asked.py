"""What a run was asked and of whom, as its first row keeps it: a resume starts from there, and from nothing else."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from agentsdk.answer import Answer
from agentsdk.errors import ConfigurationError, RunChanged, StoreDamaged
from agentsdk.i18n import _
from agentsdk.models.model import Model
from agentsdk.plan import Plan
from agentsdk.planner.intake import Brief
from agentsdk.planner.journal import version_of
from agentsdk.planner.run import Run
from agentsdk.planner.shape import Shape
from agentsdk.store.canonical import digest
from agentsdk.store.owner import new_owner
from agentsdk.store.store import Row, RunRecord
from agentsdk.store.written import read, write
from agentsdk.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Asked:
    """The input of a run, and what of its agent the results depend on."""

    brief: Brief
    model: str
    tools: Mapping[str, str] = field(default_factory=dict)
    """By name: the tool's version."""
    output: str = ""
    """The digest of the output's schema; empty for text."""
    given: Plan | None = None
    """The plan that was given to run as it is."""
    thread: str = ""
    """The session that the run belongs to."""

    def shape_of(self, output: Any) -> Shape | None:
        """Return the shape of the answer, as `output=` gives it again: a type cannot be kept in a file.

        Raises:
            ConfigurationError: it is missing, or is another type than the run was begun with.

        """
        shape = None if output is None or output is str else Shape(output)
        if (digest(shape.schema) if shape else "") == self.output:
            return shape
        raise ConfigurationError(
            _("The run was begun with another output type."),
            why=_("It was given none.") if not self.output else _("Its schema differs from that of output=."),
            fix=_("Give resume the same output= as run."),
        )

    def same_agent(self, run_id: str, model: Model, toolbox: Toolbox, intents: Sequence[str] = ()) -> None:
        """Raise RunChanged where an agent would give other results than the one that began the run.

        Its instructions, examples and references are part of what was asked, and need not be the same: those of the
        beginning hold.
        """
        now = {tool.name: version_of(tool) for tool in toolbox}
        faults = []
        if model.name != self.model:
            faults.append(
                _("The model was {then}, and is {now}.").format(then=self.model or "-", now=model.name or "-")
            )
        faults += [_("The tool {name} is missing.").format(name=n) for n in self.tools if n not in now]
        faults += [_("The tool {name} is new.").format(name=n) for n in now if n not in self.tools]
        faults += [
            _("The tool {name} is another: its version, arguments or flags differ.").format(name=n)
            for n, version in now.items()
            if self.tools.get(n, version) != version
        ]
        intent = self.brief.chosen.intent if self.brief.chosen else ""
        faults += [
            _("The intent {name} is missing.").format(name=name)
            for name in (intent, *self.brief.open_intents)
            if name and name not in intents
        ]
        if faults:
            raise RunChanged(
                _("Run {run} was begun by an agent with another model or other tools.").format(run=run_id),
                why=" ".join(faults),
                fix=_("Make the agent as it was when the run began, or ask the question anew."),
                differences=faults,
            )


_BEGUN_BY: ContextVar[Mapping[str, Any] | None] = ContextVar("agentsdk_begun_by", default=None)


@contextmanager
def begun_by(options: Mapping[str, Any]) -> Iterator[None]:
    """Have runs that are begun within keep the options of the command line, which makes their agent again."""
    token = _BEGUN_BY.set(options)
    try:
        yield
    finally:
        _BEGUN_BY.reset(token)


def command_in(rows: Sequence[Row]) -> Mapping[str, Any] | None:
    """Return the options of the command line that began the run; None where a program did."""
    try:
        found = _value(rows, "command")
    except LookupError:
        return None
    return found if isinstance(found, dict) else None


def new_run_id() -> str:
    """Return a name for a run: 12 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(6)


def first_rows(run: Run) -> tuple[RunRecord, list[Row]]:
    """Return a new run as lists show it, and the row of its input."""
    record = RunRecord(
        run.journal.run_id,
        run.journal.thread,
        "running",
        0.0,
        0.0,
        run.brief.question,
        run.model.name,
        new_owner(),
    )
    # Of a session only the number of its turns is kept: it holds them already, and for ever in this order.
    brief = replace(run.brief, history=()) if run.journal.thread else run.brief
    asked = Asked(
        brief,
        run.model.name,
        {tool.name: version_of(tool) for tool in (run.intents.every_tool() if run.intents else run.toolbox)},
        digest(run.shape.schema) if run.shape else "",
        run.given,
        run.journal.thread,
    )
    rows = [Row("input", "input", write(asked))]
    options = _BEGUN_BY.get()
    return record, rows if options is None else [*rows, Row("command", "fact", dict(options))]


def what_was_asked(run_id: str, rows: Sequence[Row]) -> Asked:
    """Return the input of a run.

    Raises:
        StoreDamaged: it is missing, or no input.

    """
    try:
        return read(Asked, _value(rows, "input"))
    except (ValueError, LookupError) as error:
        raise _unreadable(run_id, error) from error


def answer_in(run_id: str, rows: Sequence[Row], shape: Shape | None = None) -> Answer[Any] | None:
    """Return the answer of a run that is complete; None where it is not.

    Raises:
        StoreDamaged: there is one, and it cannot be read.

    """
    try:
        wire = _value(rows, "answer")
        output = wire["output"]
        if shape is not None and output is not None:
            wire = {**wire, "output": shape.read(json.dumps(output))}
        return read(Answer, wire)
    except LookupError:
        return None
    except (ValueError, TypeError) as error:
        raise _unreadable(run_id, error) from error


def waiting_in(rows: Sequence[Row]) -> list[Any]:
    """Return what waited for a person when the run stopped last, as plain JSON."""
    try:
        return list(_value(rows, "waits"))
    except (LookupError, TypeError):
        return []


def _value(rows: Sequence[Row], key: str) -> Any:
    for row in rows:
        if row.key == key:
            return row.value
    raise LookupError(key)


def _unreadable(run_id: str, error: Exception) -> StoreDamaged:
    return StoreDamaged(
        _("What run {run} has kept cannot be read.").format(run=run_id),
        why=f"{type(error).__name__}: {error}",
        fix=_("Take the store from a backup, or ask the question anew."),
    )
