"""What a chat model sends: options of the model and of the call, histories, media; and what it does beside sending."""

import asyncio
import base64
import copy
import pickle
from typing import Any

import httpx2
import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import SecretStr

from agentsdk import fetch
from agentsdk.errors import (
    ConfigurationError,
    DeadlineExceeded,
    InvalidRequest,
    MediaUnreadable,
    MissingKey,
    UnsupportedMedia,
)
from agentsdk.models.chat import DashScopeChat, OllamaChat, OpenAIChat
from agentsdk.testing.standin import Standin
from tests.models.chat.faces import Make, chat_completions, dashscope, each, merged, ollama, responses, standin

server = pytest.fixture(standin)

PNG = base64.b64encode(b"\x89PNG\r\n").decode()

HISTORY: list[AnyMessage] = [
    SystemMessage("Be short."),
    HumanMessage("What is 1 + 2?"),
    AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1, "b": 2}, "id": "c1"}]),
    ToolMessage("3", tool_call_id="c1"),
    AIMessage(
        [{"type": "thinking", "thinking": "Easy.", "signature": "s"}, {"type": "text", "text": "It is 3."}]
    ),
    HumanMessage([{"type": "text", "text": "And"}, {"type": "text", "text": "2 + 2?"}]),
]


def sent(server: Standin) -> list[Any]:
    return list(server.requests[-1].messages)


@each
def test_a_history_is_sent_in_the_protocols_own_form(server: Standin, make: Make) -> None:
    server.say("4")
    assert make(server).invoke(HISTORY).text == "4"
    told = str(server.requests[-1].body)
    for word in ("Be short.", "What is 1 + 2?", "add", "3", "It is 3.", "And", "2 + 2?"):
        assert word in told
    assert "Easy." not in told


def test_ollama_gets_arguments_as_objects_and_results_by_the_name_of_their_tool(server: Standin) -> None:
    server.say("4")
    ollama(server).invoke(HISTORY)
    messages = sent(server)
    assert messages[2]["tool_calls"][0]["function"]["arguments"] == {"a": 1, "b": 2}
    assert messages[3]["tool_name"] == "add"
    assert messages[5]["content"] == "And\n2 + 2?"
    assert server.requests[-1].body["options"]["num_ctx"] >= 8192


def test_dashscope_gets_no_empty_content_and_one_message_of_the_system(server: Standin) -> None:
    server.say("4")
    dashscope(server).invoke([SystemMessage("Be kind."), *HISTORY])
    messages = sent(server)
    assert messages[0] == {"role": "system", "content": "Be kind.\n\nBe short."}
    assert messages[2]["content"] == ""
    assert messages[2]["tool_calls"][0]["function"]["arguments"] == '{"a": 1, "b": 2}'


def test_dashscope_gets_media_as_parts_on_the_path_that_takes_them(server: Standin) -> None:
    server.say("A cat.").say("A cat.")
    shown: list[Any] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
        {"type": "audio", "base64": PNG, "mime_type": "audio/wav"},
        {"type": "video", "url": "https://example.org/cat.mp4"},
    ]
    model = dashscope(server, model="qwen3-omni-flash")
    assert model.invoke([HumanMessage(shown)]).text == "A cat."
    asked = server.requests[-1]
    assert "multimodal-generation" in asked.path
    assert asked.messages[-1]["content"] == [
        {"text": "What is this?"},
        {"image": "https://example.org/cat.png"},
        {"audio": f"data:audio/wav;base64,{PNG}"},
        {"video": "https://example.org/cat.mp4"},
    ]
    result = ToolMessage([{"type": "image", "base64": PNG, "mime_type": "image/png"}], tool_call_id="c1")
    model.invoke([*HISTORY[:3], result])
    tool, picture = sent(server)[-2:]
    assert tool["role"] == "tool"
    assert picture == {"role": "user", "content": [{"image": f"data:image/png;base64,{PNG}"}]}


