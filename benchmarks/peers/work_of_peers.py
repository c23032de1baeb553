"""What every loop is asked to do, with the same words and the same tool."""

from __future__ import annotations

import time

KEY = "sk-benchmark-1234567890"
MODEL = "gpt-5-mini"
TOLD = "Add what you are told to add."
QUESTION = "Tell me all."

times_at: dict[int, float] = {}
"""CPU seconds at which the tool was called first with each of these numbers."""


async def add(a: int, b: int = 1) -> int:
    """The sum of two numbers."""
    if a in times_at:
        times_at[a] = time.process_time()
    return a + b
