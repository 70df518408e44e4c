"""Why an answer ended: what may be run is decided by words that are known to mean its end, and by no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.errors import EmptyResponse, Truncated
from agentsdk.models.collect import Collector
from agentsdk.models.endings import ending_of
from agentsdk.models.model import Reply

WHOLE = [
    "stop",
    "STOP",
    "tool_calls",
    "function_call",
    "tool_use",
    "end_turn",
    "stop_sequence",
    "eos",
    "eos_token",
]
WHOLE += ["COMPLETE", "completed", "FinishReason.STOP", "TOOL_CALL", "tool-calls"]
CUT = [
    "length",
    "MAX_TOKENS",
    "model_context_window_exceeded",
    "repetition_truncation",
    "incomplete",
    "max_length",
]
CUT += ["context_length_exceeded", "token_limit", "RECITATION", "PROHIBITED_CONTENT", "guardrail_intervened"]
CUT += ["ContentFilter", "preempted", "abort", "malformed_function_call", "a word of tomorrow"]


def ended(*words: object, streamed: bool = True) -> Reply:
    answer = Collector("m")
    answer.call(0, "c", "add", '{"a": 1}')
    for word in words:
        answer.finished(word)
    return answer.reply(streamed=streamed)


@pytest.mark.parametrize("word", WHOLE)
def test_a_call_of_an_answer_that_came_to_its_end_is_run(word: str) -> None:
    assert len(ended(word).message.calls) == 1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("word", CUT)
def test_by_any_other_word_no_call_is_run_and_no_later_word_changes_that(word: str, streamed: bool) -> None:
    for words in ((word,), (word, "stop"), (word, None, "", "tool_calls")):
        message = ended(*words, streamed=streamed).message
        assert (message.calls, len(message.broken_calls)) == ((), 1)


@given(st.text(min_size=1))
def test_a_word_that_no_list_holds_is_never_taken_for_the_end(word: str) -> None:
    message = ended(word + " of tomorrow").message
    assert not message.calls
    assert [r.kind for r in message.repairs] == ["finish.unknown"]


def test_the_fault_of_a_call_names_the_word() -> None:
    assert "malformed_function_call" in ended("malformed_function_call").message.broken_calls[0].fault


def test_text_with_a_word_that_is_not_known_is_given() -> None:
    answer = Collector("m")
    answer.text("Hello.")
    answer.finished("a word of tomorrow")
    reply = answer.reply(streamed=True)
    assert (reply.message.text, reply.finish) == ("Hello.", "stop")


def test_the_mark_of_the_end_alone_makes_text_whole_and_no_call() -> None:
    said, called, neither = Collector("m"), Collector("m"), Collector("m")
    said.text("Hello.")
    called.call(0, "c", "add", '{"a": 1}')
    said.marked = called.marked = True
    assert said.reply(streamed=True).message.text == "Hello."
    assert len(called.reply(streamed=True).message.broken_calls) == 1
    neither.text("Hello.")
    with pytest.raises(Truncated):
        neither.reply(streamed=True)


def test_a_filter_and_a_limit_are_told_by_any_of_their_names() -> None:
    assert [ending_of(w) for w in ("guardrail_intervened", "SAFETY", "MAX_TOKENS")] == [
        "filter",
        "filter",
        "length",
    ]
    answer = Collector("m")
    answer.finished("load")
    with pytest.raises(EmptyResponse) as caught:
        answer.reply(streamed=False)
    assert caught.value.kind == "loaded"


def test_counts_and_places_written_as_text_are_read() -> None:
    answer = Collector("m")
    answer.count({"prompt_tokens": "11", "completion_tokens": "7"})
    answer.call(0.0, "c", "add", '{"a":')
    answer.call("0", None, None, " 1}")
    answer.finished("stop")
    reply = answer.reply(streamed=True)
    assert [c.arguments for c in reply.message.calls] == [{"a": 1}]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 7)


def test_two_like_calls_are_two_unless_an_id_or_an_index_says_otherwise() -> None:
    for index, own, count in ((None, None, 2), (0, None, 1), (None, "c", 1)):
        answer = Collector("m")
        for _piece in range(2):
            answer.call(index, own, "add", '{"a": 1}')
        answer.finished("tool_calls")
        assert len(answer.reply(streamed=True).message.calls) == count
