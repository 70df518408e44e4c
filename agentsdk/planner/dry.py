"""What was missed? Looks again with what was found left out, until a pass brings nothing new that holds."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agentsdk.planner.ledger import LimitReached
from agentsdk.references.cite import folded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dry(Generic[T]):
    """What all passes found together."""

    items: tuple[T, ...]
    """In the order in which they were found, each once."""
    passes: tuple[int, ...]
    """By pass, the first one (which was given) left out: how many new items held."""
    limit: str | None = None
    """The limit of the budget that ended the search early."""

    @property
    def dry(self) -> bool:
        """Whether the last pass brought nothing new, so that there is likely no more."""
        return bool(self.passes) and self.passes[-1] == 0


def sameness(item: Any) -> Hashable:
    """Return what two items have in common that are the same but for case, width, spacing and quote marks."""
    return folded(json.dumps(item, ensure_ascii=False, sort_keys=True, default=str))


async def until_dry(
    found: Sequence[T],
    look: Callable[[tuple[T, ...]], Awaitable[Sequence[T]]],
    *,
    passes: int = 3,
    holds: Callable[[T], bool] = lambda _item: True,
    same: Callable[[T], Hashable] = sameness,
) -> Dry[T]:
    """Return what was found, and what further passes add to it.

    Args:
        found: what the first pass brought; it is kept as it is, each item once.
        look: makes one more pass. It gets what is to be left out, and returns what it finds beside.
        passes: how many passes more there may be.
        holds: whether a new item is proved; one that is not is dropped, and counts as nothing.
        same: what two items share that are the same one.

    The budget's end ends the passes and is told in `limit`; whatever else `look` raises is raised.

    """
    items: dict[Hashable, T] = {}
    for item in found:
        items.setdefault(same(item), item)
    brought: list[int] = []
    while len(brought) < passes and (not brought or brought[-1]):
        try:
            more = await look(tuple(items.values()))
        except LimitReached as error:
            return Dry(tuple(items.values()), tuple(brought), error.limit)
        before = len(items)
        for item in more:
            if same(item) not in items and holds(item):
                items[same(item)] = item
        brought.append(len(items) - before)
    return Dry(tuple(items.values()), tuple(brought))
