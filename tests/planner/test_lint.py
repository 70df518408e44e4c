import copy
import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from agentsdk import Agent
from agentsdk.budget import Budget, Usage
from agentsdk.errors import PlanError
from agentsdk.function_tool import tool
from agentsdk.plan import STEP_KINDS, Plan, Ref, Step, When
from agentsdk.planner.ledger import Ledger
from agentsdk.planner.lint import Linter, has_effect, lint
from agentsdk.testing.scripted import ScriptedModel
from agentsdk.toolbox import AnyTool, Toolbox


@tool
def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b


BOX = Toolbox([add])
GOOD = (Step("s1", "add", {"a": 1, "b": 2}), Step("s2", "add", {"a": Ref("s1"), "b": 2}))


def test_a_plan_that_can_run_has_no_faults() -> None:
    assert lint(Plan(GOOD), BOX) == []
    assert lint(Plan((Step("t", "think", {"goal": "x"}), Step("a", "ask", {"question": "y"}))), BOX) == []


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Step("s3", "sub", {}), ["s3", "sub", "add"]),
        (Step("s3", "add", {"a": 1}), ["s3", "b"]),
        (Step("s3", "add", {"a": 1, "b": "two"}), ["s3", "b"]),
        (Step("s3", "add", {"a": 1, "b": 2, "c": 3}), ["s3", "c"]),
        (Step("s3", "add", {"a": Ref("s1")}), ["s3", "b"]),
        (Step("s3", "add", {"a": Ref("s1"), "b": 1, "c": 1}), ["s3", "c"]),
        (Step("s3", "add", {"a": Ref("s9"), "b": 1}), ["s3", "s9", "no such"]),
        (Step("s3", "add", {"a": Ref("s3"), "b": 1}), ["s3", "itself"]),
        (Step("s3", "add", {"a": 1, "b": 1}, ("s9",)), ["s3", "s9"]),
        (Step("s1", "add", {"a": 1, "b": 1}), ["s1", "taken"]),
        (Step("s3", "think", {}), ["s3", "goal"]),
        (Step("s3", "ask", {}), ["s3", "question"]),
    ],
)
def test_each_fault_names_the_step_and_the_mend(step: Step, says: list[str]) -> None:
    (fault,) = lint(Plan((*GOOD, step)), BOX)
    assert all(word in fault for word in says)


def test_a_reference_forward_is_refused_so_no_plan_can_have_a_cycle() -> None:
    plan = Plan((Step("a", "add", {"a": Ref("b"), "b": 1}), Step("b", "add", {"a": Ref("a"), "b": 1})))
    assert ["b" in fault and "first" in fault for fault in lint(plan, BOX)] == [True]


def test_an_empty_plan_and_an_endless_one_are_refused() -> None:
    assert lint(Plan(()), BOX)
    many = Plan(tuple(Step(f"s{i}", "add", {"a": 1, "b": 2}) for i in range(41)))
    assert ["s40" in fault and "40" in fault for fault in lint(many, BOX)] == [True]


def test_a_plan_may_use_what_is_done_and_not_take_its_name() -> None:
    assert lint(Plan((Step("n1", "add", {"a": Ref("s1"), "b": 1}),)), BOX, ["s1"]) == []
    assert "taken" in lint(Plan((Step("s1", "add", {"a": 1, "b": 1}),)), BOX, ["s1"])[0]


RAN: list[str] = []


@dataclass(frozen=True)
class Weather:
    city: str
    degrees: float


@tool
def weather(city: str, days: Annotated[int, Field(ge=1, le=7)] = 1) -> list[Weather]:
    """Return the weather."""
    RAN.append("weather")
    return []


@tool(pure=True)
def mean(numbers: list[float]) -> float:
    """Return the mean."""
    RAN.append("mean")
    return 0.0


@tool(side_effect=True)
def send(to: str, body: str) -> None:
    """Send it."""
    RAN.append("send")


@tool
def blob(query: str) -> Any:
    """Return anything."""
    RAN.append("blob")


