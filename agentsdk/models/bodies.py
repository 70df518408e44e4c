"""Where three protocols keep messages, tools, forms and limits: what an emulation reads and changes in a request.

A request is changed after it was written, so that it does not matter whether an adapter wrote it or LangChain did. The
protocols are Chat Completions, Ollama's and DashScope's. Responses is left alone: only OpenAI's own models are asked
by it, and they need no emulation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from agentsdk.models.families import Family
from agentsdk.models.servers import Server

Form = tuple[Literal["json_object", "json_schema"], Mapping[str, Any]]
"""The form that an answer must have, and its schema; {} for any JSON."""


class Body:
    """A request as it is sent, and a copy of what is changed in it.

    Args:
        written: the request as one of the three protocols has it.
        native: whether it is Ollama's own protocol.

    """

    def __init__(self, written: Mapping[str, Any], *, native: bool = False) -> None:
        self.whole = dict(written)
        self._native = native
        self._settings = self.whole
        if isinstance(written.get("input"), Mapping):  # DashScope's
            self.whole["input"] = dict(written["input"])
            self._settings = self.whole["parameters"] = dict(written.get("parameters") or {})
        where = self.whole["input"] if self._settings is not self.whole else self.whole
        self._where: dict[str, Any] = where

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The conversation."""
        found = self._where.get("messages")
        return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []

    @messages.setter
    def messages(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Put another conversation in its place."""
        self._where["messages"] = list(messages)

    @property
    def tools(self) -> list[Mapping[str, Any]]:
        """The functions on offer: name, description and parameters of each."""
        listed = self._settings.get("tools") or ()
        return [
            t["function"] for t in listed if isinstance(t, Mapping) and isinstance(t.get("function"), Mapping)
        ]

    def keep_tools(self, names: Sequence[str]) -> None:
        """Offer no other tools than these; none at all where there are no names."""
        listed = [
            t
            for t in self._settings.get("tools") or ()
            if isinstance(t, Mapping) and (t.get("function") or {}).get("name") in names
        ]
        for gone in ("tools", "tool_choice", *(() if listed else ("parallel_tool_calls",))):
            self._settings.pop(gone, None)
        if listed:
            self._settings["tools"] = listed

    @property
    def is_forced(self) -> bool:
        """Whether it says that a tool must be called."""
        return self._settings.get("tool_choice") not in (None, "auto", "none")

    def choose(self, choice: str, *, named: bool = False) -> None:
        """Say which tool must be called: "auto", "none", "required", or a name."""
        self._settings["tool_choice"] = {"type": "function", "function": {"name": choice}} if named else choice

    def leave_choice(self) -> None:
        """Say nothing of which tool must be called."""
        self._settings.pop("tool_choice", None)

    @property
    def form(self) -> Form | None:
        """The form that the answer must have."""
        if self._native:
            wanted = self._settings.get("format")
            if isinstance(wanted, Mapping):
                return "json_schema", wanted
            return ("json_object", {}) if wanted == "json" else None
        wanted = self._settings.get("response_format")
        kind = wanted.get("type") if isinstance(wanted, Mapping) else None
        if kind == "json_object":
            return "json_object", {}
        if kind == "json_schema" and isinstance(wanted, Mapping):
            inner = wanted.get("json_schema")
            schema = inner.get("schema") if isinstance(inner, Mapping) else None
            return "json_schema", schema if isinstance(schema, Mapping) else {}
        return None

    @form.setter
    def form(self, form: Form | None) -> None:
        """Ask for another form, or for none."""
        field = "format" if self._native else "response_format"
        self._settings.pop(field, None)
        if form is None:
            return
        kind, schema = form
        if self._native:
            self._settings[field] = dict(schema) if kind == "json_schema" else "json"
        elif kind == "json_object":
            self._settings[field] = {"type": "json_object"}
        else:
            inner = {"name": "answer", "schema": dict(schema)}
            self._settings[field] = {"type": "json_schema", "json_schema": inner}

    @property
    def limit(self) -> int | None:
        """Tokens that the answer may have."""
        _where, found = self._limit()
        return found

    @limit.setter
    def limit(self, tokens: int) -> None:
        """Allow the answer so many tokens."""
        name, _found = self._limit()
        if self._native:
            self._settings["options"] = {**(self._settings.get("options") or {}), "num_predict": tokens}
        else:
            self._settings[name] = tokens

    def _limit(self) -> tuple[str, int | None]:
        where = self._settings.get("options") or {} if self._native else self._settings
        for name in ("num_predict",) if self._native else ("max_completion_tokens", "max_tokens"):
            if isinstance(found := where.get(name), int) and found > 0:
                return name, found
        return "max_tokens", None

    def thinks(self, server: Server, family: Family) -> bool:
        """Whether the model will think before this answer."""
        if family.thinking == "never":
            return False
        unasked = family.thinking == "always" or family.thinks_unasked
        told = self._settings.get(server.thinking) if server.thinking else None
        if isinstance(told, Mapping):
            said = told.get("enable_thinking", told.get("enabled", told.get("type", told.get("effort"))))
            return unasked if said is None else said not in (False, "disabled", "none")
        return unasked if told is None else told not in (False, "none")

    def think_not(self, server: Server) -> None:
        """Switch thinking off for this answer."""
        off: Any = {
            "enable_thinking": False,
            "think": False,
            "reasoning_effort": "none",
            "thinking": {"type": "disabled"},
            "reasoning": {"enabled": False},
            "chat_template_kwargs": {
                **(self._settings.get("chat_template_kwargs") or {}),
                "enable_thinking": False,
            },
        }
        if server.thinking:
            self._settings.pop("thinking_budget", None)
            self._settings[server.thinking] = off[server.thinking]

    def is_told_to_think(self, server: Server) -> bool:
        """Whether it says that the model shall think."""
        told = self._settings.get(server.thinking) if server.thinking else None
        if isinstance(told, Mapping):
            return told.get("enable_thinking", told.get("enabled", told.get("type"))) in (True, "enabled")
        return told is True

    def leave_thinking(self, server: Server) -> bool:
        """Say nothing of whether to think, to a model that refuses the field; return whether anything was said."""
        if server.thinking in ("", "chat_template_kwargs"):  # templates pass over what they do not know
            return False
        return self._settings.pop(server.thinking, None) is not None

    def stop_at(self, text: str) -> None:
        """End the answer where this text would come."""
        where = self._settings
        if self._native:
            where = self._settings["options"] = dict(self._settings.get("options") or {})
        stops = where.get("stop") or []
        stops = [stops] if isinstance(stops, str) else list(stops)
        where["stop"] = [*stops, text]

    def instruct(self, text: str) -> None:
        """Add to what the conversation is opened with."""
        messages = self.messages
        at = next((i for i, m in enumerate(messages) if m.get("role") in ("system", "developer")), None)
        if at is None:
            messages.insert(0, {"role": "system", "content": text})
        else:
            messages[at] = {**messages[at], "content": joined(messages[at].get("content"), text)}
        self.messages = messages

    def add(self, role: Literal["user", "assistant"], text: str) -> None:
        """Add a turn at the end, or to the last one where it is of the same role."""
        messages = self.messages
        if messages and messages[-1].get("role") == role:
            last = messages.pop()
            messages.append({**last, "content": joined(last.get("content"), text)})
        else:
            messages.append({"role": role, "content": text})
        self.messages = messages


def joined(content: Any, text: str) -> Any:
    """Return a content with a paragraph added, be it a text or a list of parts."""
    if isinstance(content, list):
        typed = any(isinstance(p, Mapping) and "type" in p for p in content)
        return [*content, {"type": "text", "text": text} if typed or not content else {"text": text}]
    return f"{content}\n\n{text}" if content else text
