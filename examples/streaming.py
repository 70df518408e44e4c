"""What happens, as it happens: match on the event classes. `astream` is the same for async code."""

from pathlib import Path

from agentsdk import Agent, References
from agentsdk.events import Cited, Draft, Finished, PlanReady, StepDone, StepStarted

texts = References.from_files(Path(__file__).parent / "texts" / "handbook.md")
agent = Agent("offline:extract", references=texts, tools=["calculator", "clock"])

for event in agent.stream("What does the Spark cost, and what is 12% of 340?"):
    match event:
        case PlanReady(plan):
            print(plan.tree())
        case StepStarted(step, do):
            print("started", step, do)
        case StepDone(evidence):
            print("done", evidence.step, evidence.status)
        case Draft(text):
            print(text, end="")
        case Cited(number, citation):
            print(f"\n[{number}] line {citation.line}")
        case Finished(answer):
            print(answer.status, answer.usage.calls, "calls")
