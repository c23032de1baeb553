from agentkit import tool


@tool
def label(paths: set[str], labels: dict[str, int], owner: tuple[str, int] = ("root", 0)) -> None:
    """Put labels on files."""


print(label.explain().partition("\n{")[0])  # the schema itself follows, as JSON
