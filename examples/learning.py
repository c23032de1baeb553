"""A server that refuses a setting and a tool: both are left out, once, and it is said."""

from agentkit import Agent, BadRequestError, Notice
from agentkit.testing import ResponsesServer, ScriptedModel


def listen(event: object) -> None:
    if isinstance(event, Notice):
        print("notice:", event.text.partition(" (")[0])


server_says = ScriptedModel(
    BadRequestError("Unknown parameter: 'temperature'.", status=400, code="unknown_parameter"),
    BadRequestError("Unsupported tool type: web_search", status=400, param="tools[0].type"),
    "Hello.",
    "Hello again.",
)
with ResponsesServer(server_says) as server:
    agent = Agent(
        "any-name",
        base_url=server.url,
        tools=[{"type": "web_search"}],
        settings={"temperature": 0.2, "max_output_tokens": 100},
    )
    print(agent.run_sync("Hello?", on_event=listen).output)
    print(agent.run_sync("Hello?", on_event=listen).output)
    for request in server.requests:
        print(sorted(request.keys() - {"model", "input", "stream"}))
