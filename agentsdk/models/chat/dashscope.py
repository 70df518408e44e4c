"""DashScopeChat: a LangChain chat model on DashScope's own protocol."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

from langchain_core.language_models import BaseChatModel, LangSmithParams, ModelProfile
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.utils import secret_from_env
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from agentsdk.errors import InvalidRequest
from agentsdk.i18n import _
from agentsdk.media import Media
from agentsdk.models.chat.binding import Binding
from agentsdk.models.chat.face import Exchange, Face, choice_of, readable, seconds_of, tools_of
from agentsdk.models.chat.parts import Part, parts_of, text_of
from agentsdk.models.chat.profile import profile_of
from agentsdk.models.connect import key_of
from agentsdk.models.dashscope import DashScopeModel
from agentsdk.models.model import Prepared, Request
from agentsdk.models.retry import Allowance, Retrying


@readable
class DashScopeChat(Face, Binding, BaseChatModel):
    """A chat model of LangChain's behind DashScope (Alibaba Cloud Model Studio): Qwen, and what else is served there.

    It speaks DashScope's own protocol, on whichever of its two paths the model lives, streams calls and thoughts,
    and takes pictures, sound and video.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, arbitrary_types_allowed=True)

    model_name: str = Field(default="qwen-plus", alias="model")
    api_key: SecretStr | None = Field(default_factory=secret_from_env("DASHSCOPE_API_KEY", default=None))
    base_url: str | None = Field(default_factory=lambda: os.environ.get("DASHSCOPE_BASE_URL") or None)
    """Another region, such as "https://dashscope-intl.aliyuncs.com/api/v1"; None is Beijing."""
    timeout: float | None = Field(default=None, alias="request_timeout")
    """Seconds that one call may take in all; None is 120."""
    max_retries: int = 2
    """How often a call is tried again that brought nothing because the server was not to be reached or overloaded."""
    streaming: bool = False
    http_async_client: Any = Field(default=None, exclude=True)
    """An httpx.AsyncClient to send with; else one an event loop."""
    _allowance: Allowance = PrivateAttr(default_factory=Allowance)

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    """Limit of the visible text; thoughts are limited by `thinking_budget`."""
    stop: list[str] | str | None = Field(default=None, alias="stop_sequences")
    seed: int | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    enable_thinking: bool | None = None
    """Whether the model thinks first; None leaves it to the server. It is off where a tool or a form is forced,
    which the server refuses of a model that thinks."""
    thinking_budget: int | None = None
    """Tokens that it may think."""
    enable_search: bool | None = None
    """Whether the server searches the web first."""
    search_options: dict[str, Any] | None = None
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further `parameters` of every request, by DashScope's own names."""

    @model_validator(mode="after")
    def _need_a_key(self) -> Self:
        if self.http_async_client is None:
            key_of("dashscope", self.api_key.get_secret_value() if self.api_key else None)
        return self

    @property
    def model(self) -> str:
        """The model's name."""
        return self.model_name

    @property
    def _llm_type(self) -> str:
        return "dashscope-chat"

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: the model can be written down and read back."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return where a written-down model is read back from."""
        return ["agentsdk", "models", "chat"]

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Where the key comes from when a written-down model is read back."""
        return {"api_key": "DASHSCOPE_API_KEY"}

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model_name, **self._parameters()}

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self.model_name, "dashscope")

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        told = super()._get_ls_params(stop=stop or _list(self.stop), **kwargs)
        told["ls_provider"] = "dashscope"
        told["ls_model_name"] = kwargs.get("model") or self.model_name
        return told

    def _parameters(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in _PARAMETERS}
        return {k: v for k, v in given.items() if v is not None} | self.model_kwargs

    async def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], *, stream: bool
    ) -> Exchange:
        seconds = seconds_of(kwargs.pop("timeout", None) or self.timeout)
        name = kwargs.pop("model", None) or self.model_name
        kwargs.pop("stream", None)
        given = {k: v for k, v in {**self._parameters(), **kwargs}.items() if v is not None}
        schema = _schema_of(given.get("response_format"))
        if schema is not None:
            given.pop("response_format")
        request = Request(
            (),
            tools_of(given.pop("tools", None)),
            choice_of(given.pop("tool_choice", None)),
            schema,
            stop=tuple(_list(stop or self.stop) or ()),
            parallel=given.pop("parallel_tool_calls", None),
            thinking=given.pop("enable_thinking", None),
            options=given,
        )
        key = self.api_key.get_secret_value() if self.api_key else ""
        model = DashScopeModel(
            name, key, base_url=self.base_url, timeout=seconds, http_client=self.http_async_client
        )
        body = model.body(request, stream=stream) | {"input": {"messages": _turns(messages)}}
        prepared = Prepared(
            (),
            request.tools,
            request.tool_choice,
            schema,
            stop=request.stop,
            parallel=request.parallel,
            thinking=request.thinking,
            body=body,
        )
        return Exchange(Retrying(model, self.max_retries, seconds, self._allowance), prepared, "dashscope")


_PARAMETERS = (
    "temperature", "top_p", "top_k", "max_tokens", "seed", "presence_penalty", "repetition_penalty", "logprobs",
    "top_logprobs", "enable_thinking", "thinking_budget", "enable_search", "search_options",
)  # fmt: skip


def _list(stop: list[str] | str | None) -> list[str] | None:
    return [stop] if isinstance(stop, str) else stop


def _schema_of(form: Any) -> Mapping[str, Any] | None:
    if not isinstance(form, Mapping) or form.get("type") != "json_schema":
        return None
    inner = form.get("json_schema")
    schema: Mapping[str, Any] = (inner if isinstance(inner, Mapping) else form).get("schema") or {}
    return schema


def _turns(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Return a conversation as DashScope has it; what tools showed follows the last of their turns, as the user's."""
    turns: list[dict[str, Any]] = []
    showing: list[dict[str, Any]] = []
    answered = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    for message in messages:
        parts = parts_of(message.content)
        if not isinstance(message, ToolMessage):  # nothing may stand between the results of one turn
            turns += showing
            showing = []
        match message:
            case SystemMessage():
                if turns and turns[-1]["role"] == "system":  # templates take one, at the beginning
                    turns[-1]["content"] += "\n\n" + text_of(parts)
                else:
                    turns.append({"role": "system", "content": text_of(parts)})
            case AIMessage():
                turns.append(_assistant(message, text_of(parts), answered))
            case ToolMessage():
                shown = [p for p in parts if isinstance(p, Media)]
                text = text_of(parts) or (_SHOWN if shown else "")
                turn = {"role": "tool", "content": text, "tool_call_id": message.tool_call_id}
                turns.append(turn | ({"name": message.name} if message.name else {}))
                if shown:
                    showing.append({"role": "user", "content": _content([*shown])})
            case HumanMessage():
                turns.append({"role": "user", "content": _content(parts)})
            case ChatMessage():
                turns.append({"role": message.role, "content": _content(parts)})
            case _:
                raise InvalidRequest(
                    _("A part of the conversation is of a kind that cannot be sent: {kind}.").format(
                        kind=type(message).__name__
                    )
                )
    return turns + showing


