"""Every sample in README and docs is a file that runs, and shows what it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import samples  # noqa: E402

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py"))
WORDS = re.compile(r"/(home|root|work|tmp)/\w|localhost:\d+/\w+/simple")


@pytest.mark.parametrize("page", samples.PAGES, ids=lambda page: page.name)
def test_a_page_shows_its_samples_as_they_are(page: Path):
    assert samples.filled(page.read_text()) == page.read_text(), "run: python docs/samples.py"


@pytest.mark.parametrize("page", samples.PAGES, ids=lambda page: page.name)
def test_every_python_block_of_a_page_is_a_file(page: Path):
    assert samples.untold(page.read_text()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_without_a_key_and_prints_something(path: Path):
    assert samples.run(sys.executable, str(path.relative_to(ROOT))).strip()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_stands_on_a_page(path: Path):
    pages = "".join(page.read_text() for page in samples.PAGES)
    assert f"examples/{path.name}" in pages


@pytest.mark.parametrize("page", samples.PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", samples.PAGES, ids=lambda page: page.name)
def test_the_dotted_names_of_a_page_can_be_imported(page: Path):
    for name in re.findall(r"`(agentkit(?:\.\w+)+)`", page.read_text()):
        resolve_name(name)


def anchors_of(page: Path) -> set[str]:
    """What a link into a page may name: its headings, in the way of GitHub."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", samples.PAGES, ids=lambda page: page.name)
def test_the_links_into_a_page_lead_to_a_heading(page: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text())
    targets = [(page.parent / path if path else page, anchor) for path, anchor in links]
    assert [(path, anchor) for path, anchor in targets if anchor not in anchors_of(path)] == []


@pytest.mark.parametrize("page", samples.PAGES, ids=lambda page: page.name)
def test_a_page_names_no_path_of_the_machine_it_was_written_on(page: Path):
    assert not WORDS.search(page.read_text())


def test_the_readme_begins_with_twelve_lines_that_run():
    readme = (ROOT / "README.md").read_text()
    first = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert first is not None
    assert len(first[1].splitlines()) == 12
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", first[1]], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip()
