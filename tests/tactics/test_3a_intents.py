"""Tactic 3a, intent classification: a question loads the instructions of its intent and no others."""

from agentsdk.agent import Agent
from agentsdk.events import IntentChosen
from agentsdk.intents import Intent
from agentsdk.testing.scripted import ScriptedModel, call

INTENTS = [
    Intent("billing", when=["invoice", "发票"], instructions="BILLING RULES " * 30),
    Intent(
        "technical",
        about="something does not work",
        instructions="TECHNICAL RULES " * 30,
        inside=[Intent("network", when=["wi-fi", "网络"], instructions="NETWORK RULES " * 30)],
    ),
    Intent("account", when=["password"], instructions="ACCOUNT RULES " * 30),
]
CASES = [
    ("Where is my invoice?", "billing"), ("我的发票呢？", "billing"), ("The Wi-Fi is slow", "technical/network"),
    ("网络很慢", "technical/network"), ("I forgot my password", "account"),
]  # fmt: skip


def test_rules_sort_questions_into_their_intents_without_a_call_of_their_own() -> None:
    confusion = []
    for question, expected in CASES:
        model = ScriptedModel(["ok"])
        answer = Agent(model, intents=INTENTS).run(question)
        confusion += [(expected, answer.intent)] if answer.intent != expected else []
        assert len(model.requests) == 1
        rules = [
            r for r in ("BILLING", "TECHNICAL", "NETWORK", "ACCOUNT") if r in model.requests[0].messages[0].text
        ]
        assert rules == [name.upper() for name in expected.split("/")]
    assert confusion == []


def test_where_no_rule_tells_the_first_call_decides_and_the_cost_of_each_is_told() -> None:
    model = ScriptedModel([call("choose_intent", intent="technical"), "ok"])
    events = list(Agent(model, intents=INTENTS).stream("My screen stays dark"))
    (chosen,) = [e for e in events if isinstance(e, IntentChosen)]
    assert (chosen.intent, chosen.by) == ("technical", "model")
    assert len(model.requests) == 2
    assert "RULES" not in model.requests[0].messages[0].text
    assert chosen.tokens["instructions"] * 3 < chosen.tokens["all intents"]
