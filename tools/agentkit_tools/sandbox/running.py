"""One program in a sandbox: started, limited, watched, read, and ended with all it started."""

from __future__ import annotations

import json
import os
import resource
import select
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from agentkit_tools.sandbox.bubblewrap import Sandbox
from agentkit_tools.sandbox.limits import SandboxLimits
from agentkit_tools.sandbox.syscalls import syscall_filter
from agentkit_tools.sandbox.watching import Watch

Ended = Literal["exit", "time", "output", "memory", "processes", "stopped"]
"""How it came to an end: by itself, or killed for what it took."""

_TICK = 0.005
"""Seconds between two counts of what is inside: few, since processes multiply in them."""
_LOOK = 0.02
"""Seconds between two looks at the memory they hold."""
_LOWEST = 19
"""The priority of a program, so that whoever counts its processes gets to do it."""
_GRACE = 10.0
"""Seconds that the kernel has to clear away what was killed."""
_PIECE = 65536
_COUNTS_INSIDE = (5, 14)
"""From this kernel on the limit on processes counts those inside alone."""


class SandboxError(Exception):
    """The sandbox itself could not be made."""


@dataclass(frozen=True)
class Ran:
    """What a program came to."""

    ended: Ended
    code: int
    """The exit code; 128 and more for the signal that ended it."""
    stdout: bytes = b""
    stderr: bytes = b""


def run(sandbox: Sandbox, program: Sequence[str], stop: threading.Event) -> Ran:
    """Run the program to its end, or to that of what it may take, or until it is to stop.

    Blocks. When it returns nothing of it runs any more. Raises SandboxError where the sandbox
    cannot be made.
    """
    with ExitStack() as held:
        try:
            process, first = _started(sandbox, program, held)
        except OSError as error:
            raise SandboxError(f"it could not be set up: {error}") from error
        reading = _Reading(process, sandbox.limits, Watch(first))
        ended = reading.to_the_end(stop)
        held.close()
        code = process.returncode
        return Ran(ended, code if code >= 0 else 128 - code, *reading.written)


def _started(
    sandbox: Sandbox, program: Sequence[str], held: ExitStack
) -> tuple[subprocess.Popen[bytes], int]:
    """The process of bwrap, and the id of the first one inside, which has its limits by then."""
    refused = syscall_filter()
    told, tells = os.pipe()
    waits, begins = os.pipe()
    for descriptor in (told, begins):
        held.callback(os.close, descriptor)
    descriptors = {"--info-fd": tells, "--block-fd": waits}
    if refused is not None:
        descriptors["--seccomp"] = _file_of(refused)
    try:
        command = sandbox.command(program, descriptors)
        process = held.enter_context(_process(command, descriptors.values()))
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)
    first = _first_inside(told, process)
    held.callback(_end, first, os.pidfd_open(first))
    _wait_until_inside(first, process)
    _limit(first, sandbox.limits)
    os.write(begins, b".")
    return process, first


def _file_of(content: bytes) -> int:
    """A descriptor to read it from."""
    descriptor = os.memfd_create("syscalls")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@contextmanager
def _process(
    command: Sequence[str], descriptors: Iterable[int]
) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        pass_fds=tuple(descriptors),
        env={},  # what bwrap itself has could be read inside
        cwd="/",
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait(_GRACE)


def _first_inside(told: int, process: subprocess.Popen[bytes]) -> int:
    """The id that bwrap tells once all is set up; it waits there for leave to go on."""
    text = b""
    while select.select([told], [], [], _GRACE)[0] and (piece := os.read(told, _PIECE)):
        text += piece
        with suppress(ValueError, KeyError):
            return int(json.loads(text)["child-pid"])
    raise SandboxError(_complaint(process))


def _wait_until_inside(first: int, process: subprocess.Popen[bytes]) -> None:
    """The first process is told of before it has its own place, where it waits for leave."""
    watch, until = Watch(first), time.monotonic() + _GRACE
    while not watch.is_inside():
        if process.poll() is not None:
            raise SandboxError(_complaint(process))
        if time.monotonic() > until:
            raise SandboxError("the processes inside cannot be counted from outside")
        time.sleep(_TICK)


def _complaint(process: subprocess.Popen[bytes]) -> str:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    process.kill()
    said = process.stderr.read(2000) if process.stderr else b""
    return said.decode(errors="replace").strip() or f"bwrap ended with code {process.returncode}"


def _limit(first: int, limits: SandboxLimits) -> None:
    """Bound the first process, and so all that it will start."""
    os.setpriority(os.PRIO_PROCESS, first, _LOWEST)
    bounds = {
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    release = os.uname().release.split(".")
    if tuple(int(part) for part in release[:2] if part.isdigit()) >= _COUNTS_INSIDE:
        bounds[resource.RLIMIT_NPROC] = limits.processes
    for name, most in bounds.items():
        _, hard = resource.prlimit(first, name)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # a second more of the processor, or its end would not be told from other kills
        top = least + 1 if name == resource.RLIMIT_CPU and least == most else least
        resource.prlimit(first, name, (least, top))


class _Reading:
    """What a program writes, for as long as it takes no more than it may."""

    def __init__(
        self, process: subprocess.Popen[bytes], limits: SandboxLimits, watch: Watch
    ) -> None:
        self._process, self._limits, self._watch = process, limits, watch
        streams = filter(None, (process.stdout, process.stderr))
        self._written = {stream.fileno(): b"" for stream in streams}
        self._until = time.monotonic() + limits.seconds
        self._look_next = 0.0

    @property
    def written(self) -> Iterator[bytes]:
        """Stdout and stderr, as far as they may go."""
        return (each[: self._limits.output] for each in self._written.values())

    def to_the_end(self, stop: threading.Event) -> Ended:
        """Read until all has ended, or until something is past its bound."""
        with selectors.DefaultSelector() as selector:
            for descriptor in self._written:
                selector.register(descriptor, selectors.EVENT_READ)
            looked = 0.0
            while selector.get_map() or self._process.poll() is None:
                for key, _ in selector.select(_TICK):
                    self._read(selector, key.fd)
                # an endless output must not keep from looking
                if time.monotonic() - looked >= _TICK:
                    looked = time.monotonic()
                    if ended := self._past_a_bound(stop):
                        return ended
        return self._past_output() or "exit"

    def _read(self, selector: selectors.BaseSelector, descriptor: int) -> None:
        piece = os.read(descriptor, _PIECE)
        if not piece:
            selector.unregister(descriptor)
        kept = self._written[descriptor]
        self._written[descriptor] = kept + piece[: self._limits.output + 1 - len(kept)]

    def _past_a_bound(self, stop: threading.Event) -> Ended | None:
        if stop.is_set():
            return "stopped"
        if time.monotonic() > self._until:
            return "time"
        if self._watch.count() > self._limits.processes:
            return "processes"
        if time.monotonic() < self._look_next:
            return self._past_output()
        self._look_next = time.monotonic() + _LOOK
        threads, memory = self._watch.look()
        if threads > self._limits.processes:
            return "processes"
        if memory > self._limits.memory:
            return "memory"
        return self._past_output()

    def _past_output(self) -> Ended | None:
        most = self._limits.output
        return "output" if any(len(each) > most for each in self._written.values()) else None


def _end(first: int, descriptor: int) -> None:
    """Kill the first process inside, with which the kernel ends all others, and wait for that."""
    try:
        with suppress(OSError):  # only root may, whose processes are bounded by this alone
            os.setpriority(os.PRIO_PROCESS, first, 0)
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], _GRACE)
    finally:
        os.close(descriptor)
