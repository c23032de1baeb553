import json

from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call

PAGES = {"/about": "Ada Byron has led the company since 2019. In 2018 it had 1,204 employees."}
SCHEMA = {
    "type": "object",
    "properties": {"leader": {"type": "string"}, "employees": {"type": "integer"}},
    "required": ["leader", "employees"],
}


@tool(effect="read")
def fetch(path: str) -> str:
    """A page as text."""
    return PAGES[path]


def answer(employees: int) -> str:
    leader = {"call_id": "call_1", "quote": "Ada Byron has led the company", "value": "Ada Byron"}
    count = {"call_id": "call_1", "quote": "it had 1,204 employees", "value": employees}
    return json.dumps({"leader": leader, "employees": count})


# The first answer is wrong in one field, and so is the second.
model = ScriptedModel(call("fetch", path="/about"), answer(1200), answer(1240))
agent = Agent(model, tools=[fetch], output=SCHEMA, evidence="require")
result = agent.run_sync("Who leads the company, and how many work there?")

print(model.requests[2].input[-1].wire["content"].partition("Give the whole")[0])
print(result.output)
for field, found in result.evidence.items():
    print(f"{field}: {found.status}. {found.reason or found.source}")
