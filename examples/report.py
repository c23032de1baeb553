"""A report on the countries of a region: `python examples/report.py Oceania > oceania.md`.

The same again asks only what has no answer yet. Exit code 5: something has none.
"""

import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from countries.countries import agent as countries

from agentkit import Agent, Limits

TABLE = Path(__file__).parent / "countries" / "countries.csv"
QUESTION = "What are the capital, the population, the area and the currency of {name}?"
HEAD = "| Country | Capital | People | km² | People a km² | Currency |\n|---|---|--:|--:|--:|---|"


@dataclass
class Facts:
    """What is asked of each country."""

    capital: str
    population: int
    area_km2: float
    currency: str


def line(name: str, of: Facts) -> str:
    numbers = f"{of.population:,} | {of.area_km2:,.9g} | {of.population / of.area_km2:,.1f}"
    return f"| {name} | {of.capital} | {numbers} | {of.currency} |"


agent = Agent(
    os.environ.get("MODEL", "offline"),
    instructions=countries.instructions,
    tools=list(countries.tools.values()),
    output=Facts,
    limits=Limits(turns=4),
    prices=lambda _model, usage: usage.total_tokens * 2 / 1_000_000,  # two dollars a million
    store=os.environ.get("AGENTKIT_DB", "report.db"),
)
region = sys.argv[1] if len(sys.argv) > 1 else "South America"
with TABLE.open(encoding="utf-8", newline="") as file:
    rows = [{"name": row["name"]} for row in csv.DictReader(file) if row["region"] == region]
result = agent.map_sync(rows, QUESTION, budget=0.50, retry=1)

print(f"# {region}\n\n{HEAD}")
known = {row.row["name"]: row.output for row in result.rows if row.is_done}
for name in sorted(known, key=lambda name: -known[name].population):
    print(line(name, known[name]))
if answers := known.values():
    people, area = sum(each.population for each in answers), sum(each.area_km2 for each in answers)
    print(line("**All**", Facts("", people, area, "")))
for row in (each for each in result.rows if not each.is_done):
    print(f"\nThere is no answer for {row.row['name']}: {row.error}")
sys.exit(0 if result.done == result.total else 5)
