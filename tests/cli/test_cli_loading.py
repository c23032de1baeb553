"""`-a` and `-t`: what a spec names, and what is said of one that names nothing."""

from __future__ import annotations

import json
import sys

import pytest

from agentkit.cli import main

TWO = "a = Agent(ScriptedModel('I am a.'))\nb = Agent(ScriptedModel('I am b.'))\n"


def test_an_agent_is_named_by_file_and_name(bot, capsys):
    assert main(["run", "?", "-q", "-a", bot(TWO) + ":b"]) == 0
    assert capsys.readouterr().out == "I am b.\n"


def test_the_only_agent_of_a_file_needs_no_name(bot, capsys):
    path = bot("first = Agent(ScriptedModel('Hello.'))\nsame = first\n")
    assert main(["run", "?", "-q", "-a", path]) == 0
    assert capsys.readouterr().out == "Hello.\n"


def test_an_agent_is_named_by_module_and_name(tmp_path, capsys, monkeypatch):
    (tmp_path / "bot_of_a_module.py").write_text(
        "from agentkit import Agent\nfrom agentkit.testing import ScriptedModel\n"
        "agent = Agent(ScriptedModel('Hello.'))\n"
    )
    monkeypatch.delitem(sys.modules, "bot_of_a_module", raising=False)
    assert main(["run", "?", "-q", "-a", "bot_of_a_module:agent"]) == 0
    assert capsys.readouterr().out == "Hello.\n"


def test_a_file_imports_what_lies_beside_it_also_while_a_tool_runs(tmp_path, bot, capsys):
    (tmp_path / "beside_the_bot.py").write_text("answer = 42\n")
    path = bot(
        "@tool\ndef look() -> int:\n    from beside_the_bot import answer\n    return answer\n"
        "agent = Agent(ScriptedModel(call('look'), lambda request: request.outputs[0]),"
        " tools=[look])"
    )
    assert main(["run", "?", "-q", "-a", path]) == 0
    assert capsys.readouterr().out == "42\n"


def test_tools_are_added_to_those_of_an_agent(bot, capsys):
    path = bot(
        "@tool\ndef area(city: str) -> int:\n    return 454\n"
        "agent = Agent(ScriptedModel([call('area', city='Oslo'), call('population', city='Oslo')],"
        " lambda request: ' '.join(request.outputs)), tools=[population])"
    )
    assert main(["run", "?", "-q", "-a", path, "-t", f"{path}:area"]) == 0
    assert capsys.readouterr().out == "454 717710\n"


