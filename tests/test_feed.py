import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.budget import Usage
from agentsdk.events import (
    Draft,
    DraftReplaced,
    Event,
    ModelCalled,
    Nested,
    StepDone,
    StepFailed,
    StepReused,
    Thought,
    ended,
)
from agentsdk.evidence import Evidence
from agentsdk.feed import AHEAD, Feed, Ids
from agentsdk.function_tool import tool
from agentsdk.messages import Message
from agentsdk.models.model import Delta, ReasoningDelta, Reply, Request, TextDelta
from agentsdk.testing.scripted import ScriptedModel, plan


def through(*events: Event) -> list[Event]:
    """Return what is read of a feed by someone who begins when all has happened."""

    async def run() -> list[Event]:
        feed = Feed("r1")
        for event in events:
            feed.put(event)
        feed.end()
        found = []
        while (event_ := await feed.get()) is not None:
            found.append(event_)
        return found

    return asyncio.run(run())


_EVENTS = st.one_of(
    st.builds(Draft, st.text(max_size=3)),
    st.builds(Thought, st.text(max_size=3)),
    st.builds(DraftReplaced, st.text(max_size=3)),
    st.builds(Nested, st.sampled_from(["s1", "s2"]), st.just("x"), st.builds(Draft, st.text(max_size=3))),
)


def text_of(events: list[Event], take: Callable[[Event], str | None]) -> str:
    return "".join(text for e in events if (text := take(e)) is not None)


@given(st.lists(_EVENTS, max_size=300))
def test_a_reader_who_comes_late_reads_the_same_text_in_fewer_pieces(events: list[Event]) -> None:
    late = through(*events)
    assert len(late) <= len(events)
    takes: list[Callable[[Event], str | None]] = [
        lambda e: e.text if isinstance(e, Draft) else "|" if isinstance(e, DraftReplaced) else None,
        lambda e: e.text if isinstance(e, Thought) else "|" if isinstance(e, DraftReplaced) else None,
        lambda e: (
            e.event.text if isinstance(e, Nested) and isinstance(e.event, Draft) and e.step == "s1" else None
        ),
    ]
    for take in takes:
        assert text_of(late, take) == text_of(events, take)
    assert [e for e in late if isinstance(e, DraftReplaced)] == [
        e for e in events if isinstance(e, DraftReplaced)
    ]


def test_what_nobody_reads_is_kept_in_a_bounded_number_of_events() -> None:
    async def run() -> int:
        feed = Feed()
        for at in range(100_000):
            feed.put(Draft("a"))
            feed.put(Nested(f"s{at % 8}", "x", Thought("b")))
        return len(feed)

    assert asyncio.run(run()) <= AHEAD + 9


class Talker:
    """A model that says one word at a time, and notes how far it has come."""

    name = "talker:1"

    def __init__(self, words: int) -> None:
        self.words, self.said = words, 0
        self.done = asyncio.Event()

    async def complete(self, request: Request) -> Reply:
        raise NotImplementedError

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        for _ in range(self.words):
            self.said += 1
            yield ReasoningDelta("hm ")
            yield TextDelta("word ")
        self.done.set()
        yield Reply(Message.assistant("word " * self.words))


def test_a_run_goes_on_while_its_reader_does_not_read() -> None:
    async def run() -> tuple[int, str]:
        model = Talker(500)
        events = Agent(model).astream("q")
        first = await anext(events)
        assert type(first).__name__ == "RunStarted"
        await model.done.wait()  # without a word having been read
        rest = [e async for e in events]
        assert len(rest) < 2 * AHEAD
        return model.said, "".join(e.text for e in rest if isinstance(e, Draft))

    said, text = asyncio.run(run())
    assert said == 500
    assert text.split() == ["word"] * 500


def test_equal_events_of_one_run_have_ids_of_their_own_and_the_run_has_one() -> None:
    used = ModelCalled(Usage(1, 2, 3), Usage(1, 2, 3, seconds=0.1))
    events = through(used, used, Draft(" "), Draft(" "), ended(Evidence("s1", "add", value=2)))
    assert len({e.id for e in events}) == len(events)
    assert {e.run_id for e in events} == {"r1"}
    assert events[4].id.startswith("s1/StepDone-")


def test_a_step_told_again_by_a_resumed_run_has_the_id_that_it_had() -> None:
    evidence = Evidence("s1", "add", {"a": 1}, value=2, seconds=0.5)
    again = Evidence("s1", "add", {"a": 1}, value=2, seconds=0.0)
    first, second = Ids("r").given(ended(evidence)), Ids("r").given(ended(again, reused=True))
    assert first.id == second.id
    assert (type(first), type(second)) == (StepDone, StepReused)
    other = Ids("r").given(ended(Evidence("s1", "add", {"a": 1}, value=3)))
    assert other.id != first.id


@pytest.mark.parametrize(
    ("status", "kind"),
    [("done", StepDone), ("failed", StepFailed), ("refused", StepFailed), ("skipped", StepDone)],
)
def test_a_step_that_went_wrong_is_told_as_failed(status: str, kind: type[StepDone]) -> None:
    assert type(ended(Evidence("s1", "add", status=status))) is kind  # type: ignore[arg-type]


def test_the_same_run_told_twice_has_the_same_ids_whatever_ended_first() -> None:
    @tool
    async def nap(turns: int) -> int:
        """Return the number of turns that were waited."""
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    def ids(first: int, second: int) -> set[str]:
        steps = [
            {"id": "s1", "do": "nap", "in": {"turns": 3}},
            {"id": "s2", "do": "nap", "in": {"turns": 3}},
        ]
        if first > second:
            steps.reverse()
        model = ScriptedModel([plan(*steps), "Done."])
        told = Agent(model, tools=[nap]).stream("q")
        return {e.id for e in told if isinstance(e, StepDone)}

    assert ids(0, 1) == ids(1, 0)
    assert len(ids(0, 1)) == 2


def test_an_event_of_a_subagent_has_one_id_inside_and_out() -> None:
    (event,) = through(Nested("s2", "helper", ended(Evidence("s1", "add", value=1))))
    assert isinstance(event, Nested)
    assert event.id == event.event.id
    assert event.id.startswith("s2/s1/StepDone-")
    assert event.run_id == event.event.run_id == "r1"
