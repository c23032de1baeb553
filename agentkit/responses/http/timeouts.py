"""How long a server is waited for, and in which words it is said that it took too long."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from agentkit.errors import ConfigurationError


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a server."""

    connect: float = 5.0
    """Until there is a connection, that of TLS included."""
    first_byte: float = 600.0
    """From there until the head of the answer is there; reasoning can take minutes."""
    idle: float = 600.0
    """Between two pieces of the answer; what only keeps the connection open is a piece too."""
    answer: float = 3600.0
    """From the request to the end of its answer, however much comes."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int | float) or not 0 < value < inf:
                raise ConfigurationError(
                    f"Timeouts({name}={value!r}): expected a number of seconds above 0."
                )

    def said(self, name: str, server: str) -> str:
        """What there is to say where a wait of that name was too long."""
        within = f"within {getattr(self, name):g} s (Timeouts.{name})"
        match name:
            case "connect":
                return f"No connection to {server} {within}."
            case "first_byte":
                return f"{server} did not begin to answer {within}."
            case "idle":
                return f"{server} sent no more of its answer {within}."
        return f"{server} did not come to the end of its answer {within}."


class TimedOut(Exception):  # noqa: N818 - what happened
    """A wait was too long; `args[0]` is the name of the one of Timeouts."""
