"""One job over a table, shown while it runs, until it ends or is interrupted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agentkit.cli.map_display import Display, Wait
from agentkit.cli.map_end import End
from agentkit.cli.map_look import Look, Pace
from agentkit.cli.map_stop import interrupted_by
from agentkit.cli.map_words import in_the_command
from agentkit.errors import AgentkitError, ConfigurationError
from agentkit.jobs.job import Job
from agentkit.jobs.results import MapResult, Progress

STOPPING = "Interrupted: rows that run have a moment to end. Ctrl-C again stops at once."


@dataclass
class Looking:
    """Looks at a job's progress."""

    progress: Progress
    cached: Callable[[], int] = lambda: 0
    """How many rows came from the cache so far."""
    before: float = 0.0
    """US dollars of earlier jobs, as far as they count."""
    budget: float | None = None
    clock: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace)

    def now(self) -> Look:
        """How it stands."""
        now = self.progress
        # a model without a price leaves the sum at nothing
        is_unpriced = not now.spent and now.usage.total_tokens > 0
        return Look(
            total=now.total,
            done=now.done,
            failed=now.failed,
            running=now.running,
            kept=now.kept,
            spent=None if is_unpriced else now.spent,
            before=self.before,
            level=now.level,
            refusals=now.refusals,
            cached=self.cached(),
            per_minute=self.pace.of(self.clock(), now.done + now.failed - now.kept),
            budget=self.budget,
        )


async def ended(job: Job, display: Display, looking: Looking, *, wait: Wait = asyncio.sleep) -> End:
    """How the job ended, having been shown until then.

    Raises ConfigurationError where it cannot begin, and BrokenPipeError where nobody reads the
    rows any more.
    """
    with display.shown():
        working = asyncio.create_task(_end_of(job))
        watching = asyncio.create_task(_watch(display, looking, wait))

        def stop_gently() -> None:
            display.note(STOPPING)
            working.cancel()

        try:
            with interrupted_by(stop_gently, working.cancel):
                end = await working
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        display.last(looking.now())
        return end


async def _watch(display: Display, looking: Looking, wait: Wait) -> None:
    while True:
        await wait(display.every)
        display.show(looking.now())


async def _end_of(job: Job) -> End:
    try:
        return End(await job)
    except asyncio.CancelledError as stop:
        return End(_result_in(stop), is_interrupted=True)
    except ConfigurationError as error:
        if (result := _result_in(error)) is None:
            raise
        return End(result, in_the_command(error))
    except Exception as error:  # noqa: BLE001 - tools and models may be the caller's own
        if isinstance(error.__cause__, BrokenPipeError):
            raise error.__cause__ from None
        known = error if isinstance(error, AgentkitError) else _in_words(error)
        if (result := _result_in(error)) is None:
            raise known from known.__cause__
        return End(result, known)


def _result_in(error: BaseException) -> MapResult | None:
    result = getattr(error, "result", None)
    return result if isinstance(result, MapResult) else None


def _in_words(error: Exception) -> AgentkitError:
    said = AgentkitError(f"The job failed: {type(error).__name__}: {error}")
    said.__cause__ = error
    return said
