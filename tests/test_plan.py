import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.errors import PlanError
from agentsdk.plan import Plan, Ref, Step, from_wire, to_wire

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
refs = st.builds(Ref, st.sampled_from(["s1", "s2"]), st.tuples() | st.tuples(st.sampled_from(["a", "0"])))
inputs = st.dictionaries(st.text(min_size=1, max_size=5), json_values | refs, max_size=3)


@given(inputs)
def test_a_step_survives_its_wire_form(inputs: dict[str, Any]) -> None:
    step = Step("s9", "tool", inputs, ("s1",))
    wire = json.loads(json.dumps(step.to_dict()))
    assert Step.from_dict(wire).refs == step.refs
    assert Step.from_dict(wire).to_dict() == step.to_dict()


@given(st.text())
def test_text_never_becomes_a_reference(text: str) -> None:
    assert from_wire(to_wire({"note": text})) == {"note": text}


def test_a_reference_is_an_object_with_one_key_and_nothing_else() -> None:
    assert from_wire({"$": "s1.items.0"}) == Ref("s1", ("items", "0"))
    assert from_wire({"$": "s1", "more": 1}) == {"$": "s1", "more": 1}
    assert from_wire({"$": 5}) == {"$": 5}


@pytest.mark.parametrize(
    ("wire", "named"),
    [
        ("no list", "steps"),
        ({"steps": "s1"}, "steps"),
        ({"steps": [5]}, "not an object"),
        ({"steps": [{"do": "x"}]}, '"id"'),
        ({"steps": [{"id": "a.b", "do": "x"}]}, '"id"'),
        ({"steps": [{"id": "s7"}]}, "s7"),
        ({"steps": [{"id": "s7", "do": "x", "in": [1]}]}, "s7"),
        ({"steps": [{"id": "s7", "do": "x", "after": [1]}]}, "s7"),
    ],
)
def test_a_malformed_plan_is_refused_with_the_place_named(wire: object, named: str) -> None:
    with pytest.raises(PlanError, match=named.replace(".", r"\.")):
        Plan.from_dict(wire)


def test_a_plan_that_is_not_json_says_where_it_breaks() -> None:
    with pytest.raises(PlanError) as error:
        Plan.from_json('{"steps": [')
    assert "line 1" in error.value.why


def diamond() -> Plan:
    return Plan(
        (
            Step("a", "calculator", {"expression": "1+1"}),
            Step("b", "think", {"goal": "x", "n": Ref("a")}),
            Step("c", "think", {"goal": "y", "n": Ref("a")}),
            Step("d", "think", {"goal": "z", "l": [Ref("b"), {"r": Ref("c")}]}),
            Step("e", "clock", {}, ("d",)),
        )
    )


def test_levels_hold_what_may_run_side_by_side() -> None:
    assert [[s.id for s in level] for level in diamond().levels()] == [["a"], ["b", "c"], ["d"], ["e"]]


def test_a_plan_with_a_cycle_leaves_its_steps_in_no_level() -> None:
    plan = Plan((Step("a", "x", {"v": Ref("b")}), Step("b", "x", {"v": Ref("a")})))
    assert plan.levels() == []


def test_the_tree_shows_every_step_once_below_what_it_needs() -> None:
    lines = diamond().tree().splitlines()
    assert [line.lstrip("├└─│ ").split()[0] for line in lines] == ["a", "b", "c", "d", "e"]
    assert "⟨b⟩" not in lines[0]
    assert lines[3].startswith("   └─ d")


def test_mermaid_draws_each_step_and_each_need() -> None:
    text = Plan((*diamond().steps, Step("f", "say", {"text": 'a "quoted"\nword'}))).mermaid()
    assert text.splitlines()[0] == "flowchart TD"
    assert text.count("-->") == 5
    assert "#quot;quoted#quot;" in text
    assert len(text.splitlines()) == 1 + 6 + 5


def test_json_is_read_back_as_it_was() -> None:
    plan = diamond()
    assert Plan.from_json(plan.to_json()) == plan
