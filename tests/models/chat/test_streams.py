"""What a consumer merges of a stream is what invoke returns: for any script, on every protocol."""

import copy
import itertools
import json
import pickle
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core._api import LangChainBetaWarning
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.outputs.chat_generation import merge_chat_generation_chunks

from agentsdk.errors import ModelError
from agentsdk.models.chat.turns import Chunk, chunk_of
from agentsdk.models.model import Delta, ReasoningDelta, Restated, TextDelta
from agentsdk.testing.standin import Standin
from tests.models.chat.faces import FACES, Make, each, merged, standin

server = pytest.fixture(standin)

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "s": {"type": "string"}}},
    },
}

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40)
thoughts = st.sampled_from(["", "", "Let me see.", "He said <b>no</b>.\n\nThen yes."])
said = st.one_of(
    texts,
    st.sampled_from([
        "I thought of it.\n</think>\n\nThe answer is 20.",
        "<think>So.</think>Then: yes.",
        '{"name": "add", "arguments": {"a": 1}}',
        '<tool_call>\n{"name": "add", "arguments": {"a": 2}}\n</tool_call>',
        '<|python_tag|>{"message": "Hello, World!"}',
        "你好，世界 🎉",
    ]),
)  # fmt: skip
arguments = st.one_of(
    st.fixed_dictionaries({}, optional={"a": st.integers(), "s": texts}),
    st.sampled_from(['{"s": "/srv/data/pro', '{"a": "5"}', "", "null", "[1", '{"a": 9223372036854775807}']),
)
calls = st.lists(st.tuples(st.sampled_from(["add", "add", "ad", "unknown"]), arguments), max_size=3)
quirks = st.lists(
    st.sampled_from([
        "empty_ids", "no_ids", "repeated_names", "whole_calls", "object_arguments", "text_arguments", "stop_finish",
        "null_role", "think_tags", "orphan_think", "comments", "carriage_returns", "no_usage", "no_done",
    ]),
    max_size=3,
    unique=True,
)  # fmt: skip
numbers = itertools.count()
finishes = st.sampled_from(["", "", "", "length", "content_filter"])


def unnumbered(blocks: Any) -> Any:
    """Return blocks without the numbers by which core merges them."""
    if not isinstance(blocks, list):
        return blocks
    return [{k: v for k, v in b.items() if k != "index"} if isinstance(b, dict) else b for b in blocks]


def parts(message: AIMessage) -> Any:
    """Return what must be the same, whichever way it came."""
    broken = [(c["id"], c["name"], c["args"], c["error"]) for c in message.invalid_tool_calls]
    kept = {k: v for k, v in message.response_metadata.items() if k not in ("output_version", "created_at")}
    return (
        unnumbered(message.content),
        message.tool_calls,
        broken,
        message.usage_metadata,
        message.additional_kwargs,
        kept,
        message.text,
    )


@pytest.mark.parametrize("make", FACES, ids=lambda f: f.__name__)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said, thoughts, calls, finishes, st.integers(1, 9), st.sampled_from([None, "v1"]), quirks)
def test_a_merged_stream_is_what_invoke_returns(
    server: Standin,
    make: Make,
    text: str,
    thought: str,
    called: list[tuple[str, Any]],
    finish: str,
    size: int,
    version: str | None,
    odd: list[str],
) -> None:
    bound = make(server, output_version=version).bind_tools([ADD])
    asked = f"question {next(numbers)}."
    server.calls(*called, text=text, reasoning=thought, finish=finish, pieces=size, when=asked, quirks=odd)
    try:
        whole = bound.invoke(asked)
    except ModelError as error:
        with pytest.raises(type(error)):
            list(bound.stream(asked))
        return
    chunks = list(bound.stream(asked))
    assert [c.chunk_position for c in chunks][-1] == "last"
    assert sum(c.usage_metadata is not None for c in chunks) <= 1
    one_by_one, at_once = merged(chunks), chunks[0] + chunks[1:]
    from_a_plain_one = AIMessageChunk(content=[] if version else "")
    for chunk in chunks:
        from_a_plain_one = from_a_plain_one + chunk
    by_core = merge_chat_generation_chunks([ChatGenerationChunk(message=c) for c in chunks])
    assert by_core is not None
    for way in (one_by_one, at_once, by_core.message, from_a_plain_one):
        assert isinstance(way, AIMessage)
        assert parts(way) == parts(whole)
        plain = message_chunk_to_message(way)
        assert type(plain) is AIMessage
        assert parts(plain) == parts(whole)
        assert unnumbered(way.content_blocks) == whole.content_blocks
    assert merged([*chunks, AIMessageChunk(content="", chunk_position="last")]).tool_calls == whole.tool_calls


