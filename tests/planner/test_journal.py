"""A run that is kept: what is taken from the journal, what is done again, and what is asked."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from agentsdk import Agent, Message, Plan, tool
from agentsdk.approval import Done
from agentsdk.errors import (
    AgentError,
    ConfigurationError,
    ConnectionLost,
    LeaseLost,
    RunChanged,
    RunHeld,
    RunUnknown,
    StoreUnavailable,
)
from agentsdk.events import ModelCalled, StepDone, StepStarted
from agentsdk.function_tool import Tool
from agentsdk.media import Media
from agentsdk.store import Lease, Row, Store, effect_key
from agentsdk.store.sqlite import SqliteStore
from agentsdk.testing import ScriptedModel
from agentsdk.testing.scripted import Line, call, plan
from tests.store.stores import wait

THREE = plan(
    {"id": "s1", "do": "add", "in": {"a": 1, "b": 2}},
    {"id": "s2", "do": "add", "in": {"a": {"$": "s1"}, "b": 10}},
    {"id": "s3", "do": "send", "in": {"text": "the sum"}, "after": ["s2"]},
)


class Book:
    """Tools that write down each call, and what is to happen instead of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.hangs = ""
        """The tool whose next call does not come back."""
        self.reached = asyncio.Event()

    async def _note(self, name: str, *values: object) -> None:
        self.calls.append(" ".join([name, *map(str, values)]))
        self.keys.append(effect_key())
        if name == self.hangs:
            self.hangs = ""
            self.reached.set()
            await asyncio.Event().wait()

    @property
    def tools(self) -> list[Tool[Any, Any]]:
        @tool
        async def add(a: int, b: int) -> int:
            """Add two numbers."""
            await self._note("add", a, b)
            return a + b

        @tool(side_effect=True)
        async def send(text: str) -> str:
            """Send a text."""
            await self._note("send", text)
            return f"sent {text}"

        @tool(needs_approval=True)
        async def pay(sum: int) -> str:
            """Pay a sum."""
            await self._note("pay", sum)
            return f"paid {sum}"

        return [add, send, pay]


def agent(path: Path, script: Sequence[Line], book: Book, **options: Any) -> Agent:
    return Agent(ScriptedModel(script), tools=book.tools, store=SqliteStore(path / "runs.db"), **options)


def runs(path: Path) -> list[str]:
    return [r.id for r in wait(SqliteStore(path / "runs.db").runs())]


def kill(path: Path, script: Sequence[Line], book: Book, at: str, *, plan: Plan | None = None) -> str:
    """Run until a tool is in the middle of a call, stop there, and return the run's id."""
    stop(agent(path, script, book).arun(plan or "Add, and tell."), book, at)
    return runs(path)[0]


def stop(running: Coroutine[Any, Any, Any], book: Book, at: str) -> None:
    async def go() -> None:
        book.hangs, book.reached = at, asyncio.Event()
        task = asyncio.create_task(running)
        await book.reached.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    wait(go())


def test_a_finished_run_gives_its_answer_again_and_nothing_is_done(tmp_path: Path) -> None:
    book = Book()
    first = agent(tmp_path, [THREE, "Sent: 13."], book).run("Add, and tell.")
    assert first.run_id
    calls = list(book.calls)
    again = agent(tmp_path, [], book).resume(first.run_id)
    assert again == first
    assert book.calls == calls


def test_what_was_finished_before_a_failure_is_not_done_again(tmp_path: Path) -> None:
    book = Book()
    with pytest.raises(ConnectionLost) as caught:
        agent(tmp_path, [THREE, ConnectionLost("gone")], book).run("Add, and tell.")
    assert len(book.calls) == 3
    run_id = caught.value.partial.run_id
    events = list(agent(tmp_path, ["Sent: 13."], book).resume_stream(run_id))
    assert len(book.calls) == 3
    assert [(e.evidence.step, e.reused) for e in events if isinstance(e, StepDone)] == [
        ("s1", True), ("s2", True), ("s3", True),
    ]  # fmt: skip
    assert [e for e in events if isinstance(e, StepStarted)] == []
    assert [e.reused for e in events if isinstance(e, ModelCalled)] == [True, False]


