"""Tactic 3b, long conversations: summarised or filtered by counted tokens; the plan is state and is not touched."""

import pytest

from agentsdk.agent import Agent
from agentsdk.budget import Budget
from agentsdk.events import Condensed, Finished
from agentsdk.function_tool import tool
from agentsdk.memory import Memory
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.testing.scripted import Line, ScriptedModel, call

WORDS = "the harbour and its cranes were looked at again. " * 12


@tool
def inspect(crane: str) -> str:
    """Return the state of a crane."""
    return f"{crane}: {WORDS}"


def talking(*lines: Line) -> ScriptedModel:
    rest = list(lines)

    def reply(request: Request) -> Line:
        return "Told in short [t1]." if request.messages[0].role == "user" else rest.pop(0)

    return ScriptedModel([reply] * 40)


@pytest.mark.parametrize("how", ["summary", "filter"])
def test_what_a_model_is_sent_stays_within_the_tokens_allowed(how: str) -> None:
    history = [m for i in range(30) for m in (Message.user(f"{i} {WORDS}"), Message.assistant("Noted."))]
    model = talking("Fine.")
    memory = Memory(1_200, how=how)  # type: ignore[arg-type]  # one of the two
    events = list(Agent(model, memory=memory, budget=Budget(calls=None)).stream("And now?", history=history))
    (condensed,) = [e for e in events if isinstance(e, Condensed)]
    assert condensed.after <= 1_200 < condensed.before
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert len(finished.answer.messages) == 62


def test_the_plan_is_identical_before_and_after_and_every_step_of_it_is_shown() -> None:
    steps = [{"id": f"s{i}", "do": "inspect", "in": {"crane": f"crane {i}"}} for i in range(1, 9)]
    model = talking(call("make_plan", steps=steps), "All are fine.")
    agent = Agent(model, tools=[inspect], memory=Memory(1_000, keep_turns=1), budget=Budget(calls=None))
    events = list(agent.stream("Are all cranes fine?"))
    assert any(isinstance(e, Condensed) for e in events)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.answer.plan is not None
    assert [s.to_dict() for s in finished.answer.plan] == steps
    shown = "\n".join(m.text for m in model.requests[-1].messages)
    assert all(f"s{i} inspect" in shown for i in range(1, 9))
    assert [len(str(s.value)) > len(WORDS) for s in finished.answer.steps] == [True] * 8
