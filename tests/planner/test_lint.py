import pytest

from agentsdk.function_tool import tool
from agentsdk.plan import Plan, Ref, Step
from agentsdk.planner.lint import lint
from agentsdk.toolbox import Toolbox


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
        (Step("s3", "add", {"a": Ref("s3"), "b": 1}), ["s3", "later"]),
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
    assert "41" in lint(many, BOX)[0]


def test_a_plan_may_use_what_is_done_and_not_take_its_name() -> None:
    assert lint(Plan((Step("n1", "add", {"a": Ref("s1"), "b": 1}),)), BOX, ["s1"]) == []
    assert "taken" in lint(Plan((Step("s1", "add", {"a": 1, "b": 1}),)), BOX, ["s1"])[0]
