"""Answers for langchain-tests: the stand-in does what the request asks for, as an obliging model would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from agentsdk.testing.standin import Standin
from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.script import Line

SERVER = Standin()
"""The stand-in of the run: suites name its address before a fixture could."""

THINK, CACHED = "Think hard about it.", "This was asked before."
"""Questions whose answers took thinking, and were read from a cache."""

JOKE = {"setup": "Why do cats read?", "punchline": "For the tales."}


def answer(asked: Asked) -> Line | str:
    """Return a call where one is asked for, JSON where a form is, and text otherwise."""
    question = _question(asked)
    if asked.tools and asked.tool_choice != "none" and not _answers_a_tool(asked):
        name = asked.tool_choice if asked.tool_choice in asked.tools else next(iter(asked.tools))
        return Line(calls=[(name, fill(asked.tools[name], question))])
    if asked.output_schema is not None:
        return json.dumps(fill(asked.output_schema, question) or JOKE)
    if question == THINK:
        return Line("It is 4.", reasoning="Two and two make four, as I know from counting apples.")
    if question == CACHED:
        return Line("Again 4.", usage={"input": 20, "output": 5, "cached": 12})
    return "A cat sat on a mat. It looked at me, and I at it."


def fill(schema: Mapping[str, Any], question: str, root: Mapping[str, Any] | None = None) -> Any:
    """Return a value that fits a JSON schema, made of the numbers and quotes of a question."""
    root = schema if root is None else root
    if "$ref" in schema:
        found: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return fill(found, question, root)
    if "const" in schema or "enum" in schema:
        return schema.get("const", next(iter(schema.get("enum") or [None])))
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several):
            return fill(schema[several][0], question, root)
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "integer" | "number":
            number = re.search(r"\d+", question)
            return int(number[0]) if number else 1
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            return [fill(schema.get("items") or {"type": "string"}, question, root)]
        case "string":
            quoted = re.search(r"'([^']+)'", question)
            return quoted[1] if quoted else "a text"
    return {name: fill(inner, question, root) for name, inner in (schema.get("properties") or {}).items()}


def _question(asked: Asked) -> str:
    for message in reversed(asked.messages):
        if message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return ""


def _answers_a_tool(asked: Asked) -> bool:
    """Whether a tool's result is the last that was said; a picture that it showed may stand after it."""
    for message in reversed(asked.messages):
        if message.get("role") == "tool" or message.get("type") == "function_call_output":
            return True
        if message.get("role") != "user" or not isinstance(message.get("content"), list):
            return False
    return False