def test_a_resumed_run_has_used_what_its_parts_have_used(tmp_path: Path) -> None:
    whole = agent(tmp_path / "a", [THREE, "Sent: 13."], Book())
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    undisturbed = whole.run("Add, and tell.")
    book = Book()
    with pytest.raises(ConnectionLost) as caught:
        agent(tmp_path / "b", [THREE, ConnectionLost("gone")], book).run("Add, and tell.")
    resumed = agent(tmp_path / "b", ["Sent: 13."], book).resume(caught.value.partial.run_id)
    assert resumed.text == undisturbed.text
    assert (resumed.usage.calls, resumed.usage.tokens) == (undisturbed.usage.calls, undisturbed.usage.tokens)
    assert [(s.step, s.value) for s in resumed.steps] == [(s.step, s.value) for s in undisturbed.steps]


def test_a_thought_inside_a_step_is_counted_once_when_the_step_is_taken_from_the_journal(
    tmp_path: Path,
) -> None:
    thought = plan({"id": "t", "do": "think", "in": {"goal": "Why?"}})
    with pytest.raises(ConnectionLost) as caught:
        agent(tmp_path, [thought, "Because.", ConnectionLost("gone")], Book()).run("Why?")
    answer = agent(tmp_path, ["So."], Book()).resume(caught.value.partial.run_id)
    assert answer.usage.calls == 3
    assert answer.steps[0].value == "Because."


def test_a_side_effect_of_unknown_outcome_is_asked_about_and_never_silently_repeated(tmp_path: Path) -> None:
    book = Book()
    run_id = kill(tmp_path, [THREE, "never"], book, "send")
    asked = agent(tmp_path, ["Sent."], book, approve=lambda waiting: True).resume(run_id)
    assert asked.status == "needs_approval"
    assert asked.run_id == run_id
    assert book.calls.count("send the sum") == 1


@pytest.mark.parametrize(
    ("decision", "calls", "value"),
    [
        (Done("it had been sent"), 1, "it had been sent"),
        (True, 2, "sent the sum"),
        ("leave it", 1, None),
    ],
)
def test_a_person_says_what_became_of_an_effect(
    tmp_path: Path, decision: object, calls: int, value: object
) -> None:
    book = Book()
    run_id = kill(tmp_path, [THREE, "never"], book, "send")
    assert agent(tmp_path, [], book).resume(run_id).status == "needs_approval"
    # What fails may be repaired: the model says so or answers.
    answer = agent(tmp_path, ["Told.", "Told."], book).resume(run_id, decisions={"s3": decision})
    assert answer.text == "Told."
    assert book.calls.count("send the sum") == calls
    assert next(s.value for s in answer.steps if s.step == "s3") == value


def test_each_crash_of_the_same_effect_is_a_question_of_its_own(tmp_path: Path) -> None:
    book = Book()
    run_id = kill(tmp_path, [THREE, "never"], book, "send")
    assert agent(tmp_path, [], book).resume(run_id).status == "needs_approval"
    stop(agent(tmp_path, [], book).aresume(run_id, decisions={"s3": True}), book, "send")
    assert agent(tmp_path, [], book).resume(run_id).status == "needs_approval"
    assert agent(tmp_path, ["Told."], book).resume(run_id, decisions={"s3": Done("yes")}).text == "Told."
    assert book.calls.count("send the sum") == 2


def test_the_key_of_an_effect_is_the_same_when_it_is_done_again_and_another_for_every_other(
    tmp_path: Path,
) -> None:
    book = Book()
    twice = plan(
        {"id": "s1", "do": "send", "in": {"text": "x"}},
        {"id": "s2", "do": "send", "in": {"text": "x"}, "after": ["s1"]},
    )
    run_id = kill(tmp_path, [twice, "never"], book, "send")
    agent(tmp_path, [], book).resume(run_id)
    assert agent(tmp_path, ["Told."], book).resume(run_id, decisions={"s1": True}).text == "Told."
    first, again, other = book.keys
    assert first == again != other
    assert len(first) == 64


def test_an_approval_is_given_days_later_by_another_process(tmp_path: Path) -> None:
    book = Book()
    pays = plan(
        {"id": "s1", "do": "add", "in": {"a": 1, "b": 2}}, {"id": "s2", "do": "pay", "in": {"sum": {"$": "s1"}}}
    )
    waiting = agent(tmp_path, [pays], book).run("Pay.")
    assert waiting.status == "needs_approval"
    assert book.calls == ["add 1 2"]
    assert agent(tmp_path, [], book).resume(waiting.run_id).status == "needs_approval"
    answer = agent(tmp_path, ["Paid."], book).resume(waiting.run_id, decisions={"s2": True})
    assert answer.text == "Paid."
    assert book.calls == ["add 1 2", "pay 3"]


