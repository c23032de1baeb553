"""What servers of chat completions do differently from each other, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

BOUNDS = ("max_tokens", "max_completion_tokens")
"""The names for the bound on an answer's tokens. Servers that do not know the second one lose it
without a word (ollama#7125), and those that do not take the first one say so."""

_OPTIONAL = frozenset(
    {
        "logprobs",
        "parallel_tool_calls",
        "reasoning_effort",
        "stream_options",
        "strict",
        "top_logprobs",
        "verbosity",
    }
)
"""Fields of chat's own without which an answer is still an answer."""


@dataclass(frozen=True)
class ChatDialect:
    """What a server does differently from `POST /chat/completions` as OpenAI documents it."""

    system_role: str = "system"
    """What it calls the developer: `system`, or `developer` as newer models of OpenAI do."""
    thought_field: str = ""
    """The field of an assistant's message with calls that takes its thoughts back, such as
    `reasoning_content`; empty where they are not wanted back."""
    lacks: frozenset[str] = frozenset()
    """Fields of chat's own that it does not know: `stream_options`, `strict` (of tools),
    `reasoning_effort` and the like are left out, and of the two names for the bound on tokens the
    other one is sent."""

    def without(self, named: str) -> ChatDialect | None:
        """The dialect that does without a refused field, None where the answer cannot.

        The field may be named with its place, as in `tools.0.function.strict`.
        """
        name = re.split(r"[.\[\]]+", named)[-1]
        if name in BOUNDS and not self.lacks & {*BOUNDS}:
            return replace(self, lacks=self.lacks | {name})
        if name in _OPTIONAL - self.lacks:
            return replace(self, lacks=self.lacks | {name})
        if name and name == self.thought_field:
            return replace(self, thought_field="")
        return None
