"""Checks in a run: one correction, the better draft, what is mended and what is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from pydantic import BaseModel

from agentsdk import Agent, Answer, Budget
from agentsdk.checks import Candidate, Facts, Format, Length, On, Private, SolveThenCompare, UntilDry
from agentsdk.errors import ConnectionLost
from agentsdk.events import Draft, DraftReplaced, Finished
from agentsdk.evidence import Passage
from agentsdk.function_tool import tool
from agentsdk.messages import Message
from agentsdk.models.model import Reply
from agentsdk.testing.scripted import Line, ScriptedModel, call


def ask(
    *script: Line, checks: Iterable[Any], question: str = "q", **options: Any
) -> tuple[Answer[Any], ScriptedModel]:
    model = ScriptedModel(script)
    output = options.pop("output", None)
    agent = Agent(model, checks=checks, **options)
    return (agent.run(question, output=output) if output else agent.run(question)), model


def kinds(answer: Answer[Any]) -> list[str]:
    return [f.kind for f in answer.findings]


def test_the_faults_of_all_checks_go_back_in_one_correction() -> None:
    def polite(candidate: Candidate) -> str | None:
        return None if "please" in candidate.text else "Say please."

    answer, model = ask(
        "One two three four. 1 + 1 = 3.",
        "Seven, please.",
        checks=[Length(max_words=3), Facts(["seven"]), polite],
    )
    assert (answer.text, kinds(answer), len(model.requests)) == ("Seven, please.", [], 2)
    told = model.requests[1].messages[-1].text
    assert all(part in told for part in ("at most 3", "it is 2", "does not say: seven", "Say please."))


def test_the_draft_is_replaced_once_and_only_when_it_is_settled() -> None:
    model = ScriptedModel(["One two three. Four five.", "One two three. Four six. Seven."])
    events = list(Agent(model, checks=[Length(max_words=3)]).stream("q"))
    at = [i for i, e in enumerate(events) if isinstance(e, DraftReplaced)]
    assert len(at) == 1
    shown = "".join(e.text for e in events[at[0] :] if isinstance(e, Draft))
    assert isinstance(events[-1], Finished)
    assert shown == events[-1].answer.text == "One two three."
    assert "cut behind a sentence" in events[-1].answer.findings[0].text


def test_a_first_draft_that_was_better_stays_on_the_screen() -> None:
    model = ScriptedModel(["One two three.", "1 + 1 = 3, 2 + 2 = 5 and more."])
    events = list(Agent(model, checks=[Facts(["seven"])]).stream("q"))
    assert not [e for e in events if isinstance(e, DraftReplaced)]
    assert isinstance(events[-1], Finished)
    assert events[-1].answer.text == "One two three."
    assert kinds(events[-1].answer) == ["facts"]


def test_a_refusal_or_a_question_back_is_not_held_against_checks() -> None:
    answer, model = ask("[needs_input] Which day?", checks=[Length(bullets=3)])
    assert (answer.status, answer.findings, len(model.requests)) == ("needs_input", (), 1)


def test_a_check_that_breaks_is_told_and_ends_no_run() -> None:
    def broken(candidate: Candidate) -> str:
        raise ValueError(candidate.text)

    answer, model = ask("Hi.", checks=[broken])
    assert (answer.text, kinds(answer), len(model.requests)) == ("Hi.", ["check"], 1)
    assert "broken" in answer.findings[0].text


def test_an_async_check_is_awaited() -> None:
    async def never(candidate: Candidate) -> bool:
        return False

    assert kinds(ask("Hi.", "Hi.", checks=[never])[0]) == ["check"]


def test_out_of_budget_no_correction_is_made_and_the_faults_are_told() -> None:
    answer, model = ask("One two three.", checks=[Facts(["x"])], budget=Budget(calls=1))
    assert (answer.text, kinds(answer), len(model.requests)) == ("One two three.", ["facts", "budget"], 1)


def test_a_correction_that_fails_leaves_the_first_draft() -> None:
    answer, _ = ask("One two three.", ConnectionLost("gone"), checks=[Facts(["x"])])
    assert (answer.text, answer.status) == ("One two three.", "answered")
    assert kinds(answer) == ["model", "facts"]


def test_citations_that_are_cut_off_are_dropped() -> None:
    @tool
    def read() -> Passage:
        """Read."""
        return Passage("It is 5 V. It weighs 90 g.", "a.md")

    draft = 'It is 5 V [p1: "It is 5 V"]. It weighs much [p1: "weighs 90 g"].'
    answer, _ = ask(call("read"), draft, draft, checks=[Length(max_words=4)], tools=[read])
    assert answer.text == "It is 5 V [1]."
    assert [c.quote for c in answer.citations] == ["It is 5 V"]


def test_json_in_a_fence_is_taken_out_without_a_call() -> None:
    answer, model = ask('```json\n{"a": 1}\n```', checks=[Format(json=True)])
    assert (answer.text, answer.findings, len(model.requests)) == ('{"a": 1}', (), 1)


def test_with_secrets_nothing_is_shown_before_it_is_settled() -> None:
    model = ScriptedModel(["The key is sk-1234.", "The key is still sk-1234."])
    events = list(Agent(model, checks=[Private(patterns=(r"sk-\d+",))]).stream("q"))
    shown = [e.text for e in events if isinstance(e, Draft)]
    assert shown == ["The key is still […]."]
    assert isinstance(events[-1], Finished)
    answer = events[-1].answer
    assert "1234" not in answer.to_json() + str(answer.messages)
    assert kinds(answer) == ["private"]


def test_thoughts_in_the_answer_are_asked_out_of_it_without_any_check_being_given() -> None:
    thought = "The user wants the sum of two and two and I should answer that it is four."
    leak = Reply(Message("assistant", "The user wants the sum of two and two. It is four.", reasoning=thought))
    answer, model = ask(leak, "It is four.", checks=[])
    assert (answer.text, len(model.requests)) == ("It is four.", 2)


class Trip(BaseModel):
    days: int
    note: str = ""


def test_a_field_of_the_output_is_checked_and_corrected() -> None:
    answer, model = ask(
        '{"days": 3, "note": "one two three"}',
        '{"days": 3, "note": "one"}',
        checks=[On("note", Length(max_words=2))],
        output=Trip,
    )
    assert answer.output == Trip(days=3, note="one")
    assert "note: words: 3" in model.requests[1].messages[-1].text


def test_the_output_of_the_draft_that_is_kept_is_the_one_given() -> None:
    answer, _ = ask(
        '{"days": 3, "note": "one two three"}',
        '{"days": 4, "note": "1 + 1 = 3 now"}',
        checks=[On("note", Length(max_words=2))],
        output=Trip,
    )
    assert answer.output == Trip(days=3, note="one two three")


# --- a second solution


def test_two_solutions_that_agree_by_code_take_one_call_more() -> None:
    answer, model = ask(
        "Together it is 42.", "6 times 7.\nResult: 42", checks=[SolveThenCompare()], question="6 times 7?"
    )
    assert (answer.text, answer.findings, len(model.requests)) == ("Together it is 42.", (), 2)


def test_solutions_that_differ_are_both_shown_once_and_else_flagged() -> None:
    script = ("It is 41.", "Result: 42")
    right, model = ask(*script, "It is 42.", checks=[SolveThenCompare()], question="6 times 7?")
    assert (right.text, right.findings) == ("It is 42.", ())
    assert "came to: 42" in model.requests[2].messages[-1].text
    assert "It is 41." in [m.text for m in model.requests[2].messages]
    wrong, model = ask(*script, "It is 41.", checks=[SolveThenCompare()], question="6 times 7?")
    assert (wrong.text, kinds(wrong), len(model.requests)) == ("It is 41.", ["solution"], 3)


def test_what_code_cannot_compare_goes_to_one_judge_that_is_not_told_which_is_which() -> None:
    answer, model = ask(
        "The old lighthouse at the cape.",
        "Result: a light tower",
        '{"same": true}',
        checks=[SolveThenCompare()],
    )
    assert answer.findings == ()
    judged = model.requests[2].messages
    assert len(judged) == 1
    assert "candidate" not in judged[0].text.lower()
    assert all(t in judged[0].text for t in ("The old lighthouse at the cape.", "a light tower"))


def test_a_second_solution_that_the_budget_does_not_afford_is_left_out_and_told() -> None:
    answer, model = ask("It is 41.", checks=[SolveThenCompare()], budget=Budget(calls=1))
    assert (len(model.requests), kinds(answer)) == (1, ["budget", "budget"])
    assert "left out" in answer.findings[0].text


def test_typed_solutions_are_compared_part_by_part() -> None:
    answer, model = ask('{"days": 3}', '{"days": 3.0}', checks=[SolveThenCompare()], output=Trip)
    assert (answer.findings, len(model.requests)) == ((), 2)
    answer, model = ask('{"days": 3}', '{"days": 4}', '{"days": 4}', checks=[SolveThenCompare()], output=Trip)
    assert (answer.output, answer.findings) == (Trip(days=4), ())


# --- what was missed


def test_passes_go_on_until_one_brings_nothing_new() -> None:
    answer, model = ask(
        '["Oslo", "Bergen"]', '{"value": ["Tromsø", "OSLO"]}', '{"value": []}', checks=[UntilDry(passes=5)], output=list[str]
    )  # fmt: skip
    assert answer.output == ["Oslo", "Bergen", "Tromsø"]
    assert '"Tromsø"' in answer.text
    assert len(model.requests) == 3
    assert '"Tromsø"' in model.requests[2].messages[-1].text
    assert kinds(answer) == ["missed"]


def test_an_item_counts_only_where_it_stands_in_what_was_read() -> None:
    @tool
    def read() -> Passage:
        """Read."""
        return Passage("Oslo and Bergen and Tromsø.", "a.md")

    answer, _ = ask(
        call("read"), '["Oslo"]', '{"value": ["Bergen", "Paris"]}', '{"value": ["Rome"]}', checks=[UntilDry()], tools=[read], output=list[str]
    )  # fmt: skip
    assert answer.output == ["Oslo", "Bergen"]


def test_the_budget_ends_the_passes_and_what_was_found_is_kept() -> None:
    answer, _ = ask('["Oslo"]', checks=[UntilDry()], output=list[str], budget=Budget(calls=1))
    assert answer.output == ["Oslo"]
    assert "ended early" in answer.findings[0].text


@pytest.mark.parametrize("checks", [[Length(max_words=9)], Length(max_words=9)])
def test_one_check_may_be_given_alone(checks: Any) -> None:
    assert ask("Hi.", checks=checks)[0].text == "Hi."
