"""The log of a session: records in the order they came, and what they add up to.

The records are the only state of a run. Everything else here is computed from them, once per
record as it is appended, so that a long run costs no more a turn than a short one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import accumulate

from agentkit.calls import MCP_APPROVAL, CallState
from agentkit.encoding import Wire
from agentkit.errors import AgentkitError, ConfigurationError, Conflict
from agentkit.pairing import paired_calls
from agentkit.records import (
    Answer,
    Compaction,
    Decision,
    Input,
    Output,
    Record,
    Setup,
    Started,
    dump_record,
    load_record,
)
from agentkit.responses.items import (
    FunctionCall,
    Item,
    Message,
    final_messages,
    is_portable,
    portable,
    sent_back,
    with_own_call_ids,
)
from agentkit.responses.response import Response, Usage
from agentkit.steps import Step, input_step, moved, replaced


@dataclass
class Trip:
    """What has happened since the caller last spoke: one run."""

    turns: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    """Calls that ran, by tool name."""
    same_calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls asked for, by name and arguments."""
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    """US dollars, as far as they are known."""
    unpriced: int = 0
    """Answers whose cost is not known."""
    cost_inside: float = 0.0
    """US dollars that runs inside its calls have spent, as far as they are known."""
    was_repaired: bool = False
    limit: str | None = None
    """The limit that kept a call from running."""
    final: Output | None = None
    """The output of the first call, in call order, whose tool ended the run."""


