from collections.abc import Mapping
from typing import Any

from agentkit import Agent, tool
from agentkit.rules import Ruling
from agentkit.testing import ScriptedModel, call


@tool
def pay(amount: int, to: str) -> str:
    """Pay an amount of euros."""
    return f"{amount} euros paid to {to}"


def rule(name: str, arguments: Mapping[str, Any]) -> Ruling:
    if name != "pay":
        return Ruling("default")
    if arguments["amount"] > 1000:
        return Ruling("reject", "More than 1000 euros are paid by hand.")
    return Ruling("ask" if arguments["amount"] > 20 else "allow")


model = ScriptedModel([call("pay", amount=each, to="Ada") for each in (10, 500, 5000)])
result = Agent(model, tools=[pay], approve=rule).run_sync("Pay what we owe.")
print(result.status, [call.arguments for call in result.pending])
for record in result.log:
    if record.kind == "output":
        print("-", record.body()["item"]["output"])
