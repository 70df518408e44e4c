"""Clients and event loops, time and bytes: over real sockets."""

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import httpx2
import pytest

from agentsdk import Message, connect
from agentsdk.errors import BadResponse, ConnectionLost, DeadlineExceeded, ModelError
from agentsdk.models.dashscope import DashScopeModel
from agentsdk.models.http import Deadline, Limits, close_clients
from agentsdk.models.model import Model, Reply, Request, TextDelta, reading
from agentsdk.models.ollama import OllamaModel
from agentsdk.models.openai import OpenAIModel
from agentsdk.testing.standin import Standin
from tests.conformance.faults import sockets_to

Provider = Literal["openai", "ollama", "dashscope"]
PROVIDERS: list[Provider] = ["openai", "ollama", "dashscope"]
NAMES = {"openai": "openai:gpt-4o-mini", "ollama": "ollama:llama3.1:8b", "dashscope": "dashscope:qwen-plus"}
ASK = Request((Message.user("Hi"),))
each = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def model_for(provider: Provider, server: Standin, timeout: float | Limits = 20.0) -> Model:
    return connect(NAMES[provider], base_url=server.url(provider), api_key="k", retries=0, timeout=timeout)


def port_of(server: Standin) -> int:
    return int(server.url("ollama").rpartition(":")[2])


async def none_open(server: Standin) -> bool:
    for _ in range(200):
        if not sockets_to(port_of(server)):
            return True
        await asyncio.sleep(0.01)
    return False


async def streamed(model: Model, request: Request = ASK) -> tuple[str, Reply]:
    said, reply = "", None
    async with reading(model.stream(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextDelta):
                said += piece.text
            elif isinstance(piece, Reply):
                reply = piece
    assert reply is not None
    return said, reply


# Event loops


LOOPS = """
import asyncio, sys, threading
from agentsdk import Message, connect
from agentsdk.models.model import Request, reading
ask = Request((Message.user("Hi"),))
models = [connect(n, base_url=u, api_key="k", retries=0) for n, u in zip(sys.argv[1::2], sys.argv[2::2])]
async def some():
    await asyncio.gather(*(m.complete(ask) for m in models for _ in range(5)))
    async with reading(models[0].stream(ask)) as pieces:
        async for _ in pieces:
            break
for _ in range(3):
    asyncio.run(some())
threads = [threading.Thread(target=asyncio.run, args=(some(),)) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
with asyncio.Runner() as runner:
    runner.run(some())
    runner.run(some())
print("done")
"""


def test_clients_are_closed_with_their_loop_and_nobody_is_warned(server: Standin) -> None:
    server.say("hello", when=lambda _asked: True)
    named = [x for p in PROVIDERS for x in (NAMES[p], server.url(p))]
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore::DeprecationWarning",
            "-W",
            "ignore::SyntaxWarning",
            "-c",
            LOOPS,
            *named,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=120,
        check=False,
    )
    assert (run.stdout.strip(), run.stderr, run.returncode) == ("done", "", 0)
    assert server.all_closed(5)


@each
def test_a_connection_is_kept_for_the_next_call_until_the_clients_are_closed(
    server: Standin, provider: Provider
) -> None:
    server.say("hello", when=lambda _asked: True)
    model = model_for(provider, server)

    async def go() -> None:
        for _ in range(3):
            await model.complete(ASK)
            await streamed(model)
        assert server.connections == 1
        await close_clients()
        assert await none_open(server)
        assert (await model.complete(ASK)).message.text == "hello"

    asyncio.run(go())
    assert server.connections == 2
    assert sockets_to(port_of(server)) == set()


@each
def test_fifty_streams_on_one_client_do_not_mix(server: Standin, provider: Provider) -> None:
    server.answer(lambda asked: f"{asked.last}: " + f"<{asked.last}> " * 40)
    model = model_for(provider, server, 60.0)

    async def go() -> list[tuple[str, Reply]]:
        asked = [Request((Message.user(f"question {i}"),)) for i in range(50)]
        return list(await asyncio.gather(*(streamed(model, a) for a in asked)))

    for i, (said, reply) in enumerate(asyncio.run(go())):
        assert said == reply.message.text == f"question {i}: " + f"<question {i}> " * 40


