"""Passage, Citation and Evidence: what was found, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from agentsdk.messages import Json

Check = Literal["exact", "normalised", "elsewhere"]
"""How a quote was found: character by character; after NFKC, white space and case folding; or in a source
other than the one that was named."""

Status = Literal["done", "failed", "skipped", "refused", "pending"]
"""A step's end. `skipped`: something that it needs failed; without an `error`, its condition did not hold, which is
no failure. `refused`: a policy said no. `pending`: it waits
for an approval or for input."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a source text. A tool that returns passages has the quotes taken from them proved as well."""

    text: str
    source: str
    """A file's path as it was given, or an address."""
    start: int = 0
    """Offset of the first character in the source's text, from 0."""
    line: int = 1
    """Line of the first character, from 1."""
    page: int | None = None
    """Page of the first character, from 1, where the source has pages."""
    heading: str = ""
    """The headings above, outermost first, joined by " > "."""
    score: float = 0.0
    """How well it fits the query, 0 to 1; comparable within one search only."""
    coverage: float = 0.0
    """Share of the query's terms that stand in the passage, weighted by how rare they are: 0 to 1."""

    @property
    def end(self) -> int:
        """Offset behind the last character in the source's text."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote that was found in its source: `text[start:end]` of the source is `quote`."""

    source: str
    start: int
    end: int
    line: int
    quote: str
    """The words as they stand in the source, not as the model wrote them."""
    check: Check = "exact"
    page: int | None = None

    def to_dict(self) -> dict[str, Json]:
        """Return the citation as plain JSON; `page` only where the source has pages."""
        wire: dict[str, Json] = {
            "source": self.source,
            "start": self.start,
            "end": self.end,
            "line": self.line,
            "quote": self.quote,
            "check": self.check,
        }
        return wire if self.page is None else {**wire, "page": self.page}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a step brought: a value, or an error, and the passages behind it."""

    step: str
    """The step's id."""
    do: str
    inputs: Any = field(default_factory=dict)
    """The inputs with every Ref replaced by its value."""
    status: Status = "done"
    value: Any = None
    """JSON; for passages, the list of their texts."""
    passages: tuple[Passage, ...] = ()
    error: str | None = None
    """What went wrong, in a sentence that a model can act on. On a step that is done: what is to be known of it."""
    seconds: float = 0.0
    """Wall time from start to end of the step."""
    passes: tuple[int, ...] = ()
    """Of an extract that looked again: how many new items each pass brought."""
    parts: tuple[Evidence, ...] = ()
    """Of a map: what each element brought, in order; their ids are "s2.0", "s2.1"..."""

    @property
    def is_passages(self) -> bool:
        """Whether the value is the passages themselves, and not something that was made of them."""
        return bool(self.passages) and self.value == [p.text for p in self.passages]

    @property
    def well(self) -> bool:
        """Whether nothing went wrong: it is done, or its condition did not hold."""
        return self.status == "done" or (self.status == "skipped" and self.error is None)

    def to_dict(self) -> dict[str, Json]:
        """Return the step as plain JSON, without its value; "passes" and "parts" only where there are any."""
        wire: dict[str, Json] = {
            "id": self.step,
            "do": self.do,
            "in": self.inputs,
            "status": self.status,
            "seconds": round(self.seconds, 4),
            "error": self.error,
        }
        if self.passes:
            wire["passes"] = list(self.passes)
        if self.parts:
            wire["parts"] = [part.to_dict() for part in self.parts]
        return wire
