"""What servers of chat completions do differently from each other, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChatDialect:
    """What a server does differently from `POST /chat/completions` as most document it."""

    system_role: str = "system"
    """What it calls the developer: `system`, or `developer` as newer models of OpenAI do."""
    max_tokens: bool = False
    """Calls the bound on tokens `max_tokens`, as all did before `max_completion_tokens`."""
    stream_usage: bool = True
    """Knows `stream_options`, and counts tokens in a stream only if it is asked to there."""
    strict: bool = True
    """Knows `strict` in tools."""
    thought_field: str = ""
    """The field of an assistant's message that takes its thoughts back, such as
    `reasoning_content`; empty where they are not wanted back."""
