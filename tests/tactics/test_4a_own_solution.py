"""4a: Instruct the model to work out its own solution before rushing to a conclusion."""

from agentsdk import Agent, connect
from agentsdk.checks import SolveThenCompare
from agentsdk.function_tool import tool
from agentsdk.testing.scripted import ScriptedModel, call
from agentsdk.testing.standin import Standin
from agentsdk.trace import to_json

CANDIDATE = "The pump needs nineteen hours, that is 19.5 in all."


@tool
def rate() -> float:
    """Return litres an hour."""
    return 40.0


def test_the_solver_does_not_see_the_candidate() -> None:
    model = ScriptedModel([call("rate"), CANDIDATE, "800 / 40 = 20\nResult: 20", "It needs 20 hours."])
    answer = Agent(model, tools=[rate], checks=[SolveThenCompare()]).run("How long for 800 litres?")
    solver = str(to_json(model.requests[2]))
    assert "40.0" in solver
    assert not any(part in solver for part in (CANDIDATE, "nineteen", "19.5"))
    assert (answer.text, answer.findings) == ("It needs 20 hours.", ())


def test_the_candidate_is_absent_from_the_bytes_that_the_solver_is_sent() -> None:
    with Standin() as server:
        server.say(CANDIDATE)
        server.say("Result: 20")
        server.say("It needs 20 hours.")
        model = connect("openai:gpt-4o-mini", base_url=server.url("openai"))
        answer = Agent(model, checks=[SolveThenCompare()]).run("How long for 800 litres at 40 an hour?")
        bodies = [str(r.body) for r in server.requests if "messages" in str(r.body)]
    assert answer.text == "It needs 20 hours."
    assert "nineteen" not in bodies[1]
    assert "nineteen" in bodies[2]
