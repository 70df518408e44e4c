"""Counts the outcomes of langchain-tests by adapter and method, and says what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

WHOLE = {"unit": 10}
"""Tests that a suite has, of langchain-tests 1.1.9: a suite that has shrunk does not pass."""
INTEGRATION = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test ended."""

    adapter: str
    method: str
    test: str
    outcome: str
    """"passed", "skipped", "failed" or "xfail"."""
    reason: str = ""


@dataclass(slots=True)
class Table:
    """The outcomes so far."""

    rows: dict[tuple[str, str], list[Outcome]] = field(default_factory=dict)
    lacks: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def add(self, outcome: Outcome, lacks: Mapping[str, str]) -> None:
        """Take an outcome in.

        Args:
            outcome: how the test ended.
            lacks: by test: what the adapter's protocol lacks for it.

        """
        self.rows.setdefault((outcome.adapter, outcome.method), []).append(outcome)
        self.lacks[outcome.adapter] = lacks

    def faults(self) -> list[str]:
        """Return what is wrong, a line each."""
        return [*self._faults()]

    def _faults(self) -> Iterator[str]:
        for (adapter, method), outcomes in self.rows.items():
            where = f"{adapter}, {method}"
            whole = WHOLE.get(method, INTEGRATION)
            if len(outcomes) != whole:
                yield f"{where}: {len(outcomes)} tests ran, and there are {whole}"
            for one in outcomes:
                lacking = one.test in self.lacks[adapter]
                if one.outcome in ("failed", "xfail"):
                    yield f"{where}: {one.test} {one.outcome}"
                elif one.outcome == "skipped" and not lacking:
                    yield f"{where}: {one.test} was skipped, and nothing is known to be lacking: {one.reason}"
                elif one.outcome == "passed" and lacking:
                    yield f"{where}: {one.test} passed, and is said to be lacking"

    def lines(self) -> Iterator[str]:
        """Yield the table, what the protocols lack, and what is wrong."""
        head = ("adapter", "suite", "passed", "skipped", "failed", "of")
        body = [
            (
                adapter,
                method,
                *(str(sum(o.outcome == kind for o in outcomes)) for kind in ("passed", "skipped")),
                str(sum(o.outcome in ("failed", "xfail") for o in outcomes)),
                str(WHOLE.get(method, INTEGRATION)),
            )
            for (adapter, method), outcomes in self.rows.items()
        ]
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        for row in [head, *body]:
            yield "  ".join(
                cell.ljust(w) if i < 2 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
        for adapter, lacks in self.lacks.items():
            for test, reason in lacks.items():
                yield f"skipped with {adapter}: {test}: {reason}"
        faults = self.faults()
        for fault in faults:
            yield f"WRONG: {fault}"
        if not faults:
            yield "conformance: nothing failed, and nothing was skipped but what a protocol lacks"
