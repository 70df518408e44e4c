import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsdk.drawing import draw
from agentsdk.evidence import Evidence
from agentsdk.plan import Plan, Ref, Step

SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg: str) -> dict[str, tuple[float, float, float, float]]:
    """Return by the id of each step: left, top, right, bottom."""
    found = {}
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        rect = next(r for r in group.iter(f"{SVG}rect") if r.get("class"))
        x, y, width, height = (float(rect.get(k) or 0) for k in ("x", "y", "width", "height"))
        name = next(group.iter(f"{SVG}text")).text or ""
        found[name.split()[0]] = (x, y, x + width, y + height)
    return found


@st.composite
def plans(draw_: st.DrawFn) -> Plan:
    steps = []
    for i in range(draw_(st.integers(1, 14))):
        needs = draw_(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        inputs = {f"a{n}": Ref(f"s{n}") for n in sorted(needs)}
        steps.append(Step(f"s{i}", draw_(st.sampled_from(["think", "map", "tool"])), inputs))
    return Plan(tuple(steps))


@settings(max_examples=60, deadline=None)
@given(plans())
def test_boxes_never_overlap_and_stand_below_what_they_need(plan: Plan) -> None:
    places = boxes(draw(plan))
    assert set(places) == {s.id for s in plan}
    for a, (left, top, right, bottom) in places.items():
        assert left >= 0
        assert top >= 0
        for b, (other_left, other_top, other_right, other_bottom) in places.items():
            if a != b:
                beside = right <= other_left or other_right <= left
                assert beside or bottom <= other_top or other_bottom <= top
    for step in plan:
        assert all(places[need][3] < places[step.id][1] for need in step.needs)


@given(st.text(), st.text(min_size=1))
def test_any_text_is_escaped_and_the_drawing_stays_xml(question: str, words: str) -> None:
    svg = draw(Plan((Step("s1", "think", {"goal": words, "n": {"a": words}}),), question))
    root = ET.fromstring(svg)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "title", "style", "defs", "marker", "path", "g", "rect", "text",
    }  # fmt: skip
    assert "<script" not in svg


def test_chinese_text_is_given_the_room_that_it_takes() -> None:
    english, chinese = (
        boxes(draw(Plan((Step("s1", "t", {"goal": words}),))))["s1"] for words in ("a" * 20, "温" * 20)
    )
    assert chinese[2] - chinese[0] > 1.4 * (english[2] - english[0])
    long = draw(Plan((Step("s1", "t", {"goal": "长" * 200}),)))
    assert "…" in long
    assert boxes(long)["s1"][2] < 420


def test_what_each_step_is_and_how_it_ended_can_be_seen() -> None:
    plan = Plan(
        (Step("s1", "clock"), Step("s2", "think", {"goal": "x"}, ("s1",)), Step("s3", "map", over=Ref("s2")))
    )
    svg = plan.svg()
    assert re.findall(r'rect class="(\w+)"', svg) == ["tool", "think", "map"]
    assert svg.count('class="arrow order"') == 1
    ended = [Evidence("s1", "clock", seconds=0.25), Evidence("s2", "think", status="failed", error="x")]
    svg = plan.svg(ended)
    assert re.findall(r'rect class="(\w+)"', svg) == ["done", "failed", "map"]
    assert "done · 0.25 s" in svg


def test_it_fits_light_and_dark_pages_and_loads_nothing() -> None:
    svg = Plan((Step("s1", "clock"),)).svg()
    assert "prefers-color-scheme: dark" in svg
    assert not re.search(r"href|url\((?!#)|@import|https?://(?!www\.w3\.org/2000/svg)", svg)


def test_a_plan_without_steps_and_one_with_a_cycle_are_drawn_as_far_as_they_go() -> None:
    ET.fromstring(Plan(()).svg())
    looped = Plan((Step("a", "x"), Step("b", "x", {"v": Ref("c")}), Step("c", "x", {"v": Ref("b")})))
    assert set(boxes(looped.svg())) == {"a"}


@pytest.mark.parametrize("steps", [40])
def test_long_chains_are_drawn_straight(steps: int) -> None:
    chain = [Step(f"s{i}", "x", {"v": Ref(f"s{i - 4}")} if i >= 4 else {}) for i in range(steps)]
    places = boxes(Plan(tuple(chain)).svg())
    for i in range(4, steps):  # four chains side by side: each stands below itself
        left, _top, right, _bottom = places[f"s{i}"]
        above = places[f"s{i - 4}"]
        assert abs((left + right) - (above[0] + above[2])) < 10
