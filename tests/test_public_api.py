"""The public surface: the names are listed, sorted, documented, and all there."""

from __future__ import annotations

import ast
import inspect
from functools import cached_property
from pathlib import Path

import pytest

import agentkit

DOCS = Path(__file__).parents[1] / "docs"


def test_the_exported_names_are_sorted_and_each_once():
    assert agentkit.__all__ == sorted(set(agentkit.__all__))


def test_the_three_lists_of_names_agree():
    tree = ast.parse(Path(agentkit.__file__).read_text())
    typed = {
        alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == set(agentkit.__all__) == set(agentkit._ROOM_OF)


@pytest.mark.parametrize("name", agentkit.__all__)
def test_every_public_name_loads_and_has_a_docstring(name):
    value = getattr(agentkit, name)
    assert inspect.getdoc(value)
    if inspect.isclass(value):
        assert "__doc__" in vars(value)


CLASSES = [name for name in agentkit.__all__ if inspect.isclass(getattr(agentkit, name))]


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_method_and_property_has_a_docstring(name):
    members = {key: each for key, each in vars(getattr(agentkit, name)).items() if key[0] != "_"}
    assert [key for key, each in members.items() if not documented(each)] == []


def documented(member: object) -> bool:
    """Whether a member of a class says what it gives; a field says so in the source."""
    return bool(member.__doc__) if inspect.isroutine(member) or _computed(member) else True


def _computed(member: object) -> bool:
    return isinstance(member, property | cached_property | classmethod | staticmethod)


@pytest.mark.parametrize("name", agentkit.__all__)
def test_every_public_name_stands_in_the_reference(name):
    assert f"`{name}`" in (DOCS / "reference.md").read_text()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="agents"):
        agentkit.agents  # noqa: B018
