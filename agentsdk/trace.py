"""A run written down, one JSON object a line, and read back.

    {"agentsdk": "trace", "version": 1}
    {"event": "RunStarted", "at": 0.0, "question": "...", ...}
    {"event": "Finished", "at": 1.93, "answer": {...}}

Each line is on disk before the next event is handled: a run that is killed leaves all but its last moment.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agentsdk import events
from agentsdk.answer import Answer, Finding
from agentsdk.budget import Usage
from agentsdk.errors import TraceUnreadable
from agentsdk.events import Event
from agentsdk.evidence import Citation, Evidence, Passage
from agentsdk.i18n import _
from agentsdk.media import Media
from agentsdk.messages import BrokenCall, Message, Repair, ToolCall
from agentsdk.plan import Plan

HEADER = {"agentsdk": "trace", "version": 1}

_EVENTS = {
    kind.__name__: kind
    for kind in vars(events).values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == events.__name__
}


class TraceFile:
    """Writes events to a file: `with TraceFile("run.jsonl") as trace: trace.write(event)`.

    Raises:
        TraceUnreadable: the file cannot be written; raised when it is opened, before anything runs.

    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._file = Path(path).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115  # closed by __exit__
        except OSError as error:
            raise TraceUnreadable(
                _("The trace cannot be written to {path}.").format(path=path),
                why=error.strerror or str(error),
                fix=_("Give a file in a folder that exists and may be written."),
            ) from error
        self._began = time.monotonic()
        self._line(HEADER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, event: Event) -> None:
        """Write one event, and have it on disk when this returns."""
        at = round(time.monotonic() - self._began, 4)
        self._line({"event": type(event).__name__, "at": at, **to_json(event)})

    def _line(self, record: Any) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()


def read(path: str | os.PathLike[str]) -> Iterator[tuple[float, Event]]:
    """Yield the events of a trace with the seconds since its beginning.

    Raises:
        TraceUnreadable: the file is missing, is no trace, or is damaged; the message names the line. A last line
            that was cut off by a kill is left out.

    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or str(error) if isinstance(error, OSError) else _("It is not a text file.")
        raise TraceUnreadable(_("The trace {path} cannot be read.").format(path=path), why=why) from error
    try:
        if json.loads(lines[0]) != HEADER:
            raise ValueError
    except ValueError as error:
        raise TraceUnreadable(
            _("{path} is not a trace.").format(path=path),
            why=_("Its first line is not that of a trace of version 1."),
            fix=_("Write one with: agentsdk ask ... --trace FILE"),
        ) from error
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        try:
            record = json.loads(line)
            kind = _EVENTS[record.pop("event")]
            at = float(record.pop("at"))
            yield at, from_json(kind, record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if number == len(lines):  # the newline is missing: a kill came in between
                return
            raise TraceUnreadable(
                _("Line {line} of {path} is damaged.").format(line=number, path=path),
                why=f"{type(error).__name__}: {error}",
            ) from error


def to_json(value: Any) -> Any:
    """Return an event, or a value of one, as plain JSON."""
    if isinstance(value, Plan):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, bytes):  # a picture: its name and type are told, its bytes would swell the file
        return None
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str)


def from_json(kind: type[Any], record: Any) -> Any:
    """Return the value that `to_json` wrote. The typed output of an answer comes back as plain JSON."""
    if kind is Plan:
        return Plan.from_dict(record)
    values = {}
    for field in dataclasses.fields(kind):
        if field.name not in record:
            continue
        value = record[field.name]
        inner = _INNER.get((kind, field.name))
        if inner is not None and value is not None:
            value = (
                tuple(from_json(inner, v) for v in value)
                if isinstance(value, list)
                else from_json(inner, value)
            )
        elif isinstance(value, list) and (kind, field.name) not in _LISTS:
            value = tuple(value)
        values[field.name] = value
    return kind(**values)


_INNER: dict[tuple[type[Any], str], type[Any]] = {
    (events.PlanReady, "plan"): Plan,
    (events.StepDone, "evidence"): Evidence,
    (events.ApprovalNeeded, "call"): ToolCall,
    (events.Cited, "citation"): Citation,
    (events.ModelCalled, "usage"): Usage,
    (events.ModelCalled, "total"): Usage,
    (events.Finished, "answer"): Answer,
    (Answer, "citations"): Citation,
    (Answer, "plan"): Plan,
    (Answer, "steps"): Evidence,
    (Answer, "usage"): Usage,
    (Answer, "findings"): Finding,
    (Answer, "messages"): Message,
    (Message, "calls"): ToolCall,
    (Message, "media"): Media,
    (Message, "repairs"): Repair,
    (Message, "broken_calls"): BrokenCall,
    (Evidence, "passages"): Passage,
}
_LISTS = {(Evidence, "value"), (Evidence, "inputs"), (Answer, "output"), (events.StepStarted, "inputs")}