_SHOWN = "It is shown below."
"""What a tool's turn says that holds no text: what it shows follows in a turn that can hold it."""


def _assistant(message: AIMessage, text: str, answered: set[str]) -> dict[str, Any]:
    # None as content is dropped by the client, and a missing content is refused by the server.
    turn: dict[str, Any] = {"role": "assistant", "content": text}
    if message.additional_kwargs.get("partial"):
        turn["partial"] = True
    calls = [_call(c["id"], c["name"], json.dumps(c["args"], ensure_ascii=False)) for c in message.tool_calls]
    # One that could not be run goes back where something answers it: an answer without its call is refused.
    calls += [
        _call(c["id"], c["name"], _object(c["args"])) for c in message.invalid_tool_calls if c["id"] in answered
    ]
    if calls:
        turn["tool_calls"] = calls
    return turn


def _call(id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    return {"id": id or "", "type": "function", "function": {"name": name or "", "arguments": arguments}}


def _object(arguments: str | None) -> str:
    """Return arguments as they came, or none where they are not an object: templates break on those."""
    try:
        return arguments if arguments and isinstance(json.loads(arguments), dict) else "{}"
    except ValueError:
        return "{}"


def _content(parts: Sequence[Part]) -> Any:
    """Return text as it is, and a list of parts where there is more."""
    if all(isinstance(p, str) for p in parts):
        return text_of(list(parts))
    content: list[Mapping[str, str]] = []
    for part in parts:
        if isinstance(part, str):
            content.append({"text": part})
        elif part.kind == "file":
            raise InvalidRequest(
                _("DashScope cannot take this in: {what}.").format(what=part.mime),
                fix=_("It takes text, pictures, sound and video; give the text of a document."),
            )
        else:
            content.append({part.kind: part.uri})
    return content
