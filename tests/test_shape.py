"""The structure, held by tests: layers that import one way, rooms that stay small."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import agentkit

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "agentkit"
FILES = sorted(PACKAGE.rglob("*.py"))
TOOLS = sorted((ROOT / "tools").rglob("*.py"))

# From the wire up: a module imports only from its own layer and those above it in this list.
LAYERS = [
    "errors ages encoding forms secrets",
    "responses",
    "schema",
    "tool_output",
    "tools",
    "records",
    "stores",
    "calls pairing hiding steps",
    "log",
    "moves reading",
    "prices quote budget purse conversation measure context limits cost output evidence",
    "rules approval middleware events",
    "testing",
    "journal cache",
    "run",
    "paying",
    "compact ask perform",
    "dispatch",
    "loop",
    "models input options result background",
    "sessions",
    "resuming stream",
    "tables",
    "jobs",
    "agent",
    "cli",
    "__main__",
]
LAYER_OF = {room: depth for depth, layer in enumerate(LAYERS) for room in layer.split()}
MAX_FILE, MAX_FUNCTION, MAX_DEPTH = 400, 50, 4


def name_of(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module of agentkit that the file imports, also inside functions."""
    tree = ast.parse(path.read_text())
    only_for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in only_for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (_module(node.module, alias.name) for alias in node.names)


def _module(module: str, name: str) -> str:
    path = ROOT / module.replace(".", "/") / name
    is_module = path.with_suffix(".py").exists() or path.is_dir()
    return f"{module}.{name}" if is_module else module


def room_of(module: str) -> str:
    """The file or folder right below the package that a module is in."""
    return (module.split(".") + [""])[1]


GRAPH = {
    name_of(path): {each for each in imports_of(path) if each.startswith("agentkit")}
    for path in FILES
}


def test_every_room_has_a_layer():
    rooms = {room_of(name) for name in GRAPH} - {""}
    assert rooms == set(LAYER_OF), f"say where they belong: {rooms ^ set(LAYER_OF)}"


@pytest.mark.parametrize("module", sorted(GRAPH.keys() - {"agentkit"}))
def test_a_module_imports_only_from_layers_above_its_own(module):
    own = LAYER_OF[room_of(module)]
    downward = [each for each in GRAPH[module] if room_of(each) and LAYER_OF[room_of(each)] > own]
    assert downward == []


def test_no_import_goes_round_in_a_cycle():
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join([*path, module])
        if module in done:
            return
        for each in GRAPH.get(module, ()):
            if each != module:
                visit(each, (*path, module))
        done.add(module)

    for module in GRAPH:
        visit(module, ())
    assert done >= set(GRAPH)


def test_the_wire_has_never_heard_of_agents():
    for module, imported in GRAPH.items():
        if module.startswith("agentkit.responses"):
            rooms = {room_of(each) for each in imported}
            assert rooms <= {"responses", "errors", "encoding", "secrets"}, module


def test_the_test_parts_know_only_the_wire():
    for module, imported in GRAPH.items():
        if module.startswith("agentkit.testing"):
            rooms = {room_of(each) for each in imported}
            known = {"responses", "errors", "encoding", "testing"}
            if module.startswith("agentkit.testing.stores"):  # what every store has to do
                known |= {"stores", "records"}
            assert rooms <= known, module


def test_agentkit_never_imports_the_ready_made_tools():
    for path in FILES:
        if "cli" in path.parts:
            continue
        assert "agentkit_tools" not in {each.split(".")[0] for each in imports_of(path)}


def test_only_one_file_opens_a_socket_to_a_model():
    users = [
        name_of(path)
        for path in FILES
        if {"httpx", "httpx2"} & {each.split(".")[0] for each in imports_of(path)}
    ]
    assert users == ["agentkit.responses.transport"]


@pytest.mark.parametrize("path", FILES + TOOLS, ids=str)
def test_a_file_stays_under_400_lines(path):
    assert len(path.read_text().splitlines()) < MAX_FILE


@pytest.mark.parametrize("path", FILES + TOOLS, ids=str)
def test_a_function_stays_under_50_lines(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            # a signature with a docstring is as long as what it says
            assert lines <= MAX_FUNCTION or _is_public_signature(node), f"{node.name}: {lines}"


@pytest.mark.parametrize("path", FILES + TOOLS, ids=str)
def test_a_function_goes_no_deeper_than_four_blocks(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert depth_of(node) - 1 <= MAX_DEPTH, node.name


def depth_of(node: ast.AST) -> int:
    """How many blocks of statements are within one another; an `elif` is beside its `if`."""
    within = [
        depth_of(child) - _is_elif(node, child)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    is_block = hasattr(node, "body") and not isinstance(node, ast.ExceptHandler | ast.match_case)
    is_block = is_block or isinstance(node, ast.Match)
    return max(within, default=0) + is_block


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]


def test_half_of_the_functions_fit_in_ten_lines():
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[len(lengths) // 2] <= 10


def _is_public_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 <= MAX_FUNCTION


def rooms_on_the_page() -> list[str]:
    """The rooms of the table in docs/architecture.md, in order."""
    rows = re.findall(
        r"^\| (`.*?) \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE
    )
    return [name.strip("`/") for row in rows for name in row.split(", ")]


def rooms_on_the_map() -> list[str]:
    """The rooms of the map at the door of the package, in order."""
    lines = (agentkit.__doc__ or "").partition("above it:\n\n")[2].partition("\n\n")[0].splitlines()
    named = (re.split(" {4,}", line.strip())[0] for line in lines)
    return [name.strip("/") for names in named for name in names.split()]


@pytest.mark.parametrize("listed", [rooms_on_the_page, rooms_on_the_map])
def test_every_room_is_shown_once_and_behind_those_that_it_imports(listed):
    rooms = listed()
    assert sorted(rooms) == sorted(LAYER_OF.keys() - {"__main__"})
    assert [LAYER_OF[room] for room in rooms] == sorted(LAYER_OF[room] for room in rooms)


def test_no_module_is_a_drawer():
    words = {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager"}
    assert not [path for path in FILES if words & set(path.stem.split("_"))]


def test_tables_have_never_heard_of_agents():
    for module, imported in GRAPH.items():
        if module.startswith("agentkit.tables"):
            rooms = {room_of(each) for each in imported}
            assert rooms <= {"tables", "errors", "encoding", "schema", "input"}, module
