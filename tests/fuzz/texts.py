"""Draws texts as no model would write them, and as some do: fragments of every dialect, whole calls, and what is long."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.models.repair.test_reasoning import SAMPLES
from tests.models.repair.test_text_calls import CALLS, TEXTS

LONG = 200_000
"""Characters of a text at most."""

NAMES = ("get_weather", "add", "get_time", "brave_search", "write")
"""Of the tools that tests offer."""
ODD_NAMES = ("nope", "get_wether", "functions.add", "Add", "getWeather", "add:0", "add<|channel|>x", "", "multi_tool_use.parallel",
             "parallel", "ａｄｄ", "add add", "'add'", "write()", "x" * 300, "\ud800", "функция", "functions." * 40)  # fmt: skip
WORDS = ("Sure.", "a < b", "words", "天気は晴れ", "東京", "مرحبا بالعالم", "\u202eabc", "é", "e\u0301", "🙂", "\U0001f469\u200d\U0001f4bb", "\0",
         "\ud800", "\udc00", "İ", "ſ", "\ufeff", "\u2028", "\x85", "\x1c", "\r\n", "\r", "\t", "\x7f", "ﬁ", "٣", "1e999", "-0", "NaN",
         "1" * 500, "9" * 5000, "0.1e-400", "\\u0000", "\\ud800", "\\", "\\\\", "\\x", "\\N{DASH}", "b'a'", "0x1F", "1_000")  # fmt: skip
MARKS = (
    "<tool_call>", "</tool_call>", "<tools>", "</tools>", "<function_call>", "</function_call>", "<function=add>", "<function=nope>",
    "<function=", "<function name=", '<function name="add">', "</function>", "<parameter=x>", '<parameter name="x">', "<parameter=",
    "</parameter>", "<|python_tag|>", "<|eom_id|>", "<|eot_id|>", "<|im_end|>", "</s>", "```", "```json\n", "```tool_code\n", "```python\n",
    "`", "``", "✿FUNCTION✿: add\n", "✿FUNCTION✿", "✿ARGS✿: ", "✿RESULT✿", "✿RETURN✿: ", "✿", "<think>", "</think>", "<thinking>",
    "</thinking>", "<THINK>", "<thought>", "</thought>", "<reasoning>", "</reasoning>", "[THINK]", "[/THINK]", "`<think>`", '"<think>"',
    "<", "</", "<t", "<|", "|>", "<|channel|>", "<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|message|>", "<|end|>",
    "<|call|>", "<|return|>", "<|start|>", "<|start|>assistant", "<|constrain|>json", " to=functions.add ",
    "<|channel|>commentary to=functions.add <|constrain|>json<|message|>",
)  # fmt: skip
BITS = (
    '{"name": "add", "arguments": {"x": 2}}', '{"name":', '"add"', '"arguments": ', '"parameters": {"x": 2}', '{"name": "add", ', "{", "}",
    "{{", "}}", "[", "]", "(", ")", '"', "'", ",", ";", ":", "=", "\n", " ", "null", "true", "None", "1", "1.0", "x=", "add(x=1)", "[add(x=1)]",
    'brave_search.call(query="q")', "get_weather", "add(", "[add(x=", '{"type": "function", "function": ', '"x": 1', '{"x": 1}', "{'x': 1}",
    '"parameters>{', '"function": "add"', "lambda: 0", "**{}", "*[]", "f'{x}'", "1 if 1 else 2", "[x for x in y]", "# c", '"""', "\\n",
)  # fmt: skip
ALL = WORDS + MARKS * 2 + BITS * 2
POOL = [c[0] for c in CALLS] + [t[0] for t in TEXTS] + [s[0] for s in SAMPLES]
"""Texts of the tests, to be changed."""


def text(chance: Random) -> str:
    """Draw a text: most are short, some are as long as an answer gets."""
    kind = chance.randrange(1000)
    if kind >= 998:  # a high number: what atheris leads begins with low ones
        return long(chance)
    if kind < 420:
        return "".join(chance.choices(ALL, k=chance.randrange(1, 16)))
    if kind < 650:
        return changed(chance, chance.choice(POOL))
    if kind < 850:
        said = "".join(call(chance) for _ in range(chance.randrange(1, 4)))
        return said if kind < 700 else changed(chance, said)
    if kind < 930:
        return chance.choice(WORDS) + chance.choice(MARKS) + call(chance) + chance.choice(ALL)
    return "".join(chr(code(chance)) for _ in range(chance.randrange(30)))


def code(chance: Random) -> int:
    """Draw a character's number."""
    most = chance.choice((128, 128, 256, 0x3000, 0xFFFF, 0x10FFFF))
    return chance.randrange(most)


