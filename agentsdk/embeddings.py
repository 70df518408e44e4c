"""Makes LangChain's Embeddings of "provider:name", on our wire."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.models.connect import check_url, is_near, key_of, take_apart

if TYPE_CHECKING:  # it brings LangChain
    from agentsdk.models.chat.embeddings import ConnectedEmbeddings

__all__ = ["connect_embeddings"]

_EXAMPLES = '"openai:text-embedding-3-small", "dashscope:text-embedding-v4", "ollama:nomic-embed-text"'


def connect_embeddings(
    model: str,
    *,
    dimensions: int | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float = 30.0,
    retries: int = 2,
) -> ConnectedEmbeddings:
    """Return the model that embeds texts, as LangChain's `Embeddings`. Nothing is sent anywhere yet.

    Args:
        model: "openai:text-embedding-3-small", "dashscope:text-embedding-v4" or "ollama:nomic-embed-text".
        dimensions: numbers of a vector, where the model can make several; None: as many as it likes.
        base_url: another server, as for `connect`.
        api_key: instead of the provider's variable, such as OPENAI_API_KEY.
        timeout: seconds that one request may take, its retries included.
        retries: how often a request is tried again that brought nothing because the server was not to be reached,
            overloaded, or over its rate.

    Raises:
        UnknownModel: the text does not name a model.
        MissingKey: the provider needs a key, and none is set.
        ConfigurationError: the provider is not asked for embeddings, or an option cannot be.

    """
    provider, name = take_apart(model)
    if provider not in ("openai", "dashscope", "ollama"):
        raise ConfigurationError(
            _("{provider} is not asked for embeddings.").format(provider=provider),
            fix=_("Take one of {names}, or an Embeddings of LangChain's.").format(names=_EXAMPLES),
        )
    if dimensions is not None and dimensions < 1:
        raise ConfigurationError(
            _("A vector of {count} numbers holds nothing.").format(count=dimensions),
            fix=_("Give a number above 0, or leave dimensions= out."),
        )
    if base_url is not None:
        check_url(base_url)
    from agentsdk.models.chat.embeddings import ConnectedEmbeddings
    from agentsdk.models.embedding import Embedder, Wire

    wire: Wire
    if provider == "ollama":
        from agentsdk.models.ollama import OllamaModel

        ollama = OllamaModel(
            name, api_key=key_of("ollama", api_key, needed=False), base_url=base_url, timeout=timeout
        )
        wire, url = ollama, ollama.served.url
    elif provider == "dashscope":
        from agentsdk.models.dashscope import DashScopeModel

        dashscope = DashScopeModel(name, key_of("dashscope", api_key), base_url=base_url, timeout=timeout)
        wire, url = dashscope, dashscope.served.url
    else:
        from agentsdk.models.openai import OpenAIModel

        given = base_url or os.environ.get("OPENAI_BASE_URL") or None
        key = key_of("openai", api_key, needed=given is None or not is_near(given)) or "none"
        openai = OpenAIModel(name, key, base_url=given, timeout=timeout)
        wire, url = openai, openai.served.url
    return ConnectedEmbeddings(
        Embedder(provider, name, wire, url, dimensions=dimensions, retries=retries, seconds=timeout)
    )
