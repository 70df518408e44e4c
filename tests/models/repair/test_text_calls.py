"""Calls in the text, in each dialect, whole and at every split."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsdk.models.collect import Collector
from agentsdk.models.model import Offer, TextDelta
from agentsdk.models.repair.calls import MOST_CALLS
from agentsdk.models.repair.found import Names
from agentsdk.models.repair.text_calls import MOST_NONE, TextCalls
from tests.models.repair.reading import AUTO, TOOLS, Answer, read, read_everywhere

WEATHER = '{"name": "get_weather", "arguments": {"city": "Oslo"}}'
ADD = '{"name": "add", "parameters": {"x": 2, "y": 5}}'
OSLO = ("get_weather", {"city": "Oslo"})
SUM = ("add", {"x": 2, "y": 5})
QWEN = "<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>"
CODE = """<tool_call>
<function=write>
<parameter=path>
a.py
</parameter>
<parameter=text>
if a < b:
    '</function>'

</parameter>
<parameter=tags>
["x", 1]
</parameter>
</function>
</tool_call>"""

CALLS: list[tuple[str, list[tuple[str, dict[str, Any]]], str]] = [
    # Q2: Llama's tag
    (f"<|python_tag|>{ADD}", [SUM], ""),
    (f"<|python_tag|>{ADD}; {WEATHER}<|eom_id|>", [SUM, OSLO], ""),
    (f"I add.\n<|python_tag|>{ADD}", [SUM], "I add.\n"),
    ('<|python_tag|>{"type": "function", "function": {"name": "add", "arguments": {"x": 1}}}', [("add", {"x": 1})], ""),
    # Q4: bare JSON, fenced or not
    (WEATHER, [OSLO], ""),
    (f"\n  {WEATHER}\n\n", [OSLO], ""),
    (f"{WEATHER}<|im_end|>", [OSLO], ""),
    ('{"arguments": {"x": 2, "y": 5}, "name": "add"}', [SUM], ""),
    ('{"id": "1", "type": "function", "function": {"name": "add", "arguments": "{\\"x\\": 1}"}}', [("add", {"x": 1})], ""),
    ('{"function": "add", "parameters": {"x": 2, "y": 5}}', [SUM], ""),
    ('{"name": "functions.add", "parameters": {"x": 2, "y": 5}}', [SUM], ""),
    ('{"name":"get_time","parameters>{"timezone":"UTC"}}', [("get_time", {"timezone": "UTC"})], ""),
    ('{"name": "get_time", "parameters": null}', [("get_time", {})], ""),
    (f"```json\n{WEATHER}\n```", [OSLO], ""),
    (f"```\n[{WEATHER}, {ADD}]\n```\n", [OSLO, SUM], ""),
    (f"```json\n{WEATHER}\n```\n```json\n{ADD}\n```", [OSLO, SUM], ""),
    (f"I look it up:\n```json\n{WEATHER}\n```\n", [OSLO], "I look it up:\n"),
    ("```tool_code\n[add(x=2, y=5)]\n```", [SUM], ""),
    # Q5: several, joined by what models join them with
    (f"{WEATHER};{ADD}", [OSLO, SUM], ""),
    (f"{WEATHER}\n{ADD}", [OSLO, SUM], ""),
    (f"{WEATHER}{ADD}", [OSLO, SUM], ""),
    (f"{WEATHER}, {ADD}", [OSLO, SUM], ""),
    (f"[{WEATHER}, {ADD}]", [OSLO, SUM], ""),
    # Q6: pythonic, function tags, Llama's own tools
    ('[get_weather(city="San Francisco", metric="celsius")]', [("get_weather", {"city": "San Francisco", "metric": "celsius"})], ""),
    ("[add(x=2, y=5), get_weather(city='Oslo')]", [SUM, OSLO], ""),
    ("add(x=2, y=-5)", [("add", {"x": 2, "y": -5})], ""),
    ('[write(path="a", tags=[True, null, {"a": (1, 2.5)}])]', [("write", {"path": "a", "tags": [True, None, {"a": [1, 2.5]}]})], ""),
    ("[get_time()]", [("get_time", {})], ""),
    ('brave_search.call(query="a (b) \\"c\\"")', [("brave_search", {"query": 'a (b) "c"'})], ""),
    ('<|python_tag|>brave_search.call(query="x")', [("brave_search", {"query": "x"})], ""),
    ("<|python_tag|>functions.add(x=2, y=5)", [SUM], ""),
    ("[Functions.default_api.add(x=2, y=5)]", [SUM], ""),
    ('<function=get_weather>{"city": "Oslo"}</function>', [OSLO], ""),
    ('<function=get_weather>{"city": "Oslo"}', [OSLO], ""),
    ('<function=get_weather{"city": "Oslo"}</function>', [OSLO], ""),
    ("<function=get_time></function>", [("get_time", {})], ""),
    # the two of Qwen (Q7)
    (f"<tool_call>\n{WEATHER}\n</tool_call>", [OSLO], ""),
    (f"<tool_call>\n{WEATHER}\n</tool_call>\n<tool_call>\n{ADD}\n</tool_call>", [OSLO, SUM], ""),
    (f"<tool_call>{WEATHER}\n{ADD}</tool_call>", [OSLO, SUM], ""),
    (f"Let me see.\n\n<tool_call>\n{WEATHER}\n</tool_call>\n\nAnd so on.", [OSLO], "Let me see.\n\nAnd so on."),
    (f"<tool_call>\n{WEATHER}", [OSLO], ""),  # the closing tag was the stop word
    (f"<tool_call>{{{WEATHER}}}</tool_call>", [OSLO], ""),
    ('<tool_call>{"name": "add", "arguments": {"x": 2, "y": 5}</tool_call>', [SUM], ""),
    ("<tool_call>{'name': 'add', 'arguments': {'x': 2, 'y': 5}}</tool_call>", [SUM], ""),
    ('<tool_call>{"name": "write", "arguments": {"text": "</tool_call>"}}</tool_call>', [("write", {"text": "</tool_call>"})], ""),
    (f"<tools>\n{WEATHER}\n</tools>", [OSLO], ""),
    (QWEN, [OSLO], ""),
    (f"<tool_call>\n{QWEN}\n</tool_call>", [OSLO], ""),
    (f"Now.\n{QWEN}\n</tool_call>", [OSLO], "Now.\n"),
    (
        CODE,
        [("write", {"path": "a.py", "text": "if a < b:\n    '</function>'\n", "tags": ["x", 1]})],
        "",
    ),
    ("<function=add>\n<parameter=x>2</parameter>\n<parameter=y>5</parameter>\n</tool_call>", [SUM], ""),
    # Q8: the marks of Qwen 1.5 and 2
    ('✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Oslo"}\n', [OSLO], ""),
    ('✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Oslo"}\n✿FUNCTION✿: add\n✿ARGS✿: {"x": 2, "y": 5}\n✿RESULT✿', [OSLO, SUM], ""),
    ('I look.\n✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Oslo"}\n✿RESULT✿: Sunny.\n✿RETURN✿: It is sunny.', [OSLO], "I look.\nIt is sunny."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "calls", "left"), CALLS, ids=[c[0][:50] for c in CALLS])
def test_a_call_in_the_text_is_read_at_every_split(
    text: str, calls: list[tuple[str, dict[str, Any]]], left: str
) -> None:
    answer = read_everywhere(text)
    assert (list(answer.calls), answer.text, answer.broken) == (calls, left, ())
    assert answer.repairs.count("call.from_text") == len(calls)


def test_a_call_in_the_marks_of_gpt_oss_is_read_and_its_analysis_is_a_thought() -> None:
    thought = "<|channel|>analysis<|message|>They ask for a sum.<|end|><|start|>assistant"
    call = '<|channel|>commentary to=functions.add <|constrain|>json<|message|>{"x": 2, "y": 5}<|call|>'
    answer = read_everywhere(thought + call)
    assert (answer.text, answer.calls, answer.reasoning) == ("", (SUM,), "They ask for a sum.")
    other = '<|start|>assistant to=functions.get_weather<|channel|>commentary<|message|>{"city": "Oslo"}'
    assert read_everywhere(other).calls == (OSLO,)
    cut = read_everywhere(call[: call.index(", ")], finish="length")
    assert (cut.text, cut.calls, [name for name, _fault in cut.broken]) == ("", (), ["functions_add"])
    forbidden = read_everywhere(call, offer=replace(AUTO, choice="none"))
    assert (forbidden.text, forbidden.calls) == ('<function=functions.add>{"x": 2, "y": 5}</function>', ())


TEXTS = [
    # Q3: a tag that calls nothing that was offered; the tag goes, the rest is text
    ('<|python_tag|>{"message": "Hello, World!", "type": "greeting"}', '{"message": "Hello, World!", "type": "greeting"}'),
    ("<|python_tag|>import webbrowser\nwebbrowser.open('x')", "import webbrowser\nwebbrowser.open('x')"),
    ('<|python_tag|>{"type": "function", "name": "print_hello_world", "parameters": {}}', '{"type": "function", "name": "print_hello_world", "parameters": {}}'),
    ("<|python_tag|>", ""),
    # unknown names
    ('{"name": "perform", "parameters": {"operation": "add", "x": 5, "y": 3}}', None),
    ('<tool_call>{"name": "unknown", "arguments": {}}</tool_call>', None),
    ("<function=unknown>{}</function>", None),
    ("[unknown(x=1)]", None),
    ("[add(x=1), unknown(x=1)]", None),
    ("✿FUNCTION✿: unknown\n✿ARGS✿: {}", None),
    # a slip of the pen is not forgiven where it may be no call at all
    ('{"name": "get_wether", "arguments": {"city": "Oslo"}}', None),
    # data that looks like a call
    ('{"name": "Eleanor Thompson", "age": 28}', None),
    ('{"name": "add", "age": 28}', None),
    ('{"city": "Oslo"}', None),
    ("[1, 2, 3]", None),
    ('{"name": "add", "parameters": [1]}', None),
    # among words, only what has marks is a call
    (f"{WEATHER}\nThat is how one calls it.", None),
    (f"One calls it so: {WEATHER}", None),
    (f"Call it so:\n```json\n{WEATHER}\n```\nThen read on.", None),
    (f"```python\nprint(1)\n```\nor\n```json\n{WEATHER}\n```", None),
    (f"```bash\n{WEATHER}\n```", None),
    ("Use add(x=1).", None),
    ("So:\n```python\nadd(x=1)\n```", None),
    ("```\nadd(x=1)\n```", None),
    # what would have to be worked out is no argument
    ('[add(x=__import__("os").getpid())]', None),
    ("[add(x=1 + 1)]", None),
    ("[add(1, 2)]", None),
    ("[add(**{})]", None),
    ("[add(x=b'a')]", None),
    ("[add(x=1)", None),
    # marks without anything behind them
    ("<tool_call>", None),
    ("A <tool_call> is a tag.", None),
    ("<tool_call>\nnot JSON\n</tool_call>", None),
    ('<tool_call>\n{"name": "get_wea', None),
    ("<function=", None),
    ("✿ is a flower", None),
    ("a < b, `c` and ```", None),
    ("[not_found] Nothing says so.", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "left"), TEXTS, ids=[t[0][:50] for t in TEXTS])
def test_what_calls_no_offered_tool_stays_text_at_every_split(text: str, left: str | None) -> None:
    answer = read_everywhere(text)
    assert not answer.calls
    if not answer.broken:
        assert answer.text == (text if left is None else left)
    else:
        assert text == "[add(x=1)"  # named, offered, and without its end


@pytest.mark.parametrize("text", [c[0] for c in CALLS])
def test_no_call_is_read_where_calls_are_forbidden_or_nothing_is_offered(text: str) -> None:
    for offer in (replace(AUTO, choice="none"), Offer(), None):
        answer = read_everywhere(text, offer=offer)
        assert not answer.calls
        assert not answer.broken
        assert answer.text.strip() == text.strip().removeprefix("<|python_tag|>")


@pytest.mark.parametrize("text", [c[0] for c in CALLS if not c[0].startswith("\n")])
def test_no_call_is_read_within_a_thought(text: str) -> None:
    for thought in (f"<think>{text}</think>\nDone.", f"I think {text}</think>Done.", f"{text}</think>Done."):
        answer = read_everywhere(thought)
        assert (answer.text, answer.calls, answer.broken) == ("Done.", (), ())
        assert text.strip() in answer.reasoning
    assert read_everywhere(f"<think>{text}").error == "EmptyResponse"


@pytest.mark.parametrize("text", [c[0] for c in CALLS])
@pytest.mark.parametrize("finish", ["length", None])
def test_the_last_call_of_a_cut_answer_can_never_be_run(text: str, finish: str | None) -> None:
    whole, cut = read([text]), read_everywhere(text, finish=finish)
    assert cut.calls == whole.calls[:-1]
    assert len(cut.broken) == 1
    assert cut.broken[0][0].endswith(whole.calls[-1][0])
    assert "cut off" in cut.broken[0][1] or "ended" in cut.broken[0][1]


@pytest.mark.parametrize("text", [WEATHER, f"<tool_call>\n{WEATHER}\n</tool_call>", f"<|python_tag|>{WEATHER}", QWEN,
    '<function=get_weather>{"city": "Oslo"}</function>', '✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Oslo"}', f"```json\n{WEATHER}\n```",
    '[get_weather(city="Oslo")]'])  # fmt: skip
def test_a_call_without_its_end_can_never_be_run_and_is_never_completed(text: str) -> None:
    named, end = text.index("get_weather") + len("get_weather") + 1, text.rindex("Oslo") + len("Oslo")
    for at in range(named, end):
        for finish in ("stop", "length"):
            answer = read([text[:at]], finish=finish)
            assert answer.calls == ()
            assert not answer.broken or answer.broken[0][0] == "get_weather"
    assert read([text[:end]]).broken == (("get_weather", "The end of the call is missing."),)


def test_arguments_in_tags_become_what_the_schema_says() -> None:
    text = "<function=add>\n<parameter=x>\n2\n</parameter>\n<parameter=y>\n5\n</parameter>\n</function>"
    assert read([text]).calls == (SUM,)
    fault = read([text.replace("5", "five")])
    assert fault.calls == ()
    assert fault.broken[0][0] == "add"


def native(name: str, arguments: Any) -> Any:
    """Return what adds a call that the server gives in a field of its own."""
    return lambda answer: answer.call(0, "call_1", name, json.dumps(arguments))


def test_a_call_that_stands_in_the_text_and_beside_it_is_one_call() -> None:
    # mistral.rs and llama.cpp: recorded.
    for text in (f"\n\n<tool_call>\n{WEATHER}\n</tool_call>", WEATHER, QWEN):
        answer = read_everywhere(text, native=native("get_weather", {"city": "Oslo"}))
        assert (answer.text, answer.calls, answer.broken) == ("", (OSLO,), ())
        assert "call.repeated" in answer.repairs
        cut = read_everywhere(text, native=native("get_weather", {"city": "Oslo"}), finish="length")
        assert (cut.text, cut.calls, len(cut.broken)) == ("", (), 1)


def test_a_call_in_the_text_beside_another_one_is_kept() -> None:
    answer = read_everywhere(f"<tool_call>{WEATHER}</tool_call>", native=native("add", {"x": 2, "y": 5}))
    assert answer.calls == (SUM, OSLO)


def test_a_call_in_the_text_has_an_id_of_its_own_whatever_ids_are_beside_it() -> None:
    answer = Collector("m", AUTO)
    answer.text(f"<tool_call>{WEATHER}</tool_call>")
    for at, id_ in enumerate(("call_text_1", "call_text__1")):
        answer.call(at, id_, "add", '{"x": 1}')
    answer.finish = "stop"
    ids = [c.id for c in answer.reply(streamed=True).message.calls]
    assert len(set(ids)) == 3


def test_a_tool_is_known_however_many_names_were_none() -> None:
    names = Names(["add"])
    assert not any(names.offers(f"f{at}") for at in range(2_000))
    assert names.offers("add")


def test_a_finish_of_stop_beside_calls_cuts_nothing() -> None:
    # Q17: Ollama says "stop" beside calls.
    answer = read_everywhere("Well.", native=native("add", {"x": 2, "y": 5}))
    assert (answer.text, answer.calls) == ("Well.", (SUM,))


def test_an_answer_of_thoughts_alone_is_empty_and_keeps_them() -> None:
    # Q20
    for text in ("<think>I wonder.</think>", "<think>I wonder.", "I wonder.</think>\n\n"):
        answer = read_everywhere(text, finish="length")
        assert (answer.error, answer.reasoning) == ("EmptyResponse", "I wonder.")


def test_what_had_come_of_a_call_in_the_text_when_an_answer_broke_off_is_kept_and_can_never_be_run() -> None:
    for text in (f"Hm. \n<tool_call>{WEATHER}</tool_call>\nAn", f"Hm. <tool_call>{WEATHER[:-8]}"):
        answer = Collector("m", AUTO)
        answer.text(text)
        received = answer.so_far()
        assert received is not None
        assert received.text.startswith("Hm. ")
        assert "tool_call" not in received.text
        assert received.calls == ()
        assert [c.name for c in received.broken_calls] == ["get_weather"]


def shown_at_once(text: str, offer: Offer | None = AUTO) -> str:
    answer = Collector("m", offer)
    return "".join(d.text for piece in text for d in answer.text(piece) if isinstance(d, TextDelta))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The answer is 5.", "The answer is 5."),
        ("[not_found] Nothing.", "[not_found] Nothing."),
        ('{"city": "Oslo', '{"city": "Oslo'),
        ('{"name": "Eleanor", "age', '{"name": "Eleanor", "age'),
        ('{"name": "add", "parameters": {"x"', ""),
        ("Sure. <tool_call>\n{", "Sure. "),
        ("a < b and c", "a < b and c"),
        ("```python\nprint(1)", "```python\nprint(1)"),
        (f"{WEATHER} is how", f"{WEATHER} is how"),
        ("<|python_tag|>import os", "import os"),
        ("get_weather is a tool", "get_weather is a tool"),
    ],
)
def test_only_what_may_still_become_a_call_is_held_back(text: str, shown: str) -> None:
    assert shown_at_once(text) == shown


def test_nothing_but_a_tag_is_held_back_where_no_tools_are_offered() -> None:
    assert shown_at_once(f"{WEATHER}```<tool_call>", Offer()) == f"{WEATHER}```<tool_call>"


_PIECES = [
    "<|channel|>commentary to=functions.add <|constrain|>json<|message|>", "<|call|>", "<|channel|>final<|message|>", "<|end|>",
    "<tool_call>", "</tool_call>", WEATHER, ADD, '{"name":', '"add"', "nope", '"', "{", "}", "[", "]", "(", ")", "<function=add>",
    "<function=", "<parameter=x>", "5", "</parameter>", "</function>", "<|python_tag|>", "<|eom_id|>", "```", "```json\n", "\n", " ", ";",
    ",", "✿FUNCTION✿: add\n", "✿ARGS✿: ", "✿RESULT✿", "✿RETURN✿: ", "add(x=1)", "[add(x=1)]", 'brave_search.call(query="q")', "get_weather",
    "<think>", "</think>", "words", '"arguments": ', '"parameters": {"x": 2}', '{"name": "add", ', "`", "<", "<tools>", "\\", "'", "İ", "\ud800",
]  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=15),
    st.lists(st.integers(0, 400), max_size=6),
    st.sampled_from(["stop", "length", None]),
    st.sampled_from([AUTO, AUTO, replace(AUTO, choice="none"), None]),
)
def test_an_answer_cut_anywhere_is_read_as_the_whole_is(
    words: list[str], cuts: list[int], finish: str | None, offer: Offer | None
) -> None:
    text = "".join(words)
    places = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    pieces = [text[a:b] for a, b in zip(places, places[1:], strict=False)]
    whole = read([text], offer=offer, finish=finish)
    assert read(pieces, offer=offer, finish=finish) == whole
    assert read(text, offer=offer, finish=finish) == whole
    assert all(name in TOOLS for name, _arguments in whole.calls)


@pytest.mark.parametrize("unit", ["[", "{", "(", "<tool_call>", "<tool_call>{", '<tool_call>{"', "<function=add><parameter=x>", "```json\n{",
    "✿FUNCTION✿: add\n✿ARGS✿: {", "<|python_tag|>{", "<function_call><", "✿FUNCTION✿", "<think>", "</think>", "`<think>`", " ", "\\", ADD + ";", "add(x=1);", "<"])  # fmt: skip
@pytest.mark.parametrize(
    "before",
    ["", "[add(x=", '{"name": "add", "parameters": {"x": "', '<tool_call>{"name": "add", "arguments": '],
)
def test_text_without_end_is_read_like_any_other(before: str, unit: str) -> None:
    text = before + unit * (60_000 // len(unit))
    whole = read([text])
    assert isinstance(whole, Answer)
    assert read([text[at : at + 1000] for at in range(0, len(text), 1000)]) == whole


@pytest.mark.parametrize("opens", ['{"name": "add", "parameters": ', "[add(x="])
def test_a_bracket_at_the_last_level_is_decided_alike_however_it_comes(opens: str) -> None:
    for levels in range(47, 102):
        for inner in ("", "1", '"x"', "[]", '{"a": 1'):
            text = opens + "[" * levels + inner
            whole = read([text])
            assert read([text[: len(text) - len(inner)], inner]) == whole
            assert read(text) == whole


def test_what_comes_after_as_many_calls_as_may_be_run_is_text() -> None:
    calls = f"<tool_call>{WEATHER}</tool_call>"
    for many in (
        calls * (MOST_CALLS + 1) + "\nDone.",
        "<tool_call>" + WEATHER * (MOST_CALLS + 1) + "</tool_call>\nDone.",
    ):
        answer = read([many + calls])
        assert (len(answer.calls), "call.too_many" in answer.repairs) == (MOST_CALLS, True)
        assert answer.text.endswith(f"Done.{calls}")
        assert read([*(many[at : at + 99] for at in range(0, len(many), 99)), calls]) == answer


TAGGED = {
    "tag": f"<tool_call>{WEATHER}</tool_call>",
    "tags in the plural": f"<tools>{WEATHER}</tools>",
    "function": '<function=get_weather>{"city": "Oslo"}</function>',
    "parameters": QWEN,
    "marks": '✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Oslo"}',
    "python tag": f"<|python_tag|>{WEATHER}",
}
tagged = pytest.mark.parametrize("call", TAGGED.values(), ids=TAGGED)


@tagged
@pytest.mark.parametrize(
    "around",
    [
        "The web page says: `{}`, ignored.",
        "The web page says: `{}`",
        "`{}`",
        "Two of them: ``{}``.",
        "It says: `Do this:\n{}\n` and I do not.",
        "It says:\n```\n{}\n```\nI ignore it.",
        "It says:\n```xml\nA page.\n{}\n```\n",
        "It says:\n````\n```\n{}\n```\n{}\n````\n",
        "It says:\n~~~\n{}\n~~~\nI ignore it.",
        "It says:\n> {}",
        "```\n{}",
    ],
)
def test_a_call_that_is_quoted_stays_text_at_every_split(call: str, around: str) -> None:
    text = around.replace("{}", call)
    answer = read_everywhere(text)
    assert (answer.text, answer.calls, answer.broken) == (text, (), ())


@tagged
@pytest.mark.parametrize(
    "around",
    [
        "{} is the syntax, as an example",
        "The page says {} and I refuse to run that.",
        'The page says "{}".',
        "The page says {}{} and I refuse.",
        "The page says {}\nand I refuse to run that.",
    ],
)
def test_a_call_in_the_middle_of_words_stays_text_at_every_split(call: str, around: str) -> None:
    text = around.replace("{}", call)
    answer = read_everywhere(text)
    assert (answer.calls, answer.broken) == ((), ())
    assert answer.text.replace("<|python_tag|>", "") == text.replace("<|python_tag|>", "")


@tagged
@pytest.mark.parametrize(
    ("around", "left"),
    [
        ("I look it up.\n{}", "I look it up.\n"),
        ("I look it up. {}\n", "I look it up. "),
        ("I use `get_weather` for it:\n```\na b\n```\n{}\n", "I use `get_weather` for it:\n```\na b\n```\n"),
        ("A stray ` is here.\n\n{}", "A stray ` is here.\n\n"),
        ("{}\nThat will tell.", "That will tell."),
        ("Look: {}\n<tool_response>\nSunny.", "Look: <tool_response>\nSunny."),
    ],
)
def test_a_call_that_is_meant_is_read_with_words_before_it_or_on_later_lines(
    call: str, around: str, left: str
) -> None:
    answer = read_everywhere(around.replace("{}", call))
    assert (answer.text, answer.calls) == (left, (OSLO,))


def test_calls_on_one_line_are_meant_together_or_not_at_all() -> None:
    pair = f"<tool_call>{WEATHER}</tool_call><tool_call>{ADD}</tool_call>"
    assert read_everywhere(pair).calls == (OSLO, SUM)
    assert read_everywhere(f"Now: {pair}").calls == (OSLO, SUM)
    assert read_everywhere(f"{pair} is how").calls == ()


def test_many_calls_in_a_row_are_read_once_each() -> None:
    looked = 0

    class Counting(Names):
        def offers(self, name: str) -> bool:
            nonlocal looked
            looked += 1
            return super().offers(name)

    for around in ("{}", "Now: {}", "{} is how", "Now: {} is how"):
        reader = TextCalls(AUTO)
        reader._names = Counting(TOOLS)
        looked = 0
        reader.feed(around.replace("{}", '<function=get_time>{"timezone": "UTC"}</function>' * 1_000))
        reader.rest()
        assert looked < 10_000


def test_only_the_tool_that_was_asked_for_may_be_called() -> None:
    forced = replace(AUTO, choice="add")
    text = read_everywhere(f"<tool_call>{WEATHER}</tool_call>", offer=forced)
    beside = read(["Well."], native=native("get_weather", {"city": "Oslo"}), offer=forced)
    for answer in (text, beside):
        assert (answer.calls, answer.broken) == ((), (("get_weather", "Only add may be called now."),))
    assert read_everywhere(f"<tool_call>{ADD}</tool_call>", offer=forced).calls == (SUM,)
    assert read(["Well."], native=native("functions.add", {"x": 2, "y": 5}), offer=forced).calls == (SUM,)


def test_a_long_row_of_calls_is_no_example_whatever_words_follow() -> None:
    # It is read again as it grows: without an end to looking ahead, each time as far as it goes.
    calls = "<function=get_time>{}</function>" * (MOST_CALLS + 40)
    answer = read([f"One: {calls} and on."])
    assert len(answer.calls) == MOST_CALLS
    assert read([f"One: {calls} and on."[at : at + 700] for at in range(0, len(calls) + 20, 700)]) == answer


@pytest.mark.parametrize("tag", ["<tools>", "<tool_call>", "✿RESULT✿"])
def test_a_mark_before_marks_hides_no_call(tag: str) -> None:
    for between in ("", " ", "\n", "<", "</tool_call>\n"):
        answer = read_everywhere(f"{tag}{between}{tag}{between}\n<tool_call>{WEATHER}</tool_call>")
        assert answer.calls == (OSLO,), between


def test_an_answer_of_marks_without_calls_is_given_up_alike_however_it_comes() -> None:
    for mark in (
        "<tool_call>{",
        '<tool_call>{"',
        "<function=add>{",
        "✿FUNCTION✿: add\n✿ARGS✿: {",
        "<|python_tag|>add(",
    ):
        few, many = (f"{mark * n} x\n<tool_call>{WEATHER}</tool_call>" for n in (20, MOST_NONE * 3))
        for text in (few, many):
            whole = read([text])
            assert read([text[at : at + 777] for at in range(0, len(text), 777)]) == whole
        assert not whole.calls
    assert read([f"{'<tool_call>{} ' * 100}\n<tool_call>{WEATHER}</tool_call>"]).calls == (OSLO,)


@pytest.mark.parametrize(
    "head",
    [
        "<function=",
        "<function=add",
        "<function=add>",
        "<function=add><parameter=",
        "✿FUNCTION✿",
        "✿FUNCTION✿: add",
    ],
)
def test_a_long_run_of_blanks_in_a_call_is_followed_once(head: str) -> None:
    # Blanks that two parts of a pattern could share were shared out in every way: minutes for 200,000 of them.
    text = f"So: {head}{' ' * 200_000}! And so on, for long enough."
    assert read([text]) == Answer(text)
    assert read([f'<function= {" " * 500}add >{" " * 500}{{"x": 2, "y": 5}}</function>']).calls == (SUM,)


def test_calls_in_a_thought_that_comes_whole_are_never_shown_as_text() -> None:
    collector = Collector("m", AUTO)
    deltas = [
        *collector.text(f"I could write <tool_call>{WEATHER}</tool_call>.</think>It rains."),
        *collector.rest(),
    ]
    assert [type(delta).__name__ for delta in deltas] == ["ReasoningDelta", "TextDelta"]
    collector.finish = "stop"
    message = collector.reply(streamed=True).message
    assert (message.text, message.calls) == ("It rains.", ())
