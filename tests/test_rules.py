"""Rules over the calls of an agent, in Python and as a file."""

import asyncio
import json
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agentkit import Agent, Approve, ConfigurationError, tool
from agentkit.rules import Rule, Rules, Ruling
from agentkit.testing import ScriptedModel, call

ROOT = Path(__file__).parents[1]


def said(rule: Rule, name: str = "send", **arguments: object) -> bool:
    """Whether the rule is about a call with these arguments."""
    return Rules(rule)(name, arguments).word == rule.decision


@pytest.mark.parametrize(
    ("pattern", "name", "is_about_it"),
    [
        ("*", "anything", True),
        ("delete_*", "delete_all", True),
        ("delete_*", "undelete_all", False),
        ("get?", "gets", True),
        ("get?", "get", False),
        ("[ab]_x", "b_x", True),
        ("Send", "send", False),
        (["now", "send*"], "send_mail", True),
        (["now", "send*"], "later", False),
    ],
)
def test_a_pattern_is_held_against_the_whole_name_of_the_tool(pattern, name, is_about_it):
    assert Rule("ask", tool=pattern).matches(name, {}) is is_about_it


def test_without_a_pattern_a_rule_is_about_every_tool():
    assert Rules(Rule("reject", reason="Not today."))("x", {}) == Ruling("reject", "Not today.")


def test_the_first_rule_that_matches_decides():
    rules = Rules(Rule("allow", "pay", {"amount": "?"}), Rule("reject", "pay"), Rule("ask"))
    assert rules("pay", {"amount": 5}).word == "allow"
    assert rules("pay", {"amount": 55}).word == "reject"
    assert rules("look", {"amount": 5}).word == "ask"


def test_where_no_rule_matches_they_have_no_opinion():
    assert Rules()("pay", {}) == Rules(Rule("allow", "look"))("pay", {}) == Ruling("default")


def test_all_argument_patterns_of_a_rule_have_to_match():
    rule = Rule("allow", arguments={"to": "*@example.com", "subject": ["Hi*", "Hello*"]})
    assert said(rule, to="a@example.com", subject="Hello you")
    assert not said(rule, to="a@example.com", subject="Money")
    assert not said(rule, to="a@example.org", subject="Hi")


def test_an_argument_that_is_not_there_matches_nothing():
    assert not said(Rule("reject", arguments={"path": "*"}))
    assert not said(Rule("reject", arguments={"path.name": "*"}), path="x")
    assert not said(Rule("reject", arguments={"path.name": "*"}), path={"size": 1})


class Colour(Enum):
    """Colours."""

    RED = "red"


@dataclass
class Point:
    """A point."""

    x: int
    name: str


class Address(BaseModel):
    """An address."""

    city: str
    lines: list[str] = []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (True, "true"),
        (None, "null"),
        (3, "3"),
        (3.0, "3.0"),
        (["a", 1], '["a",1]'),
        ({"ä": {}}, '{"ä":{}}'),
        (Colour.RED, "red"),
        (date(2024, 5, 31), "2024-05-31"),
        (Path("/a/b"), "/a/b"),
        (Point(1, "p"), '{"x":1,"name":"p"}'),
        (Address(city="Ulm"), '{"city":"Ulm","lines":[]}'),
        ("lone \ud800", "lone \ud800"),
        (["ä\ud800"], '["ä\ud800"]'),
    ],
)
def test_a_text_is_matched_as_it_is_and_other_values_as_json(value, text):
    exactly = "".join(f"[{each}]" if each in "*?[" else each for each in text)
    assert said(Rule("ask", arguments={"value": exactly}), value=value)
    assert not said(Rule("ask", arguments={"value": f"{exactly}?"}), value=value)


def test_a_dotted_name_reaches_into_an_object():
    rule = Rule("ask", arguments={"to.address.city": "Ulm"})
    assert said(rule, to={"address": Address(city="Ulm")})
    assert said(rule, to={"address": {"city": "Ulm"}})
    assert not said(rule, to={"address": {"city": "Ulmen"}})
    assert not said(rule, to={"address": ["Ulm"]})