@pytest.mark.parametrize(
    ("make", "block"),
    [
        (ollama, {"type": "file", "base64": PNG, "mime_type": "application/pdf"}),
        (ollama, {"type": "audio", "base64": PNG, "mime_type": "audio/wav"}),
        (dashscope, {"type": "file", "base64": PNG, "mime_type": "application/pdf"}),
        (dashscope, {"type": "image", "base64": "no base64", "mime_type": "image/png"}),
        (dashscope, {"type": "image"}),
        (dashscope, {"type": "hologram", "url": "https://example.org/x"}),
        (responses, {"type": "audio", "base64": PNG, "mime_type": "audio/wav"}),
    ],
    ids=lambda value: getattr(value, "__name__", None) or value["type"],
)
def test_what_a_protocol_cannot_take_in_is_refused_before_it_is_sent(
    server: Standin, make: Make, block: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        make(server).invoke([HumanMessage([{"type": "text", "text": "q"}, block])])
    assert server.requests == []


def test_ollama_gets_pictures_by_their_bytes_and_none_that_only_this_machine_can_reach(server: Standin) -> None:
    server.model("llama3.2-vision", vision=True).say("A cat.")
    seeing = ollama(server, model="llama3.2-vision")
    shown: list[Any] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
    ]
    assert seeing.invoke([HumanMessage(shown)]).text == "A cat."
    assert sent(server)[-1]["images"] == [PNG]
    inside: list[Any] = [{"type": "image", "url": server.url("ollama") + "/api/tags"}]
    before = len(server.requests)
    with pytest.raises(MediaUnreadable):
        seeing.invoke([HumanMessage(inside)])
    assert len(server.requests) == before


@pytest.mark.parametrize("name", ["lmstudio", "llamacpp", "ollama", "mindie"])
@pytest.mark.parametrize("by_responses", [False, True])
def test_an_address_is_fetched_here_where_a_compatible_server_fetches_none(
    server: Standin, monkeypatch: pytest.MonkeyPatch, name: str, by_responses: bool
) -> None:
    asked: list[str] = []

    async def page(url: str, **limits: Any) -> fetch.Page:
        asked.append(url)
        return fetch.Page(url, 200, "image/png", "", base64.b64decode(PNG))

    monkeypatch.setattr(fetch, "fetch", page)
    server.model("gpt-4o-mini", vision=True).say("A cat.")
    shown: list[Any] = [
        {"type": "text", "text": "Which of the two?"},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    question = HumanMessage(shown)
    chat_completions(server, server=name, use_responses_api=by_responses).invoke([question])
    assert asked == ["https://example.org/cat.png"]
    asking = server.requests[-1].body
    first, *pictures = (asking["input"] if by_responses else asking["messages"])[-1]["content"]
    assert first["text"] == "Which of the two?"
    addresses = [p["image_url"] if by_responses else p["image_url"]["url"] for p in pictures]
    assert addresses == [f"data:image/png;base64,{PNG}"] * 2
    assert (pictures[0] if by_responses else pictures[0]["image_url"])["detail"] == "low"
    assert (
        shown[1]["image_url"]["url"] == "https://example.org/cat.png"
    )  # the caller's message is left as it was


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80/secret.png", "http://169.254.169.254/a", "file:///etc/passwd"]
)
def test_a_compatible_server_gets_nothing_that_only_this_machine_can_reach(server: Standin, url: str) -> None:
    model = chat_completions(server, server="lmstudio")
    with pytest.raises(MediaUnreadable):
        model.invoke([HumanMessage([{"type": "image_url", "image_url": {"url": url}}])])
    assert not [r for r in server.requests if r.path.endswith("/completions")]


