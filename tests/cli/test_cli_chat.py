"""`agentkit chat`: scripts from a pipe in this process, and a person at a terminal."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from pathlib import Path

import pytest
from logged import DB, use

from agentkit import Agent
from agentkit.cli import main
from agentkit.cli.app import parser
from agentkit.cli.kept import history_of
from agentkit.cli.lines import EditedMessages
from agentkit.testing import ScriptedModel
from agentkit.testing.server import ResponsesServer

pytest.importorskip("pty")

from at_a_terminal import ALT_ENTER, CTRL_C, CTRL_D, CTRL_Z, PLAIN, PROMPTED, Person  # noqa: E402

COUNTS = "agent = Agent(ScriptedModel(*[lambda r: f'{len(r.input)} items.'] * 9))"


@pytest.fixture(autouse=True)
def _log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


@pytest.fixture
def chat(monkeypatch):
    """Has a chat read these lines from a pipe; its exit code."""

    def read(lines, *options):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return main(["chat", *options])

    return read


def sessions():
    return {each.session: each for each in use(lambda store: store.list())}


def test_every_line_is_a_message_of_one_conversation(chat, capsys):
    with ResponsesServer(ScriptedModel("Nice to meet you.", "Ada.")) as server:
        arguments = ["-m", "any", "--base-url", server.url]
        assert chat(["I am Ada.", "", "Who am I?"], *arguments) == 0
    said = capsys.readouterr()
    assert said.out == "Nice to meet you.\nAda.\n"
    assert [item["content"] for item in server.requests[1]["input"]][::2] == [
        *["I am Ada.", "Who am I?"]
    ]
    [session] = sessions()
    assert said.err == (
        f"go on: agentkit chat --session {session} -m any --base-url {server.url}\n"
    )


def test_a_chat_goes_on_with_the_last_session_or_a_named_one(chat, bot, capsys):
    path = bot(COUNTS)
    for options in (["--session", "s"], ["-c"], ["--session", "s"], ["--no-log"]):
        assert chat(["?"], "-q", "-a", path, *options) == 0
    assert capsys.readouterr().out == "1 items.\n3 items.\n5 items.\n1 items.\n"
    assert list(sessions()) == ["s"]


def test_a_message_may_have_lines(chat):
    said = ["one \\", "two", '"""three', "", "four", 'five"""', '"""six"""', "//slash", '"""open']
    with ResponsesServer(ScriptedModel(*["Yes."] * 5)) as server:
        assert chat(said, "-q", "-m", "any", "--base-url", server.url) == 0
    assert [item["content"] for item in server.requests[-1]["input"]][::2] == [
        *["one \ntwo", "three\n\nfour\nfive", "six", "/slash", "open"]
    ]


@pytest.mark.parametrize("options", [[], ["--no-log"]])
def test_the_last_message_is_taken_back_with_its_answer(options, chat, bot, capsys):
    assert (
        chat(["one", "two", "/undo", "three", "/undo", "/undo"], "-a", bot(COUNTS), *options) == 0
    )
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if line.endswith("items.")] == ["1 items.", "3 items.", "3 items."]
    taken = [line.removeprefix("Taken back: ") for line in out if line.startswith("Taken")]
    assert [line.partition(".")[0] for line in taken] == ["two", "three", "one"]
    if options:
        assert not Path(DB).exists()
        return
    before, after = re.findall(r"run_\w+", taken[0])
    kept = sessions()
    assert (kept[before].summary.turns, kept[after].parent) == (2, before)


def test_what_is_taken_back_ends_as_it_was_said(chat, bot, capsys):
    said = ["Is it?", "/undo", "It is.", "/undo", "is it", "/undo"]
    assert chat(said, "-q", "-a", bot(COUNTS), "--no-log") == 0
    taken = capsys.readouterr().out.splitlines()[1::2]
    assert taken == ["Taken back: Is it?", "Taken back: It is.", "Taken back: is it."]


def test_what_tools_did_is_not_taken_back_and_that_is_said(chat, bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='Oslo'), 'Many.'), tools=[population])"
    )
    assert chat(["How many?", "/undo"], "-q", "-a", path) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("What its tools did is done.")


