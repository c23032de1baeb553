"""HTML as markdown: the main content where the page says which it is, else all but its frame.

Nothing is guessed by how a text looks. A menu too many costs a few lines; a table that is taken for
a menu costs the answer.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from lxml.etree import HTMLParser
from markdownify import MarkdownConverter

from agentkit_tools.web.reader.stopping import TooLongError, stopped_after
from agentkit_tools.web.reader.tables import make_even

NEVER_READ = [
    *("script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "embed"),
    *("input", "select", "textarea"),
]
FRAME = (
    'nav, aside, footer, header:not(:has(h1)), [role="navigation"], [role="banner"], '
    '[role="contentinfo"], [role="search"], [role="complementary"]'
)
MAIN = 'main, [role="main"]'
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
RAISED = re.compile(r"\s*[+\u2212-]?[0-9]")
ENOUGH = 8.0
"""Seconds for the markdown."""
PLAIN = "Too large or too deeply nested for more than its plain text."
LEAST_SHARE = 0.2
"""Of the text without its frame that what calls itself the main content has to hold."""


def read_html(content: bytes, url: str, charset: str | None) -> tuple[str, str]:
    """Title and markdown of a page, or its plain text where it is too much for markdown."""
    try:
        with stopped_after(ENOUGH):
            return _title_and_markdown(content, url, charset)
    except (RecursionError, TooLongError):
        return "", f"({PLAIN})\n\n{_plain_text(content, charset)}"


def _title_and_markdown(content: bytes, url: str, charset: str | None) -> tuple[str, str]:
    soup = BeautifulSoup(content, "lxml", from_encoding=charset)
    title = soup.title.get_text() if soup.title else ""
    _make_links_whole(soup, _base_of(soup, url))
    for each in [*soup(NEVER_READ), *_hidden(soup)]:
        each.decompose()
    for raised in soup("sup"):
        if RAISED.match(raised.get_text()):  # or 10 to the 6th is read as 106
            raised.insert(0, "^")
    make_even(soup)
    main = _main_of(soup)
    return " ".join(title.split()), _tidy(_markdown(main))


def _main_of(soup: BeautifulSoup) -> Tag:
    """The main content where there is one, after the frame of the page is taken off."""
    body = soup.body or soup
    declared = body.select(MAIN) or body("article")
    for each in body.select(FRAME):
        if not each.decomposed and not each.find_parent(["main", "article"]):
            each.decompose()
    main = declared[0] if len(declared) == 1 and not declared[0].decomposed else body
    return main if _length(main) >= LEAST_SHARE * _length(body) else body


def _length(tag: Tag) -> int:
    return len("".join(tag.get_text().split()))


def _hidden(soup: BeautifulSoup) -> list[Tag]:
    """What nobody sees; texts for machines are hidden so."""
    styled = soup(style=HIDDEN)
    return [each for each in [*soup(hidden=True), *styled] if each.name not in ("html", "body")]


def _base_of(soup: BeautifulSoup, url: str) -> str:
    base = soup.find("base", href=True)
    return _whole(url, str(base["href"])) or url if isinstance(base, Tag) else url


def _make_links_whole(soup: BeautifulSoup, base: str) -> None:
    """Leave only links that lead to another page, and of a picture its text."""
    for link in soup("a"):
        href = str(link.get("href") or "").strip()
        whole = "" if href.startswith("#") else _whole(base, href)
        if whole and link.get_text(strip=True):
            link["href"] = whole
            del link["title"]
        else:
            link.unwrap()
    for picture in soup("img"):
        picture.replace_with(str(picture.get("alt") or ""))


def _whole(base: str, href: str) -> str:
    """The link as a whole URL, empty for one that is no page."""
    try:
        whole = urljoin(base, "".join(href.split()))
    except ValueError:
        return ""
    return whole if href and whole.startswith(("http://", "https://")) else ""


def _markdown(main: Tag) -> str:
    converter = MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        # quotes from the page have to be found in it as they are
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
        table_infer_header=True,
        code_language_callback=_language,
    )
    return str(converter.convert_soup(main))


def _plain_text(content: bytes, charset: str | None) -> str:
    """All text of a page, a line for each piece of it; no tree is made, however deep."""
    pieces = _Pieces()
    parser = HTMLParser(target=pieces, encoding=charset, huge_tree=True)
    parser.feed(content)
    parser.close()
    lines = (" ".join(piece.split()) for piece in pieces.texts)
    return "\n".join(line for line in lines if line)


class _Pieces:
    """Hears a parser go through a page, and keeps what is text for people."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._unread = ""

    def start(self, tag: str, _: object) -> None:
        if not self._unread and tag in ("script", "style", "noscript", "template"):
            self._unread = tag

    def end(self, tag: str) -> None:
        if tag == self._unread:
            self._unread = ""

    def data(self, text: str) -> None:
        if not self._unread:
            self.texts.append(text)

    def close(self) -> None:
        """Nothing is kept open."""


def _language(pre: Tag) -> str:
    """The language that a block of code names in its class, as pages of documentation do."""
    tagged = [pre, *pre("code", limit=1)]
    names = [str(name) for tag in tagged for name in tag.get_attribute_list("class") if name]
    return next((each.partition("-")[2] for each in names if each.startswith("language-")), "")


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
