"""Real processes, really killed: nothing runs twice in silence, nothing finished is lost."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from survival import TURNS, Kill, survive, world

CHAOS = int(os.environ.get("CHAOS", "200"))
"""How many kills at random places are tried."""

APPENDS = 17
"""The most commits that the run makes: outputs that come together are kept in one."""

CALLS = [each["call_id"] for turn in TURNS[:-1] for each in turn if "call_id" in each]
RUNNING = [call_id for call_id in CALLS if not call_id.startswith("nothing")]


def test_a_run_that_nobody_kills_makes_no_more_commits_than_are_tried(tmp_path: Path):
    with world(tmp_path) as made:
        survive(made, [])
        assert APPENDS - 5 <= made.end()[0] <= APPENDS
        assert made.asked == list(range(len(TURNS)))
        assert sorted(call_id for call_id, _ in made.ran()) == sorted(RUNNING)


@pytest.mark.parametrize("when", ["before append", "after append"])
@pytest.mark.parametrize("number", range(1, APPENDS + 1))
def test_killed_at_a_commit_the_run_goes_on(tmp_path: Path, when: str, number: int):
    with world(tmp_path) as made:
        survive(made, [Kill(when, number)])


@pytest.mark.parametrize("when", ["before append", "after append"])
@pytest.mark.parametrize("number", range(1, APPENDS + 1, 1 if CHAOS > 200 else 4))
def test_killed_at_a_commit_to_a_database_the_run_goes_on(
    tmp_path: Path, url: str, when: str, number: int
):
    with world(tmp_path, url) as made:
        survive(made, [Kill(when, number)])


@pytest.mark.parametrize("number", range(1, APPENDS + 1, 4))
def test_killed_at_a_commit_again_and_again_the_run_goes_on(tmp_path: Path, number: int):
    with world(tmp_path) as made:
        survive(made, [Kill("before append", number), *[Kill("after append", 1)] * 6])


@pytest.mark.parametrize("when", ["begin", "end"])
@pytest.mark.parametrize("call_id", RUNNING)
def test_killed_in_a_tool_the_run_goes_on(tmp_path: Path, when: str, call_id: str):
    with world(tmp_path) as made:
        survive(made, [Kill(f"{when} {call_id}")])
        times = [each for each, _ in made.ran()].count(call_id)
        is_once = call_id.startswith(("pay", "wipe"))
        assert times == (when == "end") + (not is_once)


@pytest.mark.parametrize("number", range(1, len(TURNS) + 1))
def test_killed_while_the_model_answers_the_run_goes_on(tmp_path: Path, number: int):
    with world(tmp_path) as made:
        made.kill_at_request = number
        survive(made, [Kill()])
        assert len(made.asked) == len(TURNS) + 1


@pytest.mark.parametrize("number", [1, 2])
def test_killed_while_it_waits_the_run_goes_on(tmp_path: Path, number: int):
    with world(tmp_path) as made:
        assert made.run(Kill("waiting", number)) < 0
        asked, ran = made.asked[:], made.ran()
        survive(made, [Kill("waiting", 1)])
        assert made.asked == list(range(len(TURNS)))
        assert (made.asked[: len(asked)], made.ran()[: len(ran)]) == (asked, ran)
        assert sorted(call_id for call_id, _ in made.ran()) == sorted(RUNNING)


def test_begun_again_after_its_end_nothing_runs_again(tmp_path: Path):
    with world(tmp_path) as made:
        survive(made, [])
        before = (made.asked[:], made.ran())
        assert made.run(Kill("before append", 1)) == 0
        assert (made.asked, made.ran()) == before


INSTRUCTIONS = 15_000
"""How often the functions of agentkit are entered, left and gone on with in a run, or less."""


def test_a_run_has_as_many_places_to_be_killed_at_as_are_drawn_from(tmp_path: Path):
    with world(tmp_path) as made:
        assert made.run(Kill("instruction", 10**9)) == 0
        assert made.end()[1] > INSTRUCTIONS


@pytest.mark.parametrize("seed", range(CHAOS // 10))
def test_killed_anywhere_the_run_goes_on(tmp_path: Path, seed: int):
    chance, killed = random.Random(seed), 0
    while killed < 10:
        folder = tmp_path / str(killed)
        folder.mkdir()
        first, second = (chance.randrange(1, most) for most in (INSTRUCTIONS, INSTRUCTIONS // 4))
        with world(folder) as made:
            died = survive(made, [Kill("instruction", first), Kill("instruction", second)])
        assert died > 0
        killed += died
