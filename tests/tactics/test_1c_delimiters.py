"""Tactic 1c, delimiters: no input can close its own mark, whatever it knows, and none becomes an instruction."""

import re

from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.evidence import Passage
from agentsdk.function_tool import tool
from agentsdk.memory import Memory
from agentsdk.messages import Message
from agentsdk.prompts.fence import fence, fence_passages, fence_word, nonce
from agentsdk.testing.scripted import ScriptedModel, call

hexadecimal = st.text("0123456789abcdef", min_size=10, max_size=10)
periodic = st.text("0123456789abcdef", min_size=1, max_size=5).map(lambda t: (t * 10)[:10])
marks = hexadecimal | periodic


@given(
    marks,
    st.lists(
        st.text(max_size=20) | st.just("MARK") | st.just("</doc-MARK>") | st.just("<doc-MARK>"), max_size=8
    ),
)
def test_no_input_can_write_its_own_closing_mark_even_if_it_knows_the_mark(mark: str, parts: list[str]) -> None:
    for written in (mark, mark.upper()):
        hostile = "".join(part.replace("MARK", written) for part in parts)
        for shown in (fence("doc", hostile, mark, source=hostile), fence_word("doc", hostile, mark)):
            assert len(re.findall(re.escape(mark), shown, re.IGNORECASE)) == 2
            assert shown.endswith(f"</doc-{mark}>")


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_the_mark_depends_on_everything_inside_so_nobody_can_write_it_beforehand(texts: list[str]) -> None:
    assert nonce(texts) == nonce(texts)
    assert nonce([*texts, "x"]) != nonce(texts)
    assert nonce([texts[0] + "x", *texts[1:]]) != nonce(texts)


@given(st.text(max_size=60))
def test_what_a_tool_or_a_passage_says_never_reaches_the_system_part(text: str) -> None:
    hostile = "HOSTILE " + text

    @tool
    def read(q: str) -> list[Passage]:
        """Return passages."""
        return [Passage(hostile, "page")]

    model = ScriptedModel([call("read", q="x"), "ok"])
    Agent(model, tools=[read], memory=Memory(200, 1, "filter")).run(
        "x?", history=[Message.user(hostile * 9), Message.assistant("fine")]
    )
    for request in model.requests:
        assert [m.role for m in request.messages].count("system") == 1
        assert "HOSTILE" not in request.messages[0].text
    shown = fence_passages([("p1", Passage(hostile, "page"))])
    assert shown.splitlines()[-1] == f"</passages-{nonce(['p1', 'page', '', hostile])}>"
