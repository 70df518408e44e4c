"""A stand-in provider on loopback: real sockets, the wire formats of OpenAI, Ollama and DashScope, no account."""

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.dialects import DIALECTS
from agentsdk.testing.standin.exchange import Exchange
from agentsdk.testing.standin.faults import FAULTS
from agentsdk.testing.standin.flavours import FLAVOURS
from agentsdk.testing.standin.script import QUIRKS, Fault, Line
from agentsdk.testing.standin.served import ServedModel
from agentsdk.testing.standin.server import Standin

__all__ = [
    "DIALECTS",
    "FAULTS",
    "FLAVOURS",
    "QUIRKS",
    "Asked",
    "Exchange",
    "Fault",
    "Line",
    "ServedModel",
    "Standin",
]
