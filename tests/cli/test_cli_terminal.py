"""What a terminal gets: colours, a sign of life, and nothing that text of a model could do."""

from __future__ import annotations

import errno
import os
import re

import pytest

from agentkit import Agent, tool
from agentkit.cli.show import NoScreen, Progress
from agentkit.testing import ScriptedModel, call

pty = pytest.importorskip("pty")

HOSTILE = "\\x1b]0;owned\\x07 \\x1b[2J \\u202eevil [bold]not bold[/bold]"
SHOWN = r"\x1b]0;owned\x07 \x1b[2J \u202eevil [bold]not bold[/bold]"


def on_a_terminal(start, *arguments, env=None):
    """All that a process writes to a terminal, and its exit code."""
    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": "200", **(env or {})}
    process = start(*arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError as error:  # the other end is closed
        assert error.errno == errno.EIO
    os.close(ours)
    return written.decode().replace("\r\n", "\n"), process.wait()


def without_escapes(text):
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", text)


def test_a_terminal_gets_colours_and_the_answer_as_it_arrives(start, bot):
    path = bot(
        "agent = Agent(ScriptedModel(['One moment.', call('population', city='Oslo')], 'Many.'),"
        " tools=[population])"
    )
    written, code = on_a_terminal(start, "run", "?", "-a", path)
    plain = without_escapes(written)
    assert code == 0
    assert "\x1b[36m→ population(" in written
    assert "\x1b[?25l" in written  # the spinner hides the cursor,
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")  # and gives it back
    assert "One moment.\n" in plain
    assert plain.index("One moment.") < plain.index("→ population(") < plain.index("Many.\n")


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour_gets_plain_lines(env, start, bot):
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='Oslo'), 'Many.'), tools=[population])"
    )
    written, code = on_a_terminal(start, "run", "?", "-a", path, env=env)
    assert code == 0
    assert "\x1b" not in written
    assert '→ population({"city":"Oslo"})\n' in written
    assert "\nMany.\ncompleted: " in written


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_hostile_text_is_shown_and_does_nothing(env, start, bot):
    path = bot(
        f"said = '{HOSTILE}'\n"
        "@tool\ndef look(at: str) -> str:\n    return said\n"
        "agent = Agent(ScriptedModel([reasoning(said), call('look', at=said)],"
        " [call('no' + said)], said), tools=[look])"
    )
    written, code = on_a_terminal(start, "run", "?", "-a", path, env=env)
    plain = without_escapes(written)
    assert code == 0
    assert "\x1b]" not in written
    assert "\x1b[2J" not in written
    assert "\u202e" not in written
    assert f"\n{SHOWN}\n" in plain
    assert f"← look: {SHOWN} (" in plain
    assert f"  {SHOWN}\n" in plain


def test_hostile_text_reaches_a_pipe_as_it_is_but_not_stderr(start, bot):
    path = bot(
        f"said = '{HOSTILE}'\n"
        "@tool\ndef look() -> str:\n    return said\n"
        "agent = Agent(ScriptedModel(call('look'), said), tools=[look])"
    )
    out, err = start("run", "?", "-a", path).communicate()
    assert out == "\x1b]0;owned\x07 \x1b[2J \u202eevil [bold]not bold[/bold]\n"
    assert f"← look: {SHOWN} (" in err
    assert "\x1b" not in err


def test_json_on_a_terminal_is_harmless_too(start, bot):
    path = bot(f"agent = Agent(ScriptedModel('{HOSTILE}\\x9b31m'))")
    written, _ = on_a_terminal(start, "run", "?", "-q", "-a", path, "--json")
    assert "\x1b" not in written
    assert "\x9b" not in written
    assert "\u202e" not in written
    assert r"\u001b]0;owned\u0007" in written


def test_a_terminal_without_a_question_is_asked_for_one(start):
    written, code = on_a_terminal(start, "run", "-m", "offline")
    assert code == 2
    assert written.startswith("agentkit: Give a question")


class Waits(NoScreen):
    """Keeps what was shown as waited for."""

    def __init__(self):
        self.shown = []

    def waiting(self, what):
        self.shown.append(what)


async def test_the_next_turn_is_not_announced_before_the_calls_of_this_one_have_ended():
    @tool
    async def hello() -> str:
        return "Hi."

    screen = Waits()
    progress = Progress(screen, clock=lambda: 0.0, before_line=lambda: None)
    agent = Agent(
        ScriptedModel([call("hello"), call("missing"), call("hello")], "Done."), tools=[hello]
    )
    await agent.run("?", on_event=progress.hear)
    first_turn = screen.shown[: screen.shown.index("asking, turn 2")]
    assert len(first_turn) == 4
    assert all(what.startswith("running ") for what in first_turn)
    assert screen.shown[len(first_turn) :] == ["asking, turn 2"]
