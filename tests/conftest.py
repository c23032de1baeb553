"""Asynchronous tests run under `asyncio.run`, each with a fail-after."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from agentkit.responses.known import forget_servers

# A busy machine is no failure. Where a change is judged, the examples are the same every time.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="session")
def a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the command keeps for a person goes nowhere near a real one."""
    with pytest.MonkeyPatch.context() as patch:
        home = str(tmp_path_factory.mktemp("home"))
        for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
            patch.setenv(name, home)
        patch.setenv("AGENTKIT_DB", f"{home}/runs.db")
        yield


@pytest.fixture(autouse=True)
def servers_unknown() -> None:
    """No test knows what another has learnt of a server; ports come back."""
    forget_servers()


FAIL_AFTER = 30.0
"""Seconds after which a test that still waits has failed."""


FAIL_AFTER_ALL = 120.0
"""The same of a test that is not asynchronous, which may start many processes."""


def _fail_later(name: str) -> None:
    """Have a test fail that waits for something which does not come."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        return

    def fail(*_: object) -> None:
        pytest.fail(f"{name} waits for ever")

    signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, FAIL_AFTER_ALL)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        _fail_later(pyfuncitem.name)
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), FAIL_AFTER))
    return True


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the tests over recorded traffic have counted."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "checked":
                terminalreporter.write_line(f"checked: {value}")
