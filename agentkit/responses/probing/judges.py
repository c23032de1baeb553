"""What the answer to a probe shows, as a verdict in one line. Sends nothing.

A verdict never says more than the answer shows: where a model may just not have felt like it, it
is `unknown`, and what a server took and did not do is `ignored`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from agentkit.encoding import Wire, decode
from agentkit.errors import (
    AuthenticationError,
    BadRequestError,
    ModelError,
    ModelTimeoutError,
    QuotaError,
    RateLimitError,
    TransportError,
)
from agentkit.responses.chat.shape import is_chunk, is_completion
from agentkit.responses.events import ARGUMENTS_DELTA, TEXT_DELTA, Delta, OtherEvent, StreamEvent
from agentkit.responses.items import FunctionCall, Reasoning
from agentkit.responses.response import Response
from agentkit.responses.sse import Frames

Result = Literal["works", "ignored", "fails", "unknown"]

EXCERPT = 40
"""Characters of an answer that a verdict shows."""

WORD = "amber"
"""What a model is asked to say."""
NUMBER = "4217"
"""What a tool is said to have given."""
TOOL = "population"
"""The tool that a model is asked to call."""
FIELD = "agentkit_probe"
"""A request field that no server knows."""

# what is not read of a stream of text, and yet belongs to it
_DOCUMENTED = re.compile(r"response\.(content_part|reasoning_summary_part|output_text\.annotation)")


@dataclass(frozen=True)
class Verdict:
    """What a probe found, and what it saw."""

    result: Result
    why: str


@dataclass(frozen=True)
class Heard:
    """What came back to one request: a response or an error."""

    response: Response | None = None
    error: ModelError | None = None
    events: tuple[StreamEvent, ...] = ()
    body: bytes = field(default=b"", repr=False)
    """The beginning of the body, as it came."""
    is_stream: bool = False
    """Whether it came as a stream of events."""

    @property
    def is_chat(self) -> bool:
        """Whether it is a reply of the chat completions API."""
        payloads = Frames().feed(self.body + b"\n\n") if self.is_stream else [self.body]
        wires = (_json(payload) for payload in payloads[:1])
        return any(isinstance(wire, dict) and _is_chat(wire) for wire in wires)


Judge = Callable[[Heard], Verdict]


def of_response(judge: Callable[[Response], Verdict]) -> Judge:
    """The judge of a probe that only a whole answer can pass."""

    def judged(heard: Heard) -> Verdict:
        if heard.error is not None or heard.response is None:
            return said_no(heard.error)
        response = heard.response
        if response.is_failed:
            return Verdict("fails", f"the response failed: {_failure(response)}")
        verdict = judge(response)
        if verdict.result != "works" and response.incomplete_reason:
            reason = _short(response.incomplete_reason, EXCERPT)
            return Verdict("unknown", f"cut off before it showed: {reason}")
        return verdict

    return judged


def said_no(error: ModelError | None) -> Verdict:
    """The verdict on an error; one that may pass shows nothing of what the server can do."""
    passing = (RateLimitError, QuotaError, ModelTimeoutError, AuthenticationError, TransportError)
    result: Result = "unknown" if isinstance(error, passing) else "fails"
    return Verdict(result, refusal(error))


def refusal(error: ModelError | None) -> str:
    """The status, the code and the beginning of what the server says."""
    if error is None:
        return "no answer"
    code = error.code if error.code != str(error.status) else None
    facts = " ".join(str(fact) for fact in (error.status, code) if fact)
    return _short(f"{facts}: {error.message}" if facts else error.message, 110)


def text(heard: Heard) -> Verdict:
    """Whether there is an answer in words, and whether it has another wire's shape."""
    if heard.error is not None:
        return Verdict("fails", refusal(heard.error))
    verdict = _words(heard)
    if verdict.result == "works" and heard.is_chat:
        return Verdict("works", f"{verdict.why}, as a chat completion")
    return verdict


def usage(heard: Heard) -> Verdict:
    """Whether the tokens are counted, without which nothing has a price or a limit."""
    if heard.response is None:
        return Verdict("unknown", "no answer")
    used = heard.response.usage
    if used.input_tokens and used.output_tokens:
        return Verdict("works", f"{used.input_tokens:,} tokens in, {used.output_tokens:,} out")
    return Verdict("ignored", "not said, so that costs and token limits cannot be counted")


