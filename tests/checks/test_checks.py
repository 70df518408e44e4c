"""The checks of an answer: each finds what it is for, and leaves good answers alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.checks import Candidate, Facts, Format, Length, On, Private, Sourced
from agentsdk.checks.check import faults_of
from agentsdk.checks.private import monologue, shared
from agentsdk.errors import ConfigurationError
from agentsdk.events import Draft, DraftReplaced, Event, Finished
from agentsdk.evidence import Citation, Evidence
from agentsdk.messages import Message
from agentsdk.models.model import Reply
from agentsdk.testing.scripted import ScriptedModel


def told(check: Any, text: str, **more: Any) -> list[str]:
    return [f.text for f in check(Candidate(text, **more))]


@pytest.mark.parametrize(
    ("facts", "text", "holds"),
    [
        (Facts(["30 days"]), "You have 30  DAYS to return it.", True),
        (Facts(["30 days"]), "You have 130 days.", False),
        (Facts([2340]), "It is 2,340 in all.", True),
        (Facts([0.17]), "It is 17%.", True),
        (Facts([397.8], tolerance=0.01), "About 398.", True),
        (Facts([397.8]), "About 398.", False),
        (Facts([["refund", "money back"], "Oslo"]), "Your money back, in Oslo.", True),
        (Facts(["退款", "三十天"], at_least=1), "三十天之内可以退。", True),
        (Facts(["退款"]), "不可以。", False),
    ],
)
def test_facts_are_found_however_they_are_written(facts: Facts, text: str, holds: bool) -> None:
    assert (told(facts, text) == []) is holds


def test_k_of_n_facts_are_counted_and_the_missing_ones_named() -> None:
    (fault,) = told(Facts(["a1", "b2", "c3"], at_least=2), "Only a1.")
    assert "1 of 3" in fault
    assert "b2; c3" in fault
    with pytest.raises(ConfigurationError):
        Facts(["a"], at_least=2)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (Format(json=True), '{"a": 1}', "a: 1"),
        (Format(json="array"), "[1]", "{}"),
        (Format(table=True), "| a | b |\n|---|---|\n| 1 | 2 |", "a, b"),
        (Format(table=("Price",)), "| price |\n|---|\n| 1 |", "| cost |\n|---|\n| 1 |"),
        (Format(table=True), "| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 |"),
        (Format(matches=r"^\d+$"), "42", "42 apples"),
        (Format(starts="Dear"), "Dear Ann", "Hi Ann"),
        (Format(ends="."), "Yes.", "Yes"),
        (Format(language="zh"), "保修期是两年。", "The warranty is two years."),
        (Format(language="en"), "The warranty is two years.", "保修期是两年。"),
    ],
)
def test_a_form_is_told_from_its_absence(form: Format, good: str, bad: str) -> None:
    assert told(form, good) == []
    assert len(told(form, bad)) == 1


def test_the_language_of_the_question_is_that_of_the_answer() -> None:
    form = Format(language="question")
    assert told(form, "是的，可以。", language="en") != []
    assert told(form, "是的，可以。", language="zh") == []


def test_a_statement_without_a_source_is_flagged_and_what_a_tool_brought_is_one() -> None:
    cited = (Citation("a.md", 0, 5, 1, "two years"),)
    text = "The warranty is two years [1]. The colour of the case is blue. Does that help?"
    (fault,) = told(Sourced(), text, citations=cited)
    assert "blue" in fault
    brought = (Evidence("s1", "calculator", {}, value="397.8"),)
    assert told(Sourced(), "All of it together is 397.8 euros.", steps=brought) == []
    assert told(Sourced(), "手册里没有提到防水等级的问题。") == []


THOUGHT = "The user wants a discount but the margin is only four percent this quarter so I must not offer one."


def test_eight_words_of_a_thought_or_of_the_instructions_are_a_leak() -> None:
    check = Private()
    leak = "Well, the margin is only four percent this quarter, sadly."
    assert told(check, leak, thoughts=(THOUGHT,)) != []
    assert told(check, leak, instructions=THOUGHT) != []
    assert told(check, "There is no discount this quarter.", thoughts=(THOUGHT,)) == []
    # What the person said may be said again.
    assert told(check, leak, thoughts=(THOUGHT,), question="the margin is only four percent this quarter") == []
    assert THOUGHT[20:60] not in "".join(told(check, leak, thoughts=(THOUGHT,)))


@given(st.integers(0, 12), st.integers(8, 14))
def test_any_run_of_eight_private_words_is_found(start: int, length: int) -> None:
    words = [f"w{n}" for n in range(24)]
    text = "before " + " ".join(words[start : start + length]) + " after"
    found = shared(text, [" ".join(words)], [])
    assert [text[a:b].split() for a, b in found] == [words[start : start + length]]
    assert shared(" ".join(words[start : start + 7]), [" ".join(words)], []) == []


def test_secrets_are_blotted_out_and_stand_in_no_finding() -> None:
    model = ScriptedModel(["The key is sk-abc123.", "As I said: sk-abc123."])
    events: list[Event] = list(Agent(model, checks=[Private(patterns=(r"sk-\w+",))]).stream("q"))
    last = events[-1]
    assert isinstance(last, Finished)
    assert "sk-abc123" not in last.answer.text
    assert all("sk-abc123" not in f.text for f in last.answer.findings)
    assert all("sk-abc123" not in e.text for e in events if isinstance(e, Draft))


def test_an_answer_that_goes_on_thinking_is_corrected_without_being_asked_for() -> None:
    leak = Reply(
        Message(
            "assistant",
            "Okay, the user wants a discount but the margin is only four percent. No.",
            reasoning=THOUGHT,
        )
    )
    model = ScriptedModel([leak, "No, sorry."])
    events: list[Event] = list(Agent(model).stream("May I have a discount?"))
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.answer.text == "No, sorry."
    assert any(isinstance(e, DraftReplaced) for e in events)
    assert monologue(Candidate("The user manual is on page 3.", thoughts=(THOUGHT,))) == []


def test_faults_go_back_once_and_the_better_draft_is_kept() -> None:
    polite = Facts(["please"])
    model = ScriptedModel(["One two three four five six.", "Please, one."])
    answer = Agent(model, checks=[Length(max_words=3), polite]).run("q")
    assert answer.text == "Please, one."
    assert answer.findings == ()
    asked = model.requests[1].messages[-1].text
    assert "at most 3" in asked
    assert "please" in asked
    worse = ScriptedModel(["One two three four.", "One two three four five six seven please not."])
    answer = Agent(worse, checks=[Length(max_words=3), Format(starts="One")]).run("q")
    assert {f.kind for f in answer.findings} == {"length"}


def test_any_function_may_be_a_check_and_one_that_breaks_ends_no_run() -> None:
    def broken(candidate: Candidate) -> str:
        raise ValueError("oops")

    answer = Agent(ScriptedModel(["Hi."]), checks=[broken]).run("q")
    assert answer.text == "Hi."
    assert "oops" in answer.findings[0].text
    with pytest.raises(ConfigurationError):
        Agent(ScriptedModel([]), checks=[Length])  # type: ignore[list-item]  # that is what is tested
    with pytest.raises(ConfigurationError):
        Agent(ScriptedModel([]), checks=["short"])  # type: ignore[list-item]  # that is what is tested


def test_a_part_of_the_typed_output_is_checked_by_its_path() -> None:
    import asyncio

    check = On("legs.*.note", Length(max_words=2))
    output = {"legs": [{"note": "fine"}, {"note": "far too many words"}]}
    (fault,) = asyncio.run(faults_of(check, Candidate("", output=output)))
    assert fault.text.startswith("legs[1].note: ")
