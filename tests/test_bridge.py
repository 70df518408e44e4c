"""Sync code waits for async code on one background loop, and a stream may run ahead of it."""

import asyncio
import contextvars
import gc
from collections.abc import AsyncGenerator, Callable, Iterator

import pytest

from agentsdk import _bridge
from agentsdk._bridge import AHEAD, iterate, read_ahead, wait
from agentsdk.errors import ConfigurationError

Over = Callable[[AsyncGenerator[int, None]], Iterator[int]]

said = contextvars.ContextVar("said", default="")


class Source:
    """Counts up to a number, and notes how far it came and whether it was closed."""

    def __init__(self, end: int, fault: BaseException | None = None) -> None:
        self.end, self.fault = end, fault
        self.made = 0
        self.closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self.end):
                self.made += 1
                yield number
                if number % 7 == 3:
                    await asyncio.sleep(0)
            if self.fault is not None:
                raise self.fault
        finally:
            await asyncio.sleep(0)
            self.closed = True


@pytest.mark.parametrize("over", [iterate, read_ahead])
@pytest.mark.parametrize("end", [0, 1, AHEAD, 5 * AHEAD + 1])
def test_all_items_come_in_their_order(over: Over, end: int) -> None:
    source = Source(end)
    assert list(over(source.items())) == list(range(end))
    assert source.closed


@pytest.mark.parametrize("over", [iterate, read_ahead])
def test_an_error_comes_after_the_items_before_it(over: Over) -> None:
    source = Source(3, ValueError("no more"))
    items = over(source.items())
    assert [next(items), next(items), next(items)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(items)
    assert source.closed


def test_a_stream_runs_ahead_and_not_further() -> None:
    source = Source(10 * AHEAD)
    items = read_ahead(source.items())
    assert next(items) == 0
    for _turn in range(4 * AHEAD):  # the loop has all the turns that it could want
        wait(asyncio.sleep(0))
    assert 1 < source.made <= AHEAD + 1
    assert list(items) == list(range(1, 10 * AHEAD))


def test_what_must_be_seen_first_does_not_run_ahead() -> None:
    source = Source(10)
    items = iterate(source.items())
    assert next(items) == 0
    for _turn in range(20):
        wait(asyncio.sleep(0))
    assert source.made == 1
    items.close()  # type: ignore[attr-defined]  # an iterator to its callers
    assert source.closed


@pytest.mark.parametrize("taken", [1, AHEAD // 2, AHEAD + 1])
def test_a_stream_that_is_left_is_closed_at_once(taken: int) -> None:
    source = Source(10 * AHEAD)
    items = read_ahead(source.items())
    for _item in range(taken):
        next(items)
    del items
    gc.collect()
    assert source.closed
    assert source.made < 3 * AHEAD


def test_a_stream_knows_the_context_of_its_caller() -> None:
    async def items() -> AsyncGenerator[str, None]:
        yield said.get()
        yield said.get()

    token = said.set("hello")
    try:
        assert list(read_ahead(items())) == ["hello", "hello"]
    finally:
        said.reset(token)


@pytest.mark.parametrize("over", [iterate, read_ahead])
def test_a_sync_stream_within_an_async_tool_is_refused(over: Over) -> None:
    async def tool() -> list[int]:
        return list(over(Source(3).items()))

    with pytest.raises(ConfigurationError, match="inside an async tool"):
        wait(tool())
    assert wait(asyncio.sleep(0, "the loop goes on")) == "the loop goes on"
    assert _bridge.loop() is not None
