"""Evidence for the fields of an answer: what was claimed, and whether it stood there.

Pure: the fields as the model wrote them and the records of a log in, a verdict for each out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agentkit.encoding import JSON, encode
from agentkit.evidence.agreement import BY_READER, disagreement, is_for_a_reader
from agentkit.evidence.sources import Source, called, sources_of
from agentkit.evidence.standing import is_trivial, without_marks
from agentkit.evidence.texts import alike
from agentkit.records import Output, Record
from agentkit.schema.problems import got

Status = Literal["verified", "unverified", "not_found"]

LONGEST = 2_000
"""Characters of a quote that is checked; in a longer one too much stands."""

ASKED = 300
"""Characters of a quote that the model is asked for."""


BY_TOOL = "The tool itself gave the answer."

BY_MODEL = "The arguments of the call say it, too, so that the model may have brought it in."
"""What is to be known of a value that a tool may only have given back."""


@dataclass(frozen=True)
class Evidence:
    """Where the value of a field was found."""

    status: Status
    """`verified` where the quote stands in what the call gave and says the value; `not_found`
    where the model gave no value."""
    call_id: str | None = None
    """The call whose output has the quote; of one that is unverified, the call that was named."""
    quote: str | None = None
    """As the model copied it."""
    tool: str = ""
    """The name of that call's tool."""
    reason: str = ""
    """Why it is not verified; of one that is, what else is to be known."""

    @property
    def source(self) -> str:
        """Call and quote in one line, `fetch(call_3): “…”`; empty where there is no quote."""
        if not self.quote:
            return ""
        call = f"{self.tool}({self.call_id or '?'})"
        return f"{call}: “{' '.join(self.quote.split())}”"


@dataclass(frozen=True)
class Field:
    """A field of an answer as the model wrote it."""

    value: JSON
    call_id: str | None = None
    quote: str | None = None


def check(fields: Mapping[str, Field], records: Iterable[Record]) -> dict[str, Evidence]:
    """The evidence for each field, by what the calls in the records of a log gave."""
    sources = sources_of(records)
    return {name: _checked(field, sources) for name, field in fields.items()}


def of_final(final: Output, names: Iterable[str], records: Iterable[Record]) -> dict[str, Evidence]:
    """The evidence for an answer that a tool gave in the model's place: the tool itself."""
    source = sources_of(records).get(final.call_id)
    values = final.value if isinstance(final.value, dict) else {}
    return {name: _of_tool(values.get(name), final.call_id, source) for name in names}


def _of_tool(value: JSON, call_id: str, source: Source | None) -> Evidence:
    """The verdict on a value that a tool gave; what the model gave to the tool shows nothing."""
    if value is None:
        return Evidence("not_found")
    claim = Evidence("verified", call_id, encode(value).decode(), reason=BY_TOOL)
    if source is None:
        return claim
    if not is_for_a_reader(value) and not disagreement(value, source.arguments, ["json"]):
        claim = replace(claim, status="unverified", reason=BY_MODEL)
    return replace(claim, tool=source.tool)


def _checked(field: Field, sources: Mapping[str, Source]) -> Evidence:
    named = sources.get(field.call_id or "")
    claim = Evidence("unverified", field.call_id, field.quote, named.tool if named else "")
    if field.value is None or (field.value in ("", [], {}) and not field.quote):
        return replace(claim, status="not_found")
    quote = alike(field.quote or "")
    if not quote:
        return replace(claim, reason="no quote was given")
    if len(quote) > LONGEST:
        said = f"the quote has {len(quote):,} characters; quote {ASKED} at most"
        return replace(claim, reason=said)
    standing = _standing(quote, named, sources)
    if not standing:
        quote = without_marks(quote)
        standing = _standing(quote, named, sources)
    if len(standing) != 1:
        return replace(claim, reason=_nowhere(quote, field.call_id, sources, standing))
    return _agreed(claim, quote, standing[0], field.value)


def _standing(quote: str, named: Source | None, sources: Mapping[str, Source]) -> list[Source]:
    """Where a quote stands: in the call that was named, else in which others.

    Models mix up ids, and some servers do not tell them. Calls that gave the same are one.
    """
    if named is not None and named.is_ok and named.readings_of(quote):
        return [named]
    others: dict[tuple[str, ...], Source] = {}
    for each in sources.values():
        if each.is_ok and each.texts not in others and each.readings_of(quote):
            others[each.texts] = each
    return list(others.values())


def _agreed(claim: Evidence, quote: str, source: Source, value: JSON) -> Evidence:
    """The verdict on a quote that stands in a source."""
    reason = ""
    if claim.call_id and claim.call_id not in source.ids:
        reason = f"The quote stands in this call, not in {claim.call_id!r}, which was named."
    found = replace(claim, call_id=source.call_id, tool=source.tool)
    if difference := disagreement(value, quote, source.readings_of(quote)):
        return replace(found, reason=difference)
    if is_for_a_reader(value):
        reason = f"{reason} {BY_READER}".strip()
    elif not disagreement(value, source.arguments, ["json"]):
        reason = f"{reason} {BY_MODEL}".strip()
    return replace(found, status="verified", reason=reason)


def _nowhere(
    quote: str, call_id: str | None, sources: Mapping[str, Source], standing: Sequence[Source]
) -> str:
    """Why a quote stands in no one place."""
    shown, named = got(quote), sources.get(call_id or "")
    if standing:
        ids = ", ".join(each.call_id for each in standing)
        return f"the quote {shown} stands in the outputs of {ids}: name the one that is meant"
    if is_trivial(quote):
        return f"the quote {shown} is too short to show anything; quote the text around it, too"
    if not sources:
        return "no tool has given anything that could be quoted"
    if named is not None and not named.is_ok:
        return f"the call {called(named)} failed, so its output shows nothing"
    hint = "; quote one unbroken piece" if "..." in quote else ""
    if named is not None:
        return f"the quote {shown} does not stand in what {called(named)} gave{hint}"
    which = f"there is no call {call_id!r}, and " if call_id else ""
    return f"{which}the quote {shown} stands in no call's output{hint}"
