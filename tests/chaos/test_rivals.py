"""Two processes on one session: one goes on, the other does nothing or waits for its turn."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RIVAL = Path(__file__).with_name("rival.py")
FAIL_AFTER = 60.0


@contextmanager
def rival(place: str, ledger: Path, when_busy: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(RIVAL), place, str(ledger), when_busy]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    hung = threading.Timer(FAIL_AFTER, process.kill)
    hung.start()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        hung.cancel()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def let_go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_one_goes_on_and_the_other_gets_a_conflict(place: str, tmp_path: Path):
    ledger = tmp_path / "ledger"
    with rival(place, ledger, "conflict") as one, rival(place, ledger, "conflict") as other:
        outcome = {heard(one): one, heard(other): other}
        assert outcome.keys() == {"running", "conflict"}
        let_go_on(outcome["running"])
        assert heard(outcome["running"]) == "completed Done."
    assert ledger.read_text().split() == ["a", "b"]


def test_the_other_may_wait_for_its_turn(place: str, tmp_path: Path):
    ledger = tmp_path / "ledger"
    with rival(place, ledger, "wait") as first:
        assert heard(first) == "running"
        with rival(place, ledger, "wait") as second:
            let_go_on(first)
            assert heard(first).startswith("completed")
            assert heard(second) == "completed Done."
    assert ledger.read_text().split() == ["a", "b"]


def test_a_process_that_is_killed_leaves_its_session_to_the_next(place: str, tmp_path: Path):
    ledger = tmp_path / "ledger"
    with rival(place, ledger, "conflict") as first:
        assert heard(first) == "running"
        first.send_signal(signal.SIGKILL)
        first.wait()
        with rival(place, ledger, "wait") as second:
            assert heard(second).startswith("completed")