TOOLS: list[AnyTool] = [add, weather, mean, send, blob]
WIDE = Toolbox(TOOLS)
WIRE: list[dict[str, Any]] = [
    {"id": "s1", "do": "weather", "in": {"city": "Oslo", "days": 3}},
    {"id": "s2", "do": "map", "over": {"$": "s1"}, "max": 5, "in": {"do": "add", "in": {"a": 1, "b": 2}}},
    {"id": "s3", "do": "mean", "in": {"numbers": {"$": "s2"}}},
    {"id": "s4", "do": "blob", "in": {"query": "x"}, "after": ["s3"], "when": {"$": "s3", "above": 3}},
    {"id": "s5", "do": "extract", "as": {"total": "number"}, "in": {"goal": "the total", "from": {"$": "s4"}}},
    {"id": "s6", "do": "reduce", "over": {"$": "s4"}, "in": {"goal": "Sum it up."}, "alt": "think"},
    {
        "id": "s7",
        "do": "mean",
        "in": {"numbers": [{"$": "s5.total"}, 4]},
        "alt": {"do": "blob", "in": {"query": "y"}},
    },
    {"id": "s8", "do": "send", "in": {"to": "Ann", "body": {"$": "s6"}}},
]


def mutated(at: int, **change: Any) -> list[dict[str, Any]]:
    steps = copy.deepcopy(WIRE)
    for key, value in change.items():
        name = key.rstrip("_")
        if value is None:
            steps[at].pop(name)
        else:
            steps[at][name] = value
    return steps


def added(step: dict[str, Any], at: int = len(WIRE)) -> list[dict[str, Any]]:
    return [*WIRE[:at], step, *WIRE[at:]]


