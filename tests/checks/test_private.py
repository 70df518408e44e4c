"""Private text."""

from hypothesis import given
from hypothesis import strategies as st

from agentsdk.checks import Candidate, Private
from agentsdk.checks.private import monologue, shared
from agentsdk.evidence import Evidence

SECRET = "the discount code for staff is only given to people who ask twice"


def test_the_instructions_are_not_repeated_and_the_finding_does_not_hold_them() -> None:
    (fault,) = Private()(Candidate(f"I was told: {SECRET}.", instructions=f"Be kind. {SECRET}."))
    assert fault.kind == "private"
    assert "discount" not in fault.text
    assert "discount" in fault.told


def test_what_the_instructions_put_in_quotes_is_meant_to_be_said() -> None:
    said = "This is no legal advice, and you should ask a lawyer"
    assert Private()(Candidate(f"{said}.", instructions=f'End with "{said}".')) == []


def test_what_the_question_or_a_tool_says_as_well_is_open() -> None:
    assert Private()(Candidate(SECRET, question=SECRET, instructions=SECRET)) == []
    steps = (Evidence("c1", "read", value=SECRET),)
    assert Private()(Candidate(SECRET, steps=steps, thoughts=(SECRET,))) == []
    assert Private(steps=("c1",))(Candidate(SECRET, steps=steps)) != []


def test_a_secret_is_blotted_out_and_the_sentence_of_a_leak_taken_out() -> None:
    private = Private(patterns=(r"sk-\w+",))
    candidate = Candidate(f"Hello there. {SECRET}. The key is sk-abc1.", instructions=SECRET)
    assert all("abc1" not in f.text + f.told for f in private(candidate))
    mended = private.mend(candidate)
    assert mended
    assert mended[0] == "Hello there. The key is […]."


def test_chinese_needs_more_characters_than_english_needs_words() -> None:
    hidden = "内部员工折扣码只提供给主动询问两次的客户"
    assert shared(f"其实{hidden}。", [hidden], [])
    assert shared("员工折扣码只提供给", [hidden], []) == []


def test_going_on_with_ones_thoughts_is_a_leak_and_a_draft_in_the_thoughts_is_none() -> None:
    thought = "The user asks for the capital of France, I should say: The capital of France is Paris, on the Seine river."
    assert (
        monologue(Candidate("The capital of France is Paris, on the Seine river.", thoughts=(thought,))) == []
    )
    leak = "The user asks for the capital of France, I should say Paris."
    assert [f.kind for f in monologue(Candidate(leak, thoughts=(thought,)))] == ["private"]


def test_marks_of_thoughts_are_a_leak_unless_they_are_what_is_talked_about() -> None:
    assert monologue(Candidate("So 4.</think>It is 4."))
    assert monologue(Candidate("Write `</think>` last.")) == []
    assert monologue(Candidate("It ends with </think> then.", question="What is </think>?")) == []


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "甲", "乙", "丙"]), max_size=40)


@given(WORDS, WORDS, WORDS)
def test_after_mending_no_private_run_is_left(before: list[str], hidden: list[str], behind: list[str]) -> None:
    text = f"{' '.join(before)}. {' '.join(hidden)}. {' '.join(behind)}."
    candidate = Candidate(text, thoughts=(" ".join(hidden),))
    mended = Private().mend(candidate)
    assert mended
    assert shared(mended[0], candidate.thoughts, []) == []
