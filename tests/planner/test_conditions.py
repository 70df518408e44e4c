from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.errors import ToolError
from agentsdk.evidence import Evidence
from agentsdk.plan import Ref, Step, When
from agentsdk.planner.conditions import holds, passed_over


def decide(value: Any, **tests: Any) -> bool:
    return holds(When(Ref("s1"), tests), {"s1": Evidence("s1", "x", value=value)})


@pytest.mark.parametrize(
    ("value", "tests", "held"),
    [
        (5, {"is": 5}, True),
        ("5.0", {"is": 5}, True),
        (2**60 + 1, {"is": 2**60}, False),
        (True, {"is": 1}, False),
        (" Yes ", {"is": "yes"}, True),
        (None, {"is": None}, True),
        ([1], {"not": [1]}, False),
        (5, {"above": 4, "below": 6}, True),
        (5, {"above": 4, "below": 5}, False),
        ("12", {"at_least": 12}, True),
        (12, {"at_most": 11}, False),
        (None, {"above": 0}, False),
        ("A storm is coming", {"contains": "STORM"}, True),
        (["a", 2], {"contains": "2"}, True),
        ({"a": 1}, {"lacks": "a"}, False),
        (None, {"lacks": "a"}, True),
        ("b", {"one_of": ["a", "B"]}, True),
        ([], {"empty": True}, True),
        (0, {"empty": True}, False),
        ("x", {"empty": False}, True),
    ],
)
def test_each_test_of_a_condition(value: Any, tests: dict[str, Any], held: bool) -> None:
    assert decide(value, **tests) is held


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_numbers_are_compared_as_numbers_however_they_are_written(left: float, right: float) -> None:
    assert decide(left, above=right) is (left > right)
    assert decide(repr(left), at_most=right) is (left <= right)
    assert decide(left, below=repr(right)) is (left < right)


def test_what_cannot_be_compared_says_so_and_fails_the_step() -> None:
    with pytest.raises(ToolError, match="compares numbers"):
        decide("soon", above=1)
    step = Step("s2", "x", when=When(Ref("s1"), {"one_of": "abc"}))
    over = passed_over(step, {"s1": Evidence("s1", "x", value="a")})
    assert over
    assert (over.status, over.well) == ("failed", False)


DONE = {
    "done": Evidence("done", "x", value=7),
    "off": Evidence("off", "x", status="skipped"),
    "off2": Evidence("off2", "x", status="skipped"),
    "bad": Evidence("bad", "x", status="failed", error="broke"),
    "cut": Evidence("cut", "x", status="skipped", error="bad, which it needs, did not succeed."),
}


@pytest.mark.parametrize(
    ("step", "ends"),
    [
        (Step("n", "tool", {"a": Ref("done")}), "runs"),
        (Step("n", "tool", {"a": Ref("bad")}), "skipped, no success"),
        (Step("n", "tool", {"a": Ref("cut")}), "skipped, no success"),
        (Step("n", "tool", {}, ("bad",)), "skipped, no success"),
        (Step("n", "tool", {}, ("off",)), "runs"),
        (Step("n", "tool", {"a": Ref("off")}), "skipped"),
        (Step("n", "tool", {"a": Ref("off"), "b": Ref("done")}), "skipped"),
        (Step("n", "think", {"goal": "join", "a": Ref("off"), "b": Ref("done")}), "runs"),
        (Step("n", "think", {"goal": "join", "a": Ref("off"), "b": Ref("off2")}), "skipped"),
        (Step("n", "map", {"goal": "x"}, over=Ref("off")), "skipped"),
        (Step("n", "clock", {}, when=When(Ref("off"), {"is": None})), "runs"),
        (Step("n", "clock", {}, when=When(Ref("done"), {"above": 7})), "skipped"),
        (Step("n", "clock", {}, when=When(Ref("done"), {"above": Ref("off")})), "skipped"),
    ],
)
def test_how_a_step_ends_by_how_its_needs_ended(step: Step, ends: str) -> None:
    over = passed_over(step, DONE)
    if over is None:
        assert ends == "runs"
    else:
        assert ends == ("skipped" if over.well else "skipped, no success")
