"""A question to a person, as a tool."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentkit import tool

MOST_CHARACTERS = 4000
"""Of a question: it is to be read whole."""

NO_ANSWER = (
    "Nobody answered. Go on with what is most sensible, and say in your answer what you assumed."
)


@tool(effect="read", approval=True)
def ask_user(question: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]) -> str:
    """Ask the user, and get the answer as text. Ask only what you can neither know nor look up.

    Args:
        question: One question that can be understood and answered by itself.
    """
    # A person's answer stands in place of a call. This runs where a person, or a rule, lets the
    # call pass without one.
    del question
    return NO_ANSWER
