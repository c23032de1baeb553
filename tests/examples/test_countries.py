"""The facts of the countries example, and the tools over them."""

from __future__ import annotations

import csv
import importlib.util
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from agentkit import Retry

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "countries"

REGIONS = {"Africa", "Asia", "Europe", "North America", "Oceania", "South America"}

# name, ISO 3166-1 code, capital, region, population in thousands, km², ISO 4217 code
SPOT_FACTS = [
    ("Argentina", "ARG", "Buenos Aires", "South America", 45_700, 2_780_400, "ARS"),
    ("Australia", "AUS", "Canberra", "Oceania", 26_700, 7_690_000, "AUD"),
    ("Bangladesh", "BGD", "Dhaka", "Asia", 173_600, 148_500, "BDT"),
    ("Bolivia", "BOL", "Sucre", "South America", 12_400, 1_098_600, "BOB"),
    ("Brazil", "BRA", "Brasília", "South America", 212_000, 8_510_000, "BRL"),
    ("Bulgaria", "BGR", "Sofia", "Europe", 6_760, 111_000, "EUR"),
    ("Burundi", "BDI", "Gitega", "Africa", 14_050, 27_830, "BIF"),
    ("Canada", "CAN", "Ottawa", "North America", 39_740, 9_984_670, "CAD"),
    ("China", "CHN", "Beijing", "Asia", 1_419_000, 9_597_000, "CNY"),
    ("Croatia", "HRV", "Zagreb", "Europe", 3_875, 56_594, "EUR"),
    ("Czechia", "CZE", "Prague", "Europe", 10_740, 78_870, "CZK"),
    ("Ecuador", "ECU", "Quito", "South America", 18_140, 256_370, "USD"),
    ("Egypt", "EGY", "Cairo", "Africa", 116_500, 1_002_000, "EGP"),
    ("Equatorial Guinea", "GNQ", "Ciudad de la Paz", "Africa", 1_893, 28_050, "XAF"),
    ("Ethiopia", "ETH", "Addis Ababa", "Africa", 132_100, 1_104_300, "ETB"),
    ("France", "FRA", "Paris", "Europe", 66_550, 551_500, "EUR"),
    ("Germany", "DEU", "Berlin", "Europe", 84_550, 357_600, "EUR"),
    ("Iceland", "ISL", "Reykjavík", "Europe", 393, 103_000, "ISK"),
    ("India", "IND", "New Delhi", "Asia", 1_451_000, 3_287_263, "INR"),
    ("Indonesia", "IDN", "Jakarta", "Asia", 283_500, 1_904_600, "IDR"),
    ("Ivory Coast", "CIV", "Yamoussoukro", "Africa", 31_930, 322_460, "XOF"),
    ("Japan", "JPN", "Tokyo", "Asia", 123_800, 377_975, "JPY"),
    ("Kazakhstan", "KAZ", "Astana", "Asia", 20_590, 2_724_900, "KZT"),
    ("Kenya", "KEN", "Nairobi", "Africa", 56_430, 580_370, "KES"),
    ("Mexico", "MEX", "Mexico City", "North America", 130_900, 1_964_375, "MXN"),
    ("Mongolia", "MNG", "Ulaanbaatar", "Asia", 3_476, 1_564_100, "MNT"),
    ("Netherlands", "NLD", "Amsterdam", "Europe", 18_230, 41_540, "EUR"),
    ("New Zealand", "NZL", "Wellington", "Oceania", 5_214, 268_000, "NZD"),
    ("Nigeria", "NGA", "Abuja", "Africa", 232_700, 923_768, "NGN"),
    ("Norway", "NOR", "Oslo", "Europe", 5_577, 385_207, "NOK"),
    ("Pakistan", "PAK", "Islamabad", "Asia", 251_300, 796_095, "PKR"),
    ("Russia", "RUS", "Moscow", "Europe", 144_800, 17_098_246, "RUB"),
    ("Saudi Arabia", "SAU", "Riyadh", "Asia", 33_960, 2_149_690, "SAR"),
    ("Sierra Leone", "SLE", "Freetown", "Africa", 8_642, 71_740, "SLE"),
    ("South Africa", "ZAF", "Pretoria", "Africa", 64_010, 1_221_000, "ZAR"),
    ("South Korea", "KOR", "Seoul", "Asia", 51_720, 100_400, "KRW"),
    ("Sri Lanka", "LKA", "Sri Jayawardenepura Kotte", "Asia", 23_100, 65_610, "LKR"),
    ("Switzerland", "CHE", "Bern", "Europe", 8_922, 41_285, "CHF"),
    ("Tanzania", "TZA", "Dodoma", "Africa", 68_560, 947_300, "TZS"),
    ("Turkey", "TUR", "Ankara", "Asia", 87_470, 783_562, "TRY"),
    ("Tuvalu", "TUV", "Funafuti", "Oceania", 9.6, 26, "AUD"),
    ("United Kingdom", "GBR", "London", "Europe", 69_140, 243_610, "GBP"),
    ("United States", "USA", "Washington, D.C.", "North America", 345_400, 9_833_517, "USD"),
    ("Venezuela", "VEN", "Caracas", "South America", 28_410, 916_445, "VES"),
    ("Vietnam", "VNM", "Hanoi", "Asia", 101_000, 331_300, "VND"),
    ("Zimbabwe", "ZWE", "Harare", "Africa", 16_630, 390_757, "ZWG"),
]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


