"""What the page on testing says was tested is what gets installed."""

from __future__ import annotations

import json
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "testing.md").read_text()


def named(line: str) -> str:
    """The version that the page gives in the row which begins like this."""
    found = re.search(rf"^\| \W?{re.escape(line)}\W[^|]*\| ([\d.]+) \|", PAGE, re.MULTILINE)
    assert found is not None
    return found[1]


def pinned(path: str, package: str) -> str:
    found = re.search(
        rf"^{re.escape(package)}(?:\[\w+\])?==(.+)$", (TESTS / path).read_text(), re.MULTILINE
    )
    assert found is not None
    return found[1]


def test_the_page_names_the_versions_that_are_pinned():
    manifest = json.loads((TESTS / "servers" / "package.json").read_text())
    assert named("aimock") == manifest["dependencies"]["@copilotkit/aimock"]
    assert named("litellm") == pinned("servers/requirements-litellm.txt", "litellm")
    assert named("openai") == pinned("../constraints.txt", "openai")
    for package, requirements in [
        ("openai-agents", "clients/requirements-openai-agents.txt"),
        ("pydantic-ai-slim", "clients/requirements-pydantic-ai.txt"),
    ]:
        assert named(package) == pinned(requirements, package)
