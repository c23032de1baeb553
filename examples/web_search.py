from agentkit import Agent
from agentkit.testing import ScriptedModel, call
from agentkit_tools import SearchHit, WebSearch


class Handbook:
    """A search of one's own: anything with this method is one."""

    async def search(self, query: str, count: int) -> list[SearchHit]:
        pages = {"leave": "30 days a year", "travel": "By train, if there is one"}
        return [
            SearchHit(name.title(), f"https://handbook.example.org/{name}", text)
            for name, text in pages.items()
            if query.lower() in f"{name} {text}".lower()
        ][:count]


model = ScriptedModel(call("web_search", query="train", count=None), "By train.")
print(Agent(model, tools=WebSearch(Handbook()).tools).run_sync("How do I get to Bern?").output)
print(model.requests[1].outputs[-1])
