from typing import Annotated

from pydantic import BaseModel, Field

from agentkit import Agent
from agentkit.testing import ScriptedModel


class Review(BaseModel):
    """What a visitor thinks of a place."""

    stars: Annotated[int, Field(ge=1, le=5)]
    text: str


model = ScriptedModel(
    '{"stars": 11, "text": "Splendid."}',
    '{"stars": 5, "text": "Splendid."}',
    '{"stars": 0, "text": "Awful."}',
    "Zero stars.",
)
agent = Agent(model, output=Review)

result = agent.run_sync("How was the concert?")
print(result.status, repr(result.output))
print(model.requests[1].input[-1].wire["content"])  # what the model was told

result = agent.run_sync("And the food?")
print(result.status, result.output, "-", result.error)
