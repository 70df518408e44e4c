"""What providers say when they refuse, as they were recorded and as their lists of errors have it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk import Message, connect
from agentsdk.errors import (
    AuthFailed,
    BadResponse,
    ConnectionLost,
    ContentFiltered,
    ContextOverflow,
    DeadlineExceeded,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    Overloaded,
    QuotaExhausted,
    RateLimited,
)
from agentsdk.models.faults import from_status, unreachable, unreadable
from agentsdk.models.model import Request
from agentsdk.testing.standin import Standin


def openai(message: str, code: Any = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def dashscope(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "request_id": "r-1"}


SAID: list[tuple[str, int | None, Any, type[ModelError]]] = [
    ("openai key", 401, openai("Incorrect API key provided: sk-abcdefghij.", "invalid_api_key"), AuthFailed),
    ("openai quota", 429, openai("You exceeded your current quota.", "insufficient_quota"), QuotaExhausted),
    ("openai rate", 429, openai("Rate limit reached for gpt-4o.", "rate_limit_exceeded"), RateLimited),
    ("openai model", 404, openai("The model `x` does not exist.", "model_not_found"), ModelNotFound),
    ("openai model 400", 400, openai("The requested model 'x' does not exist.", "model_not_found"), ModelNotFound),
    ("openai parameter", 400, openai("Unsupported parameter: 'stop'.", "unsupported_parameter"), InvalidRequest),
    ("openai busy", 500, openai("The server had an error.", None, "server_error"), Overloaded),
    ("openai busy in a stream", None, openai("The server had an error.", "server_error", "x"), Overloaded),
    ("openai invalid in a stream", None, openai("No.", None, "invalid_request_error"), InvalidRequest),
    ("openai rate in a stream", None, openai("Slow down.", "rate_limit_exceeded"), RateLimited),
    ("openai policy", 400, openai("Rejected.", "content_policy_violation"), ContentFiltered),
    ("azure filter", 400, openai("The response was filtered.", "content_filter"), ContentFiltered),
    ("dashscope key", 401, dashscope("InvalidApiKey", "Invalid API-key provided."), AuthFailed),
    ("dashscope key in 200", 200, dashscope("InvalidApiKey", "Invalid API-key provided."), AuthFailed),
    ("dashscope access", 403, dashscope("AccessDenied.Unpurchased", "Access to model denied."), AuthFailed),
    ("dashscope bill", 400, dashscope("Arrearage", "Access denied, account overdue."), QuotaExhausted),
    ("dashscope free", 403, dashscope("AllocationQuota.FreeTierOnly", "The free tier is used up."), QuotaExhausted),
    ("dashscope minute", 429, dashscope("Throttling.AllocationQuota", "Allocated quota exceeded."), RateLimited),
    ("dashscope minute, compatible", 429, openai("Allocated quota exceeded.", "insufficient_quota"), RateLimited),
    ("dashscope rate", 429, dashscope("Throttling.RateQuota", "Requests rate limit exceeded."), RateLimited),
    ("dashscope rate in a stream", None, dashscope("Throttling", "Too much."), RateLimited),
    ("dashscope model", 404, dashscope("ModelNotFound", "Model can not be found."), ModelNotFound),
    ("dashscope model 400", 400, dashscope("InvalidParameter", "Model not exist."), ModelNotFound),
    ("dashscope filter", 400, dashscope("DataInspectionFailed", "Inappropriate content."), ContentFiltered),
    ("dashscope filter in a stream", None, dashscope("DataInspectionFailed", "Output data."), ContentFiltered),
    ("dashscope parameter", 400, dashscope("InvalidParameter", "Temperature out of range."), InvalidRequest),
    ("dashscope parameter in a stream", None, dashscope("InvalidParameter", "No."), InvalidRequest),
    ("dashscope busy in a stream", None, dashscope("InternalError", "An internal error."), Overloaded),
    ("dashscope busy", 503, dashscope("ServiceUnavailable", "Later."), Overloaded),
    ("ollama model", 404, {"error": "model 'nonexistent-model:latest' not found"}, ModelNotFound),
    ("ollama tools", 400, {"error": "registry.ollama.ai/library/x does not support tools"}, InvalidRequest),
    ("ollama runner", 500, {"error": "llama runner process has terminated"}, Overloaded),
    ("ollama in a stream", None, {"error": "unexpected EOF"}, Overloaded),
    ("ollama cloud week", 429, {"error": "you have reached your weekly usage limit, upgrade"}, QuotaExhausted),
    ("ollama cloud busy", 429, {"error": "too many concurrent requests"}, RateLimited),
    ("llama.cpp flag", 500, {"error": {"code": 500, "message": "tools param requires --jinja flag"}}, InvalidRequest),
    ("llama.cpp code in a stream", None, {"error": {"code": 500, "message": "failed"}}, Overloaded),
    ("openrouter rate", 200, {"error": {"code": 429, "message": "Provider returned error"}}, RateLimited),
    ("openrouter model", 400, {"error": {"code": 400, "message": "x/y is not a valid model ID"}}, ModelNotFound),
    ("venice model", 404, {"error": "Specified model not found: x. Did you mean: y?"}, ModelNotFound),
    ("deepseek money", 402, openai("Insufficient Balance", "invalid_request_error"), QuotaExhausted),
    ("groq tool", 400, openai("Tool call validation failed.", "tool_use_failed"), InvalidRequest),
    ("a gateway", 502, b"<html><head><title>502 Bad Gateway</title></head></html>", Overloaded),
    ("a gateway that names a filter", 503, b"the content filter service is down", Overloaded),
    ("overload of Anthropic's kind", 529, {"error": {"type": "overloaded_error", "message": "x"}}, Overloaded),
    ("a wait", 408, b"", Overloaded),
    ("a redirect", 308, b"", BadResponse),
    ("no words", 400, b"", InvalidRequest),
    ("not built", 501, openai("Not implemented."), InvalidRequest),
    ("another HTTP", 505, openai("HTTP version not supported."), InvalidRequest),
    ("at the same time", 409, openai("Another request is running."), Overloaded),
    ("full flex tier", 498, openai("Flex tier capacity exceeded."), Overloaded),
    ("no sense", 500, b"\xff\xfe" * 9, Overloaded),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_what_a_provider_says_becomes_its_error(status: int | None, body: Any, kind: type[ModelError]) -> None:
    headers = {"X-Request-Id": "req-9"}
    for form in (body, body if isinstance(body, bytes) else json.dumps(body).encode()):
        error = from_status(status, form, headers, model="openai:m")
        assert type(error) is kind
        assert error.request_id == "req-9"
        assert "abcdefghij" not in f"{error}{error.__dict__}"


TOO_LONG: list[tuple[str, dict[str, int | None]]] = [
    ("This model's maximum context length is 8192 tokens. However, your messages resulted in 9250 tokens.",
     {"limit": 8192, "asked": 9250, "over": 1058}),
    (("This model's maximum context length is 1048565 tokens. However, you requested 1250025 tokens (1250025 in the "
     "messages, 0 in the completion)."), {"limit": 1048565, "asked": 1250025}),
    (("You passed 9000 input tokens and requested 100 output tokens. However, the model's context length is only 8192 "
     "tokens"), {"limit": 8192, "asked": 9000}),
    ("request (2009 tokens) exceeds the available context size (512 tokens), try increasing it",
     {"limit": 512, "asked": 2009}),
    ("prompt too long; exceeded max context length by 1119046 tokens (ref: 9)", {"limit": None, "over": 1119046}),
    ("Range of input length should be [1, 30720]", {"limit": 30720, "asked": None}),
    ("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]", {"limit": 98304}),
    ("prompt is too long: 210000 tokens > 200000 maximum", {"limit": 200000, "asked": 210000}),
    ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
     {"limit": 1048576, "asked": 1200000}),
    ("Your input exceeds the context window of this model. Please adjust your input and try again.", {"limit": None}),
    (("Trying to keep the first 9000 tokens when context overflows. However, the model is loaded with context length of "
     "only 4096 tokens"), {"limit": 4096, "asked": 9000}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "numbers"), TOO_LONG)
def test_a_conversation_that_is_too_long_tells_its_numbers(
    message: str, numbers: dict[str, int | None]
) -> None:
    error = from_status(400, openai(message), None, model="openai:m")
    assert isinstance(error, ContextOverflow)
    assert {name: getattr(error, name) for name in numbers} == numbers


def test_llama_cpp_has_the_numbers_in_fields_of_their_own() -> None:
    body = {
        "error": {"code": 400, "type": "exceed_context_size_error", "message": "too much", "n_ctx": 512,
                  "n_prompt_tokens": 2009}
    }  # fmt: skip
    error = from_status(400, body, None, model="openai:m")
    assert isinstance(error, ContextOverflow)
    assert (error.limit, error.asked, error.over) == (512, 2009, 1497)


def test_one_request_that_is_larger_than_a_minute_s_tokens_is_too_long_and_many_are_a_rate() -> None:
    one = openai("Request too large for gpt-4o on tokens per min (TPM): Limit 6000, Requested 8000.", "tokens")
    many = openai("Rate limit reached. Too many tokens. Limit 6000, Used 5900, Requested 800.", "tokens")
    assert type(from_status(429, one, None, model="m")) is ContextOverflow
    assert type(from_status(429, many, None, model="m")) is RateLimited


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7.0),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, "", 0.25),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:10 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 10.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0.0),
        ({"Retry-After": "soon"}, "", None),
        ({"Retry-After": "-3"}, "", None),
        ({}, "Please try again in 1m2.5s.", 62.5),
        ({}, "Please try again in 20ms.", 0.02),
        ({}, "Please try again later.", None),
        ({}, f"Please try again in {'9' * 5_000}s.", None),
    ],
)
def test_the_time_to_wait_is_read_from_headers_and_words(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    error = from_status(429, openai(message), headers, model="openai:m")
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds
    again = from_status(503, openai(message), headers, model="openai:m")
    assert isinstance(again, Overloaded)
    assert again.retry_after == seconds


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "code", "message", "type", "request_id", "x"]), inner, max_size=4
    ),
    max_leaves=8,
)  # fmt: skip


@given(
    st.none() | st.integers(100, 599),
    json_values | st.binary(max_size=200),
    st.dictionaries(
        st.sampled_from(["Retry-After", "Date", "retry-after-ms", "x-request-id"]), st.text(max_size=30)
    ),
)
def test_whatever_a_server_says_is_an_error_of_ours(
    status: int | None, body: Any, headers: dict[str, str]
) -> None:
    error = from_status(status, body, headers, model="openai:m", partial="so far")
    assert isinstance(error, ModelError)
    assert error.partial == "so far"
    assert error.what


def test_a_number_of_thousands_of_digits_is_no_count_of_tokens() -> None:
    for number in ("9" * 4_000, "9," * 2_000):
        error = from_status(
            400, openai(f"maximum context length is {number} tokens, requested {number}"), None, model="m"
        )
        assert type(error) is InvalidRequest or (type(error) is ContextOverflow and (error.limit or 0) < 10**15)


def test_what_a_server_says_at_length_or_in_depth_is_cut() -> None:
    deep: Any = "x"
    for _level in range(3_000):
        deep = [deep]
    for said in (deep, "model " * 100_000):
        for body in ({"error": {"message": said, "code": said, "type": said}}, {"error": said}):
            assert len(from_status(400, body, None, model="m").what) < 300
            assert len(str(from_status(400, body, None, model="m"))) < 2_000


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_what_goes_wrong_below_the_protocol_is_told_apart(library: Any) -> None:
    def told(name: str, text: str) -> ModelError:
        return unreachable("openai:m", "https://x", getattr(library, name)(text))

    assert isinstance(told("ConnectError", "refused"), ConnectionLost)
    late = told("ConnectTimeout", "")
    assert isinstance(late, DeadlineExceeded)
    assert late.phase == "connect"
    assert isinstance(
        told("RemoteProtocolError", "Server disconnected without sending a response."), ConnectionLost
    )
    garbled = told("RemoteProtocolError", "illegal status line")
    assert isinstance(garbled, BadResponse)
    assert garbled.kind == "http"
    unsent = told("LocalProtocolError", "Illegal header value b'Bearer sk-secret\\n'")
    assert isinstance(unsent, InvalidRequest)
    assert "secret" not in str(unsent)


def test_a_name_and_a_password_in_an_address_are_not_told() -> None:
    error = unreachable("openai:m", "https://me:pass-word@proxy.example/v1", httpx2.ConnectError("refused"))
    assert "proxy.example" in str(error)
    assert "pass-word" not in f"{error}{error.__dict__}"


@pytest.mark.parametrize("provider", ["openai", "ollama", "dashscope"])
@pytest.mark.parametrize(("key", "text"), [("sk-schlüssel", "Hi"), ("k", "half of \ud800 one")])
def test_what_cannot_be_sent_is_the_request_s_fault(provider: str, key: str, text: str) -> None:
    model = connect(f"{provider}:m", base_url="http://127.0.0.1:9/v1", api_key=key, retries=0)
    if provider == "ollama" and text == "Hi":
        return  # it is sent no key
    with pytest.raises(InvalidRequest) as error:
        asyncio.run(model.complete(Request((Message.user(text),))))
    assert "schl" not in str(error.value)


def test_tls_where_none_is_spoken_says_what_to_write_instead() -> None:
    with Standin() as server:
        url = server.url("openai").replace("http://", "https://")
        model = connect("openai:m", base_url=url, api_key="k", retries=0)
        with pytest.raises(ConnectionLost) as error:
            asyncio.run(model.complete(Request((Message.user("Hi"),))))
    assert "http://" in error.value.fix


def test_an_error_of_ours_inside_of_a_client_s_comes_out_again() -> None:
    ours = BadResponse("too large", kind="size")
    theirs = httpx2.ReadError("broken")
    theirs.__cause__ = ours
    assert unreachable("openai:m", "https://x", theirs, "Half") is ours
    assert ours.partial == "Half"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (" ", "empty"),
        ("<!DOCTYPE html><title>Sign in</title>", "html"),
        ("{oops", "json"),
        ("[" * 200_000, "deep"),
    ],
)
def test_what_cannot_be_read_says_what_it_is(text: str, kind: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        found = unreadable("openai:m", error)
    assert isinstance(found, BadResponse)
    assert found.kind == kind
    assert len(found.snippet) <= 200


RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
# By folder and status, where the recorded errors are all of one kind; others are told apart by their words above.
RECORDED = {401: AuthFailed, 404: ModelNotFound, 429: RateLimited}


@pytest.mark.skipif(not RECORDINGS.exists(), reason="../shared/recordings is not beside this checkout")
def test_every_recorded_refusal_becomes_the_error_that_it_is() -> None:
    import yaml

    seen = 0
    for path in sorted(RECORDINGS.rglob("*.yaml")):
        for exchange in yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]:
            status = exchange["response"]["status"]["code"]
            if status < 400:
                continue
            body = exchange["response"]["body"].get("string") or b""
            error = from_status(status, body, {}, model="openai:m")
            seen += 1
            text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
            if status in RECORDED:
                assert isinstance(error, RECORDED[status]), (path.name, text[:200])
            elif "context" in text and ("exceed" in text or "maximum" in text):
                assert isinstance(error, ContextOverflow), (path.name, text[:200])
                assert error.limit or error.over
            elif status == 400:
                assert isinstance(error, InvalidRequest | ModelNotFound), (path.name, text[:200])
    assert seen > 20


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}}, QuotaExhausted),
        (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, QuotaExhausted),
        (403, {"error": "Your newly created team doesn't have any credits yet."}, QuotaExhausted),
        (400, {"error": {"message": "资源包余量已用尽"}}, QuotaExhausted),
        (200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, QuotaExhausted),
        (200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, RateLimited),
        (200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, AuthFailed),
        (
            400,
            {"error": {"message": "Invalid request: Your request exceeded model token limit: 131072"}},
            ContextOverflow,
        ),
        (400, {"error": {"message": "context window exceeds limit (2013)"}}, ContextOverflow),
        (400, {"error": {"code": "1261", "message": "Prompt 超长"}}, ContextOverflow),
        (
            400,
            {"error": "This model's maximum prompt length is 131072 but the request contains 140000 tokens."},
            ContextOverflow,
        ),
    ],
)
def test_other_providers_words_for_money_and_length_are_known(
    status: int, body: Any, error: type[ModelError]
) -> None:
    """Zhipu, SiliconFlow, xAI, Hunyuan, MiniMax, Moonshot: money is never tried again, length is cut."""
    found = from_status(status, body, None, model="openai:m")
    assert type(found) is error
    if isinstance(found, ContextOverflow) and "140000" in str(body):
        assert (found.limit, found.asked) == (131072, 140000)
