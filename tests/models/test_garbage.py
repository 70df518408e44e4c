"""Whatever a server sends, what comes of it is an answer or one of our errors: real answers with one thing in them
changed, over real sockets."""

import asyncio
import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentsdk import Message, connect
from agentsdk.errors import ModelError
from agentsdk.models.model import Reply, Request, ToolSpec, reading
from agentsdk.testing.standin import Standin

ADD = ToolSpec("add", "Return the sum.", {"type": "object", "properties": {"a": {"type": "integer"}}})
ASK = Request((Message.user("Hi"),), (ADD,))
NAMES = {
    "chat": "openai:gpt-4o",
    "responses": "openai:gpt-4o",
    "ollama": "ollama:x",
    "dashscope": "dashscope:qwen-plus",
}
PROTOCOLS = sorted(NAMES)
PATHS = {"chat": "openai", "responses": "openai", "ollama": "ollama", "dashscope": "dashscope"}

STREAMS = {"chat": "text/event-stream", "responses": "text/event-stream", "ollama": "application/x-ndjson",
           "dashscope": "text/event-stream"}  # fmt: skip
JSON = re.compile(rb"\{.*\}")
DELETED = object()

strange = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["", "null", "{}", "<think>", "length", -1, 10**30]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


@pytest.fixture(scope="module")
def bodies(server: Standin) -> dict[tuple[str, bool], bytes]:
    """Right answers, as they stand on the wire."""
    return {(p, streamed): real(server, p, streamed=streamed) for p in PROTOCOLS for streamed in (False, True)}


async def ask(server: Standin, protocol: str, *, streamed: bool) -> Reply | ModelError:
    url = server.url(PATHS[protocol])  # type: ignore[arg-type]  # one of the three
    api: Any = protocol if protocol in ("chat", "responses") else None
    model = connect(NAMES[protocol], base_url=url, api_key="k", retries=0, timeout=10, api=api)
    try:
        if not streamed:
            return await model.complete(ASK)
        last: Any = None
        async with reading(model.stream(ASK)) as pieces:
            async for piece in pieces:
                last = piece
    except ModelError as error:
        return error
    assert isinstance(last, Reply)
    return last


def real(server: Standin, protocol: str, *, streamed: bool) -> bytes:
    server.calls(("add", {"a": 1}), text="One moment.")
    asyncio.run(ask(server, protocol, streamed=streamed))
    asked = server.requests[-1]
    server.calls(("add", {"a": 1}), text="One moment.")
    headers = {"X-DashScope-SSE": "enable"} if streamed and protocol == "dashscope" else {}
    root = server.url("ollama")
    return httpx.post(root + asked.path, json=asked.body, headers=headers).content


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*at, key))
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from places(value[number], (*at, number))


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    value = copy.deepcopy(value)
    inner = value
    for key in at[:-1]:
        inner = inner[key]
    if new is DELETED:
        del inner[at[-1]]
    else:
        inner[at[-1]] = new
    return value


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_strange_value_anywhere_is_read_or_refused(
    server: Standin, bodies: dict[tuple[str, bool], bytes], protocol: str, streamed: bool, data: st.DataObject
) -> None:
    body = bodies[protocol, streamed]
    spots = [(m.start(), m.end()) for m in JSON.finditer(body)]
    start, end = data.draw(st.sampled_from(spots))
    event = json.loads(body[start:end])
    at = data.draw(st.sampled_from(list(places(event))))
    new = data.draw(strange | st.just(DELETED)) if at else data.draw(strange)
    text = json.dumps(changed(event, at, new)).encode()
    server.raw(body[:start] + text + body[end:], content_type="" if not streamed else STREAMS[protocol])
    found = asyncio.run(ask(server, protocol, streamed=streamed))
    assert isinstance(found, (Reply, ModelError))


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(server: Standin, protocol: str, streamed: bool, body: bytes) -> None:
    server.raw(body, content_type="" if not streamed else STREAMS[protocol])
    assert isinstance(asyncio.run(ask(server, protocol, streamed=streamed)), (Reply, ModelError))
