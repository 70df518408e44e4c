import io

from rich.console import Console

from agentsdk.agent import Agent
from agentsdk.cli.board import Board, Timeline
from agentsdk.cli.show import print_trace
from agentsdk.events import (
    Event,
    Nested,
    OutcomeUnknown,
    PlanReady,
    PlanStepSeen,
    StepRetried,
    StepStarted,
    ended,
)
from agentsdk.evidence import Evidence
from agentsdk.function_tool import tool
from agentsdk.messages import ToolCall
from agentsdk.plan import Plan, Ref, Step
from agentsdk.testing.scripted import ScriptedModel, call


@tool
def add(a: int, b: int) -> int:
    """Return the sum of a and b."""
    return a + b


def shown(board: Board) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(board.render())
    return out.getvalue()


def test_a_step_is_shown_as_soon_as_it_is_seen_and_lights_up_as_it_runs() -> None:
    board = Board()
    first, second = Step("s1", "add", {"a": 1}), Step("s2", "add", {"a": Ref("s1")})
    board.take(PlanStepSeen(first))
    assert "○ s1" in shown(board)
    board.take(StepStarted("s1", "add", {"a": 1}))
    board.take(PlanReady(Plan((first, second))))
    assert "◐ s1" in shown(board)
    assert "○ s2" in shown(board)
    assert board.take(ended(Evidence("s1", "add", value=3, seconds=0.5))).startswith("● s1")
    assert board.take(ended(Evidence("s2", "add", status="failed", error="no"))).startswith("✗ s2")


def test_a_subagents_steps_stand_below_the_step_that_asks_it() -> None:
    other = Agent(ScriptedModel([call("add", a=1, b=2), "It is 3."]), tools=[add])
    agent = Agent(ScriptedModel([call("helper", question="x"), "Done."]), tools=[other.as_tool(name="helper")])
    board = Board()
    lines = [line for event in agent.stream("q") if (line := board.take(event))]
    assert [line.split("  ")[0 if line[0] != " " else 1] for line in lines] == ["● c1/c1", "● c1"]
    text = shown(board)
    assert text.index("● c1 ") < text.index("● c1/c1")
    assert board.draft == "Done."


def test_what_is_tried_again_or_unknown_is_told() -> None:
    board = Board()
    board.take(StepStarted("s1", "add", {}))
    assert "timeout" in board.take(StepRetried("s1", 1, "timeout", "add"))
    assert "s1" in board.take(OutcomeUnknown("s1", ToolCall("s1", "add", {})))
    assert "? s1" in shown(board)


def test_a_timeline_shows_which_steps_ran_side_by_side() -> None:
    timeline = Timeline()
    events: list[tuple[float, Event]] = [
        (0.0, StepStarted("s1", "add")),
        (0.0, StepStarted("s2", "helper")),
        (1.0, Nested("s2", "helper", StepStarted("c1", "add"))),
        (2.0, ended(Evidence("s1", "add"))),
        (3.0, Nested("s2", "helper", ended(Evidence("c1", "add")))),
        (4.0, ended(Evidence("s2", "helper"))),
    ]
    for at, event in events:
        timeline.take(at, event)
    lines = timeline.lines(8)
    assert [line.split("  ")[-2].strip() for line in lines] == ["████····", "████████", "··████··"]
    assert [line.split("  ")[-1] for line in lines] == ["0.00–2.00 s", "0.00–4.00 s", "1.00–3.00 s"]
    assert lines[2].startswith("  s2/c1 add")


def test_a_recorded_run_with_a_subagent_is_printed_with_its_bars() -> None:
    other = Agent(ScriptedModel([call("add", a=1, b=2), "It is 3."]), tools=[add])
    agent = Agent(ScriptedModel([call("helper", question="x"), "Done."]), tools=[other.as_tool(name="helper")])
    out = io.StringIO()
    print_trace(((n / 10, e) for n, e in enumerate(agent.stream("q"))), Console(file=out, width=120))
    text = out.getvalue()
    assert "c1/c1 add" in text
    assert "█" in text
    assert "Done." in text
