"""AnyChat: any Model as a LangChain chat model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel, LangSmithParams, ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import ConfigDict

from agentsdk.models.chat.binding import Binding
from agentsdk.models.chat.face import Exchange, Face, choice_of, tools_of
from agentsdk.models.chat.history import NATIVE, turns_of
from agentsdk.models.chat.profile import profile_of
from agentsdk.models.chat.turns import COMPATIBLE
from agentsdk.models.model import Reply, Request
from agentsdk.models.profiles import SERVERS


class AnyChat(Face, Binding, BaseChatModel):
    """A Model, such as `connect` returns, as a LangChain chat model.

    A call may say `temperature`, `max_tokens`, `seed`, `top_p`, `thinking` and `timeout`; what else it says is sent as
    it is, by the provider's own names.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: Any
    """The Model inside."""

    @property
    def _llm_type(self) -> str:
        return "agentsdk"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model.name}

    def _resolve_model_profile(self) -> ModelProfile | None:
        provider, _colon, name = self.model.name.partition(":")
        return profile_of(name, provider) if provider in SERVERS else None

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        told = super()._get_ls_params(stop=stop, **kwargs)
        told["ls_provider"], _colon, told["ls_model_name"] = self.model.name.partition(":")
        return told

    async def _exchange(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        *,
        stream: bool,  # noqa: ARG002  # the Model inside is told by the method that is called
    ) -> Exchange:
        given = {k: v for k, v in kwargs.items() if v is not None and k != "stream"}
        schema = _schema_of(given.pop("response_format", None))
        request = Request(
            turns_of(messages),
            tools_of(given.pop("tools", None)),
            choice_of(given.pop("tool_choice", None)),
            schema,
            stop=tuple(stop or ()),
            parallel=given.pop("parallel_tool_calls", None),
            **{name: given.pop(name) for name in _FIELDS & given.keys()},
            options=given,
        )
        provider = self.model.name.partition(":")[0]
        return Exchange(self.model, request, COMPATIBLE if provider == "openai" else provider, _with_native)


_FIELDS = {"max_tokens", "temperature", "seed", "top_p", "thinking", "timeout"}


def _schema_of(form: Any) -> Mapping[str, Any] | None:
    """Return the schema of a `response_format`; any object fits that of JSON mode."""
    if not isinstance(form, Mapping) or form.get("type") not in ("json_schema", "json_object"):
        return None
    schema: Mapping[str, Any] = (form.get("json_schema") or {}).get("schema") or {"type": "object"}
    return schema


def _with_native(message: AIMessage, reply: Reply) -> AIMessage:
    if reply.message.native:
        message.additional_kwargs[NATIVE] = dict(reply.message.native)
    return message