@each
def test_a_chunk_that_was_written_down_is_read_back_as_one_of_langchains(server: Standin, make: Make) -> None:
    server.say("A text that comes in some pieces.")
    whole = merged(make(server).stream("q"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LangChainBetaWarning)  # core says so of `load`
        read = load(dumpd(whole), allowed_objects="all")
    assert type(read) is AIMessageChunk
    assert read.content == whole.content


def test_what_turned_out_to_be_a_thought_is_out_of_the_text_before_the_end() -> None:
    pieces: list[Delta] = [
        TextDelta("I think "),
        TextDelta("so. "),
        Restated("I think so. "),
        TextDelta("Yes."),
    ]
    chunks = [c for p in pieces if (c := chunk_of(p, "x"))]
    for way in (merged(chunks), chunks[0] + chunks[1:], chunks[0] + merged(chunks[1:])):
        assert isinstance(way, Chunk)
        assert (way.content, way.additional_kwargs["reasoning_content"]) == ("Yes.", "I think so. ")


chunks = st.builds(
    Chunk,
    content=texts | st.just([{"type": "text", "text": "a", "index": 0}]),
    additional_kwargs=st.sampled_from([{}, {}, {"reasoning_content": "So."}, {"refusal": "No."}]),
    response_metadata=st.sampled_from(
        [{}, {"model_provider": "x"}, {"model_provider": "x"}, {"finish_reason": "stop"}]
    ),
    id=st.sampled_from([None, "lc_run--1", "lc_run--1", "resp_1"]),
    name=st.sampled_from([None, None, "n"]),
    chunk_position=st.sampled_from([None, None, "last"]),
    usage_metadata=st.sampled_from([None, None, {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}]),
    tool_call_chunks=st.sampled_from([[], [], [{"name": "add", "args": "{", "id": "c", "index": 0}]]),
)


@pytest.mark.parametrize("piece", [TextDelta("Yes."), ReasoningDelta("So.")])
def test_a_piece_is_what_core_would_have_made_of_it(piece: Delta) -> None:
    made = chunk_of(piece, "x")
    assert made is not None
    said = {k: v for k, v in made.__dict__.items() if k != "type"}
    checked = Chunk(**said)
    assert made == checked == copy.deepcopy(made) == pickle.loads(pickle.dumps(made))
    assert made.model_dump_json() == checked.model_dump_json()
    assert (made.content_blocks, made.text) == (checked.content_blocks, checked.text)
    made.id, made.name = "run", "n"
    made.tool_calls.append({"name": "add", "args": {}, "id": "1"})
    again = chunk_of(piece, "x")
    assert again is not None
    assert again == checked


@given(st.lists(chunks, min_size=2, max_size=4))
def test_pieces_are_added_as_core_adds_them(pieces: list[Chunk]) -> None:
    ours: Any = pieces[0]
    theirs: Any = AIMessageChunk(**pieces[0].__dict__)
    for piece in pieces[1:]:
        before = piece.model_dump()
        ours = ours + piece
        theirs = theirs + AIMessageChunk(**piece.__dict__)
        assert piece.model_dump() == before
        assert ours.__dict__ == theirs.__dict__
    ours.tool_calls.append("mine")
    ours.response_metadata["mine"] = ours.additional_kwargs["mine"] = True
    assert all("mine" not in (*p.tool_calls, *p.response_metadata, *p.additional_kwargs) for p in pieces)


@each
def test_a_chain_streams_text_as_it_comes(server: Standin, make: Make) -> None:
    server.say("A text that comes in some pieces.")
    pieces = list((make(server) | StrOutputParser()).stream("q"))
    assert "".join(pieces) == "A text that comes in some pieces."
    assert len([p for p in pieces if p]) > 2


@pytest.mark.parametrize("version", [None, "v1"])
@each
def test_events_of_the_third_version_say_the_same_as_invoke(
    server: Standin, make: Make, version: str | None
) -> None:
    bound = make(server, output_version=version).bind_tools([ADD])
    for _ in range(2):
        server.calls(("add", {"a": 1}), ("add", '{"a": 2'), text="Both.", reasoning="Two of them.")
    whole = bound.invoke("q")
    stream = bound.stream_events("q", version="v3")
    for _event in stream:
        pass
    told = stream.output
    assert told.text == whole.text
    assert told.tool_calls == whole.tool_calls
    assert [c["args"] for c in told.invalid_tool_calls] == [c["args"] for c in whole.invalid_tool_calls]
    assert json.dumps(told.usage_metadata) == json.dumps(whole.usage_metadata)
