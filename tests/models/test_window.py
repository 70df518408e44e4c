"""A conversation is kept inside a model's window: what is cut, what never is, and what the wire then carries."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk import Message
from agentsdk.errors import ContextOverflow
from agentsdk.messages import ToolCall
from agentsdk.models.dashscope import DashScopeModel
from agentsdk.models.model import Prepared, Reply, Request, ToolSpec
from agentsdk.models.ollama import OllamaModel
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.servers import SERVERS
from agentsdk.models.window import RUNGS, learn, rung, shorten, weigh
from agentsdk.testing.standin import Standin

WORDS = "the quick brown fox jumps over the lazy dog and runs home again "
"""13 words, about 12 tokens each time."""


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def said(role: str, times: int = 10) -> dict[str, Any]:
    return {"role": role, "content": WORDS * times}


def called(id: str, times: int = 10) -> list[dict[str, Any]]:
    call = {"id": id, "type": "function", "function": {"name": "look", "arguments": '{"at": "home"}'}}
    return [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id, "content": WORDS * times},
    ]


KEY = ("http://here", "model")


def test_what_fits_is_left_as_it_is() -> None:
    conversation = [said("system"), said("user"), said("assistant"), said("user")]
    assert shorten(conversation, (), 10_000, "o200k", KEY).conversation == conversation


def test_whole_turns_go_and_the_oldest_first() -> None:
    old, new = [said("user"), said("assistant")], [said("user", 3), said("assistant", 3)]
    last = [{"role": "user", "content": "And now?"}]
    fitted = shorten([said("system"), *old, *new, *last], (), 400, "o200k", KEY)
    assert fitted.conversation == [said("system"), *new, *last]
    assert fitted.left_out == 2
    assert fitted.asked <= 400


def test_in_a_long_last_turn_the_oldest_results_go_with_their_calls() -> None:
    turn = [said("user", 1), *called("a", 30), *called("b", 30), *called("c", 5)]
    fitted = shorten([said("system", 1), *turn], (), 300, "o200k", KEY)
    assert fitted.conversation == [said("system", 1), said("user", 1), *called("c", 5)]


def test_parallel_calls_stay_with_all_their_results() -> None:
    calls = [{"id": i, "type": "function", "function": {"name": "look", "arguments": "{}"}} for i in ("a", "b")]
    both = [
        {"role": "assistant", "content": "", "tool_calls": calls},
        *({"role": "tool", "tool_call_id": i, "content": WORDS * 20} for i in ("a", "b")),
    ]
    fitted = shorten([said("user", 1), *both, *called("c", 1)], (), 200, "o200k", KEY)
    assert fitted.conversation == [said("user", 1), *called("c", 1)]


turn = st.tuples(st.integers(1, 30), st.lists(st.integers(1, 30), max_size=4), st.integers(0, 30))


@given(st.lists(turn, min_size=1, max_size=6), st.integers(50, 4000), st.booleans())
def test_no_result_is_ever_without_its_call_and_no_call_without_its_result(
    turns: list[tuple[int, list[int], int]], room: int, instructed: bool
) -> None:
    conversation: list[dict[str, Any]] = [said("system", 2)] if instructed else []
    for number, (asked, calls, answered) in enumerate(turns):
        conversation.append(said("user", asked))
        for at, times in enumerate(calls):
            conversation += called(f"{number}.{at}", times)
        if answered:
            conversation.append(said("assistant", answered))
    fitted = shorten(conversation, (), room, "llama", KEY)
    left = fitted.conversation
    places = [next(at for at, m in enumerate(conversation) if m is kept) for kept in left]
    assert len(left) + fitted.left_out == len(conversation)
    assert places == sorted(places)
    made = [c["id"] for m in left for c in m.get("tool_calls", ())]
    answered_ids = [m["tool_call_id"] for m in left if m["role"] == "tool"]
    assert made == answered_ids
    assert not instructed or left[0]["role"] == "system"
    assert any(m is conversation[-1] for m in left)
    assert any(m["role"] == "user" for m in left)
    if fitted.left_out and fitted.asked > room:  # nothing more could go
        roles = ["", *(m["role"] for m in left)]
        assert sum(role == "user" != before for before, role in zip(roles, roles[1:], strict=False)) == 1


Item = dict[str, Any]
exchange = st.lists(st.sampled_from(("function", "custom")), min_size=1, max_size=3).flatmap(
    lambda kinds: st.tuples(
        st.just(kinds),
        st.lists(
            st.sampled_from(("", "", "thought", "picture", "words")), min_size=len(kinds), max_size=len(kinds)
        ),
        st.permutations(range(len(kinds))),
        st.integers(1, 30),
        st.booleans(),
    )
)
talk = st.lists(
    st.tuples(st.integers(1, 20), st.lists(exchange, max_size=4), st.booleans()), min_size=1, max_size=5
)
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def told_in(protocol: str, turns: Any) -> tuple[list[Item], list[tuple[int, list[int]]]]:
    """Return a conversation, and the places of its calls, each with those of all that belongs to it."""
    items: list[Item] = [said("system", 1)]
    together: list[tuple[int, list[int]]] = []
    reused = ["a", "b", "c"]  # some servers begin anew with every answer
    for asked, exchanges, answered in turns:
        items.append(said("user", asked))
        for kinds, between, order, times, pictured in exchanges:
            calls = []
            if protocol == "responses":
                items.append({"type": "reasoning", "id": "rs", "encrypted_content": "x" * 40})
                for at, kind in enumerate(kinds):
                    calls.append(len(items))
                    items.append({"type": f"{kind}_call".replace("custom_", "custom_tool_"), "id": f"fc{len(items)}",
                                  "call_id": reused[at], "name": "look", "arguments": "{}"})  # fmt: skip
            else:
                named = [{"id": reused[at]} if protocol == "chat" else {} for at in range(len(kinds))]
                calls = [len(items)] * len(kinds)
                items.append({"role": "assistant", "content": "", "tool_calls": [
                    {**name, "function": {"name": "look", "arguments": {}}} for name in named]})  # fmt: skip
            for at, before in zip(order, between, strict=True):
                if before == "thought":
                    items.append(
                        {"type": "reasoning", "id": "rs"} if protocol == "responses" else said("assistant", 1)
                    )
                elif before:
                    text = [{"type": "text", "text": "See."}] if before == "words" else []
                    items.append({"role": "user", "content": [*text, PICTURE]})
                together.append((calls[at], [len(items)]))
                if protocol == "responses":
                    kind = "custom_tool_call_output" if kinds[at] == "custom" else "function_call_output"
                    items.append({"type": kind, "call_id": reused[at], "output": WORDS * times})
                else:
                    whose = {"tool_call_id": reused[at]} if protocol == "chat" else {"tool_name": "look"}
                    items.append({"role": "tool", **whose, "content": WORDS * times})
            if pictured:
                together[-1][1].append(len(items))
                items.append(
                    {"role": "user", "content": "", "images": ["AAAA"]}
                    if protocol == "ollama"
                    else {"role": "user", "content": [PICTURE]}
                )
        if answered:
            items.append(said("assistant", 1))
    return items, together


@pytest.mark.parametrize("protocol", ["chat", "ollama", "responses"])
@given(turns=talk, room=st.integers(20, 3000))
def test_in_every_protocol_a_call_and_all_that_belongs_to_it_go_or_stay_together(
    protocol: str, turns: Any, room: int
) -> None:
    items, together = told_in(protocol, turns)
    fitted = shorten(items, (), room, "llama", KEY)
    places = [next(at for at, m in enumerate(items) if m is kept) for kept in fitted.conversation]
    assert places == sorted(places)
    assert len(places) + fitted.left_out == len(items)
    kept = set(places)
    for call, others in together:
        assert {at in kept for at in (call, *others)} in ({True}, {False})
    assert 0 in kept
    last = max(
        at
        for at, m in enumerate(items)
        if m.get("role") == "user" and isinstance(m["content"], str) and m["content"]
    )
    assert last in kept  # what was asked last is never left out
    assert len(items) - 1 in kept
    if protocol != "responses" and fitted.asked > room:  # nothing more could go
        assert len({call for call, _others in together if call in kept}) <= 1


def test_a_history_of_custom_calls_alone_can_be_cut() -> None:
    def custom(id: str, times: int) -> list[Item]:
        return [
            {"type": "custom_tool_call", "id": f"ctc_{id}", "call_id": id, "name": "run", "input": "x"},
            {"type": "custom_tool_call_output", "call_id": id, "output": WORDS * times},
        ]

    fitted = shorten([said("user", 1), *custom("a", 60), *custom("b", 1)], (), 200, "o200k", KEY)
    assert fitted.conversation == [said("user", 1), *custom("b", 1)]


def test_a_question_after_a_call_that_nothing_answered_begins_a_turn() -> None:
    broken = called("a")[:1]
    last = [{"role": "user", "content": "And now?"}]
    assert shorten([said("user", 60), *broken, *last], (), 100, "o200k", KEY).conversation == last


def test_a_question_after_what_a_tool_showed_begins_a_turn_and_the_picture_goes_with_its_result() -> None:
    shown = {"role": "user", "content": [{"image": "data:image/png;base64,AAAA"}]}
    last = [{"role": "user", "content": "And now?"}]
    old = [said("user", 60), *called("a"), shown]
    assert shorten([*old, *last], (), 100, "o200k", KEY).conversation == last
    asked = said("user", 1)
    fitted = shorten([asked, *called("a", 60), shown, *called("b", 1)], (), 200, "o200k", KEY)
    assert fitted.conversation == [asked, *called("b", 1)]


def test_words_said_while_a_tool_ran_stay_when_its_call_goes() -> None:
    call, result = called("a", 60)
    words = {"role": "user", "content": "Be quick."}
    fitted = shorten([said("user", 1), call, words, result, *called("b", 1)], (), 200, "o200k", KEY)
    assert fitted.conversation == [said("user", 1), words, *called("b", 1)]


def test_items_of_responses_keep_their_calls_and_thoughts_together() -> None:
    old = [
        {"role": "user", "content": WORDS * 30},
        {"type": "reasoning", "encrypted_content": "x" * 400},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": WORDS * 30},
    ]
    last = [{"role": "user", "content": "And now?"}]
    assert shorten([*old, *last], (), 100, "o200k", KEY).conversation == last


def test_what_a_server_counted_corrects_the_next_estimate() -> None:
    conversation = [said("user", 20)]
    first = weigh(conversation, (), "o200k", KEY)
    learn(KEY, first.estimated, round(first.estimated * 1.4))
    second = weigh(conversation, (), "o200k", KEY)
    assert second.asked > first.asked
    assert second.asked == pytest.approx(first.estimated * 1.4, rel=0.05)
    learn(KEY, first.estimated, round(first.estimated * 0.2))  # a cache left out: not believed
    assert weigh(conversation, (), "o200k", KEY).asked == second.asked


def test_a_window_grows_by_rungs_and_never_shrinks() -> None:
    assert rung(KEY, 100, 65_536) == RUNGS[0]
    assert rung(KEY, 20_000, 65_536) == 32_768
    assert rung(KEY, 100, 65_536) == 32_768  # a change would load the model again
    assert rung(KEY, 900_000, 65_536) == 65_536
    assert rung(("http://here", "small"), 9_000, 8_192) == 8_192


def ask(model: Any, request: Request, streamed: bool = False) -> Reply:
    async def go() -> Reply:
        if not streamed:
            reply: Reply = await model.complete(request)
            return reply
        pieces = [piece async for piece in model.stream(request)]
        assert isinstance(pieces[-1], Reply)
        return pieces[-1]

    return asyncio.run(go())


def long_talk(turns: int, times: int) -> tuple[Message, ...]:
    talk = [Message.system("Be brief.")]
    for at in range(turns):
        call = ToolCall(f"call_{at}", "look", {"at": at})
        talk += [
            Message.user(f"Question {at}. {WORDS * times}"),
            Message.assistant("", [call]),
            Message.tool(call, WORDS * times),
            Message.assistant(f"Answer {at}."),
        ]
    return (*talk, Message.user("The last question."))


LOOK = ToolSpec("look", "Look somewhere.", {"type": "object", "properties": {"at": {"type": "integer"}}})


def test_ollama_is_asked_for_a_window_that_holds_the_conversation(server: Standin) -> None:
    model = OllamaModel("llama3.1:8b", base_url=server.url("ollama"))
    for times in (1, 800, 1):
        server.say("Yes.")
        ask(model, Request(long_talk(1, times), (LOOK,)))
    sizes = [r.body["options"]["num_ctx"] for r in server.requests if r.path == "/api/chat"]
    assert sizes == [16_384, 32_768, 32_768]


@pytest.mark.parametrize("streamed", [False, True])
def test_ollama_never_gets_more_than_its_window_and_the_answer_says_what_was_left_out(
    server: Standin, streamed: bool
) -> None:
    server.say("Yes.")
    model = OllamaModel("llama3.1:8b", base_url=server.url("ollama"), window=4_096)
    reply = ask(model, Request(long_talk(8, 40), (LOOK,), max_tokens=500), streamed)
    sent = next(r.body for r in server.requests if r.path == "/api/chat")
    assert sent["options"]["num_ctx"] == 4_096
    roles = [m["role"] for m in sent["messages"]]
    assert roles[0] == "system"
    assert roles[1] == "user"
    assert roles[1:].count("assistant") == 2 * roles.count("tool")
    assert sent["messages"][-1]["content"] == "The last question."
    assert len(roles) < 34
    assert [r.kind for r in reply.message.repairs] == ["context.cut"]
    assert str(34 - len(roles)) in reply.message.repairs[0].detail


def test_a_window_that_a_request_names_is_not_made_another(server: Standin) -> None:
    server.say("Yes.")
    model = OllamaModel("llama3.1:8b", base_url=server.url("ollama"))
    asyncio.run(model.complete(Request((Message.user("Hi"),), options={"options": {"num_ctx": 2_048}})))
    assert server.requests[-1].body["options"]["num_ctx"] == 2_048


def test_one_question_too_long_for_ollama_is_refused_before_it_is_cut_silently(server: Standin) -> None:
    model = OllamaModel("llama3.1:8b", base_url=server.url("ollama"), window=2_048)
    with pytest.raises(ContextOverflow) as raised:
        ask(model, Request((Message.user(WORDS * 400),)))
    assert not [r for r in server.requests if r.path == "/api/chat"]
    assert raised.value.limit is not None
    assert raised.value.asked is not None
    assert raised.value.asked > raised.value.limit


def test_a_question_that_ollama_cut_is_told_on_the_answer(server: Standin) -> None:
    server.raw(
        b'{"model":"llama3.1:8b","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"Yes."},'
        b'"done":true,"done_reason":"stop","prompt_eval_count":2050,"eval_count":3}'
    )
    model = OllamaModel("llama3.1:8b", base_url=server.url("ollama"))
    reply = ask(model, Request((Message.user(WORDS * 600),)))
    assert [r.kind for r in reply.message.repairs] == ["context.cut_by_server"]
    assert "2050" in reply.message.repairs[0].detail


def test_a_body_of_langchains_face_is_kept_inside_its_own_window(server: Standin) -> None:
    server.say("Yes.")
    messages = [said("system", 1), said("user", 100), said("assistant", 100), said("user", 1)]
    body = {"model": "llama3.1:8b", "messages": messages, "stream": False, "options": {"num_ctx": 2_048}}
    model = OllamaModel("llama3.1:8b", base_url=server.url("ollama"))
    ask(model, Prepared((), body=body))
    sent = next(r.body for r in server.requests if r.path == "/api/chat")
    assert sent["messages"] == [messages[0], messages[3]]
    assert sent["options"]["num_ctx"] == 2_048


def test_a_server_that_can_be_asked_says_how_large_its_window_is_before_a_long_conversation(
    server: Standin,
) -> None:
    server.model("qwen3", context=32_768, loaded=4_096)
    url = server.url("openai", flavour="lmstudio")
    model = OpenAIModel("qwen3", "key", base_url=url, server=SERVERS["lmstudio"])
    server.say("Yes.").say("Yes.")
    ask(model, Request((Message.user("Hi"),)))
    assert not [r for r in server.requests if r.path.endswith("/api/v0/models")]  # a short one surely fits
    reply = ask(model, Request(long_talk(8, 40), (LOOK,)))
    sent = server.requests[-1].body["messages"]
    assert len(sent) < 34
    assert sent[-1]["content"] == "The last question."
    assert [r.kind for r in reply.message.repairs] == ["context.cut"]


def refusal(limit: int, asked: int) -> str:
    return f"This model's maximum context length is {limit} tokens. However, your messages resulted in {asked} tokens."


@pytest.mark.parametrize("streamed", [False, True])
def test_a_server_that_says_how_much_fits_is_asked_again_with_that(server: Standin, streamed: bool) -> None:
    server.fault(400, code="context_length_exceeded", message=refusal(2_000, 9_000)).say("Yes.").say("Yes.")
    model = OpenAIModel("some-local-model", "key", base_url=server.url("openai"))
    request = Request(long_talk(8, 40), (LOOK,))
    reply = ask(model, request, streamed)
    first, second = (r.body["messages"] for r in server.requests)
    assert len(second) < len(first)
    assert second[-1]["content"] == "The last question."
    assert [r.kind for r in reply.message.repairs] == ["context.cut"]
    ask(model, request, streamed)  # learned: no refusal is paid for twice
    assert len(server.requests) == 3


def test_what_cannot_be_shortened_stays_an_overflow(server: Standin) -> None:
    server.fault(400, code="context_length_exceeded", message=refusal(100, 9_000))
    model = OpenAIModel("some-local-model", "key", base_url=server.url("openai"))
    with pytest.raises(ContextOverflow):
        ask(model, Request((Message.user(WORDS * 50),)))
    assert len(server.requests) == 1


def test_a_refusal_of_the_answers_length_or_of_a_word_teaches_nothing_about_the_window(server: Standin) -> None:
    said = (
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
        "(20 in the messages, 8980 in the completion)."
    )
    model = OpenAIModel("some-local-model", "key", base_url=server.url("openai"))
    server.fault(400, code="context_length_exceeded", message=said)
    server.fault(400, code="context_length_exceeded", message="context_length_exceeded")
    for _ in range(2):
        with pytest.raises(ContextOverflow):
            ask(model, Request((Message.user("Hi"),)))
    server.say("Yes.")
    talk = long_talk(3, 20)
    reply = ask(model, Request(talk, (LOOK,)))
    assert len(server.requests[-1].body["messages"]) == len(talk)
    assert reply.message.repairs == ()


def test_a_guess_of_ours_is_not_kept_for_later_conversations(server: Standin) -> None:
    server.fault(400, code="context_length_exceeded", message="context_length_exceeded").say("Yes.").say("Yes.")
    model = OpenAIModel("some-local-model", "key", base_url=server.url("openai"))
    talk = long_talk(8, 40)
    assert [r.kind for r in ask(model, Request(talk, (LOOK,))).message.repairs] == ["context.cut"]
    assert ask(model, Request(talk, (LOOK,))).message.repairs == ()
    assert len(server.requests[-1].body["messages"]) == len(talk)


def test_dashscopes_conversation_is_cut_where_its_protocol_keeps_it(server: Standin) -> None:
    server.fault(400, code="InvalidParameter", message="Range of input length should be [1, 1500]").say("Yes.")
    model = DashScopeModel("qwen-max", "key", base_url=server.url("dashscope"))
    reply = ask(model, Request(long_talk(6, 40), (LOOK,)))
    first, second = (r.body["input"]["messages"] for r in server.requests)
    assert len(second) < len(first)
    assert [r.kind for r in reply.message.repairs] == ["context.cut"]
