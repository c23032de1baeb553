"""The page on faults says what the tests hold."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))

import faults  # noqa: E402
from expected import EXPECTED  # noqa: E402


def test_the_tables_of_the_page_are_those_of_the_tests():
    page = faults.PAGE.read_text()
    assert faults.filled(page) == page, "run: python docs/faults.py"


def test_every_ending_stands_on_the_page():
    page = faults.PAGE.read_text()
    assert [fault for fault in EXPECTED if f"| `{fault}` |" not in page] == []
