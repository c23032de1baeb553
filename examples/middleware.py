from dataclasses import replace

from agentkit import Agent, Request, Response, around_calls, tool
from agentkit.middleware import Ask, Call, CallRequest
from agentkit.testing import ScriptedModel, call

KEPT: dict[bytes, Response] = {}


async def cached(request: Request, proceed: Ask) -> Response:
    if request.body() not in KEPT:
        KEPT[request.body()] = await proceed(request)
    return KEPT[request.body()]


@around_calls
async def without_numbers(request: CallRequest, proceed: Call) -> object:
    changed = request.arguments.replace("4111 1111", "[number]")
    return str(await proceed(replace(request, arguments=changed))).upper()


@tool(effect="read")
def note(text: str) -> str:
    """Write something down."""
    return f"noted: {text}"


model = ScriptedModel(call("note", text="card 4111 1111"), "Noted.")
agent = Agent(model, tools=[note], middleware=[cached, without_numbers])
for _ in range(2):
    print(agent.run_sync("Note my card.").output)
print(model.requests[1].outputs, f"{len(model.requests)} requests for two runs")