def test_a_decision_about_nothing_that_waits_is_refused(tmp_path: Path) -> None:
    book = Book()
    waiting = agent(tmp_path, [call("pay", sum=3)], book).run("Pay.")
    with pytest.raises(ConfigurationError, match="s9"):
        agent(tmp_path, [], book).resume(waiting.run_id, decisions={"s9": True})
    assert book.calls == []


def test_a_run_of_another_agent_is_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    book = Book()
    waiting = agent(tmp_path, [call("pay", sum=3)], book).run("Pay.")

    @tool(needs_approval=True)
    async def pay(sum: int, currency: str = "EUR") -> str:
        """Pay a sum."""
        return ""

    @tool
    def more() -> str:
        """Say more."""
        return ""

    other = Agent(
        ScriptedModel([], name="scripted:other"),
        tools=[*book.tools[:1], pay, more],
        store=SqliteStore(tmp_path / "runs.db"),
    )
    with pytest.raises(RunChanged) as caught:
        other.resume(waiting.run_id)
    told = " ".join(caught.value.differences)
    assert len(caught.value.differences) == 4
    assert all(word in told for word in ("scripted:other", "send is missing", "more is new", "pay is another"))


def test_a_new_version_of_a_tool_takes_no_result_of_the_old(tmp_path: Path) -> None:
    @tool(version="1")
    def look() -> str:
        """Look."""
        return "old"

    one = Agent(ScriptedModel([call("look"), ConnectionLost("gone")]), tools=[look], store=tmp_path / "v.db")
    with pytest.raises(ConnectionLost) as caught:
        one.run("Look.")

    @tool(name="look", version="2")
    def look2() -> str:
        """Look."""
        return "new"

    with pytest.raises(RunChanged, match="look is another"):
        Agent(ScriptedModel([]), tools=[look2], store=tmp_path / "v.db").resume(caught.value.partial.run_id)


def test_a_store_and_a_known_run_are_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="store"):
        Agent(ScriptedModel([])).resume("r")
    with pytest.raises(RunUnknown, match="nope"):
        agent(tmp_path, [], Book()).resume("nope")


def test_two_that_resume_one_run_at_once_are_one_that_does_and_one_that_is_told(tmp_path: Path) -> None:
    book = Book()
    run_id = kill(tmp_path, [THREE, "never"], book, "add")

    async def go() -> Any:
        both = (agent(tmp_path, ["Told."], book).aresume(run_id) for _ in range(2))
        return await asyncio.gather(*both, return_exceptions=True)

    results = wait(go())
    assert sorted(type(r).__name__ for r in results) == ["Answer", "RunHeld"]
    assert any(isinstance(r, RunHeld) for r in results)
    assert book.calls.count("send the sum") == 1


@dataclass
class Trip:
    place: str
    days: int


