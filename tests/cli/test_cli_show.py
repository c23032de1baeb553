"""`agentkit show`: a whole run, readable, as JSON, and a request of it as a curl command."""

from __future__ import annotations

import json
import sqlite3

import pytest
from logged import DB, log_records, log_run, use

from agentkit import Agent, Approve, Edit, Limits, Reject, tool
from agentkit.cli import main
from agentkit.log import Log
from agentkit.records import Answer, Compaction, Setup, Started
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields, Usage
from agentkit.testing import ScriptedModel, call, commentary, failed, incomplete, reasoning, refusal
from agentkit.testing.stores.said import answered, said

HOSTILE = "\x1b]0;owned\x07 \x1b[2J \u202eevil"
SHOWN = r"\x1b]0;owned\x07 \x1b[2J \u202eevil"


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


@tool
def population(city: str) -> int:
    "People in a city."
    return 717710


@tool(approval=True)
def send(to: str) -> str:
    "Send mail."
    return f"sent to {to}"


def shown(capsys, session: str, *options: str) -> str:
    """What the command shows, its code being 0."""
    assert main(["show", session, *options]) == 0
    return capsys.readouterr().out


def record(text: str, number: int) -> str:
    """The part of what is shown that is about one record, without the time."""
    parts = [part for part in text.split("\n\n") if part.startswith(f"{number}  ")]
    head, _, lines = parts[0].partition("\n")
    words = [word for word in head.split("  ") if ":" not in word or len(word) != 8]
    return "\n".join(["  ".join(words), lines]).rstrip("\n")


def test_every_record_is_shown_under_the_number_that_a_fork_takes(capsys):
    thought = [
        reasoning("I look it up."),
        commentary("One moment."),
        call("population", city="Oslo"),
    ]
    settings = {"temperature": 0}
    log_run(
        "oslo",
        thought,
        "About 700,000.",
        tools=[population],
        said="How many?",
        instructions="Be brief.",
        settings=settings,
    )
    text = shown(capsys, "oslo")
    head, facts = text.splitlines()[:2]
    assert head == "oslo  completed"
    assert facts.endswith(", 2 turns, 25 tokens, cost unknown")
    assert record(text, 1) == (
        "1  setup  a model without a name\n"
        "    tools: population\n    instructions: Be brief.\n    temperature: 0"
    )
    assert record(text, 2) == "2  input\n    How many?"
    assert record(text, 3).splitlines()[1:] == [
        "    I look it up.",
        "    One moment.",
        '    → population({"city":"Oslo"})  call_1',
    ]
    assert record(text, 4) == "4  started  population (call_1): once"
    assert record(text, 5).startswith("5  output  population (call_1)")
    assert record(text, 5).endswith("\n    717710")
    assert record(text, 6).endswith("\n    About 700,000.")


def test_an_answer_says_what_it_took(capsys):
    usage = {"input_tokens": 1200, "output_tokens": 30, "total_tokens": 1230}
    usage["input_tokens_details"] = {"cached_tokens": 1000}
    wire = answered("Hello.").response.wire | {"usage": usage}
    answer = Answer.read({"response": {**wire, "output": []}, "cost": 0.0123, "seconds": 1.25})
    log_records("hi", [said("Hi"), answer, answered("More.", cost=0.00001), answered("?")])
    text = shown(capsys, "hi")
    assert record(text, 2) == ("2  answer  1,200 tokens in (1,000 cached), 30 out, $0.0123, 1.2 s")
    assert "<$0.0001" in record(text, 3)
    assert "cost unknown" in record(text, 4)
    assert "$0.0123 + 1 answer of unknown price" in text.splitlines()[1]


def test_a_changed_setup_says_only_what_changed(capsys):
    log_run("hi", "Hello.", tools=[population], instructions="Be brief.", settings={"top_p": 1})
    log_run("hi", "Yes.", tools=[send], instructions="Be brief.", settings={"temperature": 0})
    text = shown(capsys, "hi")
    assert record(text, 4).splitlines() == [
        "4  setup  changed",
        "    tools added: send",
        "    tools removed: population",
        "    temperature: 0",
        "    top_p: no longer set",
    ]


def test_another_model_is_a_change_that_is_named(capsys):
    setups = [Setup(Fields({"model": name}), server="https://h/v1") for name in ("m-1", "m-2")]
    log_records("hi", [setups[0], said("Hi"), answered("Hello."), setups[1]])
    text = shown(capsys, "hi")
    assert record(text, 1) == "1  setup  m-1 at https://h/v1"
    assert record(text, 4) == "4  setup  changed: m-2 at https://h/v1"


def test_what_a_person_decided_is_shown_with_the_reason(capsys):
    agent = Agent(ScriptedModel([call("send", to=name) for name in "abc"], "Done."), tools=[send])
    decisions = [
        Approve("call_1"),
        Reject("call_2", "Not her."),
        Edit("call_3", {"to": "d"}),
    ]

    async def run(store):
        await agent.run("Mail", session="mail", store=store)
        await agent.resume("mail", decisions, store=store)

    use(run)
    text = shown(capsys, "mail")
    assert record(text, 4) == "4  decision  send (call_1): approved"
    assert record(text, 5) == "5  decision  send (call_2): rejected\n    Not her."
    assert record(text, 6) == (
        '6  decision  send (call_3): approved with other arguments\n    {"to":"d"}'
    )
    assert "send (call_2), rejected" in text
    assert "sent to d" in text


def test_calls_that_wait_stand_at_the_end_with_the_commands_for_them(capsys):
    log_run("my mail", call("send", to="all"), tools=[send])
    text = shown(capsys, "my", "--db", DB)
    assert '→ send({"to":"all"})  call_1, needs approval' in text
    assert text.endswith(
        'send needs approval: {"to":"all"}\n'
        "    agentkit approve 'my mail' call_1 --db runs.db\n"
        "    agentkit reject 'my mail' call_1 --db runs.db\n"
    )


