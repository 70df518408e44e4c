import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.errors import PlanError
from agentsdk.evidence import Evidence
from agentsdk.plan import STEP_KINDS, Alt, Plan, Ref, Step, When, from_wire, to_wire
from agentsdk.planner.resolve import resolve
from agentsdk.step import TESTS

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


values = json_values | refs
whens = st.builds(When, refs, st.dictionaries(st.sampled_from(TESTS), values, min_size=1, max_size=2))
alts = st.builds(Alt, st.sampled_from(["clock", "think"]), st.none() | inputs)
kinds = st.sampled_from(["text", "list[number]", "low|high"]) | st.fixed_dictionaries({"a": st.just("text")})
steps = st.builds(
    Step,
    st.sampled_from(["s8", "步骤", "a b"]),
    st.sampled_from(["tool", *STEP_KINDS]),
    inputs,
    st.lists(st.sampled_from(["s1", "s2"]), max_size=2, unique=True).map(tuple),
    st.none() | whens,
    st.none() | refs | st.lists(json_values, max_size=2) | st.text(min_size=1),
    st.none() | st.integers(1, 99),
    st.none() | kinds,
    st.none() | alts,
)


@given(steps, st.text())
def test_every_field_survives_json_and_yaml(step: Step, question: str) -> None:
    plan = Plan((step,), question)
    wire = plan.to_dict()
    assert Plan.from_json(plan.to_json()).to_dict() == wire
    assert Plan.from_dict(wire).steps[0].needs == step.needs
    if question.isprintable() and "�" not in question and _printable(wire):
        assert Plan.from_yaml(plan.to_yaml()).to_dict() == wire


def _printable(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return text.isprintable() and not re.search(r"\\u|[\ud800-\udfff\ufeff]", text)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"args": {}}, 's7.*no "args". Write "in"'),
        ({"depends_on": []}, 's7.*Write "after"'),
        ({"wen": 1}, 's7.*Write "when"'),
        ({"colour": 1}, "s7.*It has: id, do, in"),
        ({"when": {"$": "s1"}}, 's7: "when"'),
        ({"when": {"$": "s1", "over": 3}}, "s7.*no test over.*above"),
        ({"when": "s1"}, 's7: "when"'),
        ({"max": 0}, 's7: "max"'),
        ({"max": True}, 's7: "max"'),
        ({"max": "3"}, 's7: "max"'),
        ({"as": ["number", "text"]}, 's7: "as"'),
        ({"as": ""}, 's7: "as"'),
        ({"alt": {}}, 's7: "alt"'),
        ({"alt": {"do": "x", "with": 1}}, 's7: "alt"'),
        ({"alt": {"do": "x", "in": 1}}, 's7: "alt"'),
    ],
)
def test_a_field_that_is_not_as_it_should_be_is_refused_and_never_passed_over(
    step: dict[str, Any], says: str
) -> None:
    with pytest.raises(PlanError, match=says):
        Step.from_dict({"id": "s7", "do": "x", **step})


def test_the_element_of_a_map_is_no_step_and_no_step_takes_its_name() -> None:
    with pytest.raises(PlanError, match="item"):
        Step.from_dict({"id": "item", "do": "x"})
    step = Step("m", "map", {"do": "x", "in": {"a": Ref("item"), "b": Ref("s1")}}, over=Ref("s2"))
    assert step.needs == ("s2", "s1")
    assert Step("t", "x", {"a": Ref("item")}).needs == ("item",)
    assert Step("m", "map", {"goal": "g"}, over=Ref("s2")).body.do == "think"
    assert Step("m", "map", {"goal": "g"}, over=Ref("s2"), returns="number").body.do == "extract"


def test_text_with_marks_of_references_stays_text_where_another_planner_would_replace_it() -> None:
    # LLMCompiler turned "budget $100, item: $1" into "budget <obs>00, item: <obs>".
    text = "budget $100, item: $1, ${1}, {s1}, $s1"
    done = {"s1": Evidence("s1", "x", value=text), "1": Evidence("1", "x", value="obs")}
    assert resolve({"a": text, "b": Ref("s1"), "c": [Ref("s1")]}, done) == {"a": text, "b": text, "c": [text]}


