"""5b: Use code execution to perform more accurate calculations or call external APIs."""

from agentsdk import Agent
from agentsdk.testing.scripted import ScriptedModel


def test_every_arithmetic_claim_of_an_answer_is_computed_again() -> None:
    wrong = "Together that is 12 * 7 = 85, and 17% of 2,340 is 397.8."
    model = ScriptedModel([wrong, "Together that is 12 * 7 = 84."])
    answer = Agent(model).run("How much together?")
    assert (answer.text, answer.findings) == ("Together that is 12 * 7 = 84.", ())
    told = model.requests[1].messages[-1].text
    assert "84" in told
    assert "397.8" not in told
    flagged = Agent(ScriptedModel(["2340 的 17% 是 387.8。"] * 2)).run("2340 的 17% 是多少？")
    assert [f.kind for f in flagged.findings] == ["arithmetic"]