def test_a_run_without_an_end_shows_how_it_goes_on(capsys):
    log_run("broken", RuntimeError("no"))
    assert shown(capsys, "broken").endswith(
        "goes on, with your agent for BOT.py:AGENT:\n    agentkit resume broken -a BOT.py:AGENT\n"
    )
    log_run("done", "Hello.")
    assert "agentkit resume" not in shown(capsys, "done")


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (refusal("No."), "refused: No."),
        (incomplete("Half"), "incomplete: max_output_tokens"),
        (failed("server_error", "Overloaded"), "failed: server_error Overloaded"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(script, line, capsys):
    log_run("hi", script)
    assert f"    {line}\n" in shown(capsys, "hi")


def test_a_limit_that_was_met_is_said(capsys):
    log_run(
        "hi", call("population", city="Oslo"), "So far.", tools=[population], limits=Limits(turns=2)
    )
    assert "    the last answer, for the limit on turns\n" in shown(capsys, "hi")


def test_a_compaction_says_what_it_stands_for(capsys):
    compaction = Compaction((user_message("We spoke."),), 2, Usage(9, 0, 1, 0, 10), 0.5)
    log_records("hi", [said("Hi"), answered("Hello."), compaction])
    assert record(shown(capsys, "hi"), 3) == (
        "3  compaction  1 item for the first 2, 9 tokens in, 1 out, $0.5000\n    We spoke."
    )


def test_a_long_text_is_cut_unless_all_of_it_is_asked_for(capsys):
    log_run("hi", "long " * 1000, said="Hi")
    assert record(shown(capsys, "hi"), 3).endswith(
        "\n    … 3,000 more characters; --full shows all"
    )
    assert "long " * 999 in shown(capsys, "hi", "--full")


def test_nothing_that_a_model_or_a_tool_wrote_can_act_on_a_terminal(capsys):
    @tool
    def look(where: str) -> str:
        "Look."
        return HOSTILE

    wire = {"type": "function_call", "name": HOSTILE, "arguments": HOSTILE, "call_id": HOSTILE}
    log_run(
        HOSTILE.replace("\x1b", "").replace("\x07", ""),
        [reasoning(HOSTILE), wire, call("look", where=HOSTILE), {"type": HOSTILE, "x": HOSTILE}],
        [refusal(HOSTILE), HOSTILE],
        tools=[look],
        said=HOSTILE,
        instructions=HOSTILE,
        settings={HOSTILE: HOSTILE},
    )
    text = shown(capsys, "]")
    assert text.count(SHOWN) > 10
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert not {"\x1b", "\x07", "\u202e"} & set(shown(capsys, "]", "--json"))


def test_json_is_one_object_with_every_record_as_a_log_dumps_it(capsys):
    log_run("mail", call("send", to="all"), tools=[send])
    run = json.loads(shown(capsys, "mail", "--json"))
    assert list(run) == "session parent status usage cost pending records".split()
    assert (run["session"], run["parent"], run["status"]) == ("mail", None, "waiting")
    assert run["cost"] is None
    assert run["usage"]["total_tokens"] == 2
    assert run["pending"] == [
        {
            "call_id": "call_1",
            "name": "send",
            "arguments": {"to": "all"},
            "reason": "needs approval",
            "digest": Log.load(run["records"]).waiting_calls[0].arguments_digest,
        }
    ]
    assert [(each["number"], each["seq"]) for each in run["records"]] == [(1, 0), (2, 1), (3, 2)]
    assert all(each["at"].endswith("Z") for each in run["records"])
    assert Log.load(run["records"]).waiting_calls[0].call_id == "call_1"


def test_of_a_log_that_is_damaged_what_can_be_read_is_shown(capsys):
    log_run("hi", "Hello.")
    database = sqlite3.connect(DB)
    database.execute("UPDATE records SET body = '{' WHERE kind = 'answer'")
    database.commit()
    database.close()
    assert main(["show", "hi"]) == 1
    text, error = capsys.readouterr()
    assert record(text, 2) == "2  input\n    Hi"
    assert "answer" not in text
    assert error.startswith("agentkit: ")
    assert main(["show", "hi", "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["records"]) == 2


def test_records_that_do_not_add_up_are_shown_all_the_same(capsys):
    log = Log()
    log_records("odd", [said("Hi"), answered("Hello.")])
    open_call = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1"}
    answer = Answer.read({"response": {"status": "completed", "output": [open_call]}})
    log_records("even", [said("Hi"), answer, said("Hello?")])
    assert len(log) == 0
    assert main(["show", "even"]) == 1
    text, error = capsys.readouterr()
    assert record(text, 3) == "3  input\n    Hello?"
    assert "The log does not add up" in error


def test_a_run_that_is_not_there_is_wrong_use_with_the_one_that_was_meant(capsys):
    log_run("oslo", "Hello.")
    assert main(["show", "osol"]) == 2
    assert "Did you mean 'oslo'?" in capsys.readouterr().err


def test_calls_that_may_have_run_are_shown_where_others_go_first(capsys):
    calls = [call("pay"), call("population", city="Oslo")]
    log_run("hi", calls, "Done.", tools=[population, send], said="Pay.")
    *_, answer = use(lambda store: store.load("hi")).records[:3]
    setup = Setup(Fields({"tools": [{"type": "function", "name": "pay"}]}))
    started = Started({"call_1": "once", "call_2": "read"})
    log_records("broken", [setup, said("Pay."), answer, started], status="open")
    assert "\npay may have run: {}\n" in shown(capsys, "broken")
