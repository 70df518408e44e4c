"""Facts about families of models and about servers: the one place where adapters look them up.

What a model emits and takes wherever it is served is its `Family`; what a server accepts whatever it serves is its
`Server`. Qwen runs on Ollama too: the two are asked for apart, and nobody decides by a piece of a name elsewhere.
"""

from agentsdk.models.families import FAMILIES, Dialect, Family, Thinking, family_of
from agentsdk.models.servers import SERVERS, Server, server_named, server_of

__all__ = [
    "FAMILIES",
    "OLLAMA_WINDOW",
    "SERVERS",
    "Dialect",
    "Family",
    "Server",
    "Thinking",
    "family_of",
    "server_named",
    "server_of",
]

OLLAMA_WINDOW = 16_384
"""Tokens asked of Ollama as `num_ctx`. Its own default of 4,096 cuts a longer prompt without a word; a constant
value keeps the model loaded between calls."""
