"""The scheduler against random plans: needs before steps, each once, everything accounted for, nothing left."""

import asyncio
import random
import threading
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from agentsdk.budget import Budget
from agentsdk.events import Event, StepDone, StepStarted
from agentsdk.function_tool import tool
from agentsdk.plan import Ref, Step
from agentsdk.planner.intake import intake
from agentsdk.planner.ledger import Ledger
from agentsdk.planner.run import Run
from agentsdk.planner.schedule import schedule
from agentsdk.testing.scripted import ScriptedModel
from agentsdk.toolbox import AnyTool, Toolbox


def open_run(tools: Sequence[AnyTool], events: list[Event]) -> Run:
    return Run(intake("q"), ScriptedModel([]), Toolbox(tools), Ledger(Budget()), events.append)


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[list[str], bool, int]]:
    count = draw(st.integers(1, 10))
    steps = []
    for i in range(count):
        needs = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        steps.append(([f"s{n}" for n in sorted(needs)], draw(st.booleans()), draw(st.integers(0, 3))))
    return steps


@settings(max_examples=60, deadline=None)
@given(graphs(), st.booleans())
def test_no_step_runs_before_its_needs_and_each_at_most_once(
    graph: list[tuple[list[str], bool, int]], threads: bool
) -> None:
    started: list[str] = []
    lock = threading.Lock()

    def begin(me: str) -> None:
        with lock:
            started.append(me)

    @tool
    async def work(me: str, inputs: list[str], fail: bool, ticks: int) -> str:
        """Work."""
        begin(me)
        for _ in range(ticks):
            await asyncio.sleep(0)
        if fail:
            raise ValueError(me)
        return me

    @tool(name="work")
    def work_in_thread(me: str, inputs: list[str], fail: bool, ticks: int) -> str:
        """Work."""
        begin(me)
        if fail:
            raise ValueError(me)
        return me

    steps = [
        Step(f"s{i}", "work", {"me": f"s{i}", "inputs": [Ref(n) for n in needs], "fail": fail, "ticks": ticks})
        for i, (needs, fail, ticks) in enumerate(graph)
    ]
    events: list[Event] = []
    run = open_run([work_in_thread if threads else work], events)

    async def go() -> int:
        await schedule(steps, run)
        return len(asyncio.all_tasks())

    assert asyncio.run(go()) == 1
    assert list(run.steps) == [s.id for s in steps]
    fails = {f"s{i}" for i, (_, fail, _) in enumerate(graph) if fail}
    doomed: set[str] = set()
    for step in steps:
        status = run.steps[step.id].status
        if doomed.intersection(step.needs):
            assert status == "skipped"
            doomed.add(step.id)
        elif step.id in fails:
            assert status == "failed"
            assert step.id in str(run.steps[step.id].error)
            doomed.add(step.id)
        else:
            assert status == "done"
            assert run.steps[step.id].inputs["inputs"] == list(step.needs)
    assert sorted(started) == sorted(s.id for s in steps if run.steps[s.id].status != "skipped")
    done_at = {e.evidence.step: at for at, e in enumerate(events) if isinstance(e, StepDone)}
    for at, event in enumerate(events):
        if isinstance(event, StepStarted):
            needs = next(s for s in steps if s.id == event.step).needs
            assert all(done_at[n] < at for n in needs)


def test_a_ready_step_never_waits_for_a_sibling() -> None:
    """langgraph's supersteps, and planners built on them, would deadlock here: b2 must run while a1 still does."""

    async def go() -> dict[str, str]:
        released = asyncio.Event()

        @tool
        async def a() -> str:
            """Wait until the other branch is through."""
            await asyncio.wait_for(released.wait(), 5)
            return "a"

        @tool
        async def b(after: str = "") -> str:
            """Go on."""
            if after:
                released.set()
            return "b"

        run = open_run([a, b], [])
        steps = [Step("a1", "a"), Step("b1", "b"), Step("b2", "b", {"after": Ref("b1")})]
        await schedule(steps, run)
        return {k: v.status for k, v in run.steps.items()}

    assert asyncio.run(go()) == {"a1": "done", "b1": "done", "b2": "done"}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 30), st.integers(1, 12), st.randoms())
def test_cancelling_leaves_no_task_behind(ticks: int, count: int, rng: random.Random) -> None:
    @tool
    async def work(n: int) -> int:
        """Work."""
        for _ in range(n):
            await asyncio.sleep(0)
        return n

    steps = [
        Step(f"s{i}", "work", {"n": rng.randint(0, 20)}, tuple(f"s{j}" for j in range(i) if rng.random() < 0.2))
        for i in range(count)
    ]

    async def go() -> int:
        task = asyncio.create_task(schedule(steps, open_run([work], [])))
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return len(asyncio.all_tasks())

    assert asyncio.run(go()) == 1
