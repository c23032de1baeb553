"""Which tools a question asks for, and with what: words against words, nothing learned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from agentkit.encoding import Wire, encode
from agentkit.testing.offline.arguments import Passage, argument_sets, forced_arguments
from agentkit.testing.offline.mentions import Mention, find_mentions
from agentkit.testing.offline.schemas import parameters
from agentkit.testing.offline.words import stem, stems, words

ENOUGH = 1.5
"""The score from which a clause asks for a tool; a word of its name counts 3, one of its
description 1, both less where other tools have the word too."""

_BREAK = re.compile(r"[,;:.?!\n]+(?=\s|$)|\b(?:and|then|also|or)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(?:its|it|their|they|there|that|his|her)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Planned:
    """A call that the question asks for."""

    name: str
    arguments: Wire

    @property
    def key(self) -> tuple[str, bytes]:
        return self.name, encode(self.arguments)


@dataclass
class _Clause:
    start: int
    end: int
    tool: Wire | None


class Matcher:
    """The tools of a request, ready to be matched with questions."""

    def __init__(self, tools: Sequence[Wire]) -> None:
        self._tools = list(tools)
        profiles = [_profile(tool) for tool in tools]
        shared = Counter(chain.from_iterable(profiles))
        # a word of a tool's name asks for that tool, however many others mention it
        named = Counter(chain.from_iterable(map(_name_stems, tools)))
        self._profiles = [
            {
                word: weight / (named[word] if word in _name_stems(tool) else shared[word])
                for word, weight in profile.items()
            }
            for tool, profile in zip(tools, profiles, strict=True)
        ]
        self._vocabulary = frozenset(word.lower() for tool in tools for word in words(tool["name"]))

    def plan(self, question: str) -> list[Planned]:
        """The calls that the question asks for, in its order, each once."""
        mentions = find_mentions(question, self._vocabulary)
        clauses = self._clauses(question, mentions)
        passages = [_passage(question, clause, mentions) for clause in clauses]
        planned: dict[tuple[str, bytes], Planned] = {}
        for at, clause in enumerate(clauses):
            if clause.tool is None:
                continue
            for arguments in _sets(clause.tool, passages, at):
                call = Planned(clause.tool["name"], arguments)
                planned.setdefault(call.key, call)
        return list(planned.values())

    def best(self, question: str) -> Planned:
        """A call of the tool that fits best, however little it does."""
        mentions = find_mentions(question, self._vocabulary)
        scores = self._scores(question, mentions)
        tool = self._tools[scores.index(max(scores))]
        whole = Passage(question, 0, tuple(mentions))
        return Planned(tool["name"], forced_arguments(parameters(tool), whole))

    def _clauses(self, question: str, mentions: Sequence[Mention]) -> list[_Clause]:
        """Parts of the question, each about one tool; what names no tool joins its neighbour."""
        joined: list[_Clause] = []
        for start, end in _spans(question, mentions):
            tool = self._asked(
                question[start:end], [m for m in mentions if m.start >= start], start
            )
            last = joined[-1] if joined else None
            if last and tool is last.tool and tool and not _names(tool, question[start:end]):
                tool = None
            if last and (tool is None or last.tool is None):
                last.end, last.tool = end, tool or last.tool
            else:
                joined.append(_Clause(start, end, tool))
        return joined

    def _asked(self, text: str, mentions: Sequence[Mention], offset: int) -> Wire | None:
        scores = self._scores(text, mentions, offset)
        best = max(scores, default=0)
        return self._tools[scores.index(best)] if best >= ENOUGH else None

    def _scores(self, text: str, mentions: Sequence[Mention], offset: int = 0) -> list[float]:
        """How well each tool fits the text, what it names left out."""
        for mention in mentions:
            start, end = mention.start - offset, mention.end - offset
            if end <= len(text):
                text = text[:start] + " " * (end - start) + text[end:]
        said = {stem(word) for word in words(text)} | set(map(_exactly, words(text)))
        return [
            sum(weight for word, weight in profile.items() if word in said)
            for profile in self._profiles
        ]


def _names(tool: Wire, text: str) -> bool:
    """Whether the text has a word of the tool's name, not only of its parameters."""
    return not _name_stems(tool).isdisjoint(map(stem, words(text)))


def _sets(tool: Wire, passages: Sequence[Passage], at: int) -> list[Wire]:
    """The arguments in the tool's own passage, else with the help of the nearest other."""
    own, slots = passages[at], parameters(tool)
    if sets := argument_sets(slots, own):
        return sets
    behind, ahead = list(reversed(passages[:at])), list(passages[at + 1 :])
    others = [*behind, *ahead] if _POINTS_BACK.search(own.text) else [*ahead, *behind]
    borrowed = (argument_sets(slots, own.joined(other)) for other in others)
    return next((sets for sets in borrowed if sets), [])


def _profile(tool: Wire) -> dict[str, float]:
    """The words that ask for a tool, each with its weight."""
    weighted: list[tuple[float, str]] = [(1, str(tool.get("description") or ""))]
    for slot in parameters(tool):
        weighted += [(1, slot.name), (0.5, slot.description)]
        weighted += [(1, str(option)) for option in slot.options]
    weighted.append((3, tool["name"]))
    weighted.sort()
    profile = {word: weight for weight, text in weighted for word in stems(text)}
    # the very word counts more than one that only means the same
    profile |= {_exactly(word): 0.5 for word in words(tool["name"])}
    # a name such as `now` or `list` has stop words only
    return (
        profile if stems(tool["name"]) else {**profile, **{stem(w): 3 for w in words(tool["name"])}}
    )


def _name_stems(tool: Wire) -> set[str]:
    return set(map(stem, words(tool["name"])))


def _exactly(word: str) -> str:
    return f"={word.lower()}"


def _spans(question: str, mentions: Sequence[Mention]) -> list[tuple[int, int]]:
    breaks = [
        match.span()
        for match in _BREAK.finditer(question)
        if not any(m.start < match.end() and match.start() < m.end for m in mentions)
    ]
    starts = [0, *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), len(question)]
    return [
        (start, end) for start, end in zip(starts, ends, strict=True) if question[start:end].strip()
    ]


def _passage(question: str, clause: _Clause, mentions: Sequence[Mention]) -> Passage:
    inside = tuple(m for m in mentions if clause.start <= m.start < clause.end)
    return Passage(question[clause.start : clause.end], clause.start, inside)
