"""Tactic 1a, include details: a required detail that is missing is asked for, and no model is called for that."""

from agentsdk.agent import Agent
from agentsdk.intents import Intent, Slot
from agentsdk.testing.scripted import ScriptedModel

BOOK = Intent(
    "book",
    when=["book", "预订"],
    needs=[
        Slot("seat_number", ask={"en": "Which seat?", "zh": "哪个座位？"}),
        Slot("date", ask={"en": "For which day?", "zh": "哪一天？"}),
    ],
)


def test_an_unfilled_required_slot_leads_to_a_question_back_and_to_no_request() -> None:
    model = ScriptedModel([])
    agent = Agent(model, intents=[BOOK])
    assert agent.run("Please book a seat").text == "Which seat? For which day?"
    assert agent.run("Please book a seat for 2026-03-05").text == "Which seat?"
    assert agent.run("请帮我预订").text == "哪个座位？ 哪一天？"
    assert agent.run("Please book a seat").status == "needs_input"
    assert model.requests == []


def test_with_every_detail_there_the_model_is_asked_and_nothing_is_guessed() -> None:
    model = ScriptedModel(["Booked."])
    answer = Agent(model, intents=[BOOK]).run("Book seat 117 for 2026-03-05")
    assert (answer.status, len(model.requests)) == ("answered", 1)
