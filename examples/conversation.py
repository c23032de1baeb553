from agentkit import Agent
from agentkit.testing import ScriptedModel

model = ScriptedModel("Nice to meet you, Ada.", "Your name is Ada.", "I do not know your name.")
agent = Agent(model, instructions="Be brief.")

first = agent.run_sync("My name is Ada.")
second = agent.run_sync("What is my name?", session=first)
print(second.output)
print([item.wire["role"] for item in second.items], f"{len(second.log)} records")

print(agent.run_sync("What is my name?").output)  # without session= a run begins anew