@pytest.mark.parametrize(
    ("code", "name", "tools"),
    [
        ("@tool\ndef a(): ...\n@tool\ndef b(): ...\ndef c(): ...\n", "", ["a", "b"]),
        ("def a(): ...\ndef b(): ...\ndef _c(): ...\nclass D: ...\n", "", ["a", "b"]),
        ("def a(): ...\ndef b(): ...\n", ":b", ["b"]),
        ("def a(): ...\ndef b(): ...\nmine = [b, a]\n", ":mine", ["b", "a"]),
        ("@tool\ndef a(): ...\nagain = a\n", "", ["a"]),
    ],
)
def test_tools_of_a_file_are_those_it_marks_else_its_public_functions(
    code, name, tools, tmp_path, capsys
):
    path = tmp_path / "tools.py"
    path.write_text(f"from agentkit import tool\nfrom json import dumps\n{code}")
    assert main(["tools", f"{path}{name}", "--json"]) == 0
    assert [tool["name"] for tool in json.loads(capsys.readouterr().out)] == tools


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\n1 / 0\n", "broken.py, line 2: ZeroDivisionError: division by zero"),
        ("def f(:\n", "broken.py, line 1: SyntaxError: "),
        ("import no_such_module\n", "broken.py, line 1: ModuleNotFoundError: No module named"),
        ("raise SystemExit('I leave')\n", "broken.py, line 1: SystemExit: I leave"),
        ("raise ValueError('a\\nb\\x1b[31m')\n", "broken.py, line 1: ValueError: a b\\x1b[31m"),
        ("from beside import x\n", "beside.py, line 2: KeyError: 'x'"),
        (
            "from agentkit import Agent\nagent = Agent('opnai:gpt')\n",
            "broken.py, line 2: ConfigurationError: There is no provider 'opnai'.",
        ),
        ("", "broken.py holds no Agent. Write there: agent = Agent(…)."),
        ("x = 1\n", "broken.py holds no Agent."),
    ],
)
def test_a_file_that_cannot_be_loaded_is_one_line_with_the_place(code, said, tmp_path, capsys):
    (tmp_path / "broken.py").write_text(code)
    (tmp_path / "beside.py").write_text("\nx = {}['x']\n")
    assert main(["run", "?", "-a", "broken.py"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1


def test_a_module_that_fails_to_look_for_a_name_is_one_line(tmp_path, capsys):
    (tmp_path / "lazy.py").write_text("def __getattr__(name):\n    import no_such_module\n")
    assert main(["run", "?", "-a", "lazy.py:agent"]) == 2
    error = "agentkit: lazy.py, line 2: ModuleNotFoundError: No module named 'no_such_module'\n"
    assert capsys.readouterr().err == error


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("bot.py:c", "bot.py has no 'c'. Agents in it: a, b."),
        ("bot.py:population", "bot.py:population is a Tool, not an Agent."),
        ("bot.py", "bot.py holds 2 agents: a, b. Name one: bot.py:a."),
        ("bot.py:", "bot.py holds 2 agents: a, b. Name one: bot.py:a."),
        ("bat.py:a", "There is no file 'bat.py'."),
        ("bot_nowhere:a", "There is no module 'bot_nowhere' here. A file is named with its .py."),
        ("no-module", "'no-module' is neither a file nor a module."),
        (".", "'.' is neither a file nor a module."),
    ],
)
def test_an_agent_that_is_not_there_is_one_line_with_those_that_are(spec, said, bot, capsys):
    bot(TWO)
    assert main(["run", "?", "-a", spec]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("bot.py:populatoin", "bot.py has no 'populatoin'. Did you mean 'population'?"),
        ("bot.py:number", "bot.py:number: 5 is no tool."),
        ("bot.py:takes_a_class", "bot.py:takes_a_class: takes_a_class: the parameter 'kind'"),
        (
            "bot.py:population, area",
            "'bot.py:population, area' names several tools. Give each by itself: "
            "bot.py:population and bot.py:area; of a run, repeat -t.",
        ),
        ("agentkit_tools:then", "agentkit_tools has no 'then'."),
        ("empty.py", "empty.py holds no tools. Write a function there under @tool."),
    ],
)
def test_a_tool_that_is_not_there_is_one_line(spec, said, bot, tmp_path, capsys):
    bot("number = 5\ndef takes_a_class(kind: type): ...\n")
    (tmp_path / "empty.py").write_text("")
    assert main(["tools", spec]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1


def test_the_traceback_of_a_file_is_shown_where_that_is_asked_for(tmp_path, capsys):
    (tmp_path / "broken.py").write_text("def f():\n    1 / 0\nf()\n")
    assert main(["run", "?", "-a", "broken.py", "--traceback"]) == 2
    error = capsys.readouterr().err
    assert "Traceback (most recent call last)" in error
    assert error.endswith("agentkit: broken.py, line 2: ZeroDivisionError: division by zero\n")


BOX = """from agentkit import ConfigurationError, tool

class Box:
    def __init__(self, path="here", most=3):
        if most < 1:
            raise ConfigurationError("most: give 1 or more.")
        self.path = path

    @property
    def tools(self):
        return (self.look, self.take)

    @tool(effect="read")
    def look(self) -> str:
        return self.path

    @tool
    def take(self) -> str:
        return "gone"
"""


@pytest.mark.parametrize(
    "spec", ["box.py:Box", 'box.py:Box("a:(b) c", most=2)', "box.py:Box(path='x')"]
)
def test_a_toolbox_is_made_of_what_the_spec_says(spec, tmp_path, capsys):
    (tmp_path / "box.py").write_text(BOX)
    assert main(["tools", spec]) == 0
    assert capsys.readouterr().out == "look  read\ntake  once\n"


def test_a_toolbox_gives_its_tools_what_it_was_made_with(bot, tmp_path, capsys):
    (tmp_path / "box.py").write_text(BOX)
    path = bot("agent = Agent(ScriptedModel(call('look'), lambda request: request.outputs[0]))")
    assert main(["run", "?", "-q", "-a", path, "-t", 'box.py:Box("a:(b) c")']) == 0
    assert capsys.readouterr().out == "a:(b) c\n"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("box.py:Box(most=0)", "box.py:Box(most=0): most: give 1 or more."),
        ("box.py:Box(__import__('os'))", "box.py:Box(__import__('os')): __import__('os') is no"),
        ("box.py:Box(open)", "box.py:Box(open): open is no plain value."),
        ("box.py:Box(**{})", "box.py:Box(**{}): ** is not read."),
        ("box.py:Box()()", "box.py:Box()(): it is no single call."),
        ('box.py:Box("x)', 'box.py:Box("x): it cannot be read.'),
        ('box.py:Box("x"', 'box.py:Box("x": it cannot be read. Write texts in quotes'),
        ("box.py:Bax()", "box.py has no 'Bax'. Did you mean 'Box'?"),
        (
            "box.py:Box(mst=1)",
            "box.py:Box(mst=1): got an unexpected keyword argument 'mst'. Arguments of Box: path, most.",
        ),
        ("agentkit_tools:Sql", "agentkit_tools:Sql: missing a required argument: 'url_or_path'."),
        ('agentkit_tools:Sqll("a.db")', "agentkit_tools has no 'Sqll'. Did you mean 'Sql'?"),
        ("box.py:number()", "box.py:number(): number takes no arguments. Write box.py:number."),
    ],
)
def test_a_toolbox_that_cannot_be_made_is_one_line(spec, said, tmp_path, capsys):
    (tmp_path / "box.py").write_text(BOX + "number = 5\n")
    assert main(["tools", spec]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1


SECRET = "s3c-re1"


@pytest.mark.parametrize(
    "spec",
    [
        f'agentkit_tools:Sql("postgresql://ada:{SECRET}@127.0.0.1/db", max_row=3)',
        f'agentkit_tools:Sql("postgresql://ada:{SECRET}@127.0.0.1/db"',
        f'agentkit_tools:Sql("postgresql://ada:a@b)c/{SECRET}@127.0.0.1/db")',
        f"agentkit_tools:Sql(postgresql://ada:{SECRET}@127.0.0.1/db)",
        f"agentkit_tools:Sql('postgresql://127.0.0.1/db?password={SECRET}', 5)",
        f'agentkit_tools:Sql("postgresql://ada:a b {SECRET}@127.0.0.1/db", max_row=3)',
        f"postgresql://ada:{SECRET}@127.0.0.1/db",
        f'fails.py:Box("postgresql://ada:{SECRET}@127.0.0.1/db")',
        f'agentkit_tools:Sql("host=127.0.0.1 user=ada password={SECRET}")',
        f'fails.py:Box(api_key="{SECRET}")',
        f"fails.py:Box(credentials={{'127.0.0.1': '{SECRET}'}}, x=y)",
        f'fails.py:Box(token="{SECRET}',
    ],
)
def test_a_password_in_a_toolbox_is_not_shown_in_any_error(spec, tmp_path, capsys):
    (tmp_path / "fails.py").write_text(
        "class Box:\n    tools = ()\n    def __init__(self, url='', **options):\n"
        "        raise OSError(f'no answer from {url}')\n"
    )
    assert main(["run", "?", "-m", "offline", "-t", spec, "--traceback"]) == 2
    error = capsys.readouterr().err
    assert SECRET not in error
    assert "agentkit: " in error


def test_a_url_without_a_password_is_shown_as_it_is(capsys):
    spec = 'agentkit_tools:Web("http://127.0.0.1:80/a@b", x=http://ada@h/)'
    assert main(["run", "?", "-m", "offline", "-t", spec]) == 2
    assert capsys.readouterr().err.startswith(f"agentkit: {spec}: it cannot be read.")
