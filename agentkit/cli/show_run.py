"""`agentkit show`: one run whole, as a person reads it, as JSON, or a request of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import zip_longest

from agentkit.cli.again import Again, again
from agentkit.cli.answer import write_json
from agentkit.cli.asking import pending_in
from agentkit.cli.curl import curl_command
from agentkit.cli.errors import FAILED, say
from agentkit.cli.kept import add_db_option, in_use, info_named, nothing_yet, store_to_look_at
from agentkit.cli.leaving import drive
from agentkit.cli.options import Commands, add_command, at_least_one
from agentkit.cli.retold import MOST, Line, Teller, readable
from agentkit.cli.safe_text import one_line, visible
from agentkit.cli.show import counted
from agentkit.cli.table import lines_on
from agentkit.cli.telling import evidence_line
from agentkit.cli.when import short
from agentkit.cost import Cost
from agentkit.encoding import Wire, encode
from agentkit.errors import AgentkitError, StoreError
from agentkit.evidence.fields import without_evidence
from agentkit.evidence.form import evidence_format
from agentkit.log import Log
from agentkit.records import Answer, Compaction, Record, Setup, dump_record
from agentkit.responses.response import Usage
from agentkit.result import PendingCall
from agentkit.stores.protocol import Kept, SessionInfo, Store

_RESUMED = frozenset({"open", "failed", "cancelled", "limited", "incomplete"})
"""How a run may stand that `agentkit resume` goes on with unasked."""

EXAMPLES = """\
  agentkit show run_4f2a              its records; `agentkit fork --at N` takes their numbers
  agentkit show run_4f2a --full       with long texts whole
  agentkit show run_4f2a --json | jq '.records[] | select(.kind == "output")'
  agentkit show run_4f2a --curl 2     the second request to the model, to send it again
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "show", "show all that happened in a run", EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument("session", metavar="ID", help="a run, by its id or the beginning of it")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--full", action="store_true", help="long texts whole")
    how.add_argument("--json", action="store_true", help="one JSON object, with all records")
    how.add_argument(
        "--curl",
        metavar="N",
        type=at_least_one,
        help="the N-th request to the model as a curl command, its key left out",
    )
    add_db_option(parser)


def command(arguments: argparse.Namespace) -> int:
    """Print the run; the exit code."""
    store = store_to_look_at(arguments)
    if store is None:
        say(nothing_yet(arguments))
        return FAILED
    return drive(_show(store, arguments))


@dataclass(frozen=True)
class _Stored:
    """A run as it is stored, and why there is no more of it."""

    info: SessionInfo
    kept: Kept
    error: AgentkitError | None = None

    @property
    def records(self) -> tuple[Record, ...]:
        return self.kept.records

    @property
    def numbered(self) -> list[tuple[int, datetime | None, Record]]:
        """The records from 1 on, and when they were stored where that is known."""
        pairs = zip_longest(self.kept.at[: len(self.records)], self.records)
        return [(number, at, record) for number, (at, record) in enumerate(pairs, 1)]


async def _show(store: Store, arguments: argparse.Namespace) -> int:
    async with in_use(store):
        stored = await _stored(store, arguments.session)
    if arguments.curl:
        sys.stdout.write(curl_command(stored.records, arguments.curl))
    elif arguments.json:
        write_json(sys.stdout, _wire(stored))
    else:
        commands = again(arguments, stored.info.session).naming_what(_setup(stored.records))
        _tell(stored, None if arguments.full else MOST, commands)
    if stored.error is not None:
        sys.stdout.flush()
        raise stored.error
    return 0


async def _stored(store: Store, said: str) -> _Stored:
    info = await info_named(store, said)
    try:
        kept = await store.load(info.session)
    except StoreError as error:
        return _Stored(info, Kept(tuple(error.records), parent=info.parent), error)
    try:
        Log(kept.records)
    except AgentkitError as error:
        return _Stored(info, kept, AgentkitError(f"The log does not add up: {error}"))
    return _Stored(info, kept)


