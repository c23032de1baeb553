from agentkit import Agent, RunResult
from agentkit.context import LastTurns, Summarized
from agentkit.responses.items import Message
from agentkit.testing import ScriptedModel

SAID = ["My name is Ada.", "I live in London.", "Who am I?"]


def talk(agent: Agent, model: ScriptedModel) -> RunResult | None:
    """Say all of it, one run after the other, and show what the last request carries."""
    result = None
    for said in SAID:
        result = agent.run_sync(said, session=result)
    for message in model.requests[-1].input:
        if isinstance(message, Message):
            print(" ", message.text.replace("\n\n", " "))
    return result


print("the last two turns:")
model = ScriptedModel("Hello, Ada.", "A fine place.", "I only know where you live.")
result = talk(Agent(model, context=LastTurns(2)), model)
print("  in the log:", len(result.items) if result else 0, "items")

print("a summary, and this turn:")
model = ScriptedModel("Hello, Ada.", "A fine place.", "The user is Ada, of London.", "You are Ada.")
talk(Agent(model, context=Summarized(above=24, keep_turns=1)), model)
