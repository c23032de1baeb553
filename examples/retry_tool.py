from agentkit import Agent, Retry, tool
from agentkit.testing import ScriptedModel, call

STOCK = {"A-100": 7, "A-200": 0}


@tool(effect="read")
def stock(article: str) -> int:
    """How many of an article are in stock."""
    if article not in STOCK:
        raise Retry(f"There is no article {article!r}. Articles: {', '.join(STOCK)}.")
    return STOCK[article]


@tool(effect="read")
def price(article: str) -> float:
    """What an article costs."""
    raise ConnectionError(f"no answer about {article}")


model = ScriptedModel(
    [call("stock", article="100"), call("price", article="A-100"), call("prize", article="A-100")],
    [call("stock", article="A-100"), call("stock", code="A-100")],
    "There are 7; I could not look up the price.",
)
print(Agent(model, tools=[stock, price]).run_sync("A-100?").output)
print()
for output in model.requests[2].outputs:  # what the model has read by then
    print("-", output)
