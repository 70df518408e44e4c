"""Tactic 1d, specify the steps required to complete a task: an author's fixed plan is run, and no planner is asked."""

from agentsdk import Agent, Plan
from agentsdk.function_tool import tool
from agentsdk.steps import call, each, think
from agentsdk.testing.scripted import ScriptedModel


@tool
def degrees(city: str) -> float:
    """Return the temperature."""
    return {"Oslo": -3.0, "Rome": 14.5}[city]


def test_an_authors_fixed_plan_is_linted_and_run_without_a_planner_call() -> None:
    found = each(["Oslo", "Rome"], lambda city: call(degrees, city=city))
    plan = Plan.of(think("Which is warmer?", degrees=found), question="Oslo or Rome?")
    model = ScriptedModel(["Rome is warmer.", "Rome, at 14.5."])
    answer = Agent(model, tools=[degrees]).run(plan)
    assert (answer.text, answer.plan) == ("Rome, at 14.5.", plan)
    assert [(s.step, s.status, s.value) for s in answer.steps] == [
        ("s1", "done", [-3.0, 14.5]),
        ("s2", "done", "Rome is warmer."),
    ]
    # One call for the thought and one for the answer: none to make or to choose a plan.
    assert [len(r.messages) for r in model.requests] == [1, 4]
    assert all("make_plan" not in [t.name for t in r.tools] for r in model.requests)
