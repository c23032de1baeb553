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
    context.progress(f"{folder}/a.txt uploaded")  # the same where nothing is yielded
    return "2 files uploaded"


agent = Agent("offline", tools=[index, upload])
for question in ('Index the folder "notes".', 'Upload the folder "notes".'):
    with agent.stream_sync(question) as stream:
        for event in stream:
            if isinstance(event, ToolProgress):
                print("…", event.value)
    print(stream.result.output)