class Log:
    """Records in order. Append to it; nothing in it is ever changed or taken away."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records: list[Record] = []
        self.items: list[Item] = []
        """The conversation as the next request carries it, calls and outputs paired in order."""
        self.steps: list[Step] = []
        """Which of the items go together, in order."""
        self.setup: Setup | None = None
        self.answer: Answer | None = None
        """The last answer, None where the caller or a repair has spoken since."""
        self.last_answer: Answer | None = None
        """The last answer of the run, also where something has been said since."""
        self.response_id: str | None = None
        """The id of the last complete response, None where the server gave it none."""
        self.known_items = 0
        """How many of `items` that response knows."""
        self.trip = Trip()
        self.turns = 0
        """Answers of all its runs."""
        self.usage = Usage()
        self.cost = 0.0
        """US dollars of all its runs, as far as they are known."""
        self.unpriced = 0
        """Answers of all its runs whose cost is not known."""
        self.untrusted = False
        """Whether the model has read anything from outside in it, where others may have written."""
        self.long_outputs: dict[str, Output] = {}
        """The outputs that the model was given head and tail of, by call id."""
        self._calls: dict[str, CallState] = {}
        self._unanswered = 0
        self._is_bound = False
        """Whether what stands for the beginning is read by one server alone."""
        self._call_ids: set[str] = set()
        # shared with every copy, so that a call is not run once for each
        self._claimed: dict[int, Record] = {}
        self.append(*records)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __repr__(self) -> str:
        return f"Log({len(self.records)} records)"

    def append(self, *records: Record) -> None:
        """Take records in, in order."""
        for record in records:
            match record:
                case Setup():
                    self._take_setup(record)
                case Input():
                    self._take_input(record)
                case Answer():
                    self._take_answer(record)
                case Started():
                    self._take_started(record)
                case Output():
                    self._take_output(record)
                case Decision():
                    self._take_decision(record)
                case Compaction():
                    self._take_compaction(record)
            self.records.append(record)

    @property
    def all_calls(self) -> list[CallState]:
        """The calls of the last answer, in order."""
        return list(self._calls.values())

    @property
    def open_calls(self) -> list[CallState]:
        """The calls of the last answer that have no output, in order."""
        return [call for call in self._calls.values() if call.output is None]

    @property
    def waiting_calls(self) -> list[CallState]:
        """The open calls that only a person's word can move."""
        return [call for call in self.open_calls if call.waits]

    @property
    def call_ids(self) -> Set[str]:
        """The ids of all calls that the log has ever seen."""
        return self._call_ids

    @property
    def session(self) -> str:
        """The name of the session it is the log of, empty where it does not say."""
        return self.setup.session if self.setup else ""

    def copy(self) -> Log:
        """A log with the same records, to go on with separately."""
        other = copy(self)
        other.records, other.items = list(self.records), list(self.items)
        other.steps = list(self.steps)
        trip, calls = self.trip, self._calls.items()
        other.trip = replace(trip, calls=trip.calls.copy(), same_calls=trip.same_calls.copy())
        other._calls = {call_id: replace(call) for call_id, call in calls}
        other._call_ids = set(self._call_ids)
        other.long_outputs = dict(self.long_outputs)
        return other

    def claim(self) -> None:
        """Take it on oneself to run the calls that are open here.

        Raises Conflict where that was done before, with this log or a copy of it: a call must
        not run once for each.
        """
        last = self.records[-1]
        if id(last) in self._claimed:
            raise Conflict(
                "This run was resumed from here before. Resume the result of that instead."
            )
        self._claimed[id(last)] = last

    def dump(self) -> list[Wire]:
        """The records as JSON objects; `Log.load` reads them back."""
        return [dump_record(record) for record in self.records]

    @classmethod
    def load(cls, wires: Iterable[Wire]) -> Log:
        """The log of dumped records. Raises ConfigurationError for what is none."""
        if isinstance(wires, str | bytes | Mapping):
            raise ConfigurationError("Log.load: expected the list of records that dump() gave.")
        return cls(load_record(wire) for wire in wires)

    def _take_setup(self, record: Setup) -> None:
        before, self.setup = self.setup, record
        if before is None:
            return
        if self.answer and self.answer.response.is_failed:
            self.answer = None  # another model answers in its place, or the same by another key
        for call in self.open_calls:
            was_there = call.is_orphan or call.name in before.tool_names
            call.is_orphan = was_there and call.name not in record.tool_names
        is_elsewhere = record.conversation != before.conversation
        if record.model != before.model:
            self._move_elsewhere()
            is_elsewhere = is_elsewhere or not record.conversation
        if is_elsewhere:
            self.known_items = 0

    def _move_elsewhere(self) -> None:
        """Keep of the items what another model or server can read."""
        if self._is_bound:
            # only the server reads what stands for the beginning, so that is sent as it was
            said = [record for record in self.records if not isinstance(record, Compaction)]
            whole = Log(said)
            self.items, self.steps, self.known_items = whole.items, whole.steps, whole.known_items
            self._is_bound = False
        places = list(accumulate(map(is_portable, self.items), initial=0))
        own = with_own_call_ids(portable(self.items))
        self.items, self.steps = own, moved(self.steps, places)
        self.response_id, self.known_items = None, places[self.known_items]

    def _take_input(self, record: Input) -> None:
        if self.open_calls:
            raise AgentkitError("A call has no output yet, so nobody else can speak.")
        self._call_ids |= paired_calls(record.items)
        if record.items and not record.is_repair:
            self.steps.append(input_step(record.items, len(self.items)))
        self.items += record.items
        self.answer, self._calls = None, {}
        if record.is_repair:
            self.trip.was_repaired = True
        else:
            self.trip, self.last_answer = Trip(), None

    def _take_answer(self, record: Answer) -> None:
        response = record.response
        self.answer, self._calls = record, {}
        if not record.was_sent:
            return
        self.last_answer = record
        self.untrusted = self.untrusted or any(item.is_from_outside for item in response.output)
        self.trip.turns += 1
        self.turns += 1
        self._take_spending(response.usage, record.cost)
        start = len(self.items)
        if response.is_complete and not (record.limit and wants_calls(response)):
            # what only a server reads, it may have forgotten since an answer of the cache
            is_whole = not record.is_cached or all(item.can_stand_alone for item in response.output)
            back = sent_back if is_whole else portable
            self.items += back(response.output)
            self.known_items, self.response_id = len(self.items), response.id
            self._open_calls_of(record)
        elif not response.is_failed:
            # its calls never run, and reasoning must not go back without what followed it
            said = [message for message in final_messages(response.output) if _says(message)]
            self.items += sent_back(said)
        if len(self.items) > start:
            self.steps.append(Step(start, "answer", response.usage.output_tokens))

    def _open_calls_of(self, record: Answer) -> None:
        for call in calls_in(record.response):
            if not call.is_the_servers_own:
                call.needs_word = call.call_id in record.waits
                said = call.name, call.arguments
                call.repeat = self.trip.same_calls[said] = self.trip.same_calls.get(said, 0) + 1
            self._calls[call.call_id] = call
            self._call_ids.add(call.call_id)
        self._unanswered = len(self._calls)

    def _take_started(self, record: Started) -> None:
        for call_id, effect in record.effects.items():
            call = self._open_call(call_id)
            if call.effect is None:
                self.trip.calls[call.name] += 1
            # a decision is used up here: after a crash the call's effect says what follows
            call.effect, call.decision, call.needs_word = effect, None, False

    def _take_output(self, record: Output) -> None:
        self._open_call(record.call_id).output = record
        self.trip.limit = self.trip.limit or record.limit
        self.trip.cost_inside += record.cost_inside
        self.untrusted = self.untrusted or record.untrusted
        if record.whole is not None:
            self.long_outputs[record.call_id] = record
        self._unanswered -= 1
        if self._unanswered == 0:
            outputs = [call.output for call in self._calls.values() if call.output is not None]
            self.items += [output.item for output in outputs]
            self.trip.final = next((output for output in outputs if output.is_final), None)

    def _take_decision(self, record: Decision) -> None:
        call = self._open_call(record.call_id)
        if record.arguments_digest != call.arguments_digest:
            raise AgentkitError(f"The decision on {record.call_id!r} is about other arguments.")
        call.decision = record
        if record.verdict == "edit":
            call.edited = str(record.value)

    def _take_compaction(self, record: Compaction) -> None:
        if record.replaced:
            self._is_bound = not all(map(is_portable, record.items))
        self.steps = replaced(self.steps, record.replaced, len(record.items))
        self.items[: record.replaced] = record.items
        self.known_items = max(0, self.known_items - record.replaced + len(record.items))
        self._take_spending(record.usage, record.cost)

    def _take_spending(self, usage: Usage, cost: float | None) -> None:
        for total in (self.trip, self):
            total.usage += usage
            total.cost += cost or 0.0
            total.unpriced += cost is None

    def _open_call(self, call_id: str) -> CallState:
        call = self._calls.get(call_id)
        if call is None or call.output is not None:
            raise AgentkitError(f"There is no open call {call_id!r}.")
        return call


def calls_in(response: Response) -> Iterator[CallState]:
    """The calls of a response, in order, as they are before anybody has spoken about them."""
    for item in response.output:
        if isinstance(item, FunctionCall):
            yield CallState(item, item.call_id)
        elif item.type == MCP_APPROVAL:
            yield CallState(item, item.id or "", needs_word=True)


def wants_calls(response: Response) -> bool:
    """Whether the model asks for something to be run, or for the leave to run it."""
    return any(True for _ in calls_in(response))


def _says(message: Message) -> bool:
    """An empty message is what is left of one that was cut off; servers refuse it."""
    return bool(message.text or message.refusal)