def test_an_address_goes_as_it_is_to_a_server_that_fetches_it(server: Standin) -> None:
    server.say("A cat.")
    shown: list[Any] = [{"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}]
    chat_completions(server, server="vllm").invoke([HumanMessage(shown)])
    assert sent(server)[-1]["content"][0]["image_url"]["url"] == "https://example.org/cat.png"


@pytest.mark.parametrize(
    ("make", "options", "kind"),
    [
        (chat_completions, {"model": "gpt-3.5-turbo", "server": "openai"}, "image"),
        (chat_completions, {"model": "gpt-4o-mini", "server": "openai"}, "audio"),
        (chat_completions, {"server": "deepseek"}, "image"),
        (responses, {"model": "o3-mini", "server": "openai"}, "image"),
        (dashscope, {"model": "qwen-max"}, "image"),
        (ollama, {"model": "llama3.1"}, "image"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_the_model_cannot_take_in_is_refused_before_it_is_sent(
    server: Standin, make: Make, options: dict[str, Any], kind: str
) -> None:
    mime = {"image": "image/png", "audio": "audio/wav"}[kind]
    block = {"type": kind, "base64": PNG, "mime_type": mime}
    with pytest.raises(UnsupportedMedia):
        make(server, **options).invoke([HumanMessage([{"type": "text", "text": "q"}, block])])
    assert not [
        r for r in server.requests if r.path.endswith(("/completions", "/responses", "/chat", "/generation"))
    ]


def test_what_several_tools_show_follows_the_last_of_their_results(server: Standin) -> None:
    server.say("So.")
    calls: list[Any] = [{"name": "look", "args": {}, "id": f"c{at}"} for at in (1, 2, 3)]
    shown: list[Any] = [{"type": "image", "base64": PNG, "mime_type": "image/png"}]
    talk = [
        HumanMessage("q"), AIMessage("", tool_calls=calls), ToolMessage(shown, tool_call_id="c1"),
        ToolMessage("5", tool_call_id="c2"), ToolMessage(shown, tool_call_id="c3"), HumanMessage("so?"),
    ]  # fmt: skip
    dashscope(server, model="qwen-vl-max").invoke(talk)
    messages = sent(server)
    assert [m["role"] for m in messages] == ["user", "assistant", *["tool"] * 3, *["user"] * 3]
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == ["c1", "c2", "c3"]
    assert [next(iter(m["content"][0])) for m in messages[-3:]] == ["image", "image", "text"]
    server.say("So.")
    dashscope(server, model="qwen-vl-max").invoke(talk[:-1])
    assert [m["role"] for m in sent(server)[-3:]] == ["tool", "user", "user"]


@each
def test_options_of_the_model_and_of_the_call_are_sent(server: Standin, make: Make) -> None:
    server.say("ok").say("ok")
    if make in (chat_completions, ollama, dashscope):
        model = make(server, temperature=0.1, max_tokens=50, seed=7, stop=["END"])
        model.invoke("q")
        told = str(server.requests[-1].body)
        assert all(word in told for word in ("0.1", "50", "7", "END"))
    list(make(server).stream("q", stop=["HALT"], max_tokens=60))
    told = str(server.requests[-1].body)
    assert "60" in told
    assert make is responses or "HALT" in told


def test_an_answer_of_the_responses_api_ends_at_a_stop_string_all_the_same(server: Standin) -> None:
    server.say("One. END Two.").say("One. END Two.")
    model = responses(server, stop=["END"])
    assert model.invoke("q").text == "One. "
    assert merged(model.stream("q")).text == "One. "


@pytest.mark.parametrize("make", [chat_completions, responses, ollama, dashscope], ids=lambda m: m.__name__)
def test_one_call_may_ask_another_model(server: Standin, make: Make) -> None:
    server.say("ok").say("ok")
    model = make(server)
    answer = model.invoke("q", model="other-model")
    assert (server.requests[-1].model, answer.response_metadata["model_name"]) == ("other-model", "other-model")
    assert merged(model.stream("q", model="other-model")).response_metadata["model_name"] == "other-model"
    assert model._get_ls_params(model="other-model")["ls_model_name"] == "other-model"


@each
def test_batches_come_in_order_and_side_by_side(server: Standin, make: Make) -> None:
    server.answer(lambda asked: f"to {asked.last}")
    model = make(server)
    questions = [f"q{n}" for n in range(12)]
    assert [m.text for m in model.batch(questions)] == [f"to {q}" for q in questions]
    several = asyncio.run(model.abatch(questions, config={"max_concurrency": 4}))
    assert [m.text for m in several] == [f"to {q}" for q in questions]


@each
def test_fifty_streams_at_once_do_not_mix_in_two_loops_one_after_the_other(server: Standin, make: Make) -> None:
    server.answer(lambda asked: f"to {asked.last}: " + asked.last * 10)
    model = make(server)

    async def one(question: str) -> str:
        return "".join([str(c.text) async for c in model.astream(question)])

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(one(f"q{n} ") for n in range(50)))

    for _ in range(2):
        assert asyncio.run(all_of_them()) == [f"to q{n} : " + f"q{n} " * 10 for n in range(50)]


@pytest.mark.parametrize("make", [chat_completions, responses, ollama, dashscope], ids=lambda m: m.__name__)
def test_a_call_ends_at_its_deadline(server: Standin, make: Make) -> None:
    server.say("late").slow(first=20).say("late").slow(first=20)
    with pytest.raises(DeadlineExceeded):
        make(server, timeout=0.3).invoke("q")
    with pytest.raises(DeadlineExceeded):
        list(make(server).stream("q", timeout=0.3))


@pytest.mark.parametrize("make", [chat_completions, responses, ollama, dashscope], ids=lambda m: m.__name__)
def test_a_call_that_brought_nothing_is_tried_again(server: Standin, make: Make) -> None:
    server.fault(503).fault(429, retry_after=0).say("there")
    assert make(server, max_retries=2).invoke("q").text == "there"
    assert len(server.requests) == 3


@pytest.mark.parametrize("make", [chat_completions, responses, ollama, dashscope], ids=lambda m: m.__name__)
def test_a_model_survives_pickle_and_copies(server: Standin, make: Make) -> None:
    model = make(server, seed=5)
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.model_copy()):
        server.say("hello")
        assert copied.invoke("q").text == "hello"
        assert copied.seed == 5


@pytest.mark.parametrize("make", [chat_completions, responses, ollama, dashscope], ids=lambda m: m.__name__)
def test_a_model_has_a_profile(server: Standin, make: Make) -> None:
    profile = make(server).profile
    assert profile["tool_calling"]
    assert profile["max_input_tokens"] > 8_000


def test_a_model_that_langchain_does_not_know_has_our_profile() -> None:
    profile = OpenAIChat(model="Qwen/Qwen2.5-VL-7B-Instruct", base_url="http://localhost:8000/v1").profile
    assert profile is not None
    assert profile["image_inputs"]
    assert profile["max_input_tokens"] > 8_000


def test_a_key_is_asked_for_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    with pytest.raises(MissingKey, match="DASHSCOPE_API_KEY"):
        DashScopeChat(model="qwen-plus")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert OpenAIChat(model="a-model", base_url="http://localhost:1234/v1").openai_api_key is not None
    assert "secret" not in repr(OllamaChat(model="llama3.1", api_key=SecretStr("secret")))


def test_an_option_that_is_misspelt_is_refused() -> None:
    with pytest.raises(ValueError, match="temprature"):
        DashScopeChat(model="qwen-plus", api_key=SecretStr("k"), temprature=1)  # type: ignore[call-arg]  # the slip
    with httpx2.Client() as client, pytest.raises(ConfigurationError, match="async client"):
        OpenAIChat(model="gpt-4o", api_key=SecretStr("k"), http_client=client)


def test_dashscope_streams_inside_where_the_model_thinks(server: Standin) -> None:
    server.say("Yes.", reasoning="Let me see.")
    answer = dashscope(server, enable_thinking=True).invoke("q")
    assert (answer.text, answer.additional_kwargs["reasoning_content"]) == ("Yes.", "Let me see.")
    assert server.requests[0].streamed


def test_dashscope_tells_the_schema_in_words_where_the_server_is_told_of_json_only(server: Standin) -> None:
    server.say('{"a": 1}')
    dashscope(server, model="deepseek-v3").with_structured_output(
        {"title": "A", "type": "object", "properties": {"a": {"type": "integer"}}}
    ).invoke("q")
    asked = server.requests[0]
    assert asked.body["parameters"]["response_format"] == {"type": "json_object"}
    assert '"integer"' in asked.last


def test_thoughts_of_the_responses_api_go_back_before_the_call_they_led_to(server: Standin) -> None:
    server.calls(("add", {"a": 1, "b": 2}), reasoning="I must add.").say("3")
    tools = [
        {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    ]
    bound = responses(server, include=["reasoning.encrypted_content"]).bind_tools(tools)
    first = merged(bound.stream("1 + 2?"))
    bound.invoke([HumanMessage("1 + 2?"), first, ToolMessage("3", tool_call_id=first.tool_calls[0]["id"])])
    kinds = [i.get("type") for i in server.requests[-1].body["input"]]
    assert kinds == ["message", "reasoning", "function_call", "function_call_output"]


@pytest.mark.parametrize("make", [chat_completions, ollama, dashscope], ids=lambda f: f.__name__)
def test_when_a_server_is_down_second_tries_run_out_for_all_calls_of_a_chat_model(
    server: Standin, make: Make
) -> None:
    server.fault(503, retry_after=0, times=200)
    chat = make(server, max_retries=2)
    for _ in range(52):
        with pytest.raises(Exception, match="could not answer"):
            chat.invoke("Hi")
    assert len(server.requests) == 52 + 100


def test_what_a_model_does_not_take_is_told_of(server: Standin) -> None:
    server.say("one").say("two")
    said = chat_completions(server, model="o3", temperature=0.2, top_p=0.5).invoke("Hi")
    assert [(r["kind"], r["detail"].split()[0]) for r in said.response_metadata["repairs"]] == [
        ("request.changed", "temperature"),
        ("request.changed", "top_p"),
    ]
    assert not {"temperature", "top_p"} & server.requests[0].body.keys()
    assert "repairs" not in chat_completions(server, model="o1").invoke("Hi").response_metadata
