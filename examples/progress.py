from collections.abc import Iterator

from agentkit import Agent, ToolContext, ToolProgress, tool


@tool(effect="idempotent")
def index(folder: str) -> Iterator[str]:
    """Index the files of a folder.

    Args:
        folder: Its name.
    """
    for name in ("a.txt", "b.txt"):
        yield f"{folder}/{name} done"
    yield "2 files indexed"  # the last one is the result, unless the generator returns a value


@tool(effect="idempotent")
def upload(folder: str, context: ToolContext) -> str:
    """Upload the files of a folder.

    Args:
        folder: Its name.
    """
    context.progress("half of it")  # the same for a function that is no generator
    return "2 files uploaded"


agent = Agent("offline", tools=[index, upload])
with agent.stream_sync('Index the folder "notes" and upload it.') as stream:
    for event in stream:
        if isinstance(event, ToolProgress):
            print("…", event.value)
print(stream.result.output)
