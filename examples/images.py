from agentkit import Agent, File, Image, tool
from agentkit.testing import ScriptedModel, call

PIXEL = bytes.fromhex("89504e470d0a1a0a")  # the bytes of a file, or a path, or a URL


@tool(effect="read")
def screenshot(window: str) -> list[object]:
    """A picture of a window."""
    return [f"The window {window!r}:", Image(PIXEL, detail="low")]


model = ScriptedModel(call("screenshot", window="main"), "Both show a cat.")
agent = Agent(model, tools=[screenshot])
question = ["Is this the same animal?", Image("https://example.com/cat.png"), File(b"cat", "a.txt")]
print(agent.run_sync(question).output)

said = model.requests[0].wire()["input"][0]["content"]
print([part["type"] for part in said])
[[text, picture]] = model.requests[1].outputs
print(text, picture)
