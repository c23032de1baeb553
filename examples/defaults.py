import asyncio

from agentkit import tool


@tool(effect="read")
def search(query: str, limit: int = 10, language: str | None = None) -> str:
    """Search the handbook."""
    return f"{query}: {limit} hits at most, language {language}"


async def main() -> None:
    print("strict:", search.strict)
    for name, schema in search.parameters["properties"].items():
        print(f"  {name}: {schema.get('anyOf') or schema['type']}")
    print("required:", ", ".join(search.parameters["required"]))

    # what the model sends; null in place of a value means: not given
    print(await search.invoke('{"query": "leave", "limit": null, "language": null}'))
    print(await search.invoke('{"query": "leave", "limit": 3, "language": "nb"}'))
    print(search("leave", limit=5))  # still the function it was


asyncio.run(main())
