"""The public surface: the names are listed, sorted, documented, and all there."""

from __future__ import annotations

import ast
import inspect
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


@pytest.mark.parametrize("name", agentkit.__all__)
def test_every_public_method_has_a_docstring(name):
    value = getattr(agentkit, name)
    if not inspect.isclass(value) or not value.__module__.startswith("agentkit"):
        return
    for method, function in vars(value).items():
        if not method.startswith("_") and inspect.isfunction(function):
            assert function.__doc__, f"{name}.{method}"


@pytest.mark.parametrize("name", agentkit.__all__)
def test_every_public_name_stands_in_the_reference(name):
    assert f"`{name}`" in (DOCS / "reference.md").read_text()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="agents"):
        agentkit.agents  # noqa: B018
