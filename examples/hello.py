"""The smallest agent: a model by name, two tools by name, a question in either language."""

from agentsdk import Agent

agent = Agent("offline:extract", tools=["calculator", "clock"])
print(agent.run("What is 17% of 2,340?").text)
print(agent.run("2026-03-01 之后 45 天是几号？").text)
