"""Agents that use tools, and a proof of what they did.

>>> from agentsdk import Agent
>>> Agent("offline:extract", tools=["calculator"]).run("What is 17% of 2,340?").text
'17% of 2,340 = 397.8'

The rest is reached through agentsdk.events, .errors, .messages, .evidence, .models, .references and .testing.
"""

from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.approval import ask, never
from agentsdk.budget import Budget, Usage
from agentsdk.errors import AgentError
from agentsdk.evidence import Citation
from agentsdk.function_tool import Tool, tool
from agentsdk.messages import Message
from agentsdk.models.connect import connect
from agentsdk.models.model import Model
from agentsdk.plan import Plan
from agentsdk.references import References

__all__ = [
    "Agent",
    "AgentError",
    "Answer",
    "Budget",
    "Citation",
    "Message",
    "Model",
    "Plan",
    "References",
    "Tool",
    "Usage",
    "ask",
    "connect",
    "never",
    "tool",
]