def stream(heard: Heard) -> Verdict:
    """Whether text comes in pieces, and how the stream is made."""
    verdict = _words(heard)
    if verdict.result != "works":
        return verdict
    if not heard.is_stream:
        return Verdict("ignored", "the answer came whole, not as a stream")
    pieces = _deltas(heard, TEXT_DELTA)
    came = _counted(pieces, "delta") if pieces else "no deltas, the text came in one piece"
    facts = "; ".join([came, *_stream_facts(heard)])
    return Verdict("works" if pieces else "ignored", facts)


def tools(heard: Heard) -> Verdict:
    """Whether the model calls a tool with the arguments that its schema asks for."""
    return of_response(_call)(heard)


def stream_tools(heard: Heard) -> Verdict:
    """The same of a streamed call."""
    verdict = tools(heard)
    if verdict.result != "works" or not heard.is_stream:
        return verdict
    pieces = _deltas(heard, ARGUMENTS_DELTA)
    return Verdict("works", f"{verdict.why}; {_counted(pieces, 'delta')}")


@of_response
def parallel(response: Response) -> Verdict:
    """Whether two calls come in one answer, told apart by their ids."""
    calls = response.calls
    if not calls:
        return _no_call(response)
    if len(calls) == 1:
        return Verdict("ignored", "one call in an answer, where two were asked for")
    if len({call.call_id for call in calls}) < len(calls):
        return Verdict("fails", f"the calls share the id {quoted(calls[0].call_id)}")
    return Verdict("works", f"{len(calls)} calls in one answer")


@of_response
def tool_output(response: Response) -> Verdict:
    """Whether the model reads what a tool gave."""
    if NUMBER in re.sub(r"[\s.,'_]", "", response.text):
        return Verdict("works", f"says {quoted(response.text)}")
    return Verdict("ignored", f"the output was {NUMBER}, and it {_said(response)}")


@of_response
def forced(response: Response) -> Verdict:
    """Whether a call that `tool_choice` asks for is made."""
    if response.calls:
        return Verdict("works", "called the tool that it had to call")
    return Verdict("ignored", f"did not call: {_said(response)}")


@of_response
def tools_off(response: Response) -> Verdict:
    """Whether `tool_choice` keeps the model from calling."""
    if response.calls:
        return Verdict("ignored", "called a tool all the same")
    return Verdict("works", "no call was made")


@of_response
def strict(response: Response) -> Verdict:
    """Whether a strict schema is taken and kept to."""
    if not response.calls:
        return Verdict("unknown", f"the schema was taken, but no call came: {_said(response)}")
    given = _json(response.calls[0].arguments)
    if isinstance(given, dict) and given.keys() == {"city", "year"}:
        return Verdict("works", "the schema was taken, and the arguments keep to it")
    shown = quoted(response.calls[0].arguments)
    return Verdict("ignored", f"the schema was taken, the arguments do not keep to it: {shown}")


@of_response
def structured(response: Response) -> Verdict:
    """Whether the answer is held to a JSON schema."""
    given = _json(response.text)
    if not isinstance(given, dict):
        return Verdict("ignored", f"no JSON: {_said(response)}")
    is_typed = type(given.get("city")) is str and type(given.get("population")) is int
    if given.keys() == {"city", "population"} and is_typed:
        return Verdict("works", f"says {quoted(response.text)}")
    return Verdict("ignored", f"JSON of another form: {quoted(response.text)}")


@of_response
def images(response: Response) -> Verdict:
    """Whether the model sees a picture, which is all red."""
    if re.search(r"\bred\b", response.text, re.IGNORECASE):
        return Verdict("works", f"says {quoted(response.text)}")
    return Verdict("ignored", f"the image was red, and it {_said(response)}")


@of_response
def previous_response_id(response: Response) -> Verdict:
    """Whether the model knows what it said in the response before."""
    if WORD in response.text.lower():
        return Verdict("works", "knows what was said before")
    return Verdict("ignored", f"taken, but what was said before is not known: {_said(response)}")


@of_response
def fetch(response: Response) -> Verdict:
    """Whether a response comes back whole when it is asked for by its id."""
    if not response.text:
        return Verdict("ignored", "came back without its text")
    return Verdict("works", "came back whole")


@of_response
def reasoning(response: Response) -> Verdict:
    """Whether reasoning items come, and in what form."""
    items = [item for item in response.output if isinstance(item, Reasoning)]
    if not items:
        count = response.usage.reasoning_tokens
        return Verdict("ignored", f"no reasoning items; {count:,} reasoning tokens")
    forms = {
        "encrypted": any(item.wire.get("encrypted_content") for item in items),
        "as text": any(item.wire.get("content") for item in items),
        "summed up": any(item.wire.get("summary") for item in items),
    }
    told = ", ".join(form for form, is_so in forms.items() if is_so) or "by its id alone"
    return Verdict("works", f"comes {told}")


