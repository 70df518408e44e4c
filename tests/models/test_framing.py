"""Bodies come in whatever pieces; their lines and events do not depend on them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.models.framing import lines, sse_data
from agentsdk.models.http import LINE


async def pieces(body: bytes, cuts: Iterable[int] = ()) -> AsyncIterator[bytes]:
    last = 0
    for cut in sorted({c % (len(body) + 1) for c in cuts}):
        yield body[last:cut]
        last = cut
    yield body[last:]


def all_of(
    read: Callable[[AsyncIterator[bytes]], AsyncIterator[str]], body: bytes, cuts: Iterable[int] = ()
) -> list[str]:
    async def go() -> list[str]:
        return [x async for x in read(pieces(body, cuts))]

    return asyncio.run(go())


events = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=3), max_size=6
)
positions = st.lists(st.integers(0, 500), max_size=12)


@given(events, positions)
def test_lines_are_the_same_wherever_the_body_is_cut(found: list[dict[str, object]], cuts: list[int]) -> None:
    # U+2028 and U+0085 stand in JSON as they are; readers that end a line there break the answer.
    said = [*found, {"text": "a\u2028b\u0085c\x1cd"}]
    body = b"".join(json.dumps(e, ensure_ascii=False).encode() + b"\r\n\n" for e in said)
    assert [json.loads(x) for x in all_of(lines, body, cuts)] == said


@given(events, positions, st.sampled_from([b"\n", b"\r\n"]))
def test_events_are_the_same_wherever_the_stream_is_cut(
    found: list[dict[str, object]], cuts: list[int], end: bytes
) -> None:
    body = b"".join(
        b": keep-alive"
        + end * 2
        + b"id:1"
        + end
        + b"event:result"
        + end
        + b"data:"
        + json.dumps(e).encode()
        + end * 2
        for e in found
    )
    assert [json.loads(x) for x in all_of(sse_data, body, cuts)] == found


def test_the_data_of_an_event_may_stand_in_several_lines_and_the_last_blank_line_may_be_missing() -> None:
    assert all_of(sse_data, b'data: {"a":\ndata: 1}\n\ndata: {"b": 2}') == ['{"a":\n1}', '{"b": 2}']


def test_what_follows_the_end_of_a_stream_is_read_and_not_told() -> None:
    read: list[bytes] = []

    async def watched() -> AsyncIterator[bytes]:
        for piece in (b"data: 1\n\n", b"data: [DONE]\n\n", b"data: 2\n\n"):
            read.append(piece)
            yield piece

    async def go() -> list[str]:
        return [x async for x in sse_data(watched(), end="[DONE]")]

    assert asyncio.run(go()) == ["1"]
    assert len(read) == 3


@pytest.mark.parametrize("body", [b"<html>\n<p>Sign in</p>\n</html>", b'{"error": "busy"}'])
def test_a_body_that_is_no_stream_of_events_comes_out_as_it_is(body: bytes) -> None:
    assert all_of(sse_data, body) == [body.decode()]


@given(st.binary(max_size=300), positions)
def test_any_bytes_at_all_are_read_or_refused_as_not_utf_8(body: bytes, cuts: list[int]) -> None:
    for read in (lines, sse_data):
        try:
            all_of(read, body, cuts)
        except UnicodeDecodeError:
            with pytest.raises(UnicodeDecodeError):
                body.decode()


def test_a_line_without_an_end_is_not_kept() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_048_576

    async def go() -> int:
        return len([x async for x in lines(endless())])

    with pytest.raises(OverflowError, match=f"{LINE:,}"):
        asyncio.run(go())
