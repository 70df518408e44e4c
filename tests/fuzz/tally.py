"""What came of the inputs of one reader: counted, and the slowest and the wrong ones kept."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.reader import SLOW, Reader, Violation

MOST = 20
"""Violations of one reader that are kept; the others are counted."""


@dataclass
class Tally:
    """The inputs of one reader."""

    reader: str
    inputs: int = 0
    seconds: float = 0.0
    """Of CPU, the drawing and the checks by others included."""
    errors: Counter[str] = field(default_factory=Counter)
    """By the name of a documented error: inputs that ended in it."""
    slowest_ms: float = 0.0
    slowest: str = ""
    """Which input that was."""
    violations: list[dict[str, str]] = field(default_factory=list)
    more: int = 0
    """Violations beside those."""
    save: Path | None = None
    """The folder in which inputs are kept."""

    def take(self, reader: Reader, sample: Any, which: str, most: float = SLOW) -> None:
        """Have an input read, and count it.

        Raises:
            Violation: as the reader's check; it is counted as well.

        """
        self.inputs += 1
        try:
            watch = reader.take(sample, most)
        except Violation as wrong:
            self.note(wrong, sample, which)
            raise
        if error := next(iter(watch.outcomes), ""):
            self.errors[error] += 1
        if watch.over * 1000 > self.slowest_ms:
            self.slowest_ms, self.slowest = watch.over * 1000, which
            if watch.over > 0.01:
                self.keep("slowest", sample)

    def note(self, wrong: Violation, sample: Any, which: str) -> None:
        """Keep a violation with its input."""
        if len(self.violations) >= MOST:
            self.more += 1
            return
        self.violations.append({"kind": wrong.kind, "detail": wrong.detail, "which": which})
        self.keep(f"{wrong.kind}-{len(self.violations)}", sample)

    def keep(self, name: str, sample: Any) -> None:
        """Write an input down as Python has it."""
        if self.save is not None:
            self.save.mkdir(parents=True, exist_ok=True)
            file = self.save / re.sub(r"\W+", "-", f"{self.reader}-{name}")
            with contextlib.suppress(RecursionError):
                file.with_suffix(".txt").write_text(repr(sample), encoding="utf-8", errors="backslashreplace")

    def add(self, other: Tally) -> None:
        """Take in what another engine counted."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.errors.update(other.errors)
        if other.slowest_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = other.slowest_ms, other.slowest
        self.violations += other.violations
        self.more += other.more

    def told(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return {
            "reader": self.reader,
            "inputs": self.inputs,
            "seconds": round(self.seconds, 1),
            "errors": dict(self.errors.most_common()),
            "slowest_ms": round(self.slowest_ms, 1),
            "slowest": self.slowest,
            "violations": self.violations,
            "more": self.more,
        }

    @classmethod
    def of(cls, told: dict[str, Any]) -> Tally:
        """Return the tally that was told."""
        return cls(**told | {"errors": Counter(told["errors"])})


def table(tallies: list[Tally]) -> str:
    """Return tallies as a table, and what was wrong below it."""
    rows = [("reader", "inputs", "seconds", "slowest ms", "violations", "errors by type")]
    for t in [*tallies, total(tallies)]:
        errors = ", ".join(f"{name} {count:,}" for name, count in t.errors.most_common(6))
        wrong = f"{len(t.violations) + t.more:,}"
        rows.append((t.reader, f"{t.inputs:,}", f"{t.seconds:.1f}", f"{t.slowest_ms:.1f}", wrong, errors))
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(row[at].rjust(widths[at]) for at in range(1, 5)), row[5]]
        ).rstrip()
        for row in rows
    ]
    for t in tallies:
        lines += [f"\n{t.reader}, {v['which']}: {v['kind']}: {v['detail']}" for v in t.violations]
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def total(tallies: list[Tally]) -> Tally:
    """Return the sum of all."""
    whole = Tally("all")
    for tally in tallies:
        whole.add(tally)
    return whole


def as_json(tallies: list[Tally]) -> str:
    """Return tallies as one JSON object."""
    whole = total(tallies)
    return json.dumps(
        {
            "inputs": whole.inputs,
            "seconds": round(whole.seconds, 1),
            "slowest_ms": round(whole.slowest_ms, 1),
            "violations": len(whole.violations) + whole.more,
            "readers": [tally.told() for tally in tallies],
        }
    )
