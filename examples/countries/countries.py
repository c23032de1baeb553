"""Tools over `countries.db`: capitals, populations, areas and currencies of the world's countries.

    agentkit run -a examples/countries/countries.py:agent "Which is larger, Chad or Niger?"

What the facts mean, and where they come from, is told in `make_countries.py`.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Mapping
from contextlib import closing
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from agentkit import Agent, Retry, tool

DATABASE = Path(__file__).resolve().with_name("countries.db")

Region = Literal["Africa", "Asia", "Europe", "North America", "Oceania", "South America"]
Limit = Annotated[int, Field(ge=1, le=200)]
Facts = dict[str, object]


@tool(effect="read")
def capital(country: str) -> Facts:
    """The capital of a country.

    Args:
        country: Name or ISO code, such as "Norway", "UK" or "KOR".
    """
    facts = _find(country)
    answer = {"country": facts["name"], "capital": facts["capital"]}
    return _with_note(answer, facts["capital_note"])


@tool(effect="read")
def population(country: str) -> Facts:
    """The number of people in a country, rounded, and the year it is for.

    Args:
        country: Name or ISO code, such as "Norway", "UK" or "KOR".
    """
    facts = _find(country)
    answer = {
        "country": facts["name"],
        "population": facts["population"],
        "year": facts["population_year"],
    }
    return _with_note(answer, facts["population_note"])


@tool(effect="read")
def area(country: str) -> Facts:
    """The area of a country in square kilometres, land and inland water.

    Args:
        country: Name or ISO code, such as "Norway", "UK" or "KOR".
    """
    facts = _find(country)
    answer = {"country": facts["name"], "area_km2": facts["area_km2"]}
    return _with_note(answer, facts["area_note"])


@tool(effect="read")
def currency(country: str) -> Facts:
    """The currency of a country, with its ISO 4217 code.

    Args:
        country: Name or ISO code, such as "Norway", "UK" or "KOR".
    """
    facts = _find(country)
    answer = {
        "country": facts["name"],
        "currency": facts["currency"],
        "code": facts["currency_code"],
    }
    return _with_note(answer, facts["currency_note"])


@tool(effect="read")
def country(name: str) -> Facts:
    """Everything known about a country.

    Args:
        name: Name or ISO code, such as "Norway", "UK" or "KOR".
    """
    return {key: value for key, value in _find(name).items() if value != ""}


@tool(effect="read")
def countries_in(
    region: Region,
    sort_by: Literal["name", "population", "area"] = "name",
    limit: Limit = 10,
) -> Facts:
    """The countries of a region, and how many there are.

    Args:
        region: A region of the world, as the United Nations draw them.
        sort_by: By name from A to Z, or by population or area from the largest down.
        limit: How many countries at most.
    """
    rows = _select(
        """
        SELECT name AS country, population, area_km2 FROM countries WHERE region = :region
        ORDER BY CASE :sort_by WHEN 'population' THEN -population WHEN 'area' THEN -area_km2
            ELSE name END
        """,
        {"region": region, "sort_by": sort_by},
    )
    return {"region": region, "total": len(rows), "countries": rows[:limit]}


@tool(effect="read")
def largest(
    by: Literal["population", "area"], region: Region | None = None, limit: Limit = 5
) -> Facts:
    """The largest countries of the world or of one region, the largest first.

    Args:
        by: What to compare: the number of people, or the area.
        region: A region of the world, as the United Nations draw them; null for the whole world.
        limit: How many countries at most.
    """
    rows = _select(
        """
        SELECT name AS country, population, area_km2 FROM countries
        WHERE :region IS NULL OR region = :region
        ORDER BY CASE :by WHEN 'population' THEN population ELSE area_km2 END DESC LIMIT :limit
        """,
        {"by": by, "region": region, "limit": limit},
    )
    return {"by": by, "region": region or "World", "countries": rows}


def _find(name: str) -> Facts:
    """All columns of a country; raises Retry, with near misses, if none has that name."""
    known = _known_names()
    official = known.get(_folded(name))
    if official is None:
        raise Retry(_unknown(name, known))
    [facts] = _select("SELECT * FROM countries WHERE name = :name", {"name": official})
    return facts


def _select(query: str, parameters: Mapping[str, object] | None = None) -> list[Facts]:
    with closing(sqlite3.connect(f"{DATABASE.as_uri()}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query, parameters or {})]


# the file does not change while it is used, and folding 700 names costs more than any query
@cache
def _known_names() -> Mapping[str, str]:
    """The official name by every folded name and code."""
    rows = _select("SELECT name, iso2, iso3, alternative_names FROM countries")
    return {
        _folded(other): str(row["name"])
        for row in rows
        for other in "; ".join(str(value) for value in row.values() if value).split("; ")
    }


def _folded(name: str) -> str:
    """The name without case, accents, punctuation and a leading "the"; "St" becomes "Saint"."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    bare = "".join(c for c in letters if c not in ".'’" and not unicodedata.combining(c))
    folded = " ".join("".join(c if c.isalnum() else " " for c in bare).split())
    return re.sub("^st ", "saint ", folded.removeprefix("the "))


def _unknown(name: str, known: Mapping[str, str]) -> str:
    """What to tell a model that asks for `name`: that there is none, and what is close to it."""
    wanted = _folded(name)
    sharing = [other for other in known if wanted in other.split()]
    close = get_close_matches(wanted, [other for other in known if len(other) > 3], cutoff=0.75)
    meant = list(dict.fromkeys(repr(known[other]) for other in [*sharing, *close]))[:3]
    advice = (
        f"Did you mean {' or '.join(meant)}?"
        if meant
        else "Give the English name or the ISO code of a country."
    )
    return f"There is no country named {name!r}. {advice}"


def _with_note(answer: Facts, note: object) -> Facts:
    return {**answer, "note": note} if note else answer


agent = Agent(
    "offline",
    name="countries",
    instructions=(
        "Answer questions about the world's countries. Take every fact from the tools, ask for "
        "several countries at once, and pass on a note that matters to the answer. Populations "
        "are rounded and of about 2024, areas in square kilometres."
    ),
    tools=[capital, population, area, currency, country, countries_in, largest],
)
