from agentkit import Agent, Answer
from agentkit.testing import ScriptedModel, call
from agentkit_tools import ask_user

model = ScriptedModel(
    call("ask_user", "call_1", question="What colour shall the door have?"),
    "I have ordered blue paint.",
)
agent = Agent(model, tools=[ask_user])

waiting = agent.run_sync("Order paint for the door.")
print(waiting.status, "-", waiting.pending[0].arguments["question"])

result = agent.resume_sync(waiting, [Answer(waiting.pending[0].call_id, "blue")])
print(model.requests[1].outputs, result.output)
