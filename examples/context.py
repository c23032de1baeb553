from dataclasses import dataclass

from agentkit import Agent, ToolContext, tool


@dataclass(frozen=True)
class Shop:
    """What the tools work on."""

    customer: str
    orders: dict[str, list[str]]


@tool(effect="read")
def orders(context: ToolContext[Shop], status: str = "open") -> list[str]:
    """The orders of the customer who is asking.

    Args:
        status: Only orders with this status.
    """
    shop = context.deps
    return [f"{order} ({status})" for order in shop.orders[shop.customer]]


agent = Agent("offline", tools=[orders])
shop = Shop("ada", {"ada": ["lamp", "desk"], "bob": ["chair"]})
print(agent.run_sync("Which orders are there?", deps=shop).output)
print("The model sees:", ", ".join(orders.parameters["properties"]))
