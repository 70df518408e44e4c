import pytest

from agentsdk.errors import PlanError
from agentsdk.function_tool import tool
from agentsdk.plan import Plan, Ref, Step
from agentsdk.steps import ask, call, each, extract, reduce, think


@tool
def weather(city: str) -> dict[str, float]:
    """Return the weather."""
    return {"degrees": 3.0}


def test_a_plan_is_written_in_plain_python_and_results_are_given_as_arguments() -> None:
    oslo, rome = call(weather, city="Oslo"), call("weather", city="Rome")
    plan = Plan.of(think("Which is warmer?", oslo=oslo["degrees"], both=[oslo, rome]), question="Which?")
    assert plan.to_dict() == {
        "question": "Which?",
        "steps": [
            {"id": "s1", "do": "weather", "in": {"city": "Oslo"}},
            {"id": "s2", "do": "weather", "in": {"city": "Rome"}},
            {
                "id": "s3",
                "do": "think",
                "in": {"goal": "Which is warmer?", "oslo": {"$": "s1.degrees"}, "both": [{"$": "s1"}, {"$": "s2"}]},
            },
        ],
    }  # fmt: skip


def test_a_step_used_twice_stands_once_and_behind_what_it_needs() -> None:
    first = call("weather", city="Oslo")
    second = call("weather", city=first["a"][0])
    plan = Plan.of(think("x", a=second, b=first), second)
    assert [s.id for s in plan] == ["s1", "s2", "s3"]
    assert plan.step("s2").inputs == {"city": Ref("s1", ("a", "0"))}


def test_every_field_of_a_step_can_be_written() -> None:
    hits = call("search", query="x").named("hits")
    pages = each(
        hits,
        lambda hit: call("page", url=hit["url"]).when(hit["size"], below=10).otherwise(call("cached", of=hit)),
        most=5,
    )
    prices = extract("prices", {"name": "text"}, passes=3, pages=pages)
    short = reduce("Sum up.", pages, running=True, tokens=500)
    mail = call("send", body=short).after(prices).when(prices, empty=False, not_=None).otherwise("print")
    asked = ask("Is that all?").after(mail)
    plan = Plan.of(asked)
    assert plan == Plan.from_yaml(plan.to_yaml())
    assert [s.to_dict() for s in plan] == [
        {"id": "hits", "do": "search", "in": {"query": "x"}},
        {
            "id": "s1",
            "do": "map",
            "over": {"$": "hits"},
            "in": {
                "do": "page",
                "in": {"url": {"$": "item.url"}},
                "when": {"$": "item.size", "below": 10},
                "alt": {"do": "cached", "in": {"of": {"$": "item"}}},
            },
            "max": 5,
        },
        {"id": "s2", "do": "reduce", "over": {"$": "s1"}, "in": {"goal": "Sum up.", "running": True, "tokens": 500}},
        {"id": "s3", "do": "extract", "in": {"goal": "prices", "pages": {"$": "s1"}}, "max": 3, "as": {"name": "text"}},
        {
            "id": "s4",
            "do": "send",
            "in": {"body": {"$": "s2"}},
            "when": {"$": "s3", "empty": False, "not": None},
            "after": ["s3"],
            "alt": "print",
        },
        {"id": "s5", "do": "ask", "in": {"question": "Is that all?"}, "after": ["s4"]},
    ]  # fmt: skip


def test_a_map_may_use_other_steps_beside_its_element() -> None:
    key = call("key")
    plan = Plan.of(each(["a"], lambda one: call("get", key=key, of=one)))
    assert plan.step("s2").needs == ("s1",)
    assert plan.step("s2").body == Step("s2", "get", {"key": Ref("s1"), "of": Ref("item")})


def test_names_given_twice_and_an_order_inside_a_map_are_refused() -> None:
    with pytest.raises(PlanError, match="named a"):
        Plan.of(call("x").named("a"), call("y").named("a"))
    with pytest.raises(PlanError, match="after"):
        each([1], lambda one: call("x", of=one).after(call("y")))


def test_ids_that_are_made_up_leave_out_those_that_were_given() -> None:
    plan = Plan.of(call("x"), call("y").named("s1"))
    assert [(s.id, s.do) for s in plan] == [("s2", "x"), ("s1", "y")]
