"""Arguments for a tool from a passage of text: one set for every thing the passage names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from agentkit.encoding import JSON, Wire
from agentkit.testing.offline.mentions import TEXTS, Kind, Mention
from agentkit.testing.offline.schemas import Slot
from agentkit.testing.offline.words import STOP_WORDS, stem, stems, words

FREE_TEXT = frozenset(
    {"query", "question", "text", "prompt", "message", "body", "content", "input", "topic", "q"}
    | {"search", "expression", "formula"}
)
"""Names of parameters that take what was said as a whole."""

_TYPED: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("date", ("date",)),
    ("day", ("date",)),
    ("email", ("email",)),
    ("mail", ("email",)),
    ("recipient", ("email", "name")),
    ("url", ("url",)),
    ("link", ("url",)),
    ("expression", ("expression", "number")),
    ("formula", ("expression", "number")),
    ("id", ("code", "number", "quoted", "name")),
    ("code", ("code", "name", "quoted", "number")),
)
"""Words of a parameter's name and the kinds of mentions that it then takes, best first."""

_MEANS = {"source": "from", "origin": "from", "start": "from", "target": "to", "destination": "to"}
_PREPOSITION = re.compile(r"\b(of|in|for|about|to|from|at|on|with)\s+(?:the\s+|an?\s+)?")
_SOMEWHERE = frozenset({-1})


@dataclass(frozen=True)
class Passage:
    """A part of a question and what it names."""

    text: str
    start: int
    mentions: tuple[Mention, ...]

    def joined(self, other: Passage) -> Passage:
        """This passage, which may also use what another one says."""
        text = f"{self.text} {other.text}"
        return Passage(text, self.start, (*self.mentions, *other.mentions))


@dataclass(frozen=True)
class _Candidate:
    value: JSON
    score: float = 0
    places: frozenset[int] = frozenset()
    """Where in the text it stands; nowhere for what may be used again."""


def argument_sets(slots: Sequence[Slot], passage: Passage) -> list[Wire]:
    """Every set of arguments the passage gives, each thing named used once.

    None at all where something needed is not in the passage.
    """
    sets: list[Wire] = []
    used: set[int] = set()
    while filled := _filled(slots, passage, used, sets[-1] if sets else None):
        arguments, taken = filled
        sets.append(arguments)
        used |= taken
        if not taken:
            break
    return sets


def forced_arguments(slots: Sequence[Slot], passage: Passage) -> Wire:
    """The first set of arguments, with blank values for what the passage does not say."""
    lenient = [slot for slot in slots if is_needed(slot)]
    known = argument_sets(slots, passage)
    if known:
        return known[0]
    found = {slot.name: best_value(slot, passage) for slot in slots}
    blanks = {slot.name: blank(slot) for slot in lenient if found[slot.name] is None}
    return {**found, **blanks}


def best_value(slot: Slot, passage: Passage) -> JSON:
    """The value that the passage gives for one slot, None where it gives none."""
    candidates = _candidates(slot, passage)
    return max(candidates, key=lambda each: each.score).value if candidates else None


def blank(slot: Slot, depth: int = 8) -> JSON:
    """A value of the slot's type that says nothing; what needs itself ends after `depth` levels."""
    if slot.is_nullable or slot.type == "null" or depth == 0:
        return None
    if slot.options:
        return slot.options[0]
    if slot.type == "object":
        return {each.name: blank(each, depth - 1) for each in slot.properties if each.is_required}
    if slot.type in ("integer", "number"):
        return slot.schema.get("minimum", 0)
    return {"boolean": False, "array": []}.get(slot.type, "")


def is_needed(slot: Slot) -> bool:
    """Whether a call cannot do without."""
    return slot.is_required and not slot.is_nullable


def _filled(
    slots: Sequence[Slot], passage: Passage, used: AbstractSet[int], earlier: Wire | None
) -> tuple[Wire, set[int]] | None:
    """One more set of arguments and the places it used up; None without anything new."""
    arguments: Wire = {}
    taken: set[int] = set()
    new: set[int] = set()
    for slot in slots:
        candidates = [c for c in _candidates(slot, passage) if not c.places & (used | taken)]
        if candidates:
            best = max(candidates, key=lambda each: each.score)
            arguments[slot.name] = best.value
            taken |= best.places
            new |= best.places if is_needed(slot) else set()
        elif not is_needed(slot):
            arguments |= {slot.name: None} if slot.is_nullable else {}
        elif earlier and _may_repeat(slot, slots, passage):
            arguments[slot.name] = earlier[slot.name]
        else:
            return None
    return None if earlier is not None and not new else (arguments, new)


def _may_repeat(slot: Slot, slots: Sequence[Slot], passage: Passage) -> bool:
    """Whether the passage names too few values of a kind to give each set its own."""
    alike = [each for each in slots if is_needed(each) and each.type == slot.type]
    return len(_candidates(slot, passage)) <= len(alike)


def _candidates(slot: Slot, passage: Passage) -> list[_Candidate]:
    if slot.options:
        return _options(slot, passage)
    match slot.type:
        case "boolean":
            return _booleans(slot, passage)
        case "integer" | "number":
            return _numbers(slot, passage)
        case "string":
            return _texts(slot, passage)
        case "array":
            return _arrays(slot, passage)
        case "object" if slot.properties:
            sets = argument_sets(slot.properties, passage)
            useful = [each for each in sets if any(v is not None for v in each.values())]
            return [_Candidate(each) for each in useful[:1]]
    return []


