"""Whether a value agrees with its quote: numbers, dates, names, choices, lists."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from unicodedata import normalize

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentkit.evidence.found import Evidence
from tests.evidence.looking import verdict


async def said_by(quote: str, value: object) -> Evidence:
    """The verdict on a value whose quote is part of what a tool gave."""
    return await verdict(value, quote, f"Before it. {quote} And behind it.")


@pytest.mark.parametrize(
    ("value", "quote"),
    [
        (1234567, "some 1,234,567 people"),
        (1234567, "some 1 234 567 people"),
        (1234567, "some 1.234.567 people"),
        (1234567, "some 1'234'567 people"),
        (1234567, "some 1\u202f234\u202f567 people"),
        (1234567, "some 12,34,567 people"),
        (1234567, "some １２３４５６７ people"),
        (1234.5, "costs 1,234.50 dollars"),
        (1234.5, "kostet 1.234,50 Euro"),
        (1200000, "some 1.2 million people"),
        (1.2, "some 1.2 million people"),
        (1200000, "some 1,2 Mio. Einwohner"),
        (3500000000, "worth $3.5bn today"),
        (3500000000, "worth $3.5B today"),
        (5000000, "a £5m deal"),
        (25000, "about 25k users"),
        (25000, "about 25 thousand users"),
        (2000000, "two million people"),
        (1000000, "a million people"),
        (7, "all seven children"),
        (500, "has five hundred rooms"),
        (2019, "in 2019\n200 people came"),
        (12, "rose by 12 % in a year"),
        (0.12, "rose by 12 % in a year"),
        (0.125, "rose by 12.5% in a year"),
        (0.12, "a share of 0.12 in all"),
        (0.003, "a share of 3\u2030 in all"),
        (-5, "It was \u22125 \u00b0C outside."),
        (-5, "It was minus 5 degrees."),
        (2021, "from 2019 \u2013 2021 in office"),
        (205, "it has 205, or two hundred and five, rooms"),
        (5, "a range of 5-10 metres"),
        (10, "a range of 5\u201310 metres"),
        (0.5, "half is .5 of it"),
        (2019, "on 1 March 2019 it began"),
        (2019, "am 01.03.2019 begann es"),
        (3, "the 3rd of all"),
        (5, "5km from there"),
        (6.02e23, "is 6.02×10\u00b2\u00b3 in all"),
        (1.5e6, "is 1.5e6 in all"),
        (1234, "1,234\u00b9 people"),
        (5.5, "It is 5\u00bd metres."),
        (1000000, "about 10\u2076 of them"),
        (1000000, "about 10^6 of them"),
        (709000, "人口709000人"),
        (709, "Oslo,709,454,Norway"),
        (709, "Oslo\t709\t454\tNorway"),
        (454, "Oslo   709   454"),
        (1234, "has 1&nbsp;234 people"),
        (-5000000, "a result of -$5 million"),
        (2020, "of 2020's total"),
        (454, "Norway,Oslo,709,454"),
        (0.5, "Norway,Oslo,709,0.5"),
        (10**40 + 1, f"a number of {10**40 + 1:,} digits"),
    ],
)
async def test_a_number_agrees_however_it_is_written(value, quote):
    found = await said_by(quote, value)
    assert (found.status, found.reason) == ("verified", "")


@pytest.mark.parametrize(
    ("value", "quote"),
    [
        (5, "a list of 15 cities"),
        (5, "a list of 50 cities"),
        (5, "in 2015 it began"),
        (5, "it has 5.3 metres"),
        (3, "it has 5.3 metres"),
        (5, "It was \u22125 \u00b0C outside."),
        (-5, "It was 5 \u00b0C outside."),
        (-10, "a range of 5-10 metres"),
        (4, "on A4 paper"),
        (2, "an area of 5 m\u00b2 here"),
        (5000000, "an area of 5 m\u00b2 here"),
        (5000000, "a wall of 5 m here"),
        (567, "some 1,234,567 people"),
        (234, "has 1,234, and more"),
        (1, "some 1 234 567 people"),
        (1200, "some 1.2 million people"),
        (120, "rose by 12 % in a year"),
        (12, "a share of 0.12 in all"),
        (1, "one of the largest cities"),
        (200, "two hundred and five rooms"),
        (2, "two hundred and five rooms"),
        (20, "twenty-five rooms"),
        (300000, "two million three hundred thousand"),
        (-2021, "from 2019 \u2013 2021 in office"),
        (5, "It is 5\u00bd metres."),
        (51, "It is 5\u00bd metres."),
        (2, "It is 5\u00bd metres."),
        (106, "about 10\u2076 of them"),
        (10, "about 10\u2076 of them"),
        (6, "about 10\u2076 of them"),
        (12341, "1,234\u00b9 people"),
        (1.2, "version 1.2.3 of it"),
        (710000, "some 709,037 people"),
        (0, "none of them"),
        (10**40, f"a number of {10**40 + 1:,} digits"),
        (709454, "Oslo\t709\t454\tNorway"),
        (709454, "Oslo   709   454"),
        (709454, "Oslo 709\n454 births"),
        (1990, "since the 1990s in office"),
        (5, "has five hundred rooms"),
        (5, "has 5 hundred rooms"),
        (1000000, "has half a million people"),
    ],
)
async def test_a_number_that_a_quote_does_not_give_does_not_agree(value, quote):
    found = await said_by(quote, value)
    assert found.status == "unverified"
    assert found.reason == f"the quote does not say {value}"


MARCH = "2019-03-01"


@pytest.mark.parametrize(
    ("value", "quote"),
    [
        (MARCH, "since 2019-03-01 in office"),
        (MARCH, "since 1 March 2019 in office"),
        (MARCH, "since 1st of March, 2019 in office"),
        (MARCH, "since March 1, 2019 in office"),
        (MARCH, "since Mar. 1st, 2019 in office"),
        (MARCH, "seit dem 1. März 2019 im Amt"),
        (MARCH, "depuis le 1er mars 2019"),
        (MARCH, "desde el 1 de marzo de 2019"),
        (MARCH, "seit dem 01.03.2019 im Amt"),
        (MARCH, "since 2019/03/01 in office"),
        (MARCH, "as of 20190301 in office"),
        (MARCH, "2019年3月1日から"),
        ("2019-03-31", "since 31/03/2019 in office"),
        ("2019-03-31", "since 03/31/2019 in office"),
        ("2019-03-03", "since 03/03/2019 in office"),
        ("2019-03", "since March 2019 in office"),
        ("2019-03", "since 1 March 2019 in office"),
        ("2019-03-01T14:30:00Z", "on 1 March 2019 at 14:30 UTC"),
        ("2019-03-01T00:00:00", "on 1 March 2019 at night"),
        ("2019", "on 1 March 2019 at night"),
        ("2019-03-01T14:30:00", "on 1 March 2019 at 2:30 p.m. there"),
        ("2019-03-01T14:30:05Z", "on 2019-03-01T14:30:05+00:00 it began"),
    ],
)
async def test_a_date_agrees_however_it_is_written(value, quote):
    assert (await said_by(quote, value)).status == "verified"


@pytest.mark.parametrize(
    ("value", "quote"),
    [
        (MARCH, "since March 2019 in office"),
        (MARCH, "since 2019 in office"),
        (MARCH, "since 01/03/2019 in office"),
        (MARCH, "since 2 March 2019 in office"),
        (MARCH, "since 11 March 2019 in office"),
        (MARCH, "since 1 March 2018 in office"),
        (MARCH, "since 1 May 2019 in office"),
        ("2019-03-01T14:30:00Z", "on 1 March 2019 at 15:30 UTC"),
        ("2019-04", "since March 2019 in office"),
        ("2020", "on 1 March 2019 at night"),
        ("2019-03-01T02:30:00", "on 1 March 2019 at 2:30 pm there"),
        ("2019-03-01T14:30:05", "on 1 March 2019 at 14:30 there"),
        ("2019-03-01T14:30-16:00", "on 1 March 2019 at 15:30 there"),
        ("2019-03-01T14:30:00+02:00", "on 2019-03-01T14:30:00Z it began"),
        ("2019-03-01T00:00:00Z", "on 2019-03-01T15:00:00Z it began"),
    ],
)
async def test_a_date_that_a_quote_does_not_give_does_not_agree(value, quote):
    found = await said_by(quote, value)
    assert (found.status, found.reason) == ("unverified", f"the quote does not say {value!r}")


@pytest.mark.parametrize(
    ("value", "quote"),
    [
        ("Oslo", "the city of OSLO in Norway"),
        ("Jonas Gahr Store", "Prime Minister Jonas Gahr Støre said"),
        ("Åse Kleveland", "met Ase Kleveland there"),
        ("Jean Paul Sartre", "by Jean-Paul Sartre in Paris"),
        ("Dr. Ada Byron", "Ada Byron leads it"),
        ("Ada Byron", "Dr. Ada Byron leads it"),
        ("Ada Byron", "Byron, Ada (chair)"),
        ("Byron, Ada", "Ada Byron leads it"),
        ("Kim Jong Un", "Jong-un Kim leads it"),
        ("J.R.R. Tolkien", "by J. R. R. Tolkien in 1937"),
        ("Marks & Spencer", "at Marks and Spencer in town"),
        ("O\u2019Brien", "as O'Brien said"),
        ("Boeing 747-400", "a Boeing 747\u2011400 of 1989"),
        ("1,234 metres", "is 1 234 metres high"),
        ("https://example.com/a?b=1", "see https://example.com/a?b=1 for more"),
        ("Straße", "in the STRASSE there"),
        ("東京", "現在、東京は日本の首都"),
        ("서울", "서울은 한국의 수도"),
        ("5 million", "has 5,000,000 people"),
        ("12 %", "a share of 12 per cent"),
        ("AA+", "rated AA+ by them"),
        ("1950", "Ada Byron (1950-) leads it"),
        ("709000", "has 709,000 people"),
        ("the first line and the second", "the first line\nand the second"),
        ("US", "in the U.S. and Canada"),
        ("U.S.", "in the US and Canada"),
        ("US", 'has "country": "us" in it'),
        ("AT&T", "at AT&amp;T in town"),
        ("Viktor Orbán", "Premier Orban Viktor said"),
        ("\u20ac5 million", "worth 5 million euros"),
    ],
)
async def test_a_name_agrees_however_it_is_written(value, quote):
    assert (await said_by(quote, value)).status == "verified"


@pytest.mark.parametrize(
    ("value", "quote"),
    [
        ("US", "BUSINESS in the city"),
        ("Oslo", "the Oslofjord is long"),
        ("Ada Lovelace", "Ada Byron leads it"),
        ("Ada King Byron", "Ada Byron leads it"),
        ("Dog Bites Man", "a Man Bites Dog story"),
        ("a short and fair summary", "the city is large and old"),
        ("5.3 km", "it is 5-3 km away"),
        ("-5 degrees", "it was 5 degrees"),
        ("15", "in rooms 1 5 and 7"),
        ("007", "in room 7 of the house"),
        ("京都", "現在、東京は日本の首都"),
        ("!?", "what is it now"),
        ("5 million", "has 5 people in it"),
        ("12 %", "has 12 people in it"),
        ("C++", "is written in C by them"),
        ("A-", "rated A by them"),
        ("A", "rated A- by them"),
        ("Ada Byron Jr.", "Ada Byron leads it"),
        ("John Smith", "by Mary Smith, John Byron and others"),
        ("John Smith", "by Smith, John Byron and others"),
        ("US", "they told us that it is"),
        ("NO", "there is no word of it"),
        ("A", "was a good student there"),
        ("1990", "since the 1990s in office"),
        ("$5 million", "worth 5 million euros"),
    ],
)
async def test_a_text_that_a_quote_does_not_say_does_not_agree(value, quote):
    found = await said_by(quote, value)
    assert (found.status, found.reason) == ("unverified", f"the quote does not say {value!r}")


async def test_true_and_false_agree_with_any_quote_and_the_evidence_says_so():
    for value in (True, False, []):
        found = await said_by("the capital of Norway", value)
        assert found.status == "verified"
        assert (
            found.reason == "A quote stands there; whether it means this is for a reader to judge."
        )


async def test_every_value_of_a_list_or_an_object_has_to_agree():
    quote = "with Oslo (709,037), Bergen and 12 others since 1 March 2019"
    whole = {"cities": ["Oslo", "Bergen"], "more": {"count": 12, "since": MARCH, "left": None}}
    assert (await said_by(quote, whole)).status == "verified"
    assert (await said_by(quote, ["Oslo", "Bergen"])).status == "verified"
    assert (await said_by(quote, ["Oslo", "Moss"])).reason == "the quote does not say 'Moss'"
    whole["more"]["count"] = 13
    assert (await said_by(quote, whole)).reason == "the quote does not say 13"


def now(value: object, quote: str, text: str) -> Evidence:
    return asyncio.run(verdict(value, quote, text))


def grouped(number: int, sign: str) -> str:
    return f"{number:,}".replace(",", sign)


WAYS = st.sampled_from([",", "", " ", "'", "\u00a0", "\u202f", "\u2009", "\u2019"])


@given(st.integers(0, 10**13), WAYS, st.sampled_from(["", "-"]))
@settings(max_examples=150)
def test_a_whole_number_agrees_in_every_way_of_writing_it(number, sign, minus):
    value = -number if minus else number
    quote = f"has {minus if number else ''}{grouped(number, sign)} of them"
    assert now(value, quote, f"It {quote}.").status == "verified"


@given(st.decimals(Decimal("0.01"), 10**9, places=2), st.booleans())
@settings(max_examples=150)
def test_a_fraction_agrees_in_the_ways_of_two_languages(number, is_german):
    written = f"{number:,}"
    if is_german:
        written = written.translate(str.maketrans(",.", ".,"))
    assert (
        now(float(number), f"costs {written} in all", f"It costs {written} in all.").status
        == "verified"
    )


@given(st.dates(date(1000, 1, 1), date(2999, 12, 31)), st.integers(0, 4))
@settings(max_examples=150)
def test_a_date_agrees_in_every_way_of_writing_it(day, way):
    written = [
        day.isoformat(),
        f"{day.day} {day:%B} {day.year:04}",
        f"{day:%B} {day.day}, {day.year:04}",
        f"{day:%d.%m}.{day.year:04}",
        f"{day.day} {day:%b}. {day.year:04}",
    ][way]
    quote = f"began on {written}"
    assert now(day.isoformat(), quote, f"It {quote}.").status == "verified"
    other = day.replace(day=day.day % 28 + 1)
    if other != day:
        assert now(other.isoformat(), quote, f"It {quote}.").status == "unverified"


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=4))
@settings(max_examples=150)
def test_a_number_that_is_not_in_the_quote_never_agrees(value, numbers):
    assume(value not in numbers)
    quote = f"among {' and '.join(f'{each:,}' for each in numbers)} of them"
    # one comma may divide thousands or begin a fraction, and nothing else is read into it
    assert now(value, quote, f"It is {quote}.").status == "unverified"


WORDS = st.text(st.characters(whitelist_categories=("L",), max_codepoint=0x17F), min_size=2)


@given(st.lists(WORDS, min_size=3, max_size=8), st.data())
@settings(max_examples=150)
def test_a_changed_quote_never_stands(words, data):
    place = data.draw(st.integers(0, len(words) - 1))
    changed = [*words[:place], data.draw(WORDS), *words[place + 1 :]]
    text, quote = f"so {' '.join(words)} it is", f"{' '.join(changed)} it"
    assume(normalize("NFKC", quote) not in normalize("NFKC", text))
    assert now(True, quote, text).status == "unverified"


LETTERS = st.text(st.characters(whitelist_categories=("Ll", "Lu"), max_codepoint=0x17F), min_size=3)
SPACES = st.sampled_from([" ", "  ", "\n", "\t", "\u00a0", "\u2009", " \u00ad"])


@given(st.lists(LETTERS, min_size=3, max_size=8), st.lists(SPACES, min_size=16), st.data())
@settings(max_examples=150)
def test_whole_words_stand_whatever_spaces_are_between_them(words, spaces, data):
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    text = "".join(f"{word}{space}" for word, space in zip(words, spaces, strict=False))
    quote = "".join(
        f"{word}{space}" for word, space in zip(words[first:last], spaces[8:], strict=False)
    )
    assert now(True, quote, text).status == "verified"
