from agentkit import Agent, Retry, Tool, tool
from agentkit.testing import ScriptedModel, call


class Shelf:
    """Tools over the books of one shelf."""

    def __init__(self, books: list[str], *, writable: bool = False) -> None:
        self._books = books
        self._writable = writable

    @property
    def tools(self) -> list[Tool]:
        """What an agent is given: `lend` only where the shelf is writable."""
        return [self.find, self.lend] if self._writable else [self.find]

    @tool(effect="read")
    def find(self, word: str) -> list[str]:
        """Find the books with a word in their title."""
        return [book for book in self._books if word.lower() in book.lower()]

    @tool(approval=True)
    def lend(self, title: str) -> str:
        """Take a book off the shelf."""
        if title not in self._books:
            raise Retry(f"There is no {title!r} on the shelf. Find it first.")
        self._books.remove(title)
        return f"{title} is lent."


shelf = Shelf(["Emma", "Hunger", "The Hunger Games"])
model = ScriptedModel(call("find", word="hunger"), "Two: Hunger and The Hunger Games.")
print(Agent(model, tools=[shelf]).run_sync("Which books are about hunger?").output)
print(model.requests[1].outputs)

for box in (shelf, Shelf([], writable=True)):
    print([each.name for each in box.tools])
