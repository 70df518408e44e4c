"""An agent and its tests: run with `pytest examples/test_tested_agent.py`. Nothing reaches a network."""

from agentsdk import Agent, References
from agentsdk.models.model import Model
from agentsdk.testing import ScriptedModel, call

TEXTS = {"shop.md": "# Returns\n\nUnused lamps can be sent back within 60 days.\n"}


def shop_agent(model: str | Model) -> Agent:
    """Return the agent under test."""
    return Agent(
        model, references=References.from_texts(TEXTS), instructions="You are the clerk of a lamp shop."
    )


def test_it_looks_up_and_proves_what_it_says() -> None:
    model = ScriptedModel([call("look_up", query="send back"), 'You have 60 days [p1: "within 60 days"].'])
    answer = shop_agent(model).run("Can I return a lamp?")
    assert answer.text == "You have 60 days [1]."
    assert [c.line for c in answer.citations] == [3]


def test_a_made_up_quote_never_passes_for_one() -> None:
    false = 'You have 90 days [p1: "within 90 days"].'
    answer = shop_agent(ScriptedModel([call("look_up", query="send back"), false, false])).run(
        "Can I return a lamp?"
    )
    assert answer.citations == ()
    assert answer.unverified == ("within 90 days",)


def test_the_embedded_model_finds_it_too() -> None:
    assert shop_agent("offline:extract").run("Can unused lamps be sent back?").status == "answered"
