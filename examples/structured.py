"""Structured output: give a type, get an object of it, validated; a model's slip is corrected once."""

from pydantic import BaseModel

from agentsdk import Agent
from agentsdk.testing import ScriptedModel


class Trip(BaseModel):
    city: str
    days: int


# The script of a model that slips: with "openai:gpt-4o-mini" in its place this is a real trip.
model = ScriptedModel(
    ["Three days in Oslo, then.", '{"city": "Oslo", "days": "three"}', '{"city": "Oslo", "days": 3}']
)
trip = Agent(model).run("Plan a short trip to Oslo.", output=Trip).output
print(trip.city, trip.days + 1)