def test_rules_are_values():
    rules = Rules(Rule("ask", ["a", "b"], {"x": "1"}))
    assert rules == Rules(Rule("ask", ("a", "b"), {"x": ["1"]})) != Rules()
    with pytest.raises(AttributeError):
        rules.rules = ()


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: Rule("alow"), "expected one of allow, ask, reject, default, got 'alow'.*'allow'?"),
        (lambda: Rule(None), "decision: expected one of .*, got None"),
        (lambda: Rule("ask", tool=""), "tool: the pattern is empty. Leave it out"),
        (lambda: Rule("ask", tool=["a", ""]), "tool: the pattern is empty"),
        (lambda: Rule("ask", tool=[]), "tool: the list is empty"),
        (lambda: Rule("ask", tool=3), 'tool: expected a text such as "a\\*", or a list.*got 3'),
        (lambda: Rule("ask", arguments="x"), "arguments: expected patterns by name, got 'x'"),
        (lambda: Rule("ask", arguments={"": "x"}), "arguments: expected names such as"),
        (lambda: Rule("ask", arguments={"a..b": "x"}), "arguments: expected names such as"),
        (lambda: Rule("ask", arguments={1: "x"}), "arguments: expected names such as"),
        (lambda: Rule("ask", arguments={"n": 3}), "arguments.n: expected a text .*got 3"),
        (lambda: Rule("ask", arguments={"n": [3]}), r"arguments.n: expected a text .*got \[3\]"),
        (lambda: Rule("ask", arguments={"n": []}), "arguments.n: the list is empty"),
        (lambda: Rule("ask", reason=None), "reason: expected a text, got None"),
        (lambda: Rules("allow"), r"Rules: expected Rule\(…\), …, got 'allow'"),
        (lambda: Rules([Rule("ask")]), "Rules: expected Rule"),
    ],
)
def test_what_is_no_rule_says_what_is_wrong(made, problem):
    with pytest.raises(ConfigurationError, match=problem):
        made()


RUNS: list[str] = []


@pytest.fixture(autouse=True)
def no_runs_yet():
    RUNS.clear()


@tool
async def send(to: str, subject: str = "(none)") -> str:
    """Send a letter."""
    RUNS.append(f"{to}: {subject}")
    return "sent"


@tool(approval=True)
async def pay(amount: int) -> str:
    """Pay."""
    RUNS.append(f"{amount} paid")
    return "paid"


async def run_with(rules: Rules, *calls, hosted=()):
    """A run whose model makes these calls at once, and the outputs it then reads."""
    model = ScriptedModel(list(calls), "done")
    result = await Agent(model, tools=[send, pay, *hosted], approve=rules).run("go")
    return result, model.requests[1].outputs if len(model.requests) > 1 else []


async def test_a_rejected_call_does_not_run_and_the_model_reads_the_reason():
    rules = Rules(Rule("reject", "send", {"to": "*@rival.example"}, reason="Not to rivals."))
    calls = (call("send", to="x@rival.example"), call("send", to="ada"))
    result, outputs = await run_with(rules, *calls)
    assert (result.status, RUNS) == ("completed", ["ada: (none)"])
    assert outputs == ["send was not run: the call was rejected. Not to rivals.", "sent"]


async def test_a_rejection_without_a_reason_says_that_it_is_the_rules():
    _, outputs = await run_with(Rules(Rule("reject")), call("send", to="ada"))
    assert outputs == [
        "send was not run: the call was rejected. The rules of this run do not allow it."
    ]


async def test_rules_go_before_the_tools_own_approval_where_they_match():
    rules = Rules(Rule("allow", "pay", {"amount": "?"}))
    result, _ = await run_with(rules, call("pay", amount=5), call("pay", amount=50))
    assert RUNS == ["5 paid"]
    assert [each.arguments for each in result.pending] == [{"amount": 50}]


async def test_a_default_that_the_model_left_out_is_matched_too():
    rules = Rules(Rule("ask", "send", {"subject": "(none)"}))
    result, _ = await run_with(rules, call("send", to="a"), call("send", to="b", subject="Hi"))
    assert RUNS == ["b: Hi"]
    assert [each.call_id for each in result.pending] == ["call_1"]


async def test_a_persons_word_is_not_put_to_the_rules_again():
    agent = Agent(
        ScriptedModel([call("pay", amount=5)], "done"),
        tools=[pay],
        approve=Rules(Rule("ask", "pay")),
    )
    result = await agent.resume(await agent.run("go"), [Approve("call_1")])
    assert (result.status, RUNS) == ("completed", ["5 paid"])


SERVERS_OWN = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "name": "pay",
    "server_label": "bank",
    "arguments": '{"amount": 5}',
}


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (Rule("allow", "bank.pay"), {"approve": True}),
        (Rule("allow", "bank.*", {"amount": "5"}), {"approve": True}),
        (Rule("allow"), {"approve": True}),
        (Rule("allow", "pay"), None),
        (Rule("allow", "bank.pay", {"amount": "6"}), None),
        (Rule("reject", "bank.pay", reason="No."), {"approve": False, "reason": "No."}),
        (Rule("reject", "pay", reason="No."), {"approve": False, "reason": "No."}),
        (Rule("ask", "pay"), None),
        (Rule("default"), None),
        (Rule("allow", "bank"), None),
    ],
)
async def test_rules_answer_for_a_servers_own_tools(rule, answer):
    model = ScriptedModel([SERVERS_OWN], "done")
    result = await Agent(model, approve=Rules(rule)).run("go")
    if answer is None:
        assert [each.call_id for each in result.pending] == ["mcpr_1"]
        return
    assert result.output == "done"
    response = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1"}
    assert model.requests[1].input[-1].wire == {**response, **answer}


