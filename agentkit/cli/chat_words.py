"""The words of a conversation that begin with a slash, and are not for the model."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from agentkit.cli.chatting import Conversation
from agentkit.cli.safe_text import one_line
from agentkit.cli.table import Table, dollars
from agentkit.cli.telling import Ending
from agentkit.cli.tools import write_tools
from agentkit.errors import ConfigurationError
from agentkit.log import Log, Trip
from agentkit.schema.problems import did_you_mean

Word = Callable[[Conversation], Ending | None]
"""What a word does; the ending, where it is a run."""


class Leave(Exception):  # noqa: N818 - no error
    """The person has nothing more to say."""


def word_in(text: str) -> str | None:
    """The word that a message is, None for one that is for the model."""
    if text.strip() in ("exit", "quit"):
        return "/quit"
    is_word = text.startswith("/") and not text.startswith("//")
    return text.strip() if is_word else None


def message_for_model(text: str) -> str:
    """What the model is told: a text that begins with a slash is written with two."""
    return text.removeprefix("/") if text.startswith("//") else text


def do_word(said: str, conversation: Conversation) -> Ending | None:
    """Do what a word says. Raises ConfigurationError for one that there is not."""
    word, _, rest = said.partition(" ")
    if word not in WORDS:
        hint = did_you_mean(word, WORDS)
        raise ConfigurationError(
            f"There is no {word}.{hint} /help lists them. To say this, write another / before it."
        )
    if rest:
        raise ConfigurationError(f"{word} takes nothing behind it.")
    return WORDS[word][0](conversation)


def _help(_: Conversation) -> None:
    width = max(map(len, WORDS))
    words = [f"{word:<{width}}  {told}" for word, (_, told) in WORDS.items()]
    print("\n".join([*words, *_KEYS]))


def _tools(conversation: Conversation) -> None:
    agent = conversation.agent
    if not agent.tools and not agent.hosted_tools:
        print("There are no tools.")
    if agent.tools:
        write_tools(list(agent.tools.values()))
    for tool in agent.hosted_tools:
        print(one_line(f"{tool.get('name') or tool['type']}, a tool of the server's own"))


def _undo(conversation: Conversation) -> None:
    before, has_acted = conversation.session, bool(conversation.log.trip.calls)
    said = one_line(conversation.undo(), 60)
    stop = "" if said.endswith((".", "!", "?", "…")) else "."
    is_fork = before != conversation.session
    print(
        f"Taken back: {said}{stop}"
        f"{f' {before} stays as it was; this is {conversation.session}.' if is_fork else ''}"
        f"{' What its tools did is done.' if has_acted else ''}"
    )


def _fork(conversation: Conversation) -> None:
    before = conversation.fork()
    print(f"{before} stays as it is; this is {conversation.session}.")


def _cost(conversation: Conversation) -> None:
    log = conversation.log
    counts = ("TURNS", "TOKENS", "IN", "OUT", "COST")
    rows = [_spent("last run", log.trip), _spent("session", log)]
    table = Table(("", *counts), rows, numbers=counts)
    print("\n".join(table.lines(shutil.get_terminal_size().columns)))


def _spent(what: str, total: Log | Trip) -> tuple[str, ...]:
    usage = total.usage
    counts = (total.turns, usage.total_tokens, usage.input_tokens, usage.output_tokens)
    cost = None if total.unpriced or not total.turns else total.cost
    return what, *(f"{count:,}" for count in counts), dollars(cost)


def _quit(_: Conversation) -> None:
    raise Leave


WORDS: dict[str, tuple[Word, str]] = {
    "/help": (_help, "this list"),
    "/tools": (_tools, "the tools"),
    "/undo": (_undo, "take the last message back, and all that followed it"),
    "/retry": (Conversation.retry, "go on after an error, a limit or a Ctrl-C"),
    "/fork": (_fork, "go on in a copy of the session"),
    "/cost": (_cost, "what the last run and the session took"),
    "/quit": (_quit, "end; so does Ctrl-D"),
}

_KEYS = (
    "",
    "Ctrl-C stops an answer. A line that ends with \\ goes on in the next, as do pasted lines",
    'and all between two """. A message that begins with / is written with //.',
)
