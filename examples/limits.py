from agentkit import Agent, Limits, tool
from agentkit.testing import ScriptedModel, call


@tool(effect="read")
def page(number: int) -> str:
    """One page of the report."""
    return f"the text of page {number}"


model = ScriptedModel(
    call("page", number=1), call("page", number=2), "Two pages say: all is well.", "Page 3 too."
)
agent = Agent(model, tools=[page], limits=Limits(turns=3))

result = agent.run_sync("Summarise the report.")
print(result.status, result.limit, "-", result.output)
last = model.requests[2].wire()
print(last["tool_choice"], "-", last["instructions"])

more = agent.resume_sync(result)  # goes on from there, with limits of its own
print(more.status, "-", more.output)
