from agentkit import Agent, Final, tool
from agentkit.testing import ScriptedModel, call


@tool
def hand_over(department: str, summary: str) -> Final:
    """Give the conversation to a person, with a summary of it.

    Args:
        department: Who is to take it: billing or support.
        summary: What the person needs to know.
    """
    return Final({"department": department, "summary": summary})


model = ScriptedModel(call("hand_over", department="billing", summary="charged twice"))
result = Agent(model, tools=[hand_over]).run_sync("You charged me twice!")
print(result.status, result.output, f"after {result.turns} request")
