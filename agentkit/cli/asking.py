"""Asking a person about calls that wait, each with its arguments shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from agentkit.approval import Answer, Approve, Decision, Edit, Reject
from agentkit.calls import CallState
from agentkit.cli.safe_text import one_line, safe_json
from agentkit.cli.terminal import Terminal, editor_of
from agentkit.errors import ConfigurationError, ToolArgumentError
from agentkit.log import Log
from agentkit.result import PendingCall, RunResult
from agentkit.schema.decoding import read_json
from agentkit.tools import Tool

NEEDS_APPROVAL = "needs approval"
"""Why a call waits that has not begun."""

AGAIN = " before, since it was under way when the run broke off; allowed, it runs once more"
"""Said of a call that may have run, behind that."""

ASK_USER = "ask_user"
"""The tool, of whoever's making, whose calls are questions: a person's answer is their result."""

MOST_LINES = 30
MOST_OF_A_LINE = 2000
"""How much of the arguments is shown at once, in lines and in characters of one: a command line is
to be seen whole before it is allowed."""


class Asked:
    """The calls that a person was asked about and left waiting, so that none is asked twice."""

    def __init__(self, terminal: Terminal, tools: Mapping[str, Tool]) -> None:
        self._terminal = terminal
        self._tools = tools
        self._left: set[str] = set()

    def decisions(self, result: RunResult) -> list[Decision]:
        """What is decided on the calls of a result; empty where all of them are left waiting.

        At Ctrl-D the calls that follow are left too, at Ctrl-C all.
        """
        waiting = {call.call_id: call for call in result.log.waiting_calls}
        decided: list[Decision] = []
        try:
            for pending in result.pending:
                call = waiting[pending.call_id]
                if call.call_id in self._left:
                    continue
                decision = self._decision(call, pending)
                if decision is None:
                    self._left.add(call.call_id)
                else:
                    decided.append(decision)
        except EOFError:
            self._left |= waiting.keys()
        except KeyboardInterrupt:
            self._terminal.show("")
            return []
        return decided

    def _decision(self, call: CallState, pending: PendingCall) -> Decision | None:
        question = question_in(pending)
        if question is None:
            return _Question(call, pending.reason, self._terminal, self._tools).decision()
        return Answer(call.call_id, self._answer(question))

    def _answer(self, question: str) -> str:
        self._terminal.show(f"? {ASK_USER}: {question}")
        while True:
            if answer := self._terminal.ask_anew("your answer, or Ctrl-D for later > "):
                return answer


class _Question:
    """What is asked about one call."""

    def __init__(
        self, call: CallState, reason: str, terminal: Terminal, tools: Mapping[str, Tool]
    ) -> None:
        self._call, self._reason = call, reason
        self._terminal = terminal
        self._tool = tools.get(call.name)
        self._draft = pretty(call.arguments)
        self._keys = self._possible()

    def decision(self) -> Decision | None:
        """The person's word; None leaves the call waiting."""
        name = one_line(self._call.name)
        reason = f"{self._reason}{AGAIN if self._call.may_have_run else ''}"
        self._terminal.show(f"? {name}: {reason}\n{shown(self._call.arguments)}")
        while True:
            key = self._terminal.ask_anew(f"{name}: {', '.join(self._keys.values())} > ").lower()
            if key == "q":
                return None
            if key == "s":
                self._terminal.show(pretty(self._call.arguments))
            elif key in self._keys:
                decision = self._decided(key)
                if decision is not None:
                    return decision

    def _possible(self) -> dict[str, str]:
        again = " once more" if self._call.may_have_run else ""
        can_run, is_own = not self._call.is_orphan, not self._call.is_the_servers_own
        keys = {
            f"y run it{again}": can_run,
            "n reject": True,
            f"e edit{' and run it' * bool(again)}{again}": can_run and is_own,
            "a answer by hand": is_own,
            "s show whole": True,
            "q leave it waiting": True,
        }
        return {key[0]: key for key, is_possible in keys.items() if is_possible}

    def _decided(self, key: str) -> Decision | None:
        ask, call_id, again = self._terminal.ask, self._call.call_id, self._call.may_have_run
        words: dict[str, Callable[[], Decision | None]] = {
            "y": lambda: Approve(call_id, again=again),
            "n": lambda: Reject(call_id, ask("why, for the model to read (or nothing): ")),
            "a": lambda: Answer(call_id, ask("its result: ")),
            "e": self._edited,
        }
        return words[key]()

    def _edited(self) -> Decision | None:
        try:
            text = self._text()
            if text.strip() in ("", pretty(self._call.arguments).strip()):
                self._terminal.show("Nothing was changed.")
                return None
            self._draft = text
            arguments = self._checked(text)
            return Edit(self._call.call_id, arguments, again=self._call.may_have_run)
        except ConfigurationError as error:
            self._terminal.show(one_line(str(error)))
            return None

    def _text(self) -> str:
        editor = editor_of()
        if editor:
            return self._terminal.edit(editor, self._draft)
        return self._terminal.ask("its arguments as JSON (or nothing): ")

    def _checked(self, text: str) -> dict[str, Any]:
        arguments = object_of(text)
        try:
            if self._tool is not None:
                self._tool.bind(text)
        except ToolArgumentError as error:
            raise ConfigurationError(f"It does not fit: {'; '.join(error.problems)}") from error
        return arguments


def question_in(call: PendingCall) -> str | None:
    """What a call asks the person; None for one that is to be allowed or not."""
    given = call.arguments if isinstance(call.arguments, dict) else {}
    question = given.get("question")
    is_asked = call.name == ASK_USER and call.reason.startswith(NEEDS_APPROVAL)
    return question if is_asked and isinstance(question, str) else None


def pending_in(log: Log) -> list[PendingCall]:
    """The calls of a log that wait for a person's word, each with the reason."""
    return RunResult(None, "waiting", log, log.session).pending


def object_of(text: str) -> dict[str, Any]:
    """The arguments that a text says. Raises ConfigurationError for what is no JSON object."""
    try:
        value = read_json(text)
    except ValueError as error:
        raise ConfigurationError(f"That is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ConfigurationError(f'Arguments are a JSON object, such as {{"x": 1}}, not {text}.')
    return value


def shown(arguments: str) -> str:
    """Arguments on lines of their own, long and many lines cut, with a note that they are."""
    whole = pretty(arguments).splitlines()
    lines = [line if len(line) <= MOST_OF_A_LINE else _cut(line) for line in whole[:MOST_LINES]]
    if lines == whole:
        return "\n".join(lines)
    more = len(whole) - len(lines)
    note = f"; {more} more lines" if more else ""
    return "\n".join([*lines, f"[not all of it{note}: s shows it whole]"])


def _cut(line: str) -> str:
    return f"{line[:MOST_OF_A_LINE]}… [{len(line) - MOST_OF_A_LINE:,} more characters]"


def pretty(arguments: str) -> str:
    """The arguments as JSON that a terminal shows and does not obey, or their text as a string.

    As text also where they can be read in two ways, since nobody knows which one runs.
    """
    try:
        value = read_json(arguments)
    except ValueError:
        value = arguments
    return safe_json(json.dumps(value, ensure_ascii=False, indent=2))
