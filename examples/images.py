from agentkit import Agent, File, Image, tool
from agentkit.testing import ScriptedModel, call

PNG = bytes.fromhex("89504e470d0a1a0a")


@tool(effect="read")
def screenshot(window: str) -> list[object]:
    """A picture of a window."""
    return [f"The window {window!r}:", Image(PNG, detail="low")]


model = ScriptedModel(call("screenshot", window="main"), "Both show a cat.")
agent = Agent(model, tools=[screenshot])
result = agent.run_sync(
    ["Is this the same animal?", Image("https://example.com/cat.png"), File(b"Felix", "cat.txt")]
)
print(result.output)

for part in result.items[0].wire["content"]:
    print("user:", part)
for part in result.items[2].wire["output"]:
    print("tool:", part)
