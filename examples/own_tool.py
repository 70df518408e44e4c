"""A tool of your own: a typed function with a docstring. A model decides to call it; its arguments are checked."""

from agentsdk import Agent, tool
from agentsdk.testing import ScriptedModel, call


@tool(pure=True)
def rate(base: str, quote: str) -> float:
    """Return how many units of quote one unit of base buys.

    Args:
        base: three letters, such as USD.
        quote: three letters, such as EUR.
    """
    euros = {"USD": 0.92, "EUR": 1.0, "CNY": 0.13}
    return round(euros[base.upper()] / euros[quote.upper()], 4)


# A scripted model stands in for a real one: write "openai:gpt-4o-mini" instead, and it decides for itself.
model = ScriptedModel(
    [
        call("rate", base="USD", quote="EUR") + call("rate", base="USD", quote="XXX"),
        "One dollar buys 0.92 euros.",
    ]
)
answer = Agent(model, tools=[rate]).run("What does a dollar buy in euros?")
print(answer.text)
for step in answer.steps:  # the second call failed: its error went back to the model as words
    print(step.do, dict(step.inputs), step.status, step.value or step.error)
