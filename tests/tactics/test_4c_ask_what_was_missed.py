"""Tactic 4c, ask the model if it missed anything on previous passes: until a pass adds nothing new that is proved."""

import json
from typing import Any

from agentsdk import Agent, Budget, Plan
from agentsdk.answer import Answer
from agentsdk.events import Finished, StepDone
from agentsdk.testing.scripted import ScriptedModel

TEXT = "Guests: Ann Lee, Bo Chen and 李娜 come on Friday. Later Carl Ek wrote that he comes too."


def find(
    *passes: list[Any], most: int = 5, kind: Any = "list[text]", calls: int = 20
) -> tuple[Answer[str], ScriptedModel]:
    step = {"id": "s1", "do": "extract", "as": kind, "max": most, "in": {"goal": "the guests", "letter": TEXT}}
    model = ScriptedModel([*(json.dumps({"value": each}, ensure_ascii=False) for each in passes), "Done."])
    return Agent(model, budget=Budget(calls=calls)).run(Plan.from_dict([step])), model


def test_passes_go_on_with_what_was_found_left_out_until_one_brings_nothing_new() -> None:
    answer, model = find(["Ann Lee", "Bo Chen"], ["李娜", "ann lee"], ["Carl Ek"], ["Bo Chen"])
    (step,) = answer.steps
    assert step.value == ["Ann Lee", "Bo Chen", "李娜", "Carl Ek"]
    assert step.passes == (2, 1, 1, 0)
    told = [r.messages[0].text for r in model.requests]
    assert "<found-" not in told[0]
    assert [all(name in t.split("<found-")[1] for name in ("Ann Lee", "Bo Chen")) for t in told[1:4]] == [
        True
    ] * 3
    assert "李娜" in told[2].split("<found-")[1]


def test_what_does_not_stand_in_the_material_is_no_finding_and_does_not_keep_the_search_going() -> None:
    answer, model = find(["Ann Lee", "Zoe Nobody"], ["Max Mustermann"])
    assert (answer.steps[0].value, answer.steps[0].passes) == (["Ann Lee"], (1, 0))
    assert len(model.requests) == 3


def test_objects_are_found_once_and_proved_by_their_words() -> None:
    kind = [{"name": "text", "day": "text"}]
    answer, _model = find(
        [{"name": "Ann Lee", "day": "Friday"}],
        [{"name": "Ann Lee", "day": "friday"}, {"name": "Carl Ek", "day": "unknown"}],
        [],
        kind=kind,
    )
    assert [each["name"] for each in answer.steps[0].value] == ["Ann Lee", "Carl Ek"]
    assert answer.steps[0].passes == (1, 1, 0)


def test_there_are_at_most_so_many_passes_and_the_budget_ends_them_with_what_there_is() -> None:
    answer, model = find(["Ann Lee"], ["Bo Chen"], most=2)
    assert (answer.steps[0].passes, len(model.requests)) == ((1, 1), 3)
    answer, _model = find(["Ann Lee"], ["Bo Chen"], calls=3)
    assert (answer.steps[0].value, answer.steps[0].passes) == (["Ann Lee", "Bo Chen"], (1, 1))
    assert any("ended early" in f.text for f in answer.findings)


def test_the_passes_and_their_findings_are_told_in_events() -> None:
    step = {
        "id": "s1",
        "do": "extract",
        "as": "list[text]",
        "max": 3,
        "in": {"goal": "the guests", "letter": TEXT},
    }
    script = [json.dumps({"value": each}) for each in (["Ann Lee"], ["Bo Chen"], [])]
    events = list(Agent(ScriptedModel([*script, "Done."])).stream(Plan.from_dict([step])))
    assert [e.evidence.passes for e in events if isinstance(e, StepDone)] == [(1, 1, 0)]
    assert isinstance(events[-1], Finished)
