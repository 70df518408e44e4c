"""Stop strings that no server was told of: the answer ends where a server would have ended it."""

from hypothesis import given
from hypothesis import strategies as st

from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import CallDelta, Delta, ReasoningDelta, Reply, Restated, TextDelta
from agentsdk.models.stops import StopText

TEXTS = st.text("abcé", max_size=30)


@given(TEXTS, st.lists(st.text("abcé", min_size=1, max_size=4), max_size=3), st.data())
def test_the_text_is_cut_at_the_first_stop_string_however_it_is_cut_into_pieces(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    cutter, shown, left = StopText(stops), "", text
    while left:
        size = data.draw(st.integers(1, len(left)))
        shown += "".join(d.text for d in cutter.passed(TextDelta(left[:size])) if isinstance(d, TextDelta))
        left = left[size:]
    shown += "".join(d.text for d in cutter.rest() if isinstance(d, TextDelta))
    ends = [
        (end, end - len(s)) for s in stops for end in range(len(s), len(text) + 1) if text[:end].endswith(s)
    ]
    first = min(ends, default=(0, len(text)))[1]
    assert shown == text[:first]
    assert cutter.cut(Reply(Message.assistant(text))).message.text == text[:first]


def test_of_two_stop_strings_the_one_that_is_whole_first_ends_the_text() -> None:
    for pieces in (["baa"], ["b", "a", "a"], ["ba", "a"]):
        cutter = StopText(["a", "baa"])
        shown = [d for p in pieces for d in cutter.passed(TextDelta(p))]
        assert shown == [TextDelta("b")]
        assert cutter.cut(Reply(Message.assistant("baa"))).message.text == "b"


def test_what_comes_after_it_is_neither_shown_nor_run_and_what_came_before_is() -> None:
    call = ToolCall("c", "add", {})
    reply = Reply(Message.assistant("One. STOP Two.", (call,)), finish="tool_calls")
    after = StopText(["STOP"])
    pieces: list[Delta] = [
        TextDelta("One. ST"),
        TextDelta("OP Two."),
        ReasoningDelta("hm"),
        CallDelta(0, "add", "{}"),
    ]
    assert [d for p in pieces for d in after.passed(p)] == [TextDelta("One. ")]
    assert (after.cut(reply).message.calls, after.cut(reply).finish) == ((), "stop")
    before = StopText(["STOP"])
    shown = [d for p in reversed(pieces) for d in before.passed(p)]
    assert shown[0] == CallDelta(0, "add", "{}")
    assert (before.cut(reply).message.calls, before.cut(reply).finish) == ((call,), "tool_calls")


def test_a_stop_string_in_what_turns_out_to_be_a_thought_stops_nothing() -> None:
    cutter = StopText(["STOP"])
    pieces: list[Delta] = [TextDelta("I STOP here"), Restated("I STOP here"), TextDelta("The answer.")]
    assert [d for p in pieces for d in cutter.passed(p)] == [
        TextDelta("I "),
        Restated("I STOP here"),
        TextDelta("The answer."),
    ]
    assert cutter.cut(Reply(Message.assistant("The answer."))).message.text == "The answer."
