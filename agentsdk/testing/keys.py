"""What makes two requests the same: provider role, path and canonical body, cut into segments with a digest each."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

# By role and not by host: a recording made on loopback is replayed for any server of the same protocol.
_ROLES = (
    ("openai", re.compile(r"/(chat/completions|responses|embeddings|models)$")),
    ("ollama", re.compile(r"/(api/(?:chat|generate|show|tags|embed|version))$")),
    ("dashscope", re.compile(r"/(services/(?:aigc|embeddings|rerank)/.+)$")),
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as it is compared: nothing of it depends on the host, the key or the order of JSON keys."""

    role: str
    """"openai", "ollama", "dashscope", or "other" with the whole path."""
    method: str
    path: str
    parameters: Mapping[str, Any]
    """The body without messages and tools; for a body that is not JSON, its text under "text"."""
    tools: tuple[Any, ...] = ()
    messages: tuple[Any, ...] = ()

    @property
    def key(self) -> str:
        """The digest of all of it: 32 hexadecimal digits."""
        return digest(
            [self.role, self.method, self.path, self.parameters, list(self.tools), list(self.messages)]
        )


def ask_of(method: str, url: str, body: bytes) -> Ask:
    """Return a request as it is compared."""
    parts = urlsplit(url)
    role, path = "other", parts.path
    for name, pattern in _ROLES:
        if found := pattern.search(parts.path):
            role, path = name, f"/{found[1]}"
            break
    parameters: dict[str, Any] = {}
    if parts.query:
        parameters["query"] = sorted(parse_qsl(parts.query, keep_blank_values=True))
    tools: Sequence[Any] = ()
    messages: Sequence[Any] = ()
    if body:
        try:
            wire = json.loads(body)
        except ValueError:
            wire = {"text": body.decode("utf-8", "backslashreplace")}
        if not isinstance(wire, dict):
            wire = {"json": wire}
        tools = wire.pop("tools", None) or ()
        messages = wire.pop("messages", None) or ()
        inner = wire.get("input")
        if isinstance(inner, dict) and "messages" in inner:  # DashScope's form
            messages = inner["messages"]
            wire["input"] = {k: v for k, v in inner.items() if k != "messages"}
        options = wire.get("parameters")
        if isinstance(options, dict) and "tools" in options:
            tools = options["tools"]
            wire["parameters"] = {k: v for k, v in options.items() if k != "tools"}
        parameters |= wire
    return Ask(role, method.upper(), path, parameters, tuple(tools), tuple(messages))


def canonical(value: Any) -> str:
    """Return JSON text that is equal for equal values, whatever the order of their keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """Return 32 hexadecimal digits of a JSON value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def difference(wanted: Ask, known: Ask) -> tuple[int, str]:
    """Return how far apart two requests are, and a sentence on the first thing that differs."""
    if (wanted.role, wanted.method, wanted.path) != (known.role, known.method, known.path):
        return 10_000, f"{wanted.method} {wanted.path} ({wanted.role}) instead of {known.path} ({known.role})"
    faults = []
    for name in sorted({*wanted.parameters, *known.parameters}):
        now, then = wanted.parameters.get(name), known.parameters.get(name)
        if now != then:
            faults.append(f"parameter {name}: {words(then, now)}")
    for kind, these, those in (
        ("tool", wanted.tools, known.tools),
        ("message", wanted.messages, known.messages),
    ):
        for at in range(max(len(these), len(those))):
            now = these[at] if at < len(these) else None
            then = those[at] if at < len(those) else None
            if now != then:
                role = (now or then or {}).get("role", "") if kind == "message" else ""
                faults.append(f"{kind}s[{at}]{f' ({role})' if role else ''}: {words(then, now)}")
    return len(faults), faults[0] if faults else "nothing"


def words(then: Any, now: Any) -> str:
    """Return what changed between two values, word by word: "...the [-old-] {+new+} word...".

    The field that changed is named, and a few words around each change are kept.
    """
    if then is None or now is None:
        return f"{'recorded' if now is None else 'asked'} only: {_flat(now if then is None else then)[:160]}"
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in sorted({*then, *now}):
            if then.get(name) != now.get(name):
                inner = words(then.get(name), now.get(name))
                return f".{name} {inner}"
    old, new = _flat(then).split(), _flat(now).split()
    out: list[str] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            same = old[a:b]
            out += same if len(same) <= 6 else [*same[:3], "...", *same[-3:]]
        else:
            out += [f"[-{' '.join(old[a:b])}-]"] if b > a else []
            out += [f"{{+{' '.join(new[c:d])}+}}"] if d > c else []
    return " ".join(out)[:400]


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
