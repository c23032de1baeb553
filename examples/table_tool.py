import tempfile
from pathlib import Path

from agentkit import Agent
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Table

SALES = "zip,article,price\n01067,lamp,12.50\n80331,desk,249.00\n01067,chair,12.50\n"
PLACES = '{"zip": "01067", "city": "Dresden"}\n{"zip": "80331", "city": "Munich"}\n'
JOINED = "SELECT city, count(*) AS n FROM sales JOIN places USING (zip) GROUP BY city"

with tempfile.TemporaryDirectory() as folder:
    files = {"sales.csv": SALES, "places.jsonl": PLACES}
    for name, text in files.items():
        (Path(folder) / name).write_text(text)

    # "sqlite" for a sample that is the same everywhere; without it, DuckDB where it is installed
    table = Table([Path(folder) / name for name in files], engine="sqlite")
    model = ScriptedModel(
        call("table_schema", table="sales"), call("table_query", sql=JOINED), "Two in Dresden."
    )
    print(Agent(model, tools=table.tools).run_sync("Where do we sell most?").output)
    for request in model.requests[1:]:
        print("---")
        print(request.outputs[-1])
