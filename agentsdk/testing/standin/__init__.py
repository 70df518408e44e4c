"""A stand-in provider on loopback: real sockets, the wire formats of OpenAI, Ollama and DashScope, no account."""

from agentsdk.testing.standin.server import Standin

__all__ = ["Standin"]