THINK = {"id": "n", "do": "think", "in": {"goal": "x"}}
MUTATIONS = {
    "unknown tool": (mutated(0, do="wether"), "s1.*Did you mean weather"),
    "missing argument": (mutated(0, in_={}), "s1.*needs the argument city"),
    "extra argument": (mutated(0, in_={"city": "Oslo", "unit": "K"}), "s1.*no argument unit.*It has: city, days"),
    "misspelt argument": (mutated(2, in_={"number": {"$": "s2"}}), 's3.*no argument number. Write "numbers"'),
    "wrong type": (mutated(0, in_={"city": "Oslo", "days": "soon"}), "s1.*days.*integer"),
    "out of range": (mutated(0, in_={"city": "Oslo", "days": 9}), "s1.*days.*7"),
    "wrong type beside a reference": (mutated(7, in_={"to": 5, "body": {"$": "s6"}}), "s8.*to.*string"),
    "list for a text": (mutated(7, in_={"to": {"$": "s1"}, "body": "b"}), "s8: to gets list, and text.*map"),
    "prose for a number": (added({"id": "n", "do": "add", "in": {"a": {"$": "s6"}, "b": 1}}), "n: a gets text.*extract"),
    "prose in a list of numbers": (mutated(2, in_={"numbers": [{"$": "s9"}]}), "s3 needs s9"),
    "no such part": (mutated(6, in_={"numbers": [{"$": "s5.sum"}]}), "s7 uses s5.sum.*no part sum, but: total"),
    "part of a number": (mutated(4, in_={"goal": "g", "from": {"$": "s3.x"}}), "s5 uses s3.x.*has no parts"),
    "field of a list": (mutated(4, in_={"goal": "g", "from": {"$": "s1.city"}}), "s5 uses s1.city.*is a list"),
    "no such part of an element": (
        mutated(1, in_={"do": "blob", "in": {"query": {"$": "item.town"}}}),
        "s2 uses item.town.*but: city, degrees",
    ),
    "element of a wrong type": (
        mutated(1, in_={"do": "add", "in": {"a": {"$": "item.city"}, "b": {"$": "item"}}}),
        "s2: b gets object",
    ),
    "dangling reference": (mutated(2, in_={"numbers": {"$": "s77"}}), "s3 needs s77.*no such step.*s1, s2"),
    "dangling condition": (mutated(3, when={"$": "s77", "is": 1}), "s4 needs s77"),
    "dangling condition in a map": (
        mutated(1, in_={"do": "add", "in": {"a": 1, "b": 2}, "when": {"$": "s77", "is": 1}}),
        "s2 needs s77",
    ),
    "condition in a map that compares with nothing": (
        mutated(1, in_={"do": "add", "in": {"a": 1, "b": 2}, "when": {"$": "item.degrees", "above": None}}),
        's2: "above" compares with a number',
    ),
    "dangling over": (mutated(1, over={"$": "s77"}), "s2 needs s77"),
    "dangling after": (mutated(3, after=["s77"]), "s4 needs s77"),
    "dangling in a fallback": (mutated(6, alt={"do": "blob", "in": {"query": {"$": "s77"}}}), "s7 needs s77"),
    "forward reference": (mutated(2, in_={"numbers": {"$": "s7"}}), "s3 needs s7, which comes later; put s7 first"),
    "cycle": (mutated(0, after=["s8"]), "s1 needs s8, which comes later"),
    "self reference": (mutated(2, in_={"numbers": {"$": "s3"}}), "s3 needs itself"),
    "duplicate id": (mutated(2, id="s1"), "s1: the id is taken"),
    "unused thought": (
        [*added(THINK, 1), {"id": "m", "do": "blob", "in": {"query": "q"}, "after": ["n"]}],
        r'n: m waits for it, and nothing uses.*Write {"\$": "n"}',
    ),
    "unused pure tool": (
        [*added({"id": "n", "do": "mean", "in": {"numbers": [1]}}, 0)[:-1], {**WIRE[-1], "after": ["n"]}],
        "n: s8 waits for it",
    ),
    "item outside of a map": (mutated(0, in_={"city": {"$": "item"}}), "s1.*only inside a map"),
    "reference written as text": (mutated(7, in_={"to": "${s1.0.city}", "body": "b"}), r's8.*{"\$": "s1.0.city"}'),
    "reference in other braces": (mutated(7, in_={"to": "{{s1}}", "body": "b"}), r's8.*{"\$": "s1"}'),
    "a result as a goal": (mutated(4, in_={"goal": {"$": "s4"}}), 's5: "goal" is a text'),
    "no goal": (mutated(4, in_={"from": {"$": "s4"}}), 's5: extract needs "goal"'),
    "unknown type": (mutated(4, as_="nmber"), "s5.*no type.*text, number"),
    "type on a tool": (mutated(0, as_="number"), 's1: only extract has "as"'),
    "over on a tool": (mutated(0, over=[1, 2]), 's1: only map and reduce have "over".*"do": "map"'),
    "max on a tool": (mutated(0, max=3), 's1: only map and extract have "max"'),
    "map over nothing": (mutated(1, over=None), 's2: map needs "over"'),
    "map over a number": (mutated(1, over={"$": "s9"}), "s2 needs s9"),
    "reduce over a number": (mutated(5, over={"$": "s3"}), 's6: "over" is ⟨s3⟩'),
    "tokens in words": (mutated(5, in_={"goal": "g", "tokens": "many"}), 's6: "tokens" is not a whole number'),
    "map in a map": (mutated(1, in_={"do": "map", "over": [], "in": {"goal": "x"}}), "s2: a map cannot hold map"),
    "ask in a map": (mutated(1, in_={"do": "ask", "in": {"question": "?"}}), "s2: a map cannot hold ask"),
    "unknown tool in a map": (mutated(1, in_={"do": "ad", "in": {}}), "s2: there is no tool ad. Did you mean add"),
    "wrong argument in a map": (mutated(1, in_={"do": "add", "in": {"a": 1}}), "s2: add needs the argument b"),
    "misspelt field in a map": (mutated(1, in_={"do": "add", "args": {"a": 1, "b": 1}}), 's2.*no "args". Write "in"'),
    "unknown fallback": (mutated(6, alt="men"), "s7: there is no tool men. Did you mean mean"),
    "fallback that does not fit": (mutated(6, alt="weather"), "s7: weather needs the argument city"),
    "fallback that is the step": (mutated(6, alt="mean"), 's7: "alt" is the step itself'),
    "condition on a list": (mutated(3, when={"$": "s3", "above": [1]}), 's4: "above" compares with a number'),
    "condition on a part that is not there": (mutated(3, when={"$": "s5.total", "above": 1}), "s4 needs s5"),
    "ask without a question": (added({"id": "n", "do": "ask", "in": {}}), 'n: ask needs "question"'),
    "ask with more": (added({"id": "n", "do": "ask", "in": {"question": "?", "x": 1}}), "n: ask takes no"),
    "over the budget": (
        [*WIRE, *({**THINK, "id": f"t{i}"} for i in range(18))],
        "t17 is beyond the budget.*20 model calls.*19",
    ),
    "over the budget by a map": (
        added({"id": "n", "do": "map", "over": list(range(50)), "in": {"goal": "x"}}),
        "n is beyond the budget",
    ),
    "too many steps": ([{**WIRE[0], "id": f"w{i}"} for i in range(41)], "w40 is one too many"),
    "too deep": (
        [{**WIRE[3], "id": f"w{i}", "when": {"$": "w0", "is": 1}, "after": [f"w{i - 1}"]} if i else WIRE[0] | {"id": "w0"}
         for i in range(32)],
        "w30 waits for 30",
    ),
}  # fmt: skip