def test_the_input_comes_back_as_it_was_given(tmp_path: Path) -> None:
    picture = Media.holding(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    history = [Message.user("Before?", picture), Message.assistant("Before.", call("add", a=1, b=2))]
    model = ScriptedModel([ConnectionLost("gone")])
    first = Agent(model, instructions="Be brief.", store=tmp_path / "i.db")
    with pytest.raises(ConnectionLost) as caught:
        first.run("Where to?", output=Trip, history=history, media=[picture])
    again = ScriptedModel(['{"place": "Oslo", "days": 3}'])
    resumed = Agent(again, store=tmp_path / "i.db")
    with pytest.raises(ConfigurationError, match="output"):
        resumed.resume(caught.value.partial.run_id)
    answer = resumed.resume(caught.value.partial.run_id, output=Trip)
    assert answer.output == Trip("Oslo", 3)
    assert again.requests[0] == model.requests[0]
    assert resumed.resume(caught.value.partial.run_id, output=Trip).output == Trip("Oslo", 3)


def test_a_plan_that_was_given_is_resumed_without_a_planner(tmp_path: Path) -> None:
    book = Book()
    given = Plan.from_dict(json.loads(json.dumps(THREE[0].arguments)))
    asked = agent(tmp_path, [], book).resume(kill(tmp_path, [], book, "send", plan=given))
    assert asked.status == "needs_approval"
    answer = agent(tmp_path, ["Told."], book).resume(asked.run_id, decisions={"s3": Done("yes")})
    assert answer.text == "Told."


class Failing:
    """A store whose n-th call fails, before or after it was done: a wrapper with the same face."""

    def __init__(self, inner: SqliteStore, at: int, *, after: bool) -> None:
        self._left, self._after = at, after
        self.name, self.lease_seconds = inner.name, inner.lease_seconds
        for name in (n for n, part in vars(Store).items() if inspect.iscoroutinefunction(part)):
            setattr(self, name, self._wrapped(getattr(inner, name)))

    def _wrapped(
        self, real: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def called(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise StoreUnavailable("The disk is full.")
            result = await real(*args, **options)
            if self._left == 0:
                raise StoreUnavailable("The disk is full, after all.")
            return result

        return called


@pytest.mark.parametrize("after", [False, True])
def test_whichever_call_of_the_store_fails_nothing_is_lost_or_done_twice(tmp_path: Path, after: bool) -> None:
    for at in range(1, 100):
        book, path = Book(), tmp_path / f"{at}.db"
        failing = Failing(SqliteStore(path), at, after=after)
        script: list[Line] = [THREE, "Sent."]
        model = ScriptedModel(script)
        try:
            answer = Agent(model, tools=book.tools, store=cast("Store", failing)).run("Add, and tell.")
        except StoreUnavailable:
            answer = None
        if failing._left > 0:
            assert answer is not None
            assert at > 6
            return
        if answer is None:
            known = wait(SqliteStore(path).runs())
            if not known:
                assert book.calls == []
                continue
            # Another process, an hour later: a lease that could not be given back has run out.
            later = SqliteStore(path, clock=lambda: time.time() + 3600)
            resumed = Agent(Answering(), tools=book.tools, store=later)
            answer = resumed.resume(known[0].id)
            if answer.status == "needs_approval":
                done = Done("sent the sum") if "send the sum" in book.calls else True
                answer = resumed.resume(known[0].id, decisions={"s3": done})
        assert answer.text == "Sent."
        assert {s.step: s.value for s in answer.steps} == {"s1": 3, "s2": 13, "s3": "sent the sum"}
        assert book.calls.count("send the sum") == 1
    raise AssertionError("it never came to an end")


class Answering(ScriptedModel):
    """A model that answers by what it was told, as the script would have."""

    def __init__(self) -> None:
        super().__init__([self._answer] * 10)

    @staticmethod
    def _answer(request: Any) -> Line:
        return "Sent." if any(m.role == "tool" for m in request.messages) else THREE


def test_a_driver_that_lost_its_lease_stops_and_writes_nothing(tmp_path: Path) -> None:
    """A frozen process that wakes up: the run is another's meanwhile."""
    store = SqliteStore(tmp_path / "runs.db", lease_seconds=0.05)
    taken: list[Lease] = []

    @tool
    async def sleepy() -> str:
        """Sleep, while another process takes the run."""
        other = SqliteStore(tmp_path / "runs.db")
        (run,) = await other.runs()
        await other._worker.do(lambda db: db.execute("UPDATE agentsdk_runs SET until = 0"))
        taken.append(await other.take(run.id, "there:1:1:x"))
        await asyncio.Event().wait()  # until it is cancelled
        return "never"

    with pytest.raises(LeaseLost):
        Agent(ScriptedModel([call("sleepy"), "never"]), tools=[sleepy], store=store).run("Sleep.")
    rows = wait(store.rows(taken[0].run))
    assert [r.kind for r in rows] == ["input", "call"]
    wait(SqliteStore(tmp_path / "runs.db").write(taken[0], [Row("x", "step", 1)]))


def test_no_key_of_a_provider_reaches_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canaries = {name: f"canary-{at}-{name}" for at, name in enumerate(("OPENAI_API_KEY", "DASHSCOPE_API_KEY"))}
    for name, value in canaries.items():
        monkeypatch.setenv(name, value)
    store = SqliteStore(tmp_path / "runs.db")
    for model in ("openai:gpt-4o-mini", "dashscope:qwen-plus"):
        with pytest.raises(AgentError):
            Agent(model_of(model), tools=Book().tools, store=store).run("Hello?")
    wait(store.close())
    held = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert b"Hello?" in held
    assert not any(value.encode() in held for value in canaries.values())


def model_of(name: str) -> Any:
    from agentsdk.models.connect import connect

    return connect(name, base_url="http://127.0.0.1:9/v1", api_key="canary-of-the-option", timeout=2)