countries = script("countries")
make_countries = script("make_countries")


def rows_of(database: Path) -> list[dict[str, object]]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM countries ORDER BY name")]


FACTS = {row["name"]: row for row in rows_of(FOLDER / "countries.db")}


async def answer(tool: str, **arguments: object) -> dict:
    return await getattr(countries, tool).invoke(json.dumps(arguments))


def test_the_committed_database_holds_exactly_the_rows_of_the_csv():
    with (FOLDER / "countries.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    stored = rows_of(FOLDER / "countries.db")
    assert [{key: str(value) for key, value in row.items()} for row in stored] == written


def test_the_database_is_built_with_the_same_bytes_each_time(tmp_path):
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    assert make_countries.build(FOLDER / "countries.csv", first) == 197
    make_countries.build(FOLDER / "countries.csv", second)
    make_countries.build(FOLDER / "countries.csv", second)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.db", "second.db"]


def test_every_region_of_the_world_has_all_of_its_countries():
    counts = {region: 0 for region in REGIONS}
    for facts in FACTS.values():
        counts[facts["region"]] += 1
    assert counts == {
        "Africa": 54,
        "Asia": 49,
        "Europe": 45,
        "North America": 23,
        "Oceania": 14,
        "South America": 12,
    }


@pytest.mark.parametrize(("column", "length"), [("iso2", 2), ("iso3", 3)])
def test_country_codes_are_unique_capitals_of_their_length(column, length):
    codes = [str(facts[column]) for facts in FACTS.values()]
    assert len(set(codes)) == len(codes)
    assert all(len(c) == length and c.isascii() and c.isupper() for c in codes)


def test_a_currency_code_always_stands_for_the_same_currency():
    pairs = {(facts["currency_code"], facts["currency"]) for facts in FACTS.values()}
    assert len({code for code, _ in pairs}) == len(pairs) == len({name for _, name in pairs})
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code, _ in pairs)


def test_capitals_are_different_cities():
    capitals = [facts["capital"] for facts in FACTS.values()]
    assert len(set(capitals)) == len(capitals)


def test_populations_and_areas_are_plausible_one_by_one_and_as_a_world():
    populations = [facts["population"] for facts in FACTS.values()]
    areas = [facts["area_km2"] for facts in FACTS.values()]
    assert all(type(value) is int and 400 < value < 1_500_000_000 for value in populations)
    assert all(0.4 < value < 17_100_000 for value in areas)
    assert 7_900_000_000 < sum(populations) < 8_400_000_000
    assert 130_000_000 < sum(areas) < 138_000_000
    assert {facts["population_year"] for facts in FACTS.values()} == {2024}


def test_densities_lie_between_mongolia_and_monaco():
    density = {name: facts["population"] / facts["area_km2"] for name, facts in FACTS.items()}
    ranked = sorted(density, key=density.__getitem__)
    assert (ranked[0], ranked[-1]) == ("Mongolia", "Monaco")


@pytest.mark.parametrize("expected", SPOT_FACTS, ids=lambda expected: expected[0])
def test_the_facts_of(expected):
    name, iso3, capital, region, thousands, area, currency = expected
    facts = FACTS[name]
    assert (facts["iso3"], facts["capital"], facts["region"]) == (iso3, capital, region)
    assert facts["population"] == pytest.approx(thousands * 1000, rel=0.005)
    assert facts["area_km2"] == pytest.approx(area, rel=0.005)
    assert facts["currency_code"] == currency


async def test_each_tool_answers_with_its_fact():
    assert await answer("capital", country="Norway") == {"country": "Norway", "capital": "Oslo"}
    assert await answer("population", country="Norway") == {
        "country": "Norway",
        "population": 5_577_000,
        "year": 2024,
    }
    assert await answer("area", country="Kenya") == {"country": "Kenya", "area_km2": 580_367}
    assert await answer("currency", country="Japan") == {
        "country": "Japan",
        "currency": "Japanese yen",
        "code": "JPY",
    }


