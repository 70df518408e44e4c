"""A budget is never gone beyond: of calls, tokens, money, alone and shared, in whatever order calls end."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.budget import Budget, Usage
from agentsdk.errors import ConfigurationError
from agentsdk.events import BudgetReached, Event, Finished
from agentsdk.function_tool import tool
from agentsdk.messages import Message
from agentsdk.models.connect import connect
from agentsdk.models.model import Reply, Request
from agentsdk.planner.ledger import Ledger, LimitReached
from agentsdk.prices import FREE, Price, price_of
from agentsdk.testing.scripted import ScriptedModel, call

ASK = Request((Message.user("How much is it? " * 20),))
DEAR = Price(10.0, 30.0)


@tool
def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b


@pytest.mark.parametrize(
    ("name", "url", "price"),
    [
        ("openai:gpt-4o-mini", "https://api.openai.com/v1", (0.15, 0.6)),
        ("openai:gpt-4o-mini-2024-07-18", "https://api.openai.com/v1", (0.15, 0.6)),
        ("openai:qwen-flash", "https://dashscope.aliyuncs.com/compatible-mode/v1", (0.0215, 0.2143)),
        ("dashscope:qwen3-max", "https://dashscope.aliyuncs.com/api/v1", (0.3572, 1.4286)),
        ("dashscope:qwen3-max", "https://dashscope-intl.aliyuncs.com/api/v1", None),
        ("openai:gpt-9", "https://api.openai.com/v1", None),
        ("openai:gpt-4o", "https://example.com/v1", None),
        ("openai:mine", "http://127.0.0.1:8000/v1", (0, 0)),
        ("ollama:llama3.1:8b", "http://localhost:11434", (0, 0)),
        ("ollama:llama3.1:8b", "http://localhost.example.com", None),
        ("offline:extract", "", (0, 0)),
    ],
)
def test_a_price_is_that_of_the_place_where_a_model_is_served(
    name: str, url: str, price: tuple[float, float] | None
) -> None:
    found = price_of(name, url)
    assert (None if found is None else (found.input, found.output)) == price


def test_a_price_of_ones_own_goes_before_the_table() -> None:
    own = {"gpt-4o-mini": DEAR, "openai:mine": FREE}
    assert price_of("openai:gpt-4o-mini", "https://api.openai.com/v1", own) == DEAR
    assert price_of("openai:mine", "https://example.com", own) == FREE


def test_cached_tokens_and_long_inputs_have_prices_of_their_own() -> None:
    price = Price(2.0, 8.0, 0.5, {1_000: Price(4.0, 16.0, 1.0)})
    assert price.of(Usage(1, 1_000, 100, cached_tokens=400)) == pytest.approx((600 * 2 + 400 * 0.5 + 800) / 1e6)
    assert price.of(Usage(1, 1_001, 100)) == pytest.approx((1_001 * 4 + 1_600) / 1e6)


def test_money_on_a_model_of_unknown_price_is_refused_before_any_call() -> None:
    model = ScriptedModel(["x"])
    with pytest.raises(ConfigurationError, match="scripted:test costs is not known"):
        Agent(model, budget=Budget(cost=1.0))
    assert model.requests == []
    Agent(model, budget=Budget(cost=1.0, unknown_price="ignore"))
    answer = Agent(model, budget=Budget(cost=1.0, prices={"scripted:test": DEAR})).run("q")
    assert answer.usage.cost is not None
    assert answer.usage.cost > 0


def test_a_run_whose_money_is_used_up_answers_with_what_it_has() -> None:
    dear = Reply(Message.assistant(calls=call("add", a=1, b=2)), Usage(1, 1_000, 1_000), "tool_calls")
    model = ScriptedModel([dear, "It is 3."])
    budget = Budget(cost=0.05, prices={"test": DEAR})
    events: list[Event] = list(Agent(model, tools=[add], plan="never", budget=budget).stream("q"))
    last = events[-1]
    assert isinstance(last, Finished)
    assert [e.limit for e in events if isinstance(e, BudgetReached)] == ["cost"]
    assert last.answer.text == "It is 3."
    assert last.answer.usage.cost is not None
    assert 0.04 < last.answer.usage.cost <= 0.05
    assert [s.value for s in last.answer.steps] == [3]


def test_what_a_model_cannot_write_at_once_is_not_asked_for() -> None:
    ledger = Ledger(Budget(tokens=1_000_000), longest=16_384)
    request, _hold = ledger.reserve(ASK, final=True)
    assert request.max_tokens == 16_384


def test_a_local_model_costs_nothing() -> None:
    answer = Agent(connect("offline:extract"), tools=["calculator"], budget=Budget(cost=0.01)).run(
        "What is 2+2?"
    )
    assert answer.status == "answered"
    assert answer.usage.cost == 0


Call = tuple[int, bool, int, int]
"""Which ledger asks, whether finally, how many tokens it really uses of those allowed (in percent), when it ends."""


@given(
    st.integers(1, 12),
    st.integers(300, 20_000),
    st.floats(0.0005, 0.2),
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 100), st.integers(0, 6)), max_size=30),
)
def test_no_limit_is_passed_however_calls_overlap(
    calls: int, tokens: int, cost: float, asked: list[Call]
) -> None:
    outer = Ledger(Budget(calls=calls, tokens=tokens, cost=cost), price=DEAR)
    ledgers = [outer, outer.share(0.5), outer.share(0.3)]
    open_: list[tuple[int, Ledger, Any, Usage]] = []
    for at, (which, final, percent, lasts) in enumerate(asked):
        for one in [o for o in open_ if o[0] <= at]:
            open_.remove(one)
            one[1].settle(one[2], one[3])
        try:
            request, hold = ledgers[which].reserve(ASK, final=final)
        except LimitReached:
            continue
        output = (request.max_tokens or 0) * percent // 100
        open_.append((at + lasts, ledgers[which], hold, replace(hold, output_tokens=output, cost=None)))
    for _end, ledger, hold, used in open_:
        ledger.settle(hold, used)
    assert outer.used.calls <= calls
    assert outer.used.tokens <= tokens
    assert (outer.used.cost or 0) <= cost * (1 + 1e-9)
    for ledger in ledgers:
        left = ledger._counted()
        assert (left.calls, left.tokens) == (ledger.used.calls, ledger.used.tokens)
