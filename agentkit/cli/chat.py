"""`agentkit chat`: a conversation in the terminal, or a script of messages from a pipe."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from agentkit.cli.again import Again
from agentkit.cli.agent_options import add_agent_options, add_limit_options, agent_of, named_agent
from agentkit.cli.beginning import (
    add_session_options,
    beginning_of,
    closed_at_the_end,
    commands_for,
)
from agentkit.cli.chat_words import Leave, do_word, message_for_model, word_in
from agentkit.cli.chatting import Conversation
from agentkit.cli.errors import EXIT_CODES, INTERRUPTED, complain, note, say
from agentkit.cli.kept import add_store_options, history_of, store_for
from agentkit.cli.leaving import drive_with
from agentkit.cli.lines import Messages, messages_from
from agentkit.cli.options import Commands, add_command
from agentkit.cli.safe_text import one_line
from agentkit.cli.show import counted
from agentkit.cli.telling import Ending, Teller, tell_remarks
from agentkit.cli.terminal import terminal_at_hand
from agentkit.cli.trip import Trips
from agentkit.errors import AgentkitError
from agentkit.journal import summary_of
from agentkit.moves import Finish, next_move

EXAMPLES = """\
  agentkit chat -t agentkit_tools:now
  agentkit chat -a bot.py:agent --session geography
  agentkit chat -c
  printf '%s\\n' "My name is Ada." "What is my name?" | agentkit chat -q
"""

_STOPS_SHORT = ("failed", "limited", "incomplete")
"""How a run ends that can go on as it is."""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "chat", "talk with an agent in the terminal", EXAMPLES)
    parser.set_defaults(command=command)
    add_agent_options(parser)
    add_limit_options(parser)
    add_session_options(parser)
    add_store_options(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")
    parser.set_defaults(json=False, jsonl=False, stream=None)


def command(arguments: argparse.Namespace) -> int:
    """Talk until there is nothing more to say; the exit code."""
    return drive_with(partial(_command, arguments))


def _command(arguments: argparse.Namespace, runner: asyncio.Runner) -> int:
    named = named_agent(arguments)
    store = store_for(arguments, named)
    with closed_at_the_end(store, runner):
        beginning = runner.run(beginning_of(arguments, store))
        agent = agent_of(arguments, beginning.setup)
        model = agent.model  # a missing key is told before anything is asked
        trips = Trips(agent, store, runner, terminal_at_hand())
        teller_for = partial(Teller.of, arguments, is_kept=store is not None)
        conversation = Conversation(trips, beginning, teller_for, is_named=named is not None)
        commands = partial(commands_for, arguments, store=store, agent=named)
        messages = messages_from(sys.stdin, partial(history_of, arguments, named))
        if messages.is_typed:
            _greet(conversation, getattr(model, "name", None) or type(model).__name__)
            code = _talk(messages, conversation, arguments)
        else:
            code = _read_out(messages, conversation, commands, arguments)
        again = commands(conversation.session)
        if again is not None and len(conversation.log) and not arguments.quiet:
            note(f"go on: {again.chat()}")
        return code


def _greet(conversation: Conversation, model: str) -> None:
    session = f", session {conversation.session}" if conversation.is_kept else ""
    note(f"{one_line(model + session)}. /help lists what there is, Ctrl-D ends.")
    log = conversation.log
    if log.turns:
        note(f"Going on after {counted(log.turns, 'turn')}: {one_line(summary_of(log).title)}")
    if log.turns and not isinstance(next_move(log), Finish):
        note("The last run has not ended: /retry goes on with it.")


def _talk(messages: Messages, conversation: Conversation, arguments: argparse.Namespace) -> int:
    """Take messages from a person until there are no more; the exit code."""
    is_leaving = False
    with suppress(EOFError, Leave, KeyboardInterrupt):
        while True:
            try:
                text = messages.read()
                is_leaving = False
                _tell(_ending(text, conversation))
            except KeyboardInterrupt:
                if is_leaving:
                    break
                is_leaving = True
                note("Another Ctrl-C ends; so do Ctrl-D and /quit.")
            except AgentkitError as error:
                complain(error, shows_traceback=arguments.traceback)
    return 0


def _read_out(
    messages: Messages,
    conversation: Conversation,
    commands: Callable[[str], Again | None],
    arguments: argparse.Namespace,
) -> int:
    """Take all messages of a script; the exit code of the first that was not answered."""
    code = 0
    with suppress(EOFError, Leave):
        while code != INTERRUPTED:
            try:
                ending = _ending(messages.read(), conversation)
                ended = _told_in_full(ending, commands(conversation.session))
            except AgentkitError as error:
                ended = complain(error, shows_traceback=arguments.traceback)
            code = ended if ended == INTERRUPTED else code or ended
    return code


def _ending(text: str, conversation: Conversation) -> Ending | None:
    """What becomes of a message. Raises AgentkitError, and Leave at the end."""
    word = word_in(text)
    if word is not None:
        return do_word(word, conversation)
    return conversation.say(message_for_model(text)) if text.strip() else None


def _tell(ending: Ending | None) -> None:
    """Say to a person what there is to know, and how it goes on."""
    if ending is None:
        return
    status = ending.result.status
    if status == "waiting":
        names = ", ".join(call.name for call in ending.result.pending)
        note(f"{one_line(names)} waits: /retry asks again, a message goes on without it.")
        return
    tell_remarks(ending, None)
    if status == "cancelled":
        note("Stopped. /retry goes on, /undo takes the message back.")
    elif status in _STOPS_SHORT:
        note("/retry goes on.")


def _told_in_full(ending: Ending | None, again: Again | None) -> int:
    """Say to the reader of a script what there is to know; the exit code."""
    if ending is None:
        return 0
    if ending.result.status == "cancelled":
        say("Interrupted.")
    tell_remarks(ending, again)
    return EXIT_CODES[ending.result.status]
