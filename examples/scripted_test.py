from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call


@tool(effect="read")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


agent = Agent("openai:gpt-5-mini", tools=[add], instructions="Use the tools.")


def test_the_sum_goes_back_to_the_model() -> None:
    model = ScriptedModel(call("add", a=2, b=3), "It is 5.")

    result = agent.replace(model=model).run_sync("What is 2 and 3?")

    assert result.output == "It is 5."
    assert result.turns == 2
    assert model.requests[1].outputs == ["5"]
    assert model.requests[0].wire()["instructions"] == "Use the tools."


if __name__ == "__main__":
    test_the_sum_goes_back_to_the_model()
    print("passed")