def long(chance: Random, units: tuple[str, ...] = ALL) -> str:
    """Draw a text in which something comes again and again, after something and before something else."""
    before = "".join(chance.choices(units, k=chance.randrange(4)))
    unit = "".join(chance.choices(units, k=chance.choice((1, 1, 1, 2, 3))))
    if chance.random() < 0.1:  # blanks where a dialect lets blanks be
        before, unit = before + chance.choice(MARKS + BITS), chance.choice((" ", "\n", "\t", "\u3000"))
    after = "".join(chance.choices(units, k=chance.randrange(3)))
    size = chance.choice((2_000, 20_000, LONG, LONG))
    return (before + unit * (size // (len(unit) or 1)) + after)[:LONG]


def changed(chance: Random, said: str) -> str:
    """Return a text with a few changes: parts left out, doubled, moved, put in."""
    for _change in range(chance.choice((1, 1, 2, 3))):
        at, end = sorted((chance.randrange(len(said) + 1), chance.randrange(len(said) + 1)))
        match chance.randrange(8):
            case 0:
                said = said[:at] + said[end:]
            case 1:
                said = said[:end] + said[at:]
            case 2:
                said = said[:at]
            case 3:
                said = said[end:] + said[:at]
            case 4:
                said = said[:at] + chr(code(chance)) + said[at + 1 :]
            case 5:
                said = said[:at] + (said[at:end] or "[") * chance.choice((2, 3, 30)) + said[end:]
            case _:
                said = said[:at] + chance.choice(ALL) + said[at:]
    return said[:LONG]


def call(chance: Random) -> str:
    """Draw a call as one of the dialects has it."""
    name = chance.choice(NAMES) if chance.random() < 0.8 else chance.choice(ODD_NAMES)
    arguments = {chance.choice(KEYS): scalar(chance) for _ in range(chance.randrange(3))}
    written = json.dumps(arguments, ensure_ascii=chance.random() < 0.5)
    key = chance.choice(("arguments", "parameters"))
    whole = f'{{"name": {json.dumps(name)}, "{key}": {written}}}'
    python = f"{name}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})"
    tags = "\n".join(f"<parameter={k}>\n{v}\n</parameter>" for k, v in arguments.items())
    match chance.randrange(13):
        case 0:
            return f"<tool_call>\n{whole}\n</tool_call>"
        case 1:
            return f"<|python_tag|>{whole}<|eom_id|>"
        case 2:
            return f"```json\n{whole}\n```"
        case 3:
            return f"[{python}]"
        case 4:
            return f"<function={name}>{written}</function>"
        case 5:
            return f"<function={name}>\n{tags}\n</function>"
        case 6:
            return f"<tool_call>\n<function={name}>\n{tags}\n</function>\n</tool_call>"
        case 7:
            return f"✿FUNCTION✿: {name}\n✿ARGS✿: {written}\n✿RESULT✿: x\n✿RETURN✿: y"
        case 8:
            return f"<think>{chance.choice(WORDS)}</think>{whole}"
        case 9:
            return f"<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{written}<|call|>"
        case 10:
            return f"```tool_code\n{python}\n```"
        case 11:
            return f"<|python_tag|>{python}"
        case _:
            return whole


KEYS = (
    "city",
    "metric",
    "x",
    "y",
    "timezone",
    "query",
    "path",
    "text",
    "tags",
    "",
    "名",
    "name",
    "x" * 40,
    "\ud83d",
)


def scalar(chance: Random) -> Any:
    """Draw a value without parts."""
    match chance.randrange(12):
        case 0:
            return None
        case 1:
            return chance.random() < 0.5
        case 2:
            return chance.choice((0, 1, -1, 2, 5, 10**18, -(10**30), 2**53, 10**400))
        case 3:
            return chance.choice((0.0, -0.0, 1.0, 2.5, 1e308, 1e-320, 0.1, 2.0**60))
        case 4:
            return chance.choice(
                (
                    "5",
                    "2.0",
                    "true",
                    "null",
                    "",
                    "[]",
                    "{}",
                    "[1]",
                    '{"a": 1}',
                    "1,2",
                    "None",
                    "red",
                    "1e5",
                    "0",
                )
            )
        case 5:
            return chance.choice(ALL)
        case _:
            return chance.choice(WORDS)


def pieces(chance: Random, said: str) -> list[str]:
    """Return a text in pieces: a few, of one length, or its characters."""
    kind = chance.randrange(6)
    if kind == 0 and (len(said) < 2_000 or chance.random() < 0.2):
        return list(said)
    if kind < 3:
        size = chance.choice((3, 7, 20) if len(said) < 2_000 else (20, 1_000, 9_000))
        return [said[at : at + size] for at in range(0, len(said), size)]
    cuts = sorted(chance.randrange(len(said) + 1) for _ in range(chance.choice((1, 1, 2, 5, 12))))
    return [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