def test_the_plan_that_is_mutated_can_run() -> None:
    assert lint(Plan.from_dict(WIRE), WIDE, ledger=Ledger(Budget())) == []


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_every_mutation_is_refused_with_the_step_and_the_mend_and_no_tool_is_run(mutation: str) -> None:
    steps, says = MUTATIONS[mutation]
    plan = Plan.from_dict(steps)
    faults = lint(plan, WIDE, ledger=Ledger(Budget()))
    assert [f for f in faults if re.search(says, f)], faults
    assert lint(plan, WIDE, ledger=Ledger(Budget())) == faults
    RAN.clear()
    model = ScriptedModel([])
    with pytest.raises(PlanError) as error:
        Agent(model, tools=TOOLS).run(plan)
    assert list(error.value.findings) == faults
    assert (RAN, model.requests) == ([], [])


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_plan_that_comes_step_by_step_has_the_same_faults_as_the_whole(mutation: str) -> None:
    steps = Plan.from_dict(MUTATIONS[mutation][0])
    linter = Linter(WIDE, ledger=Ledger(Budget()), later=[s.id for s in steps])
    taken = [linter.take(step) for step in steps]
    assert [f for each in taken for f in each] + linter.end() == lint(steps, WIDE, ledger=Ledger(Budget()))


def test_a_fault_is_told_when_its_step_comes_and_not_before() -> None:
    linter = Linter(WIDE)
    steps = Plan.from_dict(MUTATIONS["unknown tool in a map"][0])
    assert [bool(linter.take(step)) for step in steps] == [False, True, *[False] * 6]


def test_what_may_still_fit_is_let_through() -> None:
    steps = [
        {"id": "s1", "do": "blob", "in": {"query": "q"}},
        {"id": "s2", "do": "add", "in": {"a": {"$": "s1.x.3.y"}, "b": {"$": "s3"}}},
    ]
    steps.insert(1, {"id": "s3", "do": "extract", "as": "integer|null", "in": {"goal": "n", "m": {"$": "s1"}}})
    steps += [
        {"id": "s4", "do": "send", "in": {"to": "price: $1 of ${money}", "body": "s1"}},
        {"id": "s5", "do": "think", "in": {"goal": "a thought before an effect"}},
        {"id": "s6", "do": "blob", "in": {"query": {"$": "s2.value"}}, "after": ["s4"]},
    ]
    assert lint(Plan.from_dict(steps), WIDE) == []


def test_steps_with_effects_are_known_in_a_map_and_in_a_fallback_as_well() -> None:
    body = {"do": "send", "in": {"to": {"$": "item"}, "body": "b"}}
    plan = Plan.from_dict(
        [
            {"id": "a", "do": "send", "in": {"to": "x", "body": "y"}},
            {"id": "b", "do": "map", "over": ["x"], "in": body},
            {"id": "c", "do": "blob", "in": {"query": "q"}, "alt": body},
            {"id": "d", "do": "blob", "in": {"query": "q"}},
            {"id": "e", "do": "map", "over": ["x"], "in": {"goal": "g"}},
        ]
    )
    assert [has_effect(step, WIDE) for step in plan] == [True, True, True, False, False]