def test_a_fork_goes_on_and_leaves_the_session_as_it_is(chat, bot, capsys):
    assert chat(["one", "/fork", "two"], "-q", "-a", bot(COUNTS), "--session", "s") == 0
    out = capsys.readouterr().out.splitlines()
    [fork] = sessions().keys() - {"s"}
    assert out == ["1 items.", f"s stays as it is; this is {fork}.", "3 items."]
    assert (sessions()["s"].summary.turns, sessions()[fork].summary.turns) == (1, 2)


def test_the_words_tell_what_there_is(chat, bot, capsys):
    path = bot(
        "priced = {'input_tokens': 2000, 'output_tokens': 30, 'total_tokens': 2030, 'cost': 0.25}\n"
        "said = {'output': [{'type': 'message', 'role': 'assistant', 'content':"
        " [{'type': 'output_text', 'text': 'Yes.'}]}], 'usage': priced}\n"
        "agent = Agent(ScriptedModel(said, said), tools=[population, {'type': 'web_search'}])"
    )
    assert chat(["one", "two", "/cost", "/tools", "/help"], "-q", "-a", path) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[-5:-1] for line in out[3:5]] == [
        *[["1", "2,030", "2,000", "30"], ["2", "4,060", "4,000", "60"]]
    ]
    assert out[5:7] == [
        "population  once        People in a city.",
        "web_search, a tool of the server's own",
    ]
    assert [line.split()[0] for line in out[7:14]] == [
        *["/help", "/tools", "/undo", "/retry", "/fork", "/cost", "/quit"]
    ]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("/undoo", "There is no /undoo. Did you mean '/undo'?"),
        ("/usr/bin is full?", "There is no /usr/bin. /help lists them. To say this, write another"),
        ("/undo 2", "/undo takes nothing behind it."),
        ("/undo", "Nothing has been said yet."),
        ("/retry", "Nothing has been said yet."),
        ("/fork", "Nothing has been said yet."),
    ],
)
def test_a_word_that_means_nothing_is_one_line_and_not_for_the_model(word, said, chat, capsys):
    with ResponsesServer(ScriptedModel()) as server:
        assert chat([word, "/quit", "never"], "-q", "-m", "any", "--base-url", server.url) == 2
    error = capsys.readouterr().err
    assert server.requests == []
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1


@pytest.mark.parametrize("word", ["/quit", "quit", "exit"])
def test_a_conversation_ends_where_that_is_said(word, chat, bot, capsys):
    assert chat(["one", word, "two"], "-q", "-a", bot(COUNTS)) == 0
    assert capsys.readouterr().out == "1 items.\n"


def test_the_first_failure_of_a_script_is_its_code_and_all_are_told(chat, bot, capsys):
    path = bot("agent = Agent(ScriptedModel('Hello.', refusal('No.')))")
    assert chat(["Hello.", "/retry", "/undoo", "Do it.", "quit"], "-q", "-a", path) == 2
    said = capsys.readouterr()
    assert said.out == "Hello.\nNo.\n"
    assert [line.partition(".")[0] for line in said.err.splitlines()] == [
        "agentkit: There is nothing to go on with: the last run has ended",
        "agentkit: There is no /undoo",
        "agentkit: The model declined to answer",
    ]


def test_an_error_of_the_model_loses_nothing_and_is_retried(chat, bot, capsys):
    path = bot(
        "from agentkit import AuthenticationError\n"
        "agent = Agent(ScriptedModel(AuthenticationError('No such key.', status=401),"
        " lambda r: r.input[-1].text))"
    )
    assert chat(["Are you there?", "/retry"], "-q", "-a", path) == 1
    said = capsys.readouterr()
    assert said.out == "Are you there?\n"
    assert said.err == (
        "agentkit: No such key. (status 401). Check the key, and that it is one for this server.\n"
    )


def test_a_message_to_a_session_that_is_busy_is_not_lost(chat, bot, capsys):
    path = bot(
        "from agentkit import Conflict\nfrom agentkit.stores.sqlite import SQLiteStore\n"
        "class Busy(SQLiteStore):\n    times = 0\n"
        "    def hold(self, session, *, wait=False):\n        self.times += 1\n"
        "        if self.times == 1:\n            raise Conflict('Another runs it.')\n"
        "        return super().hold(session, wait=wait)\n"
        "agent = Agent(ScriptedModel(lambda r: r.input[-1].text), store=Busy('own.db'))"
    )
    assert chat(["Are you there?", "/retry"], "-q", "-a", path) == 1
    said = capsys.readouterr()
    assert said.out == "Are you there?\n"
    assert said.err.startswith("agentkit: Another runs it.")
    assert said.err.count("\n") == 1


