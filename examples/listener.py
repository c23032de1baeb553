from agentkit import Agent, ToolOutput, tool
from agentkit.events import Event


@tool
def divide(a: int, b: int) -> float:
    """Divide a number by another."""
    return a / b


def note(event: Event) -> None:
    if isinstance(event, ToolOutput) and event.error:
        print(f"{event.name} raised {event.error!r}")


result = Agent("offline", tools=[divide]).run_sync("Divide 1 by 0.", on_event=note)
print(result.output)