DEEP = f'{{"a": {"[" * 100_000}{"]" * 100_000}}}'
TWICE = '{"amount": 5, "amount": 500}'


@pytest.mark.parametrize("arguments", ["{", "[]", '"x"', DEEP, TWICE], ids=lambda text: text[:5])
async def test_a_servers_call_whose_arguments_cannot_be_read_waits(arguments):
    model = ScriptedModel([{**SERVERS_OWN, "arguments": arguments}])
    result = await Agent(model, approve=Rules(Rule("allow"))).run("go")
    assert result.status == "waiting"
    assert result.pending[0].arguments in (arguments, [], "x"), "it is shown as it is"


TOML = """
[[rule]]
decision = "allow"
tool = "now"

[[rule]]
decision = "reject"
tool = ["delete_*", "drop_*"]
reason = "Nothing is deleted here."

[[rule]]
decision = "ask"
tool = "send"
arguments = { to = ["*@a.example", "*@b.example"], "head.subject" = "*" }
"""
LOADED = Rules(
    Rule("allow", "now"),
    Rule("reject", ["delete_*", "drop_*"], reason="Nothing is deleted here."),
    Rule("ask", "send", {"to": ["*@a.example", "*@b.example"], "head.subject": "*"}),
)


def test_a_file_says_what_python_says(tmp_path):
    (tmp_path / "rules.toml").write_text(TOML)
    tables = [
        {"decision": "allow", "tool": "now"},
        {
            "decision": "reject",
            "tool": ["delete_*", "drop_*"],
            "reason": "Nothing is deleted here.",
        },
        {
            "decision": "ask",
            "tool": "send",
            "arguments": {"to": ["*@a.example", "*@b.example"], "head.subject": "*"},
        },
    ]
    (tmp_path / "rules.JSON").write_text(json.dumps({"rule": tables}), encoding="utf-8-sig")
    assert Rules.load(tmp_path / "rules.toml") == LOADED
    assert Rules.load(str(tmp_path / "rules.JSON")) == LOADED


