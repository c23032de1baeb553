from agentkit import Agent, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import calculate

for expression in (
    "0.1 + 0.2",
    "2/3 * 1,200",
    "sqrt(2)",
    "15% of 240",
    "100 km/h to m/s",
    "3 h 20 min + 45 min",
    "98.6 °F in °C",
    "2026-01-31 + 1 month",
    "weeks between 2026-01-01 and 2026-03-12",
    "9**9**9",
    "240 + 15%",
):
    try:  # a tool is still the function it was
        print(f"{expression}: {calculate(expression)}")
    except Retry as advice:
        print(f"{expression}: {advice}")

model = ScriptedModel(call("calculate", expression="17.50 * 12"), "210 euros a year.")
result = Agent(model, tools=[calculate]).run_sync("17.50 euros a month, what is that a year?")
print(model.requests[1].outputs, result.output)