def test_the_budget_counts_what_was_used_and_what_a_plan_cannot_do_without() -> None:
    ledger = Ledger(Budget(calls=5))
    ledger.used = Usage(calls=2)
    thoughts = [Step(f"t{i}", "think", {"goal": "x"}) for i in range(3)]
    assert lint(Plan(tuple(thoughts[:2])), WIDE, ledger=ledger) == []
    assert "t2 is beyond the budget" in lint(Plan(tuple(thoughts)), WIDE, ledger=ledger)[0]
    maybe = [replace(t, when=When(Ref("w"), {"is": 1})) for t in thoughts]
    assert lint(Plan((Step("w", "blob", {"query": "q"}), *maybe)), WIDE, ledger=ledger) == []
    long = Plan((Step("r", "reduce", {"goal": "x"}, over="word " * 9_000),))
    assert "r is beyond the budget" in lint(long, WIDE, ledger=Ledger(Budget(tokens=5_000)))[0]


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.sampled_from(
    ["", "s1", "text", "list[text]", "item", "$s1", "{{s1}}", "Oslo", "number", "a|b", "date"]
)  # fmt: skip
REFS = st.builds(
    lambda t: {"$": t}, st.sampled_from(["s1", "s2.a", "item", "item.city", "s1.0", "", ".", "s1..a"])
)
ANYTHING = st.recursive(
    SCALARS | REFS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "city", "goal", "do", "in", "$", "type", "question", "tokens"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
AS: st.SearchStrategy[Any] = st.sampled_from(["number", ["text"], "a|b"])
FIELDS = st.sampled_from(["in", "after", "when", "over", "max", "as", "alt", "do"])


@st.composite
def written(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps that are right for the most part, with something else in one place of some."""
    steps: list[dict[str, Any]] = []
    for at in range(1, draw(st.integers(1, 5)) + 1):
        earlier = [f"s{i}" for i in range(1, at)]
        result: st.SearchStrategy[Any] = (
            st.sampled_from(earlier).map(lambda id_: {"$": id_}) if earlier else st.just("words")
        )
        kind = draw(st.sampled_from(["add", "mean", "weather", "blob", "think", "extract", "map", "reduce"]))
        bodies: dict[str, Any] = {
            "add": {"in": {"a": draw(st.integers()), "b": 2}},
            "mean": {"in": {"numbers": [1, 2.5]}},
            "weather": {"in": {"city": "Oslo"}},
            "blob": {"in": {"query": draw(st.text(max_size=5))}},
            "think": {"in": {"goal": "g", "m": draw(result)}},
            "extract": {"in": {"goal": "g", "m": draw(result)}, "as": draw(AS)},
            "map": {"over": draw(result | st.lists(SCALARS, max_size=3)), "in": draw(st.sampled_from(
                [{"goal": "g"}, {"do": "blob", "in": {"query": {"$": "item"}}}, {"do": "think", "in": {"goal": "g"}}]))},
            "reduce": {"over": draw(result), "in": {"goal": "g"}},
        }  # fmt: skip
        step: dict[str, Any] = {"id": f"s{at}", "do": kind, **bodies[kind]}
        if draw(st.booleans()) and earlier:
            step["when"] = {
                **draw(result),
                draw(st.sampled_from(["above", "is", "contains", "empty", "one_of"])): draw(SCALARS),
            }
        if draw(st.integers(0, 3)) == 0:
            step[draw(FIELDS)] = draw(ANYTHING)
        if draw(st.integers(0, 5)) == 0 and isinstance(step["in"], dict):
            step["in"][draw(st.sampled_from(["tokens", "running", "goal", "do", "x"]))] = draw(ANYTHING)
        steps.append(step)
    return steps


@settings(max_examples=400, deadline=None)
@given(written())
def test_whatever_a_model_writes_is_refused_in_words_or_can_be_run_and_never_breaks(wire: list[Any]) -> None:
    steps = []
    linter = Linter(WIDE, ledger=Ledger(Budget()))
    for each in wire:
        try:
            step = Step.from_dict(each)
        except PlanError:
            continue
        steps.append(step)
        assert all(step.id in fault for fault in linter.take(step))
        has_effect(step, WIDE)
    plan = Plan(tuple(steps))
    faults = lint(plan, WIDE, ledger=Ledger(Budget()))
    assert lint(plan, WIDE, ledger=Ledger(Budget())) == faults
    plan.tree(), plan.mermaid(), plan.svg()
    assert Plan.from_json(plan.to_json()) == plan
    if faults or not steps or any(has_effect(step, WIDE) for step in steps):
        return
    model = ScriptedModel([lambda request: '{"value": null}' if request.output_schema else "said"] * 60)
    answer = Agent(model, tools=TOOLS).run(plan)
    assert {s.step for s in answer.steps} == {s.id for s in steps}
    # A step that fails says why in words: what Python raised was not foreseen.
    own = [s.error or "" for s in answer.steps if s.do in STEP_KINDS]
    assert not [error for error in own if re.match(r"\w+(Error|Exception): ", error)]
