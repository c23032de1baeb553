"""A report on the countries of a region: `python examples/report.py Oceania > oceania.md`.

Answers are kept in a file: the same again asks only what is missing. Exit code 5: a row has none.
"""

import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from countries.countries import agent as countries

from agentkit import Agent, Limits, Usage

TABLE = Path(__file__).parent / "countries" / "countries.csv"
QUESTION = "What are the capital, the population, the area and the currency of {name}?"


@dataclass
class Facts:
    """What is asked of each country."""

    capital: str
    population: int
    area_km2: float
    currency: str


def prices(_model: str, usage: Usage) -> float:
    """US dollars, as a gateway may ask them: two a million tokens."""
    return usage.total_tokens * 2 / 1_000_000


def row(name: str, facts: Facts) -> str:
    people, area = facts.population, facts.area_km2
    cells = (name, facts.capital, f"{people:,}", f"{area:,.0f}", f"{people / area:.1f}")
    return f"| {' | '.join(cells)} | {facts.currency} |"


def main(region: str = "South America") -> int:
    agent = Agent(
        os.environ.get("MODEL", "offline"),
        instructions=countries.instructions,
        tools=list(countries.tools.values()),
        output=Facts,
        limits=Limits(turns=4),
        prices=prices,
        store=os.environ.get("AGENTKIT_DB", "report.db"),
    )
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [{"name": each["name"]} for each in csv.DictReader(file) if each["region"] == region]
    result = agent.map_sync(rows, QUESTION, budget=0.50, retry=1)
    known = {each.row["name"]: each.output for each in result.rows if each.is_done}

    people, area = (sum(getattr(f, n) for f in known.values()) for n in ("population", "area_km2"))
    print(f"# {region}\n\n| Country | Capital | People | km² | People a km² | Currency |")
    print("|---|---|--:|--:|--:|---|")
    for name in sorted(known, key=lambda each: -known[each].population):
        print(row(name, known[name]))
    ...
    return 0 if result.done == result.total else 5


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
