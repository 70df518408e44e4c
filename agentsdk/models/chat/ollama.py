"""OllamaChat: langchain-ollama's ChatOllama with our wire underneath."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx
from langchain_core.language_models import LangSmithParams, ModelProfile
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.utils import secret_from_env
from langchain_ollama import ChatOllama
from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, model_validator

from agentsdk.errors import ConfigurationError, InvalidRequest
from agentsdk.i18n import _
from agentsdk.models.attached import fetched
from agentsdk.models.chat.binding import Binding
from agentsdk.models.chat.face import Exchange, Face, choice_of, readable, seconds_of, tools_of
from agentsdk.models.chat.parts import parts_of
from agentsdk.models.chat.profile import profile_of
from agentsdk.models.http import client_of_loop, new_client
from agentsdk.models.model import Prepared
from agentsdk.models.ollama import OllamaModel
from agentsdk.models.retry import Allowance, Retrying


@readable
class OllamaChat(Face, Binding, ChatOllama):
    """A chat model of LangChain's behind Ollama's own `/api/chat`.

    It takes what ChatOllama takes, and writes the same requests; beyond that it knows `tool_choice`, `timeout`,
    `max_retries`, `max_tokens` and `api_key`, and sets a window where none is given. docs/langchain.md says more.
    """

    api_key: SecretStr | None = Field(default_factory=secret_from_env("OLLAMA_API_KEY", default=None))
    """Of an Ollama that asks for one, such as ollama.com."""
    timeout: float | None = Field(default=None, validation_alias=AliasChoices("timeout", "request_timeout"))
    """Seconds that one call may take in all, loading the model included; None is 120."""
    max_retries: int = 2
    """How often a call is tried again that brought nothing because the server was not to be reached or overloaded."""
    max_tokens: int | None = None
    """Limit of the output; Ollama's own name is `num_predict`, which wins."""
    streaming: bool = False
    http_async_client: Any = Field(default=None, exclude=True)
    """An httpx.AsyncClient to send with; else one an event loop, made with `client_kwargs`."""
    _allowance: Allowance = PrivateAttr(default_factory=Allowance)

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
        return {"api_key": "OLLAMA_API_KEY"}

    @model_validator(mode="after")
    def _set_clients(self) -> Self:
        """Check the options, as the stock class does; its two clients are not needed and cost 17 ms."""
        if self.top_logprobs is not None and self.logprobs is None:
            self.logprobs = True
        if self.top_logprobs is not None and not self.logprobs:
            raise ConfigurationError(
                _("top_logprobs is set, and logprobs is switched off."), fix=_("Leave one of them out.")
            )
        if self.validate_model_on_init:
            from langchain_ollama._utils import validate_model
            from ollama import Client

            url, headers = self._address()
            validate_model(Client(host=url, headers=headers), self.model)
        return self

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self.model, "ollama")

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        told = super()._get_ls_params(stop=stop, **kwargs)
        told["ls_model_name"] = kwargs.get("model") or self.model
        if limit := kwargs.get("num_predict") or self.num_predict or self.max_tokens:
            told["ls_max_tokens"] = limit
        return told

    def _address(self) -> tuple[str | None, dict[str, str]]:
        """Return the server's address without the name and password in it, and the headers that say who asks."""
        headers = dict((self.client_kwargs or {}).get("headers") or {})
        headers |= (self.async_client_kwargs or {}).get("headers") or {}
        url = httpx.URL(self.base_url) if self.base_url and "://" in self.base_url else None
        if url is not None and url.username:
            who = base64.b64encode(f"{url.username}:{url.password}".encode()).decode("ascii")
            headers.setdefault("Authorization", f"Basic {who}")
            return str(url.copy_with(username=None, password=None)), headers
        if self.api_key:
            headers.setdefault("Authorization", f"Bearer {self.api_key.get_secret_value()}")
        return self.base_url, headers

    async def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], *, stream: bool
    ) -> Exchange:
        seconds = seconds_of(kwargs.pop("timeout", None) or self.timeout)
        choice = choice_of(kwargs.pop("tool_choice", None))
        parallel = kwargs.pop("parallel_tool_calls", None)
        limit = kwargs.pop("max_tokens", None) or self.max_tokens
        more = {name: kwargs.pop(name) for name in _OPTIONS & kwargs.keys()}
        body = self._chat_params([await _plain(m) for m in messages], None if self.stop else stop, **kwargs)
        body = {k: v for k, v in body.items() if v is not None} | {"stream": stream}
        options = dict(body.get("options") or {}) | more
        if self.stop and stop:  # the stock class refuses both; the call's own words win
            options["stop"] = stop
        if limit is not None:
            options.setdefault("num_predict", limit)
        body["options"] = options
        _name_results(body["messages"], messages)
        offered = tools_of(body.get("tools"))
        url, headers = self._address()
        model = OllamaModel(
            body["model"],
            base_url=url,
            timeout=seconds,
            http_client=self.http_async_client or self._client_of_loop(headers),
        )
        return Exchange(
            Retrying(model, self.max_retries, seconds, self._allowance),
            Prepared((), offered, choice, stop=tuple(options.get("stop") or ()), parallel=parallel, body=body),
            "ollama",
        )

    def _client_of_loop(self, headers: dict[str, str]) -> httpx.AsyncClient | None:
        options = {**(self.client_kwargs or {}), **(self.async_client_kwargs or {})} | {"headers": headers}
        if not headers and len(options) == 1:
            return None
        client: httpx.AsyncClient = client_of_loop(
            ("ollama-chat", _key(options)), lambda: new_client(httpx, **options)
        )
        return client


_OPTIONS = {
    "temperature", "seed", "top_k", "top_p", "num_ctx", "num_predict", "repeat_penalty", "repeat_last_n",
}  # fmt: skip
"""What one call may set as well; the stock class sends it as a field of its own, where Ollama does not look."""


async def _plain(message: BaseMessage) -> BaseMessage:
    """Return a message with contents that the stock class can write: text and pictures by their bytes.

    Ollama fetches no address: a picture's is fetched here, with the checks that keep to what is public.
    """
    if isinstance(message.content, str):
        return message
    content: list[Any] = []
    for part in parts_of(message.content):
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
        elif part.kind == "image":
            picture = await fetched(part)
            content.append({"type": "image", "base64": picture.base64, "mime_type": picture.mime})
        else:
            raise InvalidRequest(
                _("Ollama cannot take this in: {what}.").format(what=part.mime),
                fix=_("It takes text and pictures."),
            )
    texts = [p["text"] for p in content if p["type"] == "text"]
    whole: Any = "\n".join(texts) if len(texts) == len(content) else content
    # The output version would have the stock class read the content as standard blocks, which it no longer is.
    kept = {k: v for k, v in message.response_metadata.items() if k != "output_version"}
    return message.model_copy(update={"content": whole, "response_metadata": kept})


def _name_results(wire: Sequence[Any], messages: Sequence[BaseMessage]) -> None:
    """Give each tool's turn the name of its tool, by which Ollama's templates know it."""
    names = {c["id"]: c["name"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls}
    for written, message in zip(wire, messages, strict=True):
        if isinstance(message, ToolMessage):
            written["tool_name"] = message.name or names.get(message.tool_call_id) or ""
        written["content"] = (
            written["content"].removeprefix("\n") if isinstance(message.content, list) else written["content"]
        )


def _key(options: Any) -> Any:
    """Return options as something that can be looked up by."""
    if isinstance(options, Mapping):
        return tuple(sorted((str(k), _key(v)) for k, v in options.items()))
    return tuple(map(_key, options)) if isinstance(options, (list, tuple)) else options
