"""A run written down, one JSON object a line, and read back.

    {"agentsdk": "trace", "version": 1}
    {"event": "RunStarted", "at": 0.0, "question": "...", ...}
    {"event": "Finished", "at": 1.93, "answer": {...}}

Each line is on disk before the next event is handled: a run that is killed leaves all but its last moment. A file may
hold several runs (a talk, a run and its resumptions): each event has the `run_id` of its own. Events of a kind that
a newer version has added are left out by an older one, with a note.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agentsdk import events
from agentsdk.errors import TraceUnreadable
from agentsdk.events import Event, Happening, Nested
from agentsdk.i18n import _
from agentsdk.plan import Plan, Step
from agentsdk.store.written import read as read_value

HEADER = {"agentsdk": "trace", "version": 1}

_EVENTS: dict[str, Any] = {
    kind.__name__: kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Happening) and kind not in (Happening, Nested)
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
        record = record_of(event)
        self._line({"event": record.pop("event"), "at": at, **record})

    def _line(self, record: Any) -> None:
        line = json.dumps(record, ensure_ascii=False)
        if not line.isascii() and any("\ud800" <= letter <= "\udfff" for letter in line):
            line = json.dumps(
                record
            )  # half a surrogate pair has no place in UTF-8; escaped it is read back as it was
        self._file.write(line + "\n")
        self._file.flush()


def read(
    path: str | os.PathLike[str], *, note: Callable[[str], None] | None = None
) -> Iterator[tuple[float, Event]]:
    """Yield the events of a trace with the seconds since its beginning.

    Args:
        note: is told, once a kind, of events that this version does not know and leaves out; without it, a warning is
            given.

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
    unknown: set[str] = set()
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        try:
            record = json.loads(line)
            at, event = float(record["at"]), event_of(record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if number == len(lines):  # the newline is missing: a kill came in between
                return
            raise TraceUnreadable(
                _("Line {line} of {path} is damaged.").format(line=number, path=path),
                why=f"{type(error).__name__}: {error}",
            ) from error
        if event is not None:
            yield at, event
        elif (name := str(record["event"])) not in unknown:
            unknown.add(name)
            told = _("Events of the kind {name} are left out: a newer version wrote them.").format(name=name)
            note(told) if note else warnings.warn(told, stacklevel=2)


def record_of(event: Event) -> dict[str, Any]:
    """Return an event as the plain JSON object of its line, without the time.

    An event of a subagent stands as itself, with the steps around it in "within", outermost first.
    """
    within = []
    while isinstance(event, Nested):
        within.append({"step": event.step, "agent": event.agent})
        event = event.event
    around = {"within": within} if within else {}
    return {"event": type(event).__name__, **around, **to_json(event)}


def event_of(record: Mapping[str, Any]) -> Event | None:
    """Return the event that `record_of` wrote; None where its kind is not known to this version.

    The typed output of an answer comes back as plain JSON, and a picture without its bytes. What a newer version has
    added to an event is left out.

    Raises:
        ValueError: it is no event; the text names the field.

    """
    kind = _EVENTS.get(str(record["event"]))
    if kind is None:
        return None
    event: Event = read_value(kind, record)
    for around in reversed(record.get("within", ())):
        event = Nested(str(around["step"]), str(around["agent"]), event, id=event.id, run_id=event.run_id)
    return event


def to_json(value: Any) -> Any:
    """Return an event, or a value of one, as plain JSON."""
    if isinstance(value, (Plan, Step)):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, bytes):  # a picture: its name and type are told, its bytes would swell the file
        return None
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str)
