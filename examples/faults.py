from agentkit import Agent, ModelError, tool
from agentkit.testing import ResponsesServer, ScriptedModel, call


@tool
def charge(euros: int) -> str:
    """Charge the customer."""
    print(f"charged {euros} euros")
    return "charged"


def bill(*faults: str) -> None:
    """Charge a customer at a server that has these faults."""
    heard: list[object] = []
    model = ScriptedModel(call("charge", euros=12), "You were charged.")
    with ResponsesServer(model, faults=faults) as server:
        agent = Agent("any", tools=[charge], base_url=server.url)
        try:
            result = agent.run_sync("Charge me 12 euros.", on_event=heard.append)
        except ModelError as error:
            print(f"{type(error).__name__}: {error.result.status}")
            result = agent.resume_sync(error.result, on_event=heard.append)
        print(f"{result.output} ({len(server.requests)} requests)\n")


bill("none", "status-503,retry-after=0.1,times=2")
bill("none", "reset-mid-stream")
