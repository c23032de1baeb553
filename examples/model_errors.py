from agentkit import Agent, ModelError, RateLimitError, tool
from agentkit.testing import ScriptedModel, call


@tool
def charge(euros: int) -> str:
    """Charge the customer."""
    print(f"charged {euros} euros")
    return "charged"


busy = RateLimitError("Too many requests.", status=429, retry_after=20.0)
agent = Agent(ScriptedModel(call("charge", euros=12), busy, "You were charged."), tools=[charge])

try:
    result = agent.run_sync("Charge me 12 euros.")
except ModelError as error:
    print(f"{type(error).__name__}: {error}")
    print("so far:", error.result.status, [record.kind for record in error.result.log])
    result = agent.resume_sync(error.result)  # the call is not repeated

print(result.status, "-", result.output)
