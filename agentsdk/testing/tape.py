"""A cassette: the exchanges of one test as a file for git, found again by content, appended as they end.

One JSON object a line:

    {"cassette": 1}
    {"tool": "<digest>", "spec": {...}}                 each tool once
    {"message": "<digest>", "said": {...}}              each message once
    {"n": 1, "ask": {"role": "openai", "method": "POST", "path": "/chat/completions", "parameters": {...},
                     "tools": ["<digest>"], "messages": ["<digest>"]}, "source": "simulator"}
    {"n": 1, "event": "data: ..."}                      each piece of the answer, as it came
    {"n": 1, "done": {"status": 200, "type": "text/event-stream", "events": 3, "digest": "..."}}
    {"close": {"exchanges": 1}}

An exchange counts once its `done` line is there, and a file once its `close` line is: what is cut off or changed
by hand is noticed, and never silently shorter. Reading a cassette runs nothing.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from agentsdk.errors import CassetteDamaged, CassetteMiss
from agentsdk.i18n import _
from agentsdk.testing.keys import Ask, difference, digest
from agentsdk.testing.redact import refuse_secrets, scrub

HEADER = {"cassette": 1}

Source = Literal["live", "simulator"]
Mode = Literal["none", "missing", "all"]


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    number: int
    """In the order in which the requests were made, from 1."""
    ask: Ask
    source: Source
    """Who answered, as the recorder found out: a provider, or a stand-in."""
    status: int = 0
    type: str = ""
    """The answer's Content-Type."""
    events: list[bytes] = field(default_factory=list)
    """The body, in the pieces in which it came."""
    done: bool = False
    taken: bool = False


class Tape:
    """The exchanges of one cassette.

    Args:
        path: the file.
        mode: "none" replays and never records; "missing" records what is not there; "all" begins anew.

    Raises:
        CassetteDamaged: the file cannot be trusted.
        CassetteMiss: there is none, and nothing may be recorded.

    """

    def __init__(self, path: Path, mode: Mode = "none") -> None:
        self.path = path
        self.mode = mode
        self._lock = threading.Lock()
        self._by_key: dict[str, deque[Exchange]] = defaultdict(deque)
        self._exchanges: list[Exchange] = []
        self._file: TextIO | None = None
        self._known: set[str] = set()
        self._recorded = 0
        if mode != "all" and path.exists():
            for exchange in load(path, unfinished=mode == "missing"):
                self._exchanges.append(exchange)
                self._by_key[exchange.ask.key].append(exchange)
        elif mode == "none":
            raise CassetteMiss(
                _("There is no cassette {path}.").format(path=path),
                fix=_("Record it: pytest --record=all"),
            )

    def take(self, ask: Ask) -> Exchange | None:
        """Return the next recorded exchange for a request and mark it as used; None where there is none left."""
        with self._lock:
            row = self._by_key.get(ask.key)
            if not row:
                return None
            exchange = row.popleft()
            exchange.taken = True
            return exchange

    def miss(self, ask: Ask) -> CassetteMiss:
        """Return the error for a request that was not recorded: the nearest one, and what differs."""
        rated = [(*difference(ask, e.ask), e) for e in self._exchanges if e.ask.key != ask.key]
        why = _("Nothing was recorded.")
        if any(e.ask.key == ask.key for e in self._exchanges):
            why = _("It was recorded, and every answer to it has been used already.")
        elif rated:
            _distance, what, nearest = min(rated, key=lambda row: (row[0], row[2].number))
            why = _("The nearest recorded request is number {number}; it differs in {what}").format(
                number=nearest.number, what=what
            )
        return CassetteMiss(
            _("{path} holds no answer to this request ({method} {where}).").format(
                path=self.path.name, method=ask.method, where=ask.path
            ),
            why=why,
            fix=_("If the change is meant, record again: pytest --record=all"),
        )

    def begin(self, ask: Ask, source: Source) -> Exchange:
        """Return a new exchange, numbered in the order of the requests."""
        with self._lock:
            exchange = Exchange(len(self._exchanges) + 1, ask, source)
            self._exchanges.append(exchange)
            return exchange

    def finish(self, exchange: Exchange) -> None:
        """Write an exchange that has ended to the file, at once.

        Raises:
            CassetteError: it holds what looks like a secret; nothing of it was written.

        """
        known = set(self._known)
        lines = _lines(exchange, known)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        refuse_secrets(text)
        with self._lock:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open(
                    "a" if self.mode == "missing" else "w", encoding="utf-8", newline="\n"
                )
                if self._file.tell() == 0:
                    self._file.write(json.dumps(HEADER) + "\n")
            self._file.write(text)
            self._file.flush()
            self._known |= known
            exchange.done = exchange.taken = True
            self._recorded += 1

    def close(self) -> None:
        """Write what was recorded anew in the order of the requests, with its closing line."""
        with self._lock:
            if self._file is None:
                return
            self._file.close()
            self._file = None
            whole = [e for e in self._exchanges if e.done]
            known: set[str] = set()
            draft = self.path.with_suffix(".tmp")
            with draft.open("w", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(HEADER) + "\n")
                for number, exchange in enumerate(whole, 1):
                    exchange.number = number
                    for line in _lines(exchange, known):
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.write(json.dumps({"close": {"exchanges": len(whole)}}) + "\n")
            draft.replace(self.path)

    @property
    def unused(self) -> list[Exchange]:
        """The recorded exchanges that nothing asked for."""
        return [e for e in self._exchanges if not e.taken]

    @property
    def recorded(self) -> int:
        """How many exchanges were recorded now."""
        return self._recorded


