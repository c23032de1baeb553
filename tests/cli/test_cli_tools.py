"""`agentkit tools`: the list, one tool whole, and the wire's own form."""

from __future__ import annotations

import json

from agentkit.cli import main

TOOLS = '''\
from agentkit import tool

@tool(effect="read")
def population(city: str, year: int = 2024) -> int:
    """People in a city.

    As counted in that year.
    """
    return 0

@tool
def rename(city: str) -> None:
    """Give a city another name."""
'''


def test_without_a_spec_the_ready_made_tools_are_listed(capsys):
    assert main(["tools"]) == 0
    told = capsys.readouterr().out
    kinds = {line.split()[0]: line.split()[1] for line in told.splitlines()}
    assert kinds["now"] == kinds["calculate"] == kinds["ask_user"] == "read"
    assert {name for name, kind in kinds.items() if kind == "toolbox"} == {
        f"{name}(…)" for name in ("Files", "Python", "Shell", "Sql", "Table", "Web", "WebSearch")
    }


def test_tools_are_listed_with_their_effect_and_the_first_line_of_their_description(
    tmp_path, capsys
):
    (tmp_path / "tools.py").write_text(TOOLS)
    assert main(["tools", "tools.py"]) == 0
    assert capsys.readouterr().out == (
        "population  read        People in a city.\n"
        "rename      once        Give a city another name.\n"
    )


def test_one_tool_is_explained(tmp_path, capsys):
    (tmp_path / "tools.py").write_text(TOOLS)
    assert main(["tools", "tools.py:population"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("population: strict\n- year: ")
    assert json.loads(said[said.index("{") :])["parameters"]["required"] == ["city", "year"]


def test_json_is_what_a_request_carries(tmp_path, capsys):
    (tmp_path / "tools.py").write_text(TOOLS)
    assert main(["tools", "tools.py", "--json"]) == 0
    population, rename = json.loads(capsys.readouterr().out)
    assert population["type"] == "function"
    assert population["strict"] is True
    assert rename["parameters"]["properties"] == {"city": {"type": "string"}}
