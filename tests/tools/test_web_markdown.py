"""Pages as they are found out there, as markdown: no value changes its column or its size."""

from __future__ import annotations

import pytest
from web_loopback import Loopback, Names, always, answered, serving

from agentkit_tools import Web

URL = "http://www.example.org/wiki/Bern"


async def read(body: str) -> str:
    """The markdown of a page."""
    async with serving(always(answered(body, "text/html; charset=utf-8"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), page_size=1_000_000)
        told = await web.fetch(URL)
    return told.partition("\n\n")[2]


async def test_an_article_of_an_encyclopedia_keeps_its_facts_in_their_rows():
    told = await read(
        """<title>Bern</title><nav>Menu</nav><main><h1>Bern</h1>
        <table class="infobox"><tbody><tr><th colspan="2">Bern</th></tr>
        <tr><th>Country</th><td><a href="/wiki/Switzerland">Switzerland</a></td></tr>
        <tr><th>Population<br>(2020)</th><td>134,794<sup><a href="#n1">[1]</a></sup></td></tr>
        </tbody></table><p>It lies <i>on</i> the <a href="Aare_(river)">Aare</a>, as
        3.2&#215;10<sup>6</sup> m<sup>2</sup> do.</p><table><caption>Mayors</caption>
        <tr><th rowspan="2">Name</th><th colspan="2">Term</th></tr><tr><th>from</th><th>to</th></tr>
        <tr><td>A</td><td>1990</td><td>2000</td></tr>
        <tr><td rowspan="2">B</td><td>2000</td><td>2004</td></tr>
        <tr><td>2008</td><td>2012</td></tr></table></main><footer>Imprint</footer>"""
    )
    assert told == (
        "# Bern\n\n"
        "| Bern |  |\n| --- | --- |\n"
        "| Country | [Switzerland](http://www.example.org/wiki/Switzerland) |\n"
        "| Population (2020) | 134,794[1] |\n\n"
        "It lies *on* the [Aare](http://www.example.org/wiki/Aare_(river)), as\n"
        "3.2×10^6 m^2 do.\n\n"
        "Mayors\n\n"
        "| Name | Term |  |\n| --- | --- | --- |\n| Name | from | to |\n"
        "| A | 1990 | 2000 |\n| B | 2000 | 2004 |\n| B | 2008 | 2012 |"
    )


async def test_a_page_of_documentation_keeps_its_code_and_what_opens_on_a_click():
    told = await read(
        """<main><article><h1>API</h1><pre><span>def</span> <span>f</span>(x):
    return x | 1  # see [a](b)
</pre><table class="numbered"><tr><td><pre>1
2</pre></td><td><pre><code class="language-sh">ls | wc
pwd</code></pre></td></tr></table>
        <table><tr><th>Argument</th><th>Type</th></tr>
        <tr><td><code>x</code></td><td>int | str</td></tr></table>
        <h3><button>What does it cost?</button></h3><div>Five francs.</div>
        <details><summary>More</summary><p>Nothing else.</p></details></article></main>"""
    )
    assert told == (
        "# API\n\n```\ndef f(x):\n    return x | 1  # see [a](b)\n```\n\n"
        "```\n1\n2\n```\n\n```sh\nls | wc\npwd\n```\n\n"
        "| Argument | Type |\n| --- | --- |\n| `x` | int \\| str |\n\n"
        "### What does it cost?\n\nFive francs.\n\nMore\n\nNothing else."
    )


async def test_a_page_that_is_laid_out_by_tables_keeps_the_table_in_them():
    told = await read(
        """<body bgcolor=white><table width=100%><tr><td><a href=/>Home</a><td>Bolts</tr><tr><td>
        <table border=1><tr><td>Item<td>Price<tr><td>M3<td>1.20</table>
        <font>First line<br>second</font></table>
        <table role="presentation"><tr><td>Call us:</td><td>+41 31</td></tr></table>"""
    )
    assert told == (
        "[Home](http://www.example.org/) | Bolts\n\n"
        "| Item | Price |\n| --- | --- |\n| M3 | 1.20 |\n\n"
        "First line\nsecond\n\n"
        "Call us: | +41 31"
    )


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            "<tr><th>a<th>b<th>c<tr><td rowspan=9>1<td>2<td>3<tr><td>4<td>5",
            ["a | b | c", "1 | 2 | 3", "1 | 4 | 5"],
        ),
        (
            "<tr><th>a<th>b<th>c<tr><td>1<td rowspan=2 colspan=2>2<tr><td>3<tr><td>4<td>5<td>6",
            ["a | b | c", "1 | 2 | ", "3 | 2 | ", "4 | 5 | 6"],
        ),
        (
            "<tr><th>a<th>b<tr><td>1<td rowspan=2>2<tr><td>3",
            ["a | b", "1 | 2", "3 | 2"],
        ),
        ("<tr><th>a<th>b<tr><td colspan=x rowspan=-1>1<td>2", ["a | b", "1 | 2"]),
        ("<tr><th>a<th>b<tr><td colspan=²>1<td>2", ["a | b", "1 | 2"]),
    ],
    ids=["to the end", "a block", "at the end", "no numbers", "a raised number"],
)
async def test_a_cell_over_several_rows_stands_in_each_of_them(rows, told):
    lines = (await read(f"<table>{rows}</table>")).splitlines()
    assert [line[2:-2].rstrip("|") for line in [lines[0], *lines[2:]]] == told


async def test_a_table_that_claims_to_be_immense_is_read():
    told = await read(
        "<table><tr><td colspan=99999 rowspan=99999>a" + "<tr><td>b" * 200 + "</table>c"
    )
    assert told.count("b") == 200
    assert told.endswith("c")
    assert len(told) < 100_000


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("10<sup>6</sup>", "10^6"),
        ("10<sup>−3</sup>", "10^−3"),
        ("134,794<sup><a href='#1'>1</a></sup>", "134,794^1"),
        ("1,200<sup>[2]</sup>", "1,200[2]"),
        ("1<sup>st</sup>", "1st"),
        ("H<sub>2</sub>O", "H2O"),
    ],
)
async def test_a_raised_number_is_no_part_of_the_one_before(written, told):
    assert await read(f"<p>{written}</p>") == told