async def test_an_agent_takes_the_path_of_a_file(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\ndecision = "reject"\nreason = "So says the file."\n')
    for approve in (path, str(path)):
        model = ScriptedModel([call("send", to="ada")], "done")
        await Agent(model, tools=[send], approve=approve).run("go")
        assert "So says the file." in model.requests[1].outputs[0]
    assert RUNS == []


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("r.toml", b"", r"there are no rules in it. Write a \[\[rule\]\] table for each"),
        ("r.toml", b"rule = []", "there are no rules in it"),
        ("r.toml", b"[rule]\ndecision = 'ask'", r"there are no rules in it. Write a \[\[rule\]\]"),
        ("r.toml", b"[[rules]]", "rules: unknown. Did you mean 'rule'"),
        ("r.toml", b"\n\n[[rule]\n", r"it is not TOML: .*line 3"),
        ("r.toml", b"# \xfc\n", "line 1 is not UTF-8. Save"),
        ("r.toml", b"[[rule]]\n\n# \xfc\n", "line 3 is not UTF-8"),
        ("r.toml", b"[[rule]]", "rule 1: decision: missing. Write one of allow, ask, reject"),
        (
            "r.toml",
            b"[[rule]]\ndecision = 'ask'\n[[rule]]\ndecision = 'rejekt'",
            "rule 2: decision: expected one of .*got 'rejekt'. Did you mean 'reject'",
        ),
        ("r.toml", b"[[rule]]\ndecision = true", "rule 1: decision: expected .*got True"),
        ("r.toml", b"[[rule]]\ntol = 'x'", "rule 1: tol: unknown. Did you mean 'tool'"),
        (
            "r.toml",
            b"[[rule]]\nzzz = 'x'",
            "zzz: unknown. Known: decision, tool, arguments, reason",
        ),
        (
            "r.toml",
            b"[[rule]]\ndecision = 'ask'\narguments = {dry = true}",
            'rule 1: arguments.dry: expected a text such as "a\\*", .*got True',
        ),
        (
            "r.toml",
            b"[[rule]]\ndecision = 'ask'\narguments.to.city = 'x'",
            "rule 1: arguments.to: expected a text .*got {'city': 'x'}",
        ),
        ("r.toml", b"[[rule]]\ndecision = 'ask'\ntool = ''", "rule 1: tool: the pattern is empty"),
        ("r.json", b"[]", r"expected rules, got \[\].*in JSON, {\"rule\": \[{"),
        ("r.json", b'{"rule": ["ask"]}', "rule 1: expected a table of decision, .*got 'ask'"),
        ("r.json", b'{\n"rule": [}', "it is not JSON: .*line 2 column 10"),
        ("r.json", b"[" * 100_000, "it is nested too deeply"),
        (
            "r.json",
            b'{"rule": [{"decision": "reject", "decision": "allow"}]}',
            "it is not JSON: the key 'decision' stands twice in one object",
        ),
        ("r.yaml", b"", "files whose name ends in .toml or .json"),
        ("rules", b"", "files whose name ends in .toml or .json"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path, name, text, problem):
    path = tmp_path / name
    path.write_bytes(text)
    with pytest.raises(ConfigurationError, match=problem) as raised:
        Rules.load(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"none.toml: .*cannot be read: No such file"):
        Rules.load(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match=r"folder.toml: .*cannot be read: Is a directory"):
        Agent(ScriptedModel(), approve=tmp_path / "folder.toml")
    with pytest.raises(ConfigurationError, match="cannot be read: .*null"):
        Rules.load("a\0.toml")


@pytest.mark.parametrize("approve", ["allow", True, Rule("allow"), Rules, {"now": "allow"}])
def test_what_is_no_rule_of_an_agent_is_the_callers_mistake(approve):
    with pytest.raises(ConfigurationError, match=r"files whose name|approve: expected Rules\("):
        Agent(ScriptedModel(), approve=approve)


def test_the_file_that_the_page_shows_is_the_one_that_its_example_reads():
    page = (ROOT / "docs" / "approvals.md").read_text()
    assert f"```toml\n{(ROOT / 'examples' / 'rules.toml').read_text()}```\n" in page


NAMES = st.sampled_from(["a", "b", "ab", "ba"])
PATTERNS = st.sampled_from(["*", "a*", "*b", "?", "b", "[ab]", '["a"*', "1", "true"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NAMES
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text() | NAMES, inner), max_leaves=6
)
RULES = st.builds(
    Rule,
    st.sampled_from(["allow", "ask", "reject"]),
    PATTERNS | st.lists(PATTERNS, min_size=1, max_size=2),
    st.dictionaries(
        st.sampled_from(["a", "b", "a.b"]), st.lists(PATTERNS, min_size=1, max_size=2), max_size=2
    ),
    st.sampled_from(["", "No."]),
)


def naive(rules: list[Rule], name: str, arguments: dict[str, object]) -> str:
    """What rules say of JSON arguments, in the plainest way."""
    for rule in rules:
        matching = [True]
        for path, patterns in rule.arguments.items():
            value = arguments
            for part in path.split("."):
                value = value.get(part, KeyError) if isinstance(value, dict) else KeyError
            if isinstance(value, float) and value != value:
                value = "NaN"
            if value in (float("inf"), float("-inf")):
                value = str(value).replace("inf", "Infinity")
            if value is not KeyError and not isinstance(value, str):
                value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            matching.append(
                value is not KeyError and any(fnmatchcase(value, each) for each in patterns)
            )
        if any(fnmatchcase(name, each) for each in rule.tool) and all(matching):
            return rule.decision
    return "default"


@given(st.lists(RULES, max_size=4), NAMES, st.dictionaries(NAMES, VALUES, max_size=3))
def test_the_first_match_wins_whatever_the_rules_and_arguments_are(rules, name, arguments):
    assert Rules(*rules)(name, arguments).word == naive(rules, name, arguments)


@given(st.lists(st.text(min_size=1), min_size=1), st.dictionaries(st.text(), VALUES))
def test_no_pattern_and_no_argument_makes_rules_raise(patterns, arguments):
    names = [name for name in arguments if all(name.split("."))]
    rules = Rules(
        *(Rule("ask", pattern, {name: pattern}) for pattern in patterns for name in names)
    )
    assert rules("tool", arguments).word in ("ask", "default")
    assert rules.on_server_tool("label", "tool", arguments).word in ("ask", "default")


@given(st.lists(RULES, max_size=4), st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=4))
def test_only_what_is_allowed_runs_and_only_what_is_asked_waits(rules, asked):
    ran: list[tuple[str, object]] = []

    def named(name: str):
        @tool(name=name, strict=False)
        async def record(a: object = None) -> str:
            """Take note."""
            ran.append((name, a))
            return "done"

        return record

    model = ScriptedModel([call(name, a=value) for name, value in asked], "done")
    agent = Agent(model, tools=[named(each) for each in ("a", "b", "ab", "ba")])
    agent = agent.replace(approve=Rules(*rules))
    result = asyncio.run(agent.run("go"))
    words = [naive(rules, name, {"a": value}) for name, value in asked]
    assert len(ran) == sum(word in ("allow", "default") for word in words)
    assert len(result.pending) == words.count("ask")
    ended = [record.ended for record in result.log if record.kind == "output"]
    assert ended.count("rejected") == words.count("reject")
