"""Build `countries.db` from `countries.csv`: `python examples/countries/make_countries.py`.

The CSV is the source: 193 members of the United Nations, the two observers (Palestine and
Vatican City), Kosovo and Taiwan, one row each, facts as of January 2026.

- `population`: rounded to four digits, in the year `population_year`; the mid-2024 estimates of
  the United Nations' World Population Prospects 2024, for Kosovo its census of 2024.
- `area_km2`: land and inland water, from national statistics, the UN Demographic Yearbook or
  the CIA World Factbook; these differ by up to some percent, for Ecuador more.
- `region`: the UN's M49 regions, so Cyprus, Georgia and Turkey are in Asia, Russia in Europe.
- `iso2`, `iso3`, `currency_code`: ISO 3166-1 and ISO 4217; for Kosovo the customary XK and XKX.
- `alternative_names`: other names people look for, separated by `; `.
- `capital_note`, `population_note`, `area_note`, `currency_note`: special cases, mostly empty.

The same CSV gives the same bytes again with the same SQLite.
"""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent

TABLE = """
CREATE TABLE countries (
    name TEXT PRIMARY KEY,
    iso2 TEXT NOT NULL UNIQUE,
    iso3 TEXT NOT NULL UNIQUE,
    capital TEXT NOT NULL,
    region TEXT NOT NULL,
    population INTEGER NOT NULL,
    population_year INTEGER NOT NULL,
    area_km2 NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    currency_code TEXT NOT NULL,
    alternative_names TEXT NOT NULL,
    capital_note TEXT NOT NULL,
    population_note TEXT NOT NULL,
    area_note TEXT NOT NULL,
    currency_note TEXT NOT NULL
) WITHOUT ROWID
"""

ROW = """
INSERT INTO countries VALUES (
    :name, :iso2, :iso3, :capital, :region, :population, :population_year, :area_km2,
    :currency, :currency_code, :alternative_names,
    :capital_note, :population_note, :area_note, :currency_note
)
"""


def build(source: Path, target: Path) -> int:
    """Write the rows of the CSV `source` as the database `target`; how many they are."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # built aside, so that a reader never meets half a database
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as database, database:
        database.execute("PRAGMA page_size = 4096")
        database.execute(TABLE)
        database.executemany(ROW, rows)
    draft.replace(target)
    return len(rows)


if __name__ == "__main__":
    count = build(HERE / "countries.csv", HERE / "countries.db")
    print(f"countries.db: {count} countries")
