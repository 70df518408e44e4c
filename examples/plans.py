"""A plan written in Python: drawn, edited, and run without asking a model for one.

Here a script stands in for the model, so that it runs anywhere; name a real one to use it.
"""

import sys
from pathlib import Path

from agentsdk import Agent, Plan, References
from agentsdk.models.model import Request
from agentsdk.plan import Step
from agentsdk.steps import call, each, extract, think
from agentsdk.testing.scripted import ScriptedModel

LAMPS = ["Beacon", "Harbour", "Harbour Pro"]

table = call("look_up", query="price of the lamps: model, light, weight, price")
prices = each(LAMPS, lambda lamp: extract("the price of this lamp in euros", "number", lamp=lamp, table=table))
rule = call("look_up", query="discount for many lamps")
discount = extract("the discount for 30 lamps, in percent", "number", rule=rule)
total = call("calculator", expression="30 * p * (1 - d/100)", values={"p": prices[0], "d": discount})
judged = think("Are 30 Beacons below 2,500 euros? Say by how much.", total=total)
plan = Plan.of(judged, question="May we order 30 Beacon lamps for 2,500 euros?")

SAID = {
    '"lamp": "Beacon"': '{"value": 79}',
    '"lamp": "Harbour"': '{"value": 189}',
    '"lamp": "Harbour Pro"': '{"value": 259}',
    "the discount for 30 lamps": '{"value": 12}',
    "Are 30 Beacons": "Yes: 2085.6 euros are 414.4 below 2,500.",
    "May we order": 'Yes: 30 Beacons cost 2,085.60 euros with the discount [p2: "get a discount of 12%"].',
}


def reply(request: Request) -> str:
    """Return what the model would say."""
    text = " ".join(message.text for message in request.messages)
    return next(said for words, said in SAID.items() if words in text)


model = ScriptedModel([reply] * 6)
agent = Agent(model, references=References.from_files("examples/texts/handbook.md"), tools=["calculator"])
print(plan.tree())
answer = agent.run(plan)
print(answer.text)
for step in answer.steps:
    print(step.step, step.do, step.status, step.value if step.do != "look_up" else "...")
if len(sys.argv) > 1:
    Path(sys.argv[1]).write_text(plan.svg(answer.steps), encoding="utf-8")

# A plan is a value: an edit makes another, and what would be left dangling is refused.
cheaper = plan.replace(Step("s5", "calculator", {"expression": "30 * 39"})).drop("s4").drop("s3")
print(cheaper.tree())