def test_what_could_not_be_kept_is_kept_with_the_next_message(chat, bot, capsys):
    path = bot(
        "from agentkit import StoreError\nfrom agentkit.stores.sqlite import SQLiteStore\n"
        "class Full(SQLiteStore):\n    times = 0\n"
        "    async def append(self, session, seq, records, summary=None):\n"
        "        self.times += 1\n"
        "        if self.times == 2:\n            raise StoreError('The disk is full.')\n"
        "        await super().append(session, seq, records, summary)\n"
        + COUNTS.replace("* 9)", "* 9), store=Full('own.db')")
    )
    assert chat(["one", "two"], "-q", "-a", path, "--session", "s") == 1
    assert capsys.readouterr().out == "1 items.\n3 items.\n"
    assert main(["show", "s", "--db", "own.db", "--json"]) == 0
    assert capsys.readouterr().out.count('"kind":"answer"') == 2


def test_calls_that_wait_are_told_to_the_reader_of_a_script(chat, bot, capsys):
    path = bot(
        "@tool(approval=True)\ndef delete(): ...\n"
        "agent = Agent(ScriptedModel(call('delete'), 'As you like.'), tools=[delete])"
    )
    assert chat(["Delete it.", "Never mind."], "-a", path, "--session", "s") == 4
    said = capsys.readouterr()
    assert said.out == "As you like.\n"
    assert "Let it run: agentkit approve s call_1\n" in said.err
    assert "note: not run, since you went on: delete\n" in said.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-m", "openai:gpt-5"], "openai needs a key. Set OPENAI_API_KEY"),
        (["-c"], "-c: No runs are logged yet"),
        (["--no-log", "-c"], "-c needs the log"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_read(options, said, chat, capsys):
    assert chat(["Hello?"], *options) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1


def test_a_script_that_is_not_text_is_one_line(start, tmp_path):
    (tmp_path / "script.txt").write_bytes("Ålesund\n".encode("latin-1"))
    with open("script.txt") as script:
        process = start("chat", "-m", "offline", stdin=script)
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err == "agentkit: Standard input is not UTF-8 text.\n"


def test_a_person_talks_with_history_and_lines_that_go_on(start, bot, tmp_path):
    path = bot("agent = Agent(ScriptedModel(*[lambda r: ascii(r.input[-1].text)] * 5))")
    person = Person(start, "chat", "-a", path)
    assert re.search(r"ScriptedModel, session run_\w+\. /help lists", person.reads(PROMPTED))
    for typed, message in (
        ("one" + ALT_ENTER + "two\r", r"'one\ntwo'"),
        ("three\\\rfour\r", r"'three\nfour'"),
        ("\x1b[200~five\nsix\x1b[201~\r", r"'five\nsix'"),
        ("\x1b[A\r", r"'five\nsix'"),
        (f"{CTRL_Z}seven\r", "'seven'"),
    ):
        person.types(typed)
        person.reads(message)
        person.reads(PROMPTED)
    person.types("thrown away" + CTRL_C)
    person.reads(PROMPTED)
    person.types(CTRL_C)
    person.reads("Another Ctrl-C ends")
    person.types(CTRL_C)
    shown, code = person.leaves()
    assert code == 0
    assert re.search(r"go on: agentkit chat --session run_\w+ -a ", shown)
    history = tmp_path / f"{DB}-chat-history"
    assert history.stat().st_mode & 0o777 == 0o600
    assert "thrown away" not in history.read_text()


def test_a_history_that_takes_no_more_and_pasted_colours_do_not_disturb(start, bot, tmp_path):
    path = bot("agent = Agent(ScriptedModel(*[lambda r: ascii(r.input[-1].text)] * 2))")
    person = Person(start, "chat", "-a", path)
    person.reads(PROMPTED)
    person.says("one")
    person.reads("'one'")
    person.reads(PROMPTED)
    history = tmp_path / f"{DB}-chat-history"
    history.unlink()
    history.mkdir()
    person.says("\x1b[31mtwo\x1b[0m")
    assert "exception" not in person.reads("'two'")
    person.reads(PROMPTED)
    person.types(CTRL_D)
    assert person.leaves()[1] == 0


def test_ctrl_c_stops_the_answer_and_not_the_program(start, bot):
    path = bot(
        "@tool(effect='read')\nasync def wait():\n    await asyncio.Event().wait()\n"
        "agent = Agent(ScriptedModel(call('wait'), 'As you like.'), tools=[wait])"
    )
    person = Person(start, "chat", "-a", path, "--no-log")
    person.reads(PROMPTED)
    person.says("Wait.")
    person.reads("→ wait({})")
    person.types(CTRL_C)
    person.reads("Stopped. /retry goes on")
    person.reads(PROMPTED)
    person.says("/retry")
    person.reads("→ wait({})")
    person.types(CTRL_C)
    person.reads("Stopped.")
    person.reads(PROMPTED)
    person.says("Never mind.")
    assert "may have run; what it gave is not known: wait" in person.reads("As you like.")
    person.reads(PROMPTED)
    person.types(CTRL_D)
    assert person.leaves()[1] == 0
    assert not Path("data").exists()


def test_ctrl_c_that_cancels_the_loop_of_the_editor_is_a_ctrl_c(monkeypatch):
    prompt_toolkit = pytest.importorskip("prompt_toolkit")

    def cancelled(_session):
        raise asyncio.CancelledError

    monkeypatch.setattr(prompt_toolkit.PromptSession, "prompt", cancelled)
    with pytest.raises(KeyboardInterrupt):
        EditedMessages(None).read()


@pytest.mark.parametrize(
    ("options", "file"),
    [
        ([], f"{DB}-chat-history"),
        (["--db", "sqlite:///own.db"], "own.db-chat-history"),
        (["--db", "postgresql://h/db"], "data/agentkit/runs-chat-history"),
        (["--no-log"], None),
    ],
)
def test_what_is_typed_is_kept_beside_the_log(options, file, tmp_path):
    arguments = parser().parse_args(["chat", *options])
    history = history_of(arguments, None)
    assert (history and history.absolute()) == (file and tmp_path / file)


def test_what_is_typed_is_kept_beside_the_log_of_an_agents_own(tmp_path):
    agent = Agent("offline", store="own.db")
    arguments = parser().parse_args(["chat", "-a", "bot.py"])
    assert history_of(arguments, agent) == tmp_path / "own.db-chat-history"


def test_a_script_leaves_no_history(chat, bot, tmp_path):
    assert chat(["one"], "-q", "-a", bot(COUNTS)) == 0
    assert not list(tmp_path.rglob("*history*"))


def test_a_tool_that_blocks_others_does_not_keep_the_process(start, bot):
    path = bot(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "@tool\ndef wait():\n"
        "    with ThreadPoolExecutor() as pool:\n"
        "        pool.submit(threading.Event().wait).result()\n"
        "agent = Agent(ScriptedModel(call('wait')), tools=[wait])"
    )
    person = Person(start, "chat", "-a", path, env=PLAIN)
    person.reads("> ")
    person.says("Wait.")
    person.reads("→ wait({})")
    person.types(CTRL_C)
    person.reads("Stopped.")
    person.reads("> ")
    person.says("/quit")
    assert person.leaves()[1] == 0


def test_calls_that_wait_are_asked_about_on_the_way(start, bot):
    path = bot(
        "@tool(approval=True)\ndef delete() -> str:\n    return 'It is gone.'\n"
        "agent = Agent(ScriptedModel(call('delete'), lambda r: r.outputs[0]), tools=[delete])"
    )
    person = Person(start, "chat", "-a", path, env=PLAIN)
    person.reads("> ")
    person.says("Delete it.")
    person.reads("q leave it waiting > ")
    person.says("q")
    person.reads("delete waits: /retry asks again")
    person.reads("> ")
    person.says("/retry")
    person.reads("q leave it waiting > ")
    person.says("y")
    person.reads("\nIt is gone.\n")
    person.reads("> ")
    person.types(CTRL_D)
    assert person.leaves()[1] == 0


def test_without_the_extra_a_terminal_is_read_line_by_line(monkeypatch, start, bot, tmp_path):
    (tmp_path / "prompt_toolkit.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = bot("agent = Agent(ScriptedModel(*[lambda r: ascii(r.input[-1].text)] * 2))")
    person = Person(start, "chat", "-a", path)
    person.reads("> ")
    person.says("one\\")
    person.reads("… ")
    person.says("two")
    person.reads(r"'one\ntwo'")
    person.reads("> ")
    person.says("three")
    person.reads("'three'")
    person.reads("> ")
    person.says("/quit")
    assert person.leaves()[1] == 0