CLIENTS: list[tuple[Any, Any]] = [
    (httpx2, lambda url, client: OpenAIModel("m", "k", base_url=url, http_client=client)),
    (httpx, lambda url, client: OllamaModel("m", base_url=url, http_client=client)),
    (httpx, lambda url, client: DashScopeModel("m", "k", base_url=url, http_client=client)),
]


@pytest.mark.parametrize(("provider", "made"), list(zip(PROVIDERS, CLIENTS, strict=True)))
def test_a_client_of_one_s_own_is_used_and_not_closed(
    server: Standin, provider: Provider, made: tuple[Any, Any]
) -> None:
    server.say("hello", when=lambda _asked: True)
    library, make = made

    async def go() -> None:
        base = {"base_url": server.url(provider) + "/"} if provider == "dashscope" else {}
        async with library.AsyncClient(headers={"x-mine": "yes"}, **base) as client:
            model = make(server.url(provider), client)
            assert (await model.complete(ASK)).message.text == "hello"
            await close_clients()
            assert (await streamed(model))[0] == "hello"
            assert not client.is_closed

    asyncio.run(go())
    assert {r.headers.get("x-mine") for r in server.requests} == {"yes"}


# What is left open


@each
@pytest.mark.parametrize("fault", ["silence", "drip", "endless", "reset-midway", "bad-chunks", "not-json"])
def test_no_socket_is_left_after_an_error(server: Standin, provider: Provider, fault: str) -> None:
    server.fault(fault, when=lambda _asked: True)
    model = model_for(provider, server, 0.3)

    async def go() -> None:
        for ask in (model.complete(ASK), streamed(model)):
            with pytest.raises(ModelError):
                await ask
        left = len(sockets_to(port_of(server)))
        assert left <= (fault == "not-json") or await none_open(server)  # that one ended in good order

    asyncio.run(go())
    assert server.all_closed(5)


@each
@pytest.mark.parametrize("fault", ["silence", "silence-midway"])
def test_no_socket_is_left_after_a_cancel(server: Standin, provider: Provider, fault: str) -> None:
    server.fault(fault, when=lambda _asked: True)
    model = model_for(provider, server)

    async def go() -> None:
        tasks: list[asyncio.Task[Any]] = [
            asyncio.ensure_future(ask) for ask in (model.complete(ASK), streamed(model))
        ]
        while len(server.requests) < 2:  # noqa: ASYNC110  # the other side is a thread, and tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        assert all(
            isinstance(x, asyncio.CancelledError) for x in await asyncio.gather(*tasks, return_exceptions=True)
        )
        assert await none_open(server)

    asyncio.run(go())


@each
def test_no_socket_is_left_when_nobody_reads_on(server: Standin, provider: Provider) -> None:
    server.fault("endless", when=lambda _asked: True)
    model = model_for(provider, server)

    async def go() -> None:
        async with reading(model.stream(ASK)) as pieces:
            async for _piece in pieces:
                break
        assert await none_open(server)

    asyncio.run(go())


# Time


@each
def test_only_what_is_said_keeps_a_stream_alive(server: Standin, provider: Provider) -> None:
    server.fault("keep-alive").fault("silence-midway")
    model = model_for(provider, server, Limits(seconds=60, first=0.4, idle=0.4))
    for phase in ("first", "idle"):
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as error:
            asyncio.run(streamed(model))
        assert error.value.phase == phase
        assert time.monotonic() - began < 20
    assert error.value.partial
    assert error.value.received.text == error.value.partial


def test_the_time_that_the_reader_takes_is_not_the_server_s(server: Standin) -> None:
    server.say("One two three four five six.", pieces=4)
    model = model_for("openai", server, Limits(seconds=30, idle=0.2))

    async def go() -> str:
        said = ""
        async with reading(model.stream(ASK)) as pieces:
            async for piece in pieces:
                await asyncio.sleep(0.1)
                said += piece.text if isinstance(piece, TextDelta) else ""
        return said

    assert asyncio.run(go()) == "One two three four five six."


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves a connection waiting at a full queue")
def test_a_connection_that_is_not_made_is_told_as_that() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        taken = [socket.socket() for _ in range(4)]
        for one in taken:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        model = connect("ollama:x", base_url=url, retries=0, timeout=Limits(seconds=20, connect=0.3))
        with pytest.raises(DeadlineExceeded) as error:
            asyncio.run(model.complete(ASK))
        assert error.value.phase == "connect"
        for one in taken:
            one.close()


