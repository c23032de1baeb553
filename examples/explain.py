from agentkit import tool


@tool
def tag(paths: set[str], labels: dict[str, int], at: tuple[float, float] = (0.0, 0.0)) -> None:
    """Put labels on files."""


print(tag.explain().partition("\n{")[0])  # the schema itself follows, as JSON