async def test_a_special_case_comes_with_a_note():
    assert "Cape Town" in (await answer("capital", country="South Africa"))["note"]
    assert "Crimea" in (await answer("population", country="Russia"))["note"]
    assert "Svalbard" in (await answer("area", country="Norway"))["note"]
    assert "1 January 2026" in (await answer("currency", country="Bulgaria"))["note"]


async def test_a_country_is_given_whole_but_for_what_is_empty():
    assert await answer("country", name="Kenya") == {
        "name": "Kenya",
        "iso2": "KE",
        "iso3": "KEN",
        "capital": "Nairobi",
        "region": "Africa",
        "population": 56_430_000,
        "population_year": 2024,
        "area_km2": 580_367,
        "currency": "Kenyan shilling",
        "currency_code": "KES",
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("USA", "United States"),
        ("u.s.a.", "United States"),
        ("the United States of America", "United States"),
        ("UK", "United Kingdom"),
        ("Great Britain", "United Kingdom"),
        ("Republic of Korea", "South Korea"),
        ("dprk", "North Korea"),
        ("Czech Republic", "Czechia"),
        ("Côte d’Ivoire", "Ivory Coast"),
        ("cote d'ivoire", "Ivory Coast"),
        ("Türkiye", "Turkey"),
        ("São Tomé", "Sao Tome and Principe"),
        ("St. Kitts & Nevis", "Saint Kitts and Nevis"),
        ("The Gambia", "Gambia"),
        ("DR Congo", "Democratic Republic of the Congo"),
        ("Guinea Bissau", "Guinea-Bissau"),
        ("Burma", "Myanmar"),
        ("Holland", "Netherlands"),
        ("Swaziland", "Eswatini"),
        ("Macedonia", "North Macedonia"),
        ("Cape Verde", "Cabo Verde"),
        ("East Timor", "Timor-Leste"),
        ("Holy See", "Vatican City"),
        ("  no ", "Norway"),
        ("XKX", "Kosovo"),
    ],
)
async def test_a_country_is_found_by_its_other_names_and_codes(asked, found):
    assert (await answer("capital", country=asked))["country"] == found


def test_no_name_or_code_stands_for_two_countries():
    owners: dict[str, set[object]] = {}
    for name, facts in FACTS.items():
        for other in [name, facts["iso2"], facts["iso3"], *facts["alternative_names"].split("; ")]:
            owners.setdefault(str(other).casefold(), set()).add(name)
    shared = {other for other, names in owners.items() if other and len(names) > 1}
    assert shared == set()


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ("Norwy", "Did you mean 'Norway'?"),
        ("Phillipines", "Did you mean 'Philippines'?"),
        ("Korea", "Did you mean 'North Korea' or 'South Korea'?"),
        ("Congo", "Did you mean 'Democratic Republic of the Congo' or 'Republic of the Congo'?"),
        ("Atlantis", "Give the English name or the ISO code of a country."),
        ("", "Give the English name or the ISO code of a country."),
        ("Norway' OR 1=1 --", "Give the English name or the ISO code of a country."),
    ],
)
async def test_an_unknown_country_is_answered_with_what_comes_close(asked, advice):
    with pytest.raises(Retry) as raised:
        await answer("population", country=asked)
    assert str(raised.value) == f"There is no country named {asked!r}. {advice}"


async def test_a_region_is_listed_by_name_and_counted_whole():
    listed = await answer("countries_in", region="South America", limit=3)
    assert (listed["region"], listed["total"]) == ("South America", 12)
    assert [row["country"] for row in listed["countries"]] == ["Argentina", "Bolivia", "Brazil"]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("population", ["Nigeria", "Ethiopia"]),
        ("area", ["Algeria", "Democratic Republic of the Congo"]),
    ],
)
async def test_a_region_is_listed_from_the_largest_down(order, first):
    listed = await answer("countries_in", region="Africa", sort_by=order, limit=2)
    assert [row["country"] for row in listed["countries"]] == first


async def test_the_largest_countries_of_the_world_and_of_a_region_come_first():
    world = await answer("largest", by="area")
    assert [row["country"] for row in world["countries"]] == [
        "Russia",
        "Canada",
        "United States",
        "China",
        "Brazil",
    ]
    europe = await answer("largest", by="population", region="Europe", limit=2)
    assert [row["country"] for row in europe["countries"]] == ["Russia", "Germany"]


def test_every_tool_only_reads_and_explains_its_parameters():
    tools = [getattr(countries, name) for name in ("capital", "population", "area", "currency")]
    tools += [countries.country, countries.countries_in, countries.largest]
    for tool in tools:
        assert tool.effect == "read"
        assert tool.description
        properties = tool.parameters["properties"].values()
        assert all(parameter.get("description") for parameter in properties)
    assert countries.agent.name == "countries"