def test_a_request_may_take_less_than_its_model(server: Standin) -> None:
    server.fault("silence")
    model = model_for("openai", server, 60.0)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        asyncio.run(model.complete(Request(ASK.messages, timeout=0.3)))
    assert time.monotonic() - began < 20


def test_a_deadline_that_is_over_does_not_begin() -> None:
    async def go() -> None:
        deadline = Deadline("m", 0.0)
        with pytest.raises(DeadlineExceeded):
            await deadline.within(asyncio.sleep(5))

    asyncio.run(go())


# Bytes


@each
def test_an_answer_may_have_so_many_bytes_and_no_more(server: Standin, provider: Provider) -> None:
    server.say("long " * 2000, when=lambda _asked: True)
    small, large = Limits(size=4000), Limits(size=10_000_000)
    for ask in (lambda m: m.complete(ASK), streamed):
        with pytest.raises(BadResponse) as error:
            asyncio.run(ask(model_for(provider, server, small)))
        assert error.value.kind == "size"
        asyncio.run(ask(model_for(provider, server, large)))


@each
def test_an_answer_that_is_packed_is_read_and_one_that_is_packed_strangely_is_refused(
    server: Standin, provider: Provider
) -> None:
    server.say("hello")
    asyncio.run(model_for(provider, server).complete(ASK))
    with Standin() as plain:
        body = _body_of(plain, provider)
    for packing, packed in (("gzip", gzip.compress(body)), ("br", body)):
        server.raw(packed, headers={"Content-Encoding": packing})
    assert asyncio.run(model_for(provider, server).complete(ASK)).message.text == "packed"
    with pytest.raises(BadResponse) as error:
        asyncio.run(model_for(provider, server).complete(ASK))
    assert error.value.kind == "encoding"
    assert {r.headers.get("accept-encoding") for r in server.requests} == {"identity"}


def _body_of(server: Standin, provider: Provider) -> bytes:
    server.say("packed")
    paths = {"openai": "/chat/completions", "ollama": "/api/chat",
             "dashscope": "/services/aigc/text-generation/generation"}  # fmt: skip
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": False}
    if provider == "dashscope":
        body = {
            "model": "m",
            "input": {"messages": body["messages"]},
            "parameters": {"result_format": "message"},
        }
    return httpx.post(server.url(provider) + paths[provider], json=body).content


@each
def test_a_redirect_is_not_followed_and_no_key_goes_there(server: Standin, provider: Provider) -> None:
    with Standin() as other:
        server.raw(b"", status=307, headers={"Location": other.url(provider) + "/elsewhere"})
        with pytest.raises(BadResponse) as error:
            asyncio.run(model_for(provider, server).complete(ASK))
        assert error.value.kind == "redirect"
        assert other.url(provider) in error.value.why
        assert other.connections == 0


@each
def test_a_line_separator_in_the_text_does_not_end_a_line(server: Standin, provider: Provider) -> None:
    text = "one\u2028two\u2029three\x85four\x0cfive"
    server.say(text, when=lambda _asked: True)
    said, reply = asyncio.run(streamed(model_for(provider, server)))
    assert said == reply.message.text == text


def test_a_server_that_is_gone_between_two_calls_is_noticed(server: Standin) -> None:
    server.say("hello")
    url = server.url("openai")
    model = connect("openai:m", base_url=url, api_key="k", retries=0)

    async def go() -> None:
        await model.complete(ASK)
        await asyncio.to_thread(server.close)
        with pytest.raises(ConnectionLost):
            await model.complete(ASK)

    asyncio.run(go())


def test_the_module_of_the_client_alone_is_imported_on_the_way() -> None:
    code = "import sys, agentsdk.models.http; print('httpx' in sys.modules or 'httpx2' in sys.modules)"
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.lower()) is False