def load(path: Path, *, unfinished: bool = False) -> list[Exchange]:
    """Return the exchanges of a cassette.

    Args:
        unfinished: accept a file without its closing line, as a kill leaves it; whole exchanges are returned.

    Raises:
        CassetteDamaged: a line is broken, a part is missing, or the file was changed by hand.

    """
    segments: dict[str, Any] = {}
    found: dict[int, Exchange] = {}
    closed = None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, 0, str(error)) from error
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
            if number == 1:
                if line != HEADER:
                    raise ValueError("it is not a cassette of version 1")
            elif closed is not None:
                raise ValueError("something stands behind the closing line")
            elif "close" in line:
                closed = line["close"]["exchanges"]
            elif "tool" in line or "message" in line:
                value = line["spec"] if "tool" in line else line["said"]
                if digest(value) != line.get("tool", line.get("message")):
                    raise ValueError("its digest does not fit")
                segments[digest(value)] = value
            else:
                _take_line(line, found, segments)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if unfinished and number == len(lines):
                break
            raise _damaged(path, number, f"{type(error).__name__}: {error}") from error
    whole = [e for _n, e in sorted(found.items()) if e.done]
    if not unfinished and (closed is None or closed != len(whole) or len(whole) != len(found)):
        raise _damaged(path, len(lines), _("it has no closing line that fits: the recording was cut off"))
    return whole


def _take_line(line: dict[str, Any], found: dict[int, Exchange], segments: dict[str, Any]) -> None:
    number = int(line["n"])
    if "ask" in line:
        wire = line["ask"]
        ask = Ask(
            wire["role"],
            wire["method"],
            wire["path"],
            wire["parameters"],
            tuple(segments[d] for d in wire["tools"]),
            tuple(segments[d] for d in wire["messages"]),
        )
        if line["source"] not in ("live", "simulator"):
            raise ValueError("its source is not known")
        found[number] = Exchange(number, ask, line["source"])
    elif "event" in line:
        found[number].events.append(line["event"].encode())
    elif "bytes" in line:
        found[number].events.append(base64.b64decode(line["bytes"], validate=True))
    else:
        done, exchange = line["done"], found[number]
        if done["events"] != len(exchange.events) or done["digest"] != _digest_of(exchange):
            raise ValueError("its events are not those that were recorded")
        exchange.status, exchange.type, exchange.done = int(done["status"]), str(done["type"]), True


def _lines(exchange: Exchange, known: set[str]) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []

    def segment(kind: str, field: str, value: Any) -> str:
        value = json.loads(scrub(json.dumps(value, ensure_ascii=False)))
        key = digest(value)
        if key not in known:
            known.add(key)
            lines.append({kind: key, field: value})
        return key

    ask = exchange.ask
    wire = {
        "role": ask.role,
        "method": ask.method,
        "path": ask.path,
        "parameters": json.loads(scrub(json.dumps(ask.parameters, ensure_ascii=False))),
        "tools": [segment("tool", "spec", t) for t in ask.tools],
        "messages": [segment("message", "said", m) for m in ask.messages],
    }
    lines.append({"n": exchange.number, "ask": wire, "source": exchange.source})
    exchange.events = [_scrubbed(e) for e in exchange.events]
    for event in exchange.events:
        try:
            lines.append({"n": exchange.number, "event": event.decode("utf-8")})
        except UnicodeDecodeError:
            lines.append({"n": exchange.number, "bytes": base64.b64encode(event).decode()})
    done = {
        "status": exchange.status,
        "type": exchange.type,
        "events": len(exchange.events),
        "digest": _digest_of(exchange),
    }
    lines.append({"n": exchange.number, "done": done})
    return lines


def _scrubbed(event: bytes) -> bytes:
    try:
        return scrub(event.decode("utf-8")).encode()
    except UnicodeDecodeError:
        return event


def _digest_of(exchange: Exchange) -> str:
    return digest([base64.b64encode(b"".join(exchange.events)).decode()])


def _damaged(path: Path, line: int, why: str) -> CassetteDamaged:
    return CassetteDamaged(
        _("The cassette {path} is damaged at line {line}.").format(path=path, line=line),
        why=why,
        fix=_("Take it from git again, or record it anew: pytest --record=all"),
    )


def sources_of(exchanges: Iterable[Exchange]) -> set[Source]:
    """Return who answered in these exchanges."""
    return {e.source for e in exchanges}