@of_response
def taken(response: Response) -> Verdict:
    """Whether the server takes the request."""
    called = f"calls {quoted(response.calls[0].name)}" if response.calls else _said(response)
    return Verdict("works", f"taken; {called}")


def output_limit(heard: Heard) -> Verdict:
    """Whether `max_output_tokens` cuts an answer off, and the answer says so."""
    response = heard.response
    if response is None or response.is_failed:
        return said_no(heard.error) if response is None else text(heard)
    if response.incomplete_reason:
        return Verdict("works", f"incomplete: {_short(response.incomplete_reason, EXCERPT)}")
    written = response.usage.output_tokens
    if written > 2 * 16:
        return Verdict("ignored", f"{written:,} tokens came where 16 were allowed")
    if "three" in response.text.lower():
        return Verdict("ignored", f"cut off, yet {_short(response.status, EXCERPT)}")
    return Verdict("unknown", "its answer was shorter than the limit")


def unknown_field(heard: Heard) -> Verdict:
    """Whether a field that no server knows is refused by its name, or left unread."""
    error = heard.error
    if error is None:
        return Verdict("ignored", "taken without a word")
    if not isinstance(error, BadRequestError):
        return said_no(error)
    if FIELD in f"{error.param} {error.message}":
        return Verdict("works", f"refused by its name: {refusal(error)}")
    return Verdict("fails", f"refused without its name: {refusal(error)}")


def error_shape(heard: Heard) -> Verdict:
    """Whether a model that there is not is refused, and in words that can be read."""
    error = heard.error
    if error is None:
        return Verdict("ignored", "answers, whatever model is named")
    if not isinstance(error, BadRequestError):
        return said_no(error)
    return Verdict("works", refusal(error))


def quoted(said: str) -> str:
    """The beginning of a text, in quotes and on one line."""
    return f'"{_short(said, EXCERPT)}"'


@of_response
def _words(response: Response) -> Verdict:
    if not response.text:
        return Verdict("fails", "the answer has no text")
    return Verdict("works", f"says {quoted(response.text)}")


def _failure(response: Response) -> str:
    error = response.error or {}
    said = ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
    return _short(said or response.status, 100)


def _call(response: Response) -> Verdict:
    if not response.calls:
        return _no_call(response)
    call: FunctionCall = response.calls[0]
    given = _json(call.arguments)
    if call.name != TOOL:
        return Verdict("fails", f"called {quoted(call.name)}, which there is not")
    if not isinstance(given, dict):
        return Verdict("fails", f"the arguments are no JSON object: {quoted(call.arguments)}")
    if not isinstance(given.get("city"), str):
        return Verdict("fails", f"the arguments have no city: {quoted(call.arguments)}")
    return Verdict("works", f"called {TOOL} with {_short(call.arguments, EXCERPT)}")


def _no_call(response: Response) -> Verdict:
    return Verdict("ignored", f"no call came: {_said(response)}")


def _said(response: Response) -> str:
    said = response.text or response.refusal
    return f"says {quoted(said)}" if said else "says nothing"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"


def _deltas(heard: Heard, kind: str) -> int:
    return sum(isinstance(event, Delta) and event.type == kind for event in heard.events)


def _stream_facts(heard: Heard) -> list[str]:
    """How the stream differs from the documented one, as far as it can be seen in its bytes."""
    payloads = Frames().feed(heard.body + b"\n\n")
    wires = [wire for payload in payloads if isinstance(wire := _json(payload), dict)]
    types = (str(each.wire.get("type")) for each in heard.events if isinstance(each, OtherEvent))
    others = {each for each in types if not _DOCUMENTED.match(each)}
    facts = {
        "chat chunks": any(is_chunk(wire) for wire in wires),
        "no sequence numbers": not any("sequence_number" in wire for wire in wires),
        "no event names": not re.search(rb"^event:", heard.body, re.MULTILINE),
        "[DONE] at the end": b"[DONE]" in payloads,
        f"other events: {_short(', '.join(sorted(others)), EXCERPT)}": bool(others),
    }
    return [fact for fact, is_so in facts.items() if is_so]


def _is_chat(wire: Wire) -> bool:
    return is_completion(wire) or is_chunk(wire)


def _json(content: str | bytes) -> Any:
    try:
        return decode(content)
    except ValueError:
        return None


def _short(said: str, most: int) -> str:
    line = " ".join(said.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