def _options(slot: Slot, passage: Passage) -> list[_Candidate]:
    found = []
    for option in slot.options:
        said = re.escape(str(option)).replace("_", "[_ -]")
        for match in re.finditer(rf"(?<!\w){said}(?!\w)", passage.text, re.IGNORECASE):
            found.append(_Candidate(option, 0, frozenset({passage.start + match.start()})))
    return sorted(found, key=lambda each: min(each.places))


def _booleans(slot: Slot, passage: Passage) -> list[_Candidate]:
    named = {stem(word) for word in words(slot.name)} - STOP_WORDS
    said = [stem(word) for word in words(passage.text)]
    if not named or not named <= set(said):
        return []
    before = said[: min(said.index(word) for word in named)][-2:]
    return [_Candidate(not {"no", "not", "without", "t"} & set(before))]


def _numbers(slot: Slot, passage: Passage) -> list[_Candidate]:
    wants_year = "year" in stems(f"{slot.name} {slot.description}")
    found = []
    for mention in passage.mentions:
        if mention.kind != "number" or (slot.type == "integer" and mention.number % 1):
            continue
        score = _nearness(slot, mention) + (2 if wants_year == mention.is_year else -1)
        if score > 0 or is_needed(slot):
            value = int(mention.number) if slot.type == "integer" else mention.number
            found.append(_Candidate(value, score, frozenset({mention.start})))
    return found


def _texts(slot: Slot, passage: Passage) -> list[_Candidate]:
    kinds = _kinds(slot)
    found = []
    for mention in passage.mentions:
        if mention.kind not in (kinds or TEXTS):
            continue
        score = _nearness(slot, mention) - (kinds.index(mention.kind) if kinds else 0)
        score += _shape(mention.value) in _example_shapes(slot)
        if is_needed(slot) or kinds or score > 0:
            found.append(_Candidate(mention.value, score, frozenset({mention.start})))
    if FREE_TEXT & set(map(str.lower, words(slot.name))) and not kinds:
        said = [m for m in passage.mentions if m.kind == "quoted"]
        quoted = [_Candidate(m.value, 0, frozenset({m.start})) for m in said]
        return quoted or [_Candidate(passage.text.strip(" ,.?!"))]
    return found or (_phrases(passage.text) if is_needed(slot) and not kinds else [])


def _example_shapes(slot: Slot) -> set[str]:
    """The shapes of the examples that the slot's description quotes."""
    text = slot.description.partition("Null for the default")[0]
    return {_shape(example) for example in re.findall(r'"([^"]+)"', text)}


def _shape(text: str) -> str:
    """`Aa/Aa` for `Europe/Oslo`: what kind of characters, not which and how many."""
    for pattern, sign in ((r"[A-ZÀ-ÖØ-Þ]+", "A"), (r"[a-zß-öø-ÿ]+", "a"), (r"\d+", "0")):
        text = re.sub(pattern, sign, text)
    return text


def _phrases(text: str) -> list[_Candidate]:
    """What stands behind the first preposition and its like, for names without capitals."""
    parts = _PREPOSITION.split(text)
    said = [
        (preposition, re.sub(r"\s+(?:and|or)$", "", part.strip(" ,.?!")))
        for preposition, part in zip(parts[1::2], parts[2::2], strict=True)
        if stems(part) and not re.search(r"\d", part)
    ]
    alike = [part for preposition, part in said if preposition == said[0][0]]
    return [_Candidate(part, 0, frozenset({-1 - at})) for at, part in enumerate(alike)]


def _arrays(slot: Slot, passage: Passage) -> list[_Candidate]:
    if slot.items.type == "object":
        values: list[JSON] = list(argument_sets(slot.items.properties, passage))
        return [_Candidate(values, 0, _SOMEWHERE)] if values else []
    needed = replace(slot.items, is_required=True, is_nullable=False)
    placed = [each for each in _candidates(needed, passage) if each.places]
    in_order = sorted(placed, key=lambda each: min(each.places))
    places = frozenset().union(*(each.places for each in in_order))
    return [_Candidate([each.value for each in in_order], 0, places)] if in_order else []


def _kinds(slot: Slot) -> tuple[Kind, ...]:
    """The kinds of mentions that the slot is limited to, best first; empty for any text."""
    if str(slot.schema.get("format", "")).startswith("date"):
        return ("date",)
    named = set(map(str.lower, words(slot.name)))
    return next((kinds for word, kinds in _TYPED if word in named), ())


def _nearness(slot: Slot, mention: Mention) -> int:
    """How much the words beside a mention say that it is meant for this slot."""
    named = {stem(_MEANS.get(word.lower(), word)) for word in words(slot.name)}
    beside = {mention.before, mention.after} - ({"from", "to"} - {mention.before})
    if set(map(stem, beside)) & named:
        return 3
    elsewhere = {"from", "to"} & named and mention.before in {"from", "to"}
    return -1 if elsewhere else 0
