import asyncio

from agentkit import Agent, Budget, Limits, Usage
from agentkit.testing import ScriptedModel


def prices(_model: str, usage: Usage) -> float | None:
    """A gateway's own prices: dollars a million tokens, in and out."""
    return (2 * usage.input_tokens + 8 * usage.output_tokens) / 1_000_000


async def main() -> None:
    model = ScriptedModel(*["A short summary."] * 100, usage=Usage(900, 0, 4_000, 0, 4_900))
    budget = Budget(0.34)
    agent = Agent(model, prices=prices, limits=Limits(budget=budget))

    results = await asyncio.gather(*(agent.run(f"Summarise file {n}.") for n in range(20)))
    done = [result for result in results if result.status == "completed"]
    print(f"{len(done)} done for ${sum(result.cost or 0 for result in done):.2f}")
    print(budget)
    print({(result.status, result.limit) for result in results if result not in done})

    # what was not done, with more money: the request goes out that did not before
    more = Limits(budget=Budget(1.00, spent=budget.spent))
    rest = [result for result in results if result.limit == "budget"]
    results = await asyncio.gather(*(agent.resume(result, limits=more) for result in rest))
    print(f"{len(results)} more:", {result.status for result in results})


asyncio.run(main())
