import csv
import tempfile
from pathlib import Path

from agentkit import Agent, tool

REGISTER = {
    "Kilden": {"founded": "1 May 1987", "employees": "1,204 (2023)"},
    "Nordlys": {"founded": "12.3.1999"},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "founded": {"type": "string", "description": "The date."},
        "employees": {"type": "integer"},
    },
    "required": ["founded", "employees"],
}


@tool(effect="read")
def company(name: str) -> dict[str, str]:
    """What the register has of a company: when it was founded, and its employees."""
    return {"name": name, **REGISTER[name]}


agent = Agent("offline", tools=[company], output=SCHEMA, evidence=True)
rows = [{"name": name} for name in REGISTER]
with tempfile.TemporaryDirectory() as folder:
    out = Path(folder) / "companies.csv"
    agent.map_sync(rows, "What has the register of the company {name}?", out=out)
    with out.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            for name in ("founded", "employees"):
                shown = row[f"{name}__verified"], row[f"{name}__source"].partition(": ")[2]
                print(row["name"], name, row[name] or "-", *shown)
