"""Intents: told by rules first, else by the first call; each with its own instructions, tools and details."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.errors import ConfigurationError
from agentsdk.events import Event, Finished, IntentChosen
from agentsdk.examples import Call, Example
from agentsdk.function_tool import tool
from agentsdk.intents import KINDS, Chosen, Intent, Intents, Slot, told_by
from agentsdk.messages import Message
from agentsdk.plan import Plan, Step
from agentsdk.testing.scripted import Line, ScriptedModel, call
from agentsdk.toolbox import Toolbox


@tool
def look(q: str) -> str:
    """Return what is known."""
    return q


@tool
def pay_back(order: str) -> str:
    """Pay an order back."""
    return f"paid {order}"


@tool
def track(order: str) -> str:
    """Return where a parcel is."""
    return "on its way"


REFUND = Intent(
    "refund",
    when=["refund", r"money\s+back", "退款"],
    instructions={"en": "Be kind about refunds.", "zh": "退款时请友善。"},
    tools=[pay_back],
    needs=["order_number"],
    examples=[Example("Give me 99123 back", "Done.", (Call("pay_back", {"order": "99123"}, "paid"),))],
)
ORDERS = Intent(
    "orders",
    when=["order"],
    about="questions about orders that were placed",
    instructions="Look the order up.",
    tools=[track],
    inside=[Intent("cancel", when=["cancel"], instructions="Ask why it is cancelled.")],
)


def agent(*script: Line, intents: Any = (REFUND, ORDERS), **options: Any) -> tuple[Agent, ScriptedModel]:
    model = ScriptedModel(script)
    return Agent(model, tools=[look], intents=intents, **options), model


def ran(agent: Agent, question: str, **options: Any) -> tuple[Answer[Any], IntentChosen | None]:
    events: list[Event] = list(agent.stream(question, **options))
    assert isinstance(events[-1], Finished)
    return events[-1].answer, next((e for e in events if isinstance(e, IntentChosen)), None)


@pytest.mark.parametrize(
    ("rule", "question", "found"),
    [
        ("refund", "Refunds, please", "Refunds"), ("refund", "a refund!", "refund"), ("refund", "refundable?", ""),
        ("refund", "REFUND", "REFUND"), ("money back", "I want my money  back", "money back"),
        ("money back", "money and back", ""), ("退款", "我要退款。", "退款"), ("退款", "我要退货", ""),
        (r"order\s*#\d+", "about Order #12", "Order #12"), (re.compile("Refund"), "refund", ""),
        ("wi-fi", "the Wi-Fi is down", "Wi-Fi"), ("ｒｅｆｕｎｄ", "refund", "refund"),
    ],
)  # fmt: skip
def test_a_rule_finds_words_in_their_forms_chinese_anywhere_and_patterns_as_written(
    rule: Any, question: str, found: str
) -> None:
    assert told_by(rule, question) == found


def test_a_rule_chooses_before_anything_is_called_and_says_why() -> None:
    made, model = agent("Your parcel is on its way.")
    answer, chosen = ran(made, "Where is my order?")
    assert answer.intent == "orders"
    assert chosen is not None
    assert (chosen.intent, chosen.by, chosen.why) == ("orders", "rule", "order")
    assert [t.name for t in model.requests[0].tools] == ["look", "track", "make_plan"]
    assert "Look the order up." in model.requests[0].messages[0].text
    assert "kind about refunds" not in model.requests[0].messages[0].text
    assert answer.to_dict()["intent"] == "orders"


def test_of_nested_intents_the_inner_one_is_taken_with_all_that_stands_around_it() -> None:
    made, model = agent("Why?")
    answer, _chosen = ran(made, "Please cancel my order")
    assert answer.intent == "orders/cancel"
    system = model.requests[0].messages[0].text
    assert system.index("Look the order up.") < system.index("Ask why it is cancelled.")
    assert "track" in [t.name for t in model.requests[0].tools]


def test_a_missing_detail_is_asked_for_without_any_call() -> None:
    made, model = agent()
    answer, chosen = ran(made, "I want a refund")
    assert (answer.status, answer.text) == ("needs_input", "Please tell me the order number.")
    assert chosen is not None
    assert answer.usage.calls == len(model.requests) == 0


def test_the_reply_goes_on_with_what_was_asked_for() -> None:
    made, model = agent("Paid back.")
    first = made.run("I want a refund")
    answer, chosen = ran(made, "It is 12345.", history=first.messages)
    assert (answer.intent, answer.text) == ("refund", "Paid back.")
    assert chosen is not None
    assert (chosen.by, chosen.slots) == ("earlier", {"order_number": "12345"})
    assert len(model.requests) == 1


def test_who_answers_without_the_detail_is_answered_by_the_model_and_not_asked_by_rule_for_ever() -> None:
    made, model = agent("[needs_input] I cannot go on without it.")
    first = made.run("我要退款")
    assert first.text == "请告诉我：order number。"
    answer = made.run("没有", history=first.messages)
    assert (answer.status, answer.intent) == ("needs_input", "refund")
    assert "order number" in model.requests[0].messages[0].text
    assert "[needs_input]" in model.requests[0].messages[0].text


def test_a_detail_given_once_holds_for_the_next_question_of_the_same_intent() -> None:
    made, model = agent("Paid.", "Also paid.")
    first = made.run("Refund order number 12345")
    assert first.status == "answered"
    second, chosen = ran(made, "Please refund the postage as well", history=first.messages)
    assert second.text == "Also paid."
    assert chosen is not None
    assert chosen.slots == {"order_number": "12345"}
    assert len(model.requests) == 2


def test_another_subject_leaves_the_question_back_alone() -> None:
    made, _model = agent("On its way.")
    first = made.run("I want a refund")
    assert made.run("No, where is my order?", history=first.messages).intent == "orders"


def test_the_model_chooses_in_its_first_call_where_no_rule_does() -> None:
    made, model = agent(call("choose_intent", intent="refund") + call("look", q="x"), "Done.")
    answer, chosen = ran(made, "Give me back what I paid for 12345")
    assert (answer.intent, answer.text, len(model.requests)) == ("refund", "Done.", 2)
    assert chosen is not None
    assert chosen.by == "model"
    assert answer.steps == ()
    assert [t.name for t in model.requests[0].tools] == ["look", "choose_intent"]
    offered = model.requests[0].tools[-1]
    assert offered.parameters["properties"]["intent"]["enum"] == ["refund", "orders", "orders/cancel", "none"]
    assert "questions about orders that were placed" in offered.description
    assert "refund, 退款" in offered.description
    assert [t.name for t in model.requests[1].tools] == ["look", "pay_back", "make_plan"]
    assert [m.role for m in model.requests[1].messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


def test_a_model_that_chooses_is_asked_for_the_missing_detail_before_a_second_call() -> None:
    made, model = agent(call("choose_intent", intent="refund"))
    answer = made.run("Give me back what I paid")
    assert (answer.status, answer.text, len(model.requests)) == (
        "needs_input",
        "Please tell me the order number.",
        1,
    )
    again, model = agent("Done.")
    assert again.run("it's 12345", history=answer.messages).intent == "refund"
    assert len(model.requests) == 1


def test_an_answer_without_a_choice_costs_one_call_and_has_no_intent() -> None:
    made, model = agent("Hello!")
    answer, chosen = ran(made, "Hi there")
    assert (answer.text, answer.intent, len(model.requests)) == ("Hello!", "", 1)
    assert chosen == IntentChosen("", "model", tokens=chosen.tokens if chosen else {})


def test_common_tools_can_be_called_at_once_without_a_choice() -> None:
    made, model = agent(call("look", q="x"), "x it is.")
    answer = made.run("What is x?")
    assert (answer.text, answer.intent, len(model.requests)) == ("x it is.", "", 2)
    assert [t.name for t in model.requests[1].tools] == ["look", "make_plan"]


def test_none_and_a_name_that_was_not_offered_choose_nothing() -> None:
    for name in ("none", "billing"):
        made, model = agent(call("choose_intent", intent=name), "Hello.")
        answer = made.run("Hi there")
        assert (answer.text, answer.intent, len(model.requests)) == ("Hello.", "", 2)


def test_where_rules_find_two_the_model_chooses_between_those() -> None:
    made, model = agent(call("choose_intent", intent="orders/cancel"), "Why?")
    assert made.run("Cancel it, or a refund?").intent == "orders/cancel"
    enum = model.requests[0].tools[-1].parameters["properties"]["intent"]["enum"]
    assert enum == ["refund", "orders/cancel", "none"]


def test_a_plan_is_asked_for_once_the_intent_is_known() -> None:
    made, model = agent(
        call("choose_intent", intent="orders"),
        call("make_plan", steps=[{"id": "s1", "do": "track", "in": {"order": "1"}}]),
        "There.",
        plan="always",
    )
    answer = made.run("Where is it?")
    assert answer.plan is not None
    assert [r.tool_choice for r in model.requests[:2]] == ["choose_intent", "make_plan"]


def test_a_plan_by_its_author_may_use_the_tools_of_every_intent() -> None:
    made, _model = agent("Done.")
    plan = Plan((Step("s1", "track", {"order": "1"}), Step("s2", "pay_back", {"order": "1"})), "Do both")
    assert [s.status for s in made.run(plan).steps] == ["done", "done"]


def test_no_plan_is_made_and_no_model_called_where_a_detail_is_missing() -> None:
    made, model = agent()
    assert made.plan("I want a refund") is None
    assert model.requests == []


def test_a_plan_by_its_author_is_run_whatever_its_question_lacks() -> None:
    made, _model = agent("Paid.")
    answer = made.run(Plan((Step("s1", "pay_back", {"order": "1"}),), "I want a refund"))
    assert (answer.text, answer.intent) == ("Paid.", "refund")


def test_the_tokens_of_the_chosen_intent_stand_beside_those_of_all() -> None:
    made, _model = agent("On its way.")
    _answer, chosen = ran(made, "Where is my order?")
    assert chosen is not None
    own = chosen.tokens["instructions"] + chosen.tokens["tools"]
    assert 0 < own < chosen.tokens["all intents"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Intent("a b"), "a b"),
        (lambda: Intent("none"), "none"),
        (lambda: Intent("x", when=["(("]), r"\(\("),
        (lambda: Intent("x", when=[" "]), "empty"),
        (lambda: Slot("x", "(("), r"\(\("),
        (lambda: Slot(" "), "name"),
        (lambda: agent(intents=[Intent("x"), Intent("x")]), "x"),
        (lambda: agent(intents=["x"]), "str"),
        (lambda: agent(intents=[Intent("x", tools=["no_such_tool"])]), "no_such_tool"),
        (
            lambda: agent(intents=[Intent("x", examples=[Example("q", "a", (Call("pay_back", {}),))])]),
            "pay_back",
        ),
    ],
)
def test_an_intent_that_cannot_be_is_refused_when_it_is_made(wrong: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        wrong()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("order_number", "my order 12345, please", "12345"), ("order_number", "order AB-1234", "AB-1234"),
        ("order_number", "2 shirts", None), ("order_number", "on 2026-03-01", None), ("order_number", "it cost 1,234.50", None), ("订单号", "订单号是20231", "20231"),
        ("date", "on 2026-03-01", "2026-03-01"), ("date", "3月5日", "3月5日"), ("date", "next Friday", "Friday"),
        ("amount", "it was $12.50", "$12.50"), ("退款金额", "一共 30 元", "30 元"), ("email", "write to a.b@c.org.", "a.b@c.org"),
        ("phone", "call +49 151 1234567", "+49 151 1234567"), ("mood", "happy", None), ("time", "at 14:30", "14:30"),
    ],
)  # fmt: skip
def test_a_detail_is_known_by_what_its_name_says_it_is(name: str, text: str, value: str | None) -> None:
    assert Slot(name).find(text) == value


def test_a_pattern_gives_its_group_and_a_question_asks_in_both_languages() -> None:
    slot = Slot("seat", r"seat (\w+)", ask={"en": "Which seat?", "zh": "哪个座位？"})
    assert slot.find("I have Seat 12A") == "12A"
    assert (slot.question("en"), slot.question("zh")) == ("Which seat?", "哪个座位？")


def test_a_detail_that_no_rule_can_see_is_left_to_the_model() -> None:
    made, model = agent("How do you feel?", intents=[Intent("cheer", when=["cheer"], needs=["mood"])])
    assert made.run("cheer me up").status == "answered"
    assert "mood" in model.requests[0].messages[0].text


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=80))
def test_what_a_rule_takes_for_a_detail_stands_in_the_text(kind: str, text: str) -> None:
    found = Slot(kind).find(text)
    assert found is None or found


words = st.sampled_from(["refund", "order", "cancel", "12345", "hi", "no", "退款"])


@given(st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=5))
def test_a_conversation_of_rules_never_asks_for_the_same_detail_twice_in_a_row(said: list[str]) -> None:
    intents = Intents([REFUND, ORDERS], Toolbox([look]))
    history: list[Message] = []
    before = ""
    for text in said:
        found = intents.choose(text, history)
        reply = intents.ask_back(found.missing, "en") if isinstance(found, Chosen) and found.missing else "ok"
        assert reply == "ok" or reply != before
        before = reply
        history += [Message.user(text), Message.assistant(reply)]
