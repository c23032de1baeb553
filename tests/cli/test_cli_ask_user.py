"""A question of the model's: answered at a terminal, else by a command."""

from __future__ import annotations

import shlex

import pytest
from logged import DB

from agentkit.cli import main

pytest.importorskip("pty")

from at_a_terminal import CTRL_C, CTRL_D, Person  # noqa: E402

BOT = """\
from agentkit_tools import ask_user
def outputs(request):
    return " and ".join(request.outputs)
"""
ONE = BOT + (
    "def step(request):\n"
    "    return outputs(request) or call('ask_user', question='What colour?')\n"
    "agent = Agent(ScriptedModel(step, step), tools=[ask_user])"
)
TWO = BOT + (
    "agent = Agent(ScriptedModel([call('ask_user', question='What colour?'),"
    " call('ask_user', question='Which door?')], outputs), tools=[ask_user])"
)
PROMPT = "your answer, or Ctrl-D for later > "


@pytest.fixture(autouse=True)
def _log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def printed(line):
    """The words of the command in a line, without the name of the program."""
    return shlex.split(line[line.index("agentkit ", 10) :])[1:]


def test_without_a_terminal_it_is_code_4_and_the_printed_commands_answer(bot, capsys):
    path = bot(ONE)
    assert main(["run", "?", "-a", path, "--session", "s"]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    asked, then = said.err.splitlines()[-2:]
    assert asked.startswith("agentkit: Waiting for your answer to 'What colour?'. Give it: ")
    assert printed(asked) == ["approve", "s", "call_1", "--answer", "TEXT"]
    assert main([*printed(asked)[:-1], "sky blue"]) == 0
    assert main(printed(then)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "sky blue"


def test_at_a_terminal_the_line_that_is_typed_is_the_answer(start, bot):
    person = Person(start, "run", "?", "-a", bot(TWO))
    asked = person.reads(PROMPT)
    assert "? ask_user: What colour?\n" in asked
    assert "run it" not in asked
    person.says("")  # no answer yet
    person.reads(PROMPT)
    person.says("  sky blue ")
    assert "? ask_user: Which door?\n" in person.reads(PROMPT)
    person.says("y")
    shown, code = person.leaves()
    assert code == 0
    assert "sky blue and y\n" in shown


@pytest.mark.parametrize("key", [CTRL_D, CTRL_C])
def test_a_question_can_be_left_for_later(key, start, bot):
    path = bot(ONE)
    person = Person(start, "run", "?", "-a", path, "--session", "s")
    person.reads(PROMPT)
    person.types(key)
    shown, code = person.leaves()
    assert code == 4
    assert "agentkit approve s call_1 --answer TEXT" in shown
    person = Person(start, "resume", "s", "-a", path)
    person.reads(PROMPT)
    person.says("blue")
    shown, code = person.leaves()
    assert (code, "blue\n" in shown) == (0, True)


def test_a_question_cannot_act_on_the_terminal(start, bot):
    code = ONE.replace("What colour?", r"\x1b[2Jred\u202e or\x07 blue?")
    person = Person(start, "run", "?", "-a", bot(code))
    assert r"? ask_user: \x1b[2Jred\u202e or\x07 blue?" in person.reads(PROMPT)
    person.types(CTRL_D)
    assert person.leaves()[1] == 4


def test_a_tool_of_another_shape_under_that_name_is_one_to_be_allowed(start, bot):
    code = (
        "@tool(approval=True)\ndef ask_user(text: str) -> str:\n    return text\n"
        "agent = Agent(ScriptedModel(call('ask_user', text='hi'), 'done'), tools=[ask_user])"
    )
    person = Person(start, "run", "?", "-a", bot(code))
    assert "ask_user: needs approval" in person.reads("q leave it waiting > ")
    person.says("y")
    assert person.leaves()[1] == 0


def test_no_log_no_answer_later(bot, capsys):
    assert main(["run", "?", "-a", bot(ONE), "--no-log"]) == 4
    assert "nothing was kept to go on with" in capsys.readouterr().err.splitlines()[-1]
