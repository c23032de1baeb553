from agentkit import Agent, Tool
from agentkit.testing import ScriptedModel, call

SCHEMA = {
    "type": "object",
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"},
        "count": {"type": "integer", "minimum": 1, "default": 1},
    },
    "required": ["sku"],
}


def order(sku: str, count: int = 1) -> str:
    return f"{count} of {sku} ordered"


tool = Tool.from_schema("order", "Order an article.", SCHEMA, order)
model = ScriptedModel(
    call("order", sku="100", count=0), call("order", sku="A-100", count=None), "Ordered."
)
print(Agent(model, tools=[tool]).run_sync("Order A-100.").output)
print("\n".join(str(output) for output in model.requests[2].outputs))
