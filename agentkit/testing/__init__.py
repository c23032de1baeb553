"""Models without a language model, and a real server to put them behind.

    scripted.py     ScriptedModel: answers given in advance, requests kept for assertions
    answers.py      the words of a script: call, reasoning, commentary, refusal, incomplete, failed
    offline/        OfflineModel: matches a question's words with the tools; needs no key
    server.py       ResponsesServer: any model behind HTTP and server-sent events, on loopback
    service.py      its endpoints       memory.py   what it keeps    rejection.py  what it refuses
    strictness.py   schemas it refuses
    chat.py         the same as chat completions   chat_body.py  asked   chat_answer.py  answered
    http.py         HTTP/1.1 by h11     relay.py    a model's events as a server's
    faults/         what the server does wrong on command, each by name
    compaction.py   what stands for a conversation
    complete.py     a response with every field the wire's specification requires
    sequence.py     the stream events of a complete response   usage.py    words as tokens

Knows the wire (`agentkit.responses`) and nothing of agents, tools or runs. `import agentkit` does
not load it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentkit.testing.answers import (
        call,
        commentary,
        failed,
        incomplete,
        reasoning,
        refusal,
    )
    from agentkit.testing.faults import FAULTS, Fault, fault
    from agentkit.testing.offline import OfflineModel
    from agentkit.testing.scripted import ScriptedModel
    from agentkit.testing.server import ResponsesServer

_HOME = {
    "FAULTS": "faults",
    "Fault": "faults",
    "OfflineModel": "offline",
    "ResponsesServer": "server",
    "ScriptedModel": "scripted",
    "call": "answers",
    "commentary": "answers",
    "failed": "answers",
    "fault": "faults",
    "incomplete": "answers",
    "reasoning": "answers",
    "refusal": "answers",
}

__all__ = [
    "FAULTS",
    "Fault",
    "OfflineModel",
    "ResponsesServer",
    "ScriptedModel",
    "call",
    "commentary",
    "failed",
    "fault",
    "incomplete",
    "reasoning",
    "refusal",
]


def __getattr__(name: str) -> Any:
    """Load a name at its first use, so that a model does not bring the server along."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