def _wire(stored: _Stored) -> Wire:
    """The run as one JSON object."""
    usage, cost = _spent(stored.records)
    return {
        "session": stored.info.session,
        "parent": stored.info.parent,
        "status": stored.info.summary.status,
        "usage": asdict(usage),
        "cost": cost.total,
        "pending": [asdict(call) for call in _pending(stored)],
        "records": [
            {"number": number, "seq": number - 1, "at": at, **dump_record(record)}
            for number, at, record in stored.numbered
        ],
    }


def _tell(stored: _Stored, most: int | None, commands: Again) -> None:
    """Write the run as a person reads it."""
    write, info = lines_on(sys.stdout), stored.info
    write(visible(f"{info.session}  {info.summary.status}"), "bold")
    write(f"{short(info.created)} to {short(info.updated)}, {_took(stored.records)}", "dim")
    if info.parent:
        write(visible(f"forked from {info.parent}"), "dim")
    teller = Teller(most)
    for number, at, record in stored.numbered:
        told = teller.tell(record)
        when = f"{at.astimezone():%H:%M:%S}" if at else ""
        head = (str(number), record.kind, when, told.fact)
        write("", "")
        write("  ".join(part for part in head if part), "bold")
        for line in told.lines:
            write(f"    {line.text}".rstrip(), line.style)
    for line in (*_evidence(stored), *_end(stored, commands)):
        write(line.text, line.style)


def _evidence(stored: _Stored) -> Iterator[Line]:
    """Where the fields of the answer were found, where that was asked for."""
    setup = _setup(stored.records)
    form = ((setup.fields.values.get("text") or {}) if setup else {}).get("format") or {}
    plain = without_evidence(form.get("schema") or {})
    if plain is None or stored.error is not None:
        return
    found = evidence_format(plain).evidence(Log(stored.records))
    for number, (name, each) in enumerate(found.items()):
        style = "green" if each.status == "verified" else "yellow"
        yield Line(visible(f"{'' if number else chr(10)}{evidence_line(name, each)}"), style)


def _end(stored: _Stored, commands: Again) -> Iterator[Line]:
    """What is left to do, with the commands for it."""
    if stored.info.summary.status in _RESUMED:
        yield Line(f"\nIf nobody runs it now, it goes on{commands.note}:", "yellow")
        yield Line(visible(f"    {commands.resume()}"))
    for call in _pending(stored):
        asked = readable(_arguments(call))
        yield Line(visible(f"\n{one_line(call.name)} {call.reason}: {asked}"), "yellow")
        for _, words in commands.words_on(call):
            yield Line(visible(f"    {words}"))


def _pending(stored: _Stored) -> list[PendingCall]:
    """The calls that wait for a person's word, also where others may run first."""
    if stored.error is not None:
        return []
    return pending_in(Log(stored.records))


def _setup(records: Sequence[Record]) -> Setup | None:
    return next((each for each in reversed(records) if isinstance(each, Setup)), None)


def _arguments(call: PendingCall) -> str:
    arguments = call.arguments
    return arguments if isinstance(arguments, str) else encode(arguments).decode()


def _took(records: Sequence[Record]) -> str:
    """What the run took, in words."""
    usage, cost = _spent(records)
    answers = [each for each in records if isinstance(each, Answer) and each.was_sent]
    turns = counted(len(answers), "turn")
    if not cost.priced and not cost.unpriced:
        return turns
    dollars = str(cost) if cost.priced else f"cost {cost}"
    return f"{turns}, {counted(usage.total_tokens, 'token')}, {dollars}"


def _spent(records: Sequence[Record]) -> tuple[Usage, Cost]:
    """What all its requests took."""
    usage, cost = Usage(), Cost()
    for record in records:
        if isinstance(record, Answer | Compaction) and record.was_sent:
            took = record.response.usage if isinstance(record, Answer) else record.usage
            usage += took
            cost += Cost(unpriced=1) if record.cost is None else Cost(record.cost, 0, 1)
    return usage, cost
