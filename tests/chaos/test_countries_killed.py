"""`agentkit map` over 190 rows, really killed five times: every row once, each right, none twice."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from table_job import Kill, Moment, Seen, World, check_rows, facts, world

from agentkit.jobs.level import CAP

CHAOS = int(os.environ.get("CHAOS", "200"))
ROWS, KILLS, TURNS, CALLS = 190, 5, 2, 2
AT_ONCE = {"8": 8, "auto": CAP}
"""The most rows that run at once, by what the command is told."""

KILLED = -9

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a signal of POSIX")


@pytest.mark.parametrize("seed", range(max(CHAOS // 200, 1)))
def test_a_table_is_answered_once_however_often_its_job_is_killed(
    tmp_path: Path, place: str, seed: int
):
    chance = random.Random(seed)
    jobs = list(AT_ONCE)[(seed + place.startswith("postgresql:")) % 2]
    wanted = chance.sample(sorted(facts()), ROWS)
    kills = [
        Kill(number, chance.choice(("asked", "half told", "told")))
        for number in sorted(chance.sample(range(1, TURNS * ROWS - AT_ONCE[jobs]), KILLS))
    ]
    print(f"seed {seed}, -j {jobs}: {kills}")
    with world(tmp_path, place, wanted) as made:
        made.jobs = jobs
        assert [made.run(kill) for kill in kills] == [KILLED] * KILLS
        assert made.run() == 0
        assert made.said.startswith(f"{ROWS} rows in out.csv: {ROWS} done, ")
        check(made)
        asked, table = len(made.model.seen), made.out.read_bytes()
        assert made.run() == 0
        assert (len(made.model.seen), made.out.read_bytes()) == (asked, table)
    assert not made.reader.wrong
    assert made.reader.tables > 1
    assert not list(tmp_path.glob(".out.csv*")), "something is left beside the table"


def check(made: World) -> None:
    """Each row has its answer, and nothing that was finished at a kill was done again."""
    rows = check_rows(made.out.read_bytes(), made.wanted)
    assert [row["name"] for row in rows] == made.wanted
    sessions = {row["name"]: row["_session"] for row in rows}
    *killed, last = made.moments
    assert len(killed) == KILLS
    assert sorted(last.logs) == sorted(sessions.values())
    for moment in killed:
        check_behind(made, moment, sessions)
        for session, log in moment.logs.items():
            assert last.logs[session].records[: len(log)] == log.records, "work was lost"
    check_sums(made, last)


def check_behind(made: World, moment: Moment, sessions: dict[str, str]) -> None:
    """What was asked and run behind a kill had not been finished at it."""
    answers = Counter(session for session, _ in moment.answers)
    for seen in made.model.seen[moment.asked :]:
        assert seen.turn >= answers[sessions[seen.country]], f"{seen} was asked again"
    assert not set(made.ran()[moment.ran :]) & set(moment.finished), "a call ran again"


def check_sums(made: World, last: Moment) -> None:
    """Requests, calls, answers and tokens, counted on both sides."""
    turns = {Seen(country, turn) for country in made.wanted for turn in range(TURNS)}
    assert set(made.model.seen) == turns
    # twice are those that were under way at a kill, and no others
    assert len(made.model.seen) <= len(turns) + KILLS * AT_ONCE[made.jobs]
    assert sorted(last.finished) == sorted(set(made.ran()))
    assert len(last.finished) == CALLS * ROWS
    assert len(made.ran()) <= CALLS * (ROWS + KILLS * AT_ONCE[made.jobs])
    kept = [answer.response.id for _, answer in last.answers]
    assert len(kept) == len(set(kept)) == len(turns)
    assert set(kept) <= made.model.told.keys(), "an answer that was never given"
    ledger = [spent.usage.total_tokens for spent in made.spent()]
    assert len(ledger) == len(kept)
    assert sum(ledger) == sum(made.model.told[each] for each in kept)
