"""What a reader is to the fuzzer: how an input is drawn, how it is read, and what the readings must have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

SLOW = 0.1
"""Seconds of CPU that one reading of one input may take."""
FEW = 1_000
"""Pieces from which on each further one may cost `A_PIECE` more: to be fed with it is work, too."""
A_PIECE = 20e-6
AGAIN = 3
"""Times that a slow input is read once more: on a busy machine the least time is the true one."""


class Violation(Exception):
    """A reader did what it never may.

    Args:
        kind: "error", "slow", or the name of what does not hold.
        detail: what there was to see.

    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass(frozen=True)
class Ended:
    """A reading that ended in one of the reader's documented errors."""

    error: str


@dataclass
class Watch:
    """Times the readings of one input, and lets none but documented errors pass."""

    raises: tuple[type[Exception], ...]
    outcomes: list[str] = field(default_factory=list)
    """By reading: the name of its error, "" where it ended well."""
    over: float = 0.0
    """The longest reading in seconds, less what its pieces may cost."""

    def read(self, reading: Callable[[], T], *, pieces: int = 1) -> T | Ended:
        """Return what a reading brings.

        Raises:
            Violation: it ended in an error that is not documented.

        """
        began = time.thread_time()
        got: T | Ended
        try:
            got = reading()
        except self.raises as error:
            got = Ended(type(error).__name__)
        except Exception as error:
            raise Violation("error", f"{type(error).__name__}: {error}"[:300]) from error
        spent = time.thread_time() - began
        self.over = max(self.over, spent - max(pieces - FEW, 0) * A_PIECE)
        self.outcomes.append(got.error if isinstance(got, Ended) else getattr(got, "error", ""))
        return got


def same(kind: str, ours: Any, theirs: Any) -> None:
    """Hold two things against each other; what differs is a Violation."""
    if ours != theirs:
        raise Violation(kind, f"{str(ours)[:300]} is not {str(theirs)[:300]}")


def holds(kind: str, ok: object, detail: Any = "") -> None:
    """Raise a Violation where something does not hold."""
    if not ok:
        raise Violation(kind, str(detail)[:500])


@dataclass(frozen=True)
class Reader:
    """One reader of what models or servers write."""

    name: str
    make: Callable[[Random], Any]
    """Draws an input: plain data, made of nothing but what chance gives."""
    check: Callable[[Any, Watch], None]
    """Reads an input in all ways, and raises a Violation where they are not as they should be."""
    raises: tuple[type[Exception], ...] = ()
    """The errors that are documented."""
    share: int = 4
    """How large a part of all inputs it gets, beside the others."""
    strategy: Callable[[], SearchStrategy[Any]] | None = None
    """What hypothesis draws besides."""

    def take(self, sample: Any, most: float = SLOW) -> Watch:
        """Return how an input was read.

        Args:
            sample: the input.
            most: seconds of CPU that a reading may take.

        Raises:
            Violation: not as it should be; an input that is slow is read again before it counts.

        """
        watch = Watch(self.raises)
        self.check(sample, watch)
        for _again in range(AGAIN):
            if watch.over <= most:
                return watch
            again = Watch(self.raises)
            self.check(sample, again)
            watch.over = min(watch.over, again.over)
        if watch.over > most:
            raise Violation("slow", f"{watch.over * 1000:.0f} ms")
        return watch
