"""What was missed?"""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agentsdk.planner.dry import until_dry
from agentsdk.planner.ledger import LimitReached


@given(st.lists(st.integers(0, 5)), st.lists(st.lists(st.integers(0, 9)), max_size=6), st.integers(1, 6))
def test_items_come_once_and_passes_end_where_nothing_new_holds(
    first: list[int], brought: list[list[int]], passes: int
) -> None:
    left: list[tuple[int, ...]] = []

    async def look(found: tuple[int, ...]) -> Sequence[int]:
        left.append(found)
        return brought[len(left) - 1] if len(left) <= len(brought) else []

    dry = asyncio.run(until_dry(first, look, passes=passes, holds=lambda n: n % 2 == 0))
    assert len(set(dry.items)) == len(dry.items)
    assert set(first) <= set(dry.items)
    assert all(n % 2 == 0 for n in set(dry.items) - set(first))
    assert 1 <= len(dry.passes) <= passes
    assert all(dry.passes[:-1])
    assert len(dry.items) == len(set(first)) + sum(dry.passes)


def test_the_budgets_end_keeps_what_was_found() -> None:
    async def look(found: tuple[str, ...]) -> Sequence[str]:
        if len(found) > 1:
            raise LimitReached("calls")
        return ["b"]

    dry = asyncio.run(until_dry(["a"], look, passes=9))
    assert (dry.items, dry.passes, dry.limit, dry.dry) == (("a", "b"), (1,), "calls", False)
