"""`make demo`: the command looks real facts up over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_shows_the_calls_the_answer_and_the_same_for_a_real_model():
    demo = [sys.executable, "-W", "error", "examples/demo.py"]
    ran = subprocess.run(demo, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    for made in ('capital({"country":"Norway"})', 'population({"country":"Chile"})'):
        assert f"→ {made}" in ran.stderr
    assert "Norway: capital Oslo, population 5,577,000" in ran.stdout
    assert "Chile: population 19,760,000" in ran.stdout
    assert "2 requests over HTTP" in ran.stdout
    assert "-m cometapi:gpt-4.1" in ran.stdout
