"""Calls that wait for a person: asked about at a terminal, else decided on by a command."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path

import pytest
from logged import DB, log_records, use

from agentkit.cli import main
from agentkit.records import Answer, Input, Setup, Started
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields

pytest.importorskip("pty")

from at_a_terminal import CTRL_C, CTRL_D, Person  # noqa: E402

BOT = """\
@tool(approval=True)
def delete(path: str, force: bool = False) -> str:
    with open("ran.txt", "a") as ran:
        ran.write(f"{path} {force}\\n")
    return f"{path} is gone"

def outputs(request):
    return "\\n".join(request.outputs)

"""
TWO = BOT + (
    "agent = Agent(ScriptedModel(['I delete them.', call('delete', path='a'),"
    " call('delete', path='b')], outputs), tools=[delete])"
)


@pytest.fixture(autouse=True)
def _log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def ran():
    """The calls that ran, which may be in any order."""
    path = Path("ran.txt")
    return sorted(path.read_text().splitlines()) if path.exists() else []


def one_call(arguments):
    return BOT + (
        f"agent = Agent(ScriptedModel(call('delete', **{arguments!r}), outputs), tools=[delete])"
    )


def waits(path, session="s"):
    """Have a run of the agent wait."""
    assert main(["run", "?", "-q", "-a", path, "--session", session]) == 4


def printed(line):
    """The words of the command in a line, without the name of the program."""
    return shlex.split(line[line.index("agentkit ", 10) :])[1:]


def test_calls_that_wait_are_code_4_and_the_printed_commands_go_on(bot, capsys):
    path = bot(TWO)
    assert main(["run", "?", "-a", path, "--session", "s", "--max-turns", "9"]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    first, second, then = said.err.splitlines()[-3:]
    assert first.startswith('agentkit: Waiting: delete({"path":"a"}): needs approval. Let it run:')
    assert printed(then) == ["resume", "s", "-a", path, "--max-turns", "9"]
    assert main(printed(first)) == 0
    assert main(printed(second)) == 0
    assert ran() == []
    assert main(printed(then)) == 0
    assert ran() == ["a False", "b False"]
    assert capsys.readouterr().out.endswith("a is gone\nb is gone\n")


def test_a_word_is_recorded_with_what_still_waits_and_what_goes_on(bot, capsys):
    waits(bot(TWO))
    capsys.readouterr()
    assert main(["approve", "s", "call_1"]) == 0
    assert capsys.readouterr().out == (
        'approved: delete (call_1)\n{\n  "path": "a"\n}\n'
        "waits: delete (call_2): needs approval\n"
        "go on, with your agent for BOT.py:AGENT: agentkit resume s -a BOT.py:AGENT\n"
    )
    assert main(["reject", "s", "--reason", "Keep it.", "-a", bot(TWO)]) == 0
    assert capsys.readouterr().out == (
        'rejected: delete (call_2)\n{\n  "path": "b"\n}\n'
        f"go on: agentkit resume s -a {bot(TWO)}\n"
    )
    assert main(["resume", "s", "-q", "-a", bot(TWO)]) == 0
    assert ran() == ["a False"]
    assert "the call was rejected. Keep it." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "gone", "model_reads"),
    [
        (["approve", "s", "--all"], ["a False"], "a is gone"),
        (["approve", "s", "--answer", "by hand"], [], "by hand"),
        (["reject", "s", "call"], [], "delete was not run: the call was rejected."),
        (
            ["approve", "s", "--edit", '{"path": "z", "force": true}'],
            ["z True"],
            """[A person changed the arguments of this call to {"path":"z","force":true}]""",
        ),
    ],
)
def test_a_word_is_used_when_the_run_goes_on(options, gone, model_reads, bot, capsys):
    path = bot(one_call({"path": "a"}))
    waits(path)
    assert main(options) == 0
    assert main(["resume", "s", "-q", "-a", path]) == 0
    assert ran() == gone
    assert capsys.readouterr().out.splitlines()[-1] == model_reads


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["approve", "s"], "Calls that wait: delete (call_1) needs approval, delete"),
        (["approve", "s", "call_3"], "No call 'call_3' waits. Did you mean 'call_"),
        (["approve", "s", "call_"], "More than one call 'call_' waits. "),
        (["reject", "s", "call_1", "--all"], "--all is about every call that waits"),
        (["approve", "s", "--all", "--edit", "{}"], "--edit and --answer are about one call"),
        (["approve", "s", "call_1", "--edit", "{"], "That is not JSON: "),
        (["approve", "s", "call_1", "--edit", "[1]"], "Arguments are a JSON object, such as"),
        (["approve", "s", "call_1", "-a", "bot.py", "--edit", "{}"], "The edit of 'call_1' does"),
        (["approve", "t"], "There is no session 't'."),
    ],
)
def test_a_word_on_what_does_not_wait_or_does_not_fit_is_one_line(options, said, bot, capsys):
    waits(bot(TWO))
    capsys.readouterr()
    assert main(options) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1
    assert use(lambda store: store.load("s")).records[-1].kind == "answer"


def test_until_the_run_goes_on_a_word_is_taken_back_by_naming_its_call(bot, capsys):
    waits(bot(TWO))
    assert main(["approve", "s", "--all"]) == 0
    assert main(["reject", "s"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "agentkit: No call of this run waits for a person. "
        "To say something else on one, name it: delete (call_1), delete (call_2)."
    )
    assert main(["reject", "s", "call_1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("rejected: delete (call_1), which was approved before\n")
    assert main(["resume", "s", "-q", "-a", bot(TWO)]) == 0
    assert ran() == ["b False"]


def test_a_call_that_has_run_is_not_taken_for_another(bot, capsys):
    path = bot(
        BOT + "agent = Agent(ScriptedModel([call('population', city='Oslo'), call('delete',"
        " path='a')], outputs), tools=[population, delete])"
    )
    waits(path)
    assert main(["approve", "s", "call_1"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == (
        "agentkit: No call 'call_1' waits. Calls that wait: delete (call_2) needs approval."
    )


@pytest.mark.parametrize("call_id", ["call_1", ""])
def test_an_id_that_has_run_or_is_empty_does_not_stand_for_the_beginning_of_another(
    call_id, bot, capsys
):
    # the model uses an id once more, which so becomes call_1_2
    same = "call('delete', 'call_1', path='a')"
    path = bot(BOT + f"agent = Agent(ScriptedModel({same}, {same}), tools=[delete])")
    waits(path)
    assert main(["approve", "s", "call_1"]) == 0
    assert main(["resume", "s", "-q", "-a", path]) == 4
    assert main(["approve", "s", call_id]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == (
        f"agentkit: No call {call_id!r} waits. Calls that wait: delete (call_1_2) needs approval."
    )
    assert main(["approve", "s", "call_1_"]) == 0
    assert ran() == ["a False"]


CRASHED = (
    "@tool\ndef pay(euros: int) -> str:\n"
    "    with open('paid.txt', 'a') as paid:\n        paid.write(f'{euros}.')\n"
    "    return f'{euros} are paid'\n"
    "agent = Agent(ScriptedModel(lambda request: request.outputs[0]), tools=[pay])"
)


def crashes():
    """Have a log of a process that was killed as it paid."""
    pay = {"name": "pay", "arguments": '{"euros":5}', "call_id": "call_1"}
    wire = {"id": "resp_1", "status": "completed", "output": [{"type": "function_call", **pay}]}
    tools = {"tools": [{"type": "function", "name": "pay"}]}
    records = [Setup(Fields(tools)), Input((user_message("Pay."),))]
    records += [Answer.read({"response": wire}), Started({"call_1": "once"})]
    log_records("s", records, status="open")


def test_a_call_that_may_have_run_is_let_run_once_more_only_by_saying_so(bot, capsys):
    crashes()
    path = bot(CRASHED)
    for options in ([], ["--all"], ["call_1", "--edit", '{"euros": 6}']):
        assert main(["approve", "s", *options]) == 2
        error = capsys.readouterr().err
        assert error.startswith("agentkit: pay (call_1) may have run before. To run it once more")
        assert "--again" in error
        assert error.count("\n") == 1
    assert main(["approve", "s", "--again", "--answer", "no"]) == 2
    assert main(["approve", "s", "--again"]) == 0
    assert main(["resume", "s", "-q", "-a", path]) == 0
    assert Path("paid.txt").read_text() == "5."


def test_what_can_be_said_of_a_call_that_may_have_run_is_told_with_the_commands(bot, capsys):
    crashes()
    assert main(["show", "s"]) == 0
    assert capsys.readouterr().out.endswith(
        'pay may have run: {"euros":5}\n'
        "    agentkit approve s call_1 --again\n"
        "    agentkit approve s call_1 --answer TEXT\n"
        "    agentkit reject s call_1\n"
    )
    assert main(["resume", "s", "-a", bot(CRASHED)]) == 4
    assert capsys.readouterr().err.splitlines()[-4:-1] == [
        'agentkit: Waiting: pay({"euros":5}): may have run. Run it once more: '
        "agentkit approve s call_1 --again",
        "agentkit: Or say what it gave: agentkit approve s call_1 --answer TEXT",
        "agentkit: Or leave it: agentkit reject s call_1",
    ]


def test_what_may_have_run_is_not_told_as_not_run_where_someone_goes_on(bot, capsys):
    crashes()
    assert main(["run", "And?", "-a", bot(CRASHED), "--session", "s"]) == 0
    note = capsys.readouterr().err.splitlines()[0]
    assert note == "note: may have run; what it gave is not known: pay"


def test_at_a_terminal_it_is_said_that_a_call_would_run_once_more(start, bot):
    crashes()
    person = Person(start, "resume", "s", "-a", bot(CRASHED))
    asked = person.reads(KEY)
    assert "? pay: may have run before, since it was under way when the run broke off" in asked
    assert "y run it once more" in asked
    person.says("y")
    assert person.leaves()[1] == 0
    assert Path("paid.txt").read_text() == "5."


def test_a_run_that_is_under_way_is_a_conflict(bot, capsys):
    waits(bot(TWO))
    capsys.readouterr()

    async def meanwhile(store):
        async with store.hold("s"):
            return await asyncio.to_thread(main, ["approve", "s", "--all"])

    assert use(meanwhile) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_store_of_an_agent_is_found_by_the_agent(bot, capsys):
    path = bot(one_call({"path": "a"}).replace("tools=[delete]", "tools=[delete], store='own.db'"))
    assert main(["run", "?", "-a", path, "--session", "s"]) == 4
    first, then = capsys.readouterr().err.splitlines()[-2:]
    assert printed(first) == ["approve", "s", "call_1", "-a", path]
    assert main(printed(first)) == 0
    assert main(printed(then)) == 0
    assert ran() == ["a False"]
    assert not Path(DB).exists()


def test_a_call_whose_tool_is_gone_can_only_be_left(bot, capsys):
    path = bot(
        one_call({"path": "a"}) + "\nwithout = Agent(ScriptedModel(outputs), tools=[population])"
    )
    waits(f"{path}:agent")
    capsys.readouterr()
    assert main(["resume", "s", "-a", f"{path}:without"]) == 4
    first, then = capsys.readouterr().err.splitlines()[-2:]
    assert "its tool is gone. Leave it: agentkit reject s call_1" in first
    assert main(["approve", "s"]) == 2
    assert main(printed(first)) == 0
    assert main(printed(then)) == 0
    assert ran() == []
    assert "the call was rejected." in capsys.readouterr().out


def test_without_a_log_it_is_said_that_nothing_can_go_on(bot, capsys):
    assert main(["run", "?", "-a", bot(one_call({"path": "a"})), "--no-log"]) == 4
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.endswith("It was not run, and nothing was kept to go on with (--no-log).")


KEY = "q leave it waiting > "


def test_at_a_terminal_each_call_is_asked_about_and_the_run_goes_on(start, bot, tmp_path):
    names = [f"call('delete', path={name!r})" for name in "abcd"]
    path = bot(BOT + f"agent = Agent(ScriptedModel([{', '.join(names)}], outputs), tools=[delete])")
    person = Person(start, "run", "?", "-a", path)
    asked = person.reads(KEY)
    assert '? delete: needs approval\n{\n  "path": "a"\n}\n' in asked
    person.types("what?\ry\r")  # the second was typed before the question stood there again
    person.reads(KEY)
    person.says("y")
    assert '"path": "b"' in person.reads(KEY)
    person.says("n")
    person.reads("(or nothing): ")
    person.says("Keep it.")
    person.reads(KEY)
    for typed, complaint in (
        ("{", "That is not JSON: "),
        ('{"path": 1}', "It does not fit: path: "),
        ("", "Nothing was changed."),
    ):
        person.says("e")
        person.reads("as JSON (or nothing): ")
        person.says(typed)
        person.reads(complaint)
        person.reads(KEY)
    person.says("e")
    person.reads("as JSON (or nothing): ")
    person.says('{"path": "z"}')
    person.reads(KEY)
    person.says("a")
    person.reads("its result: ")
    person.says("by hand")
    shown, code = person.leaves()
    assert code == 0
    assert ran() == ["a False", "z False"]
    assert "the call was rejected. Keep it." in shown
    assert "\nby hand\n" in shown


def test_arguments_are_edited_in_the_persons_editor(start, bot, tmp_path):
    (tmp_path / "editor.py").write_text(
        "import sys\ntext = open(sys.argv[-1]).read()\n"
        "open(sys.argv[-1], 'w').write(text.replace('\"a\"', '\"edited\"'))\n"
    )
    editor = shlex.join([sys.executable, str(tmp_path / "editor.py")])
    path = bot(one_call({"path": "a"}))
    person = Person(start, "run", "?", "-a", path, env={"EDITOR": "false", "VISUAL": editor})
    person.reads(KEY)
    person.says("e")
    assert person.leaves()[1] == 0
    assert ran() == ["edited False"]


def test_a_command_line_is_seen_whole_before_it_is_allowed(start, bot, capsys):
    path = bot(one_call({"path": "x" * 1500 + "; touch END"}))
    person = Person(start, "run", "?", "-a", path)
    assert "touch END" in person.reads(KEY)
    person.types(CTRL_D)
    assert person.leaves()[1] == 4
    assert main(["run", "?", "-q", "-a", path]) == 4
    assert "touch END" in capsys.readouterr().err


def test_what_is_long_or_hostile_is_shown_harmless_and_cut(start, bot):
    path = bot(one_call({"path": "\x1b[2J\u202e" + "x" * 2000 + "END"}))
    person = Person(start, "run", "?", "-a", path)
    asked = person.reads(KEY)
    assert "\\u001b[2J\\u202exxx" in asked
    assert "END" not in asked
    assert "more characters]" in asked
    assert "[not all of it: s shows it whole]" in asked
    person.says("s")
    assert "END" in person.reads(KEY)
    person.types(CTRL_D)
    shown, code = person.leaves()
    assert code == 4
    assert "Let it run: agentkit approve run_" in shown
    assert ran() == []


def test_the_answer_alone_reaches_a_pipe_while_a_terminal_is_asked(start, bot):
    path = bot(one_call({"path": "a"}))
    with open("answer.txt", "w") as answer:
        person = Person(start, "run", "?", "-a", path, stdout=answer)
        person.reads(KEY)
        person.says("y")
        assert person.leaves()[1] == 0
    assert Path("answer.txt").read_text() == "a is gone\n"


def test_calls_that_are_left_wait_and_ctrl_c_leaves_them_all(start, bot):
    person = Person(start, "run", "?", "-a", bot(TWO), "--session", "s")
    person.reads(KEY)
    person.says("y")
    person.reads(KEY)
    person.says("q")
    shown, code = person.leaves()
    assert code == 4
    assert ran() == ["a False"]
    assert 'Waiting: delete({"path":"b"}): needs approval.' in shown
    person = Person(start, "resume", "s", "-a", bot(TWO))
    person.reads(KEY)
    person.types(CTRL_C)
    assert person.leaves()[1] == 4
    assert ran() == ["a False"]


def test_a_word_that_comes_after_that_of_another_terminal_is_not_taken(start, bot):
    person = Person(start, "run", "?", "-a", bot(one_call({"path": "a"})), "--session", "s")
    person.reads(KEY)
    assert main(["reject", "s"]) == 0
    person.says("y")
    shown, code = person.leaves()
    assert code == 1
    assert "'s' has gone on elsewhere meanwhile, and what was said here was not kept. See" in shown
    assert ran() == []


@pytest.mark.parametrize("option", ["--json", "-q"])
def test_nobody_is_asked_where_a_program_reads(option, start, bot):
    shown, code = Person(start, "run", "?", "-a", bot(TWO), option).leaves()
    assert code == 4
    assert KEY not in shown
    if option == "--json":
        line = next(line for line in shown.splitlines() if line.startswith("{"))
        assert [call["call_id"] for call in json.loads(line)["pending"]] == ["call_1", "call_2"]