YAML = """
question: 今天多少度？
steps:
  - {id: s1, do: weather, in: {city: Oslo, from: 2026-11-25, answer: no, at: 12:30, code: 007}}
  - id: s2
    do: think
    in:
      goal: |
        Judge.
      n: {$: s1.degrees}
    when: {$: s1.degrees, above: -3.5}
"""


def test_yaml_is_read_as_json_would_be_without_dates_and_clocks_and_noes() -> None:
    plan = Plan.from_yaml(YAML)
    assert plan.step("s1").inputs == {
        "city": "Oslo", "from": "2026-11-25", "answer": "no", "at": "12:30", "code": "007",
    }  # fmt: skip
    assert plan.step("s2").inputs == {"goal": "Judge.\n", "n": Ref("s1", ("degrees",))}
    assert plan.step("s2").when == When(Ref("s1", ("degrees",)), {"above": -3.5})
    assert Plan.from_yaml(plan.to_yaml()) == plan
    assert Plan.from_yaml(plan.to_json()) == plan


@pytest.mark.parametrize(
    "text",
    [
        "steps: [",
        "",
        "steps: &a [*a]",
        "x: &x [1]\nsteps: [*x]",
        "steps: []\nsteps: []",
        "!!python/object/apply:os.system ['true']",
        "? [1]\n: 2",
        "{" * 5_000,
        "just words",
    ],
)
def test_yaml_that_is_no_plan_or_more_than_one_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        Plan.from_yaml(text)


def test_a_plan_is_loaded_from_a_file_and_what_is_wrong_with_the_file_is_said(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(YAML, encoding="utf-8-sig")
    assert Plan.load(file).question == "今天多少度？"
    with pytest.raises(PlanError, match="cannot be read"):
        Plan.load(tmp_path / "none.yaml")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="UTF-8"):
        Plan.load(str(file))


def test_a_plan_is_edited_and_what_would_be_left_dangling_is_refused() -> None:
    plan = diamond()
    changed = plan.replace(Step("b", "think", {"goal": "other", "n": Ref("a")}))
    assert changed.step("b").inputs["goal"] == "other"
    assert [s.id for s in changed] == ["a", "b", "c", "d", "e"]
    with pytest.raises(PlanError, match="b needs e"):
        plan.replace(Step("b", "think", {"goal": "x", "n": Ref("e")}))
    with pytest.raises(PlanError, match=r"no step z(?s:.)*a, b, c"):
        plan.replace(Step("z", "clock"))
    more = plan.insert(Step("x", "clock"), before="b").insert(
        Step("y", "think", {"goal": "g", "v": Ref("x")}), after="x"
    )
    assert [s.id for s in more] == ["a", "x", "y", "b", "c", "d", "e"]
    assert [s.id for s in plan.insert(Step("x", "clock", {}, ("e",)))][-1] == "x"
    with pytest.raises(PlanError, match="taken"):
        plan.insert(Step("a", "clock"))
    with pytest.raises(PlanError, match="x needs e"):
        plan.insert(Step("x", "clock", {}, ("e",)), before="a")
    with pytest.raises(PlanError, match=r"cannot be dropped: b, c need it"):
        plan.drop("a")
    assert [s.id for s in plan.drop("e")] == ["a", "b", "c", "d"]
    joined = plan.drop("c", instead="b")
    assert joined.step("d").inputs["l"] == [Ref("b"), {"r": Ref("b")}]
    assert joined.question == plan.question
    assert plan == diamond()


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
    text = Plan((*diamond().steps, Step("f", "say", {"text": 'a "quoted"\nword <b> #1'}))).mermaid()
    assert text.splitlines()[0] == "flowchart TD"
    assert (text.count("-->"), text.count("-.->")) == (4, 1)
    assert "#quot;quoted#quot; word #lt;b#gt; #35;1" in text
    assert len(text.splitlines()) == 1 + 6 + 5


def test_json_is_read_back_as_it_was() -> None:
    plan = diamond()
    assert Plan.from_json(plan.to_json()) == plan
