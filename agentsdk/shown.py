"""Shows a step in words: in one line for a tree, in several for a drawing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from agentsdk.errors import PlanError
from agentsdk.step import MAP, Ref, Step


def describe(step: Step) -> str:
    """Return the step in a line: what it does, with which inputs."""
    inputs = ", ".join(f"{k}={_short(v)}" for k, v in _shown(step).items())
    return " ".join([f"{step.do}({inputs})", *_details(step)])


def lines_of(step: Step) -> list[str]:
    """Return the step in lines, for a drawing: its id and what it does, its inputs, and what else it says."""
    inputs = [f"{k}: {_short(v)}" for k, v in _shown(step).items()]
    return [f"{step.id} {step.do}", *inputs, *_details(step)]


def _shown(step: Step) -> Mapping[str, Any]:
    """Return the inputs as they are shown: of a map what it does with each element, in a line."""
    if step.do != MAP or not isinstance(step.inputs.get("do"), str):
        return step.inputs
    try:
        return {"each": Word(describe(step.body))}
    except PlanError:
        return step.inputs


class Word(str):
    """A text that is shown as it is."""

    __slots__ = ()


def _details(step: Step) -> list[str]:
    parts = []
    if step.over is not None:
        parts.append(f"over {_short(step.over)}")
    if step.most is not None:
        parts.append(f"max {step.most}")
    if step.returns is not None:
        parts.append(f"as {_short(step.returns)}")
    if step.when is not None:
        tests = " and ".join(f"{name} {_short(value)}" for name, value in step.when.tests.items())
        parts.append(f"when {_short(step.when.ref)} {tests}")
    if step.after:
        parts.append(f"after {', '.join(step.after)}")
    if step.alt is not None:
        parts.append(f"else {step.alt.do}")
    return parts


def _short(value: Any) -> str:
    if isinstance(value, Word):
        return value
    if isinstance(value, Ref):
        return f"⟨{value}⟩"
    text = value if isinstance(value, str) else json.dumps(_marked(value), ensure_ascii=False)
    text = text if isinstance(value, str) else _MARKED.sub(r"\1", text)
    return text if len(text) <= 60 else text[:59] + "…"


_MARKED = re.compile('"(⟨[^"⟩]*⟩)"')


def _marked(value: Any) -> Any:
    if isinstance(value, Ref):
        return f"⟨{value}⟩"
    if isinstance(value, Mapping):
        return {k: _marked(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_marked(v) for v in value]
    return value
