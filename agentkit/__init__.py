"""agentkit: function-calling agents over the Responses wire.

    from agentkit import Agent, tool

A map of the package, from the wire up; a module imports only from those above it:

    errors  ages  encoding  forms  secrets    errors and for whom they are; JSON; what is hidden
    responses/    the wire: items, requests, events, servers; no agents
    schema/  tool_output  tools    functions as tools
    records  stores/    what a log is made of, and where logs are kept
    calls  pairing  hiding  steps  log  moves  reading    the log is the run; what follows from it
    prices  quote  budget  purse    money: what requests cost, and who pays
    conversation  measure  context  limits  cost  output    policies: small values
    evidence/    whether the values of an answer stood in what the tools gave
    rules  approval  middleware  events    who may say something, and who hears it
    testing/    models and a server without a key or a network
    journal  cache    what is kept: the log as it grows, answers to be given again
    run  paying  compact  ask  perform  dispatch  loop    the moves; read loop.py first
    models  input  options  result  background  sessions  resuming  stream    the faces
    tables/  jobs/    a table in, a table out
    agent    all of it, for the caller
    cli/    the command

Names load on first use, so importing agentkit costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentkit.agent import Agent
    from agentkit.approval import Answer, Approve, Edit, Reject
    from agentkit.budget import Budget
    from agentkit.errors import (
        AgentkitError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        Conflict,
        ContextLengthError,
        ModelError,
        ModelTimeoutError,
        OutputError,
        ProtocolError,
        QuotaError,
        RateLimitError,
        ServerError,
        StoreError,
        StreamTruncatedError,
        ToolArgumentError,
        ToolDefinitionError,
        TransportError,
    )
    from agentkit.events import (
        Notice,
        ReasoningDelta,
        TextDelta,
        ToolCall,
        ToolOutput,
        ToolProgress,
    )
    from agentkit.evidence.found import Evidence
    from agentkit.limits import Limits
    from agentkit.log import Log
    from agentkit.middleware import around_calls
    from agentkit.responses.client import ResponsesModel
    from agentkit.responses.parts import File, Image
    from agentkit.responses.response import Model, Request, Response, Usage
    from agentkit.responses.retry import Retries
    from agentkit.responses.transport import Timeouts
    from agentkit.result import PendingCall, RunResult
    from agentkit.rules import Rule, Rules
    from agentkit.tools import Final, Retry, Tool, ToolContext, tool

_ROOM_OF = {
    "Agent": "agent",
    "AgentkitError": "errors",
    "Answer": "approval",
    "Approve": "approval",
    "AuthenticationError": "errors",
    "BadRequestError": "errors",
    "Budget": "budget",
    "ConfigurationError": "errors",
    "Conflict": "errors",
    "ContextLengthError": "errors",
    "Edit": "approval",
    "Evidence": "evidence.found",
    "File": "responses.parts",
    "Final": "tools",
    "Image": "responses.parts",
    "Limits": "limits",
    "Log": "log",
    "Model": "responses.response",
    "ModelError": "errors",
    "ModelTimeoutError": "errors",
    "Notice": "events",
    "OutputError": "errors",
    "PendingCall": "result",
    "ProtocolError": "errors",
    "QuotaError": "errors",
    "RateLimitError": "errors",
    "ReasoningDelta": "events",
    "Reject": "approval",
    "Request": "responses.response",
    "Response": "responses.response",
    "ResponsesModel": "responses.client",
    "Retries": "responses.retry",
    "Retry": "tools",
    "Rule": "rules",
    "Rules": "rules",
    "RunResult": "result",
    "ServerError": "errors",
    "StoreError": "errors",
    "StreamTruncatedError": "errors",
    "TextDelta": "events",
    "Timeouts": "responses.transport",
    "Tool": "tools",
    "ToolArgumentError": "errors",
    "ToolCall": "events",
    "ToolContext": "tools",
    "ToolDefinitionError": "errors",
    "ToolOutput": "events",
    "ToolProgress": "events",
    "TransportError": "errors",
    "Usage": "responses.response",
    "around_calls": "middleware",
    "tool": "tools",
}

__all__ = [
    "Agent",
    "AgentkitError",
    "Answer",
    "Approve",
    "AuthenticationError",
    "BadRequestError",
    "Budget",
    "ConfigurationError",
    "Conflict",
    "ContextLengthError",
    "Edit",
    "Evidence",
    "File",
    "Final",
    "Image",
    "Limits",
    "Log",
    "Model",
    "ModelError",
    "ModelTimeoutError",
    "Notice",
    "OutputError",
    "PendingCall",
    "ProtocolError",
    "QuotaError",
    "RateLimitError",
    "ReasoningDelta",
    "Reject",
    "Request",
    "Response",
    "ResponsesModel",
    "Retries",
    "Retry",
    "Rule",
    "Rules",
    "RunResult",
    "ServerError",
    "StoreError",
    "StreamTruncatedError",
    "TextDelta",
    "Timeouts",
    "Tool",
    "ToolArgumentError",
    "ToolCall",
    "ToolContext",
    "ToolDefinitionError",
    "ToolOutput",
    "ToolProgress",
    "TransportError",
    "Usage",
    "around_calls",
    "tool",
]


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module 'agentkit' has no attribute {name!r}")
    value = getattr(import_module(f"agentkit.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
