"""A table whose rows are kept in PostgreSQL."""

from agentkit import Agent
from agentkit.stores.postgres import PostgresStore
from agentkit.testing import ResponsesServer, ScriptedModel, refusal

ROWS = [{"n": n} for n in range(20)]


async def test_a_table_is_worked_on_in_postgres_as_in_a_file(url):
    asked = []

    def says(request):
        asked.append(request.input[0].text)
        return refusal("No.") if asked.count(asked[-1]) == 1 and asked[-1] == "7" else "yes"

    store = PostgresStore(url)
    async with ResponsesServer(ScriptedModel(*[says] * 40)) as server:
        agent = Agent("m", base_url=server.url, api_key="k", store=store)
        agent = agent.replace(prices=lambda model, usage: 0.5)
        first = await agent.map(ROWS, "{n}")
        assert (first.done, first.failed) == (19, 1)
        launch = await agent.map(ROWS, "{n}").launch()
        assert (launch.done, launch.failed, launch.new, launch.cost) == (19, 1, 0, 10.0)
        again = await agent.map(ROWS, "{n}")
        assert (again.done, again.kept, again.cost) == (20, 19, 0.5)
        assert again.rows[7].attempts == 2
        assert (await agent.map(ROWS, "{n}").launch()).cost == 10.5
        fresh = await agent.map(ROWS[:2], "{n}", refresh=True)
    assert (fresh.done, fresh.kept, len(asked)) == (2, 0, 23)
    await store.close()
