"""Programs as tools: command lines and Python, in a sandbox or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentkit import ConfigurationError, Retry, Tool, tool
from agentkit_tools.sandbox.bubblewrap import PROJECT, Sandbox, found_bubblewrap, resolved_folder
from agentkit_tools.sandbox.limits import MEBIBYTE, SandboxLimits
from agentkit_tools.sandbox.running import Ended, Ran, SandboxError, run

MOST_BYTES = 100_000
"""Of a command line or a program; the kernel takes 128 KiB in one argument."""

Approval = bool | Callable[[Mapping[str, Any]], bool]
"""Whether a person agrees first to every call; or a function of the arguments that says so."""

_DEFAULTS = SandboxLimits()


class Shell:
    """A toolbox with the tool `shell`: command lines, with one folder in sight.

    Raises ConfigurationError where there is no sandbox, or no such folder.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        approval: Approval = True,
        writable: bool = False,
        network: bool = False,
        limits: SandboxLimits = _DEFAULTS,
    ) -> None:
        """`root` is the folder, read-only unless it is `writable`; inside it is `/project`.

        With `network`, programs reach what this machine reaches, its own services too.
        """
        self._sandbox = checked(
            Sandbox(
                *found_bubblewrap(),
                root=resolved_folder(root, "root"),
                writable=writable,
                network=network,
                limits=limits,
            )
        )
        self._program = ["/bin/bash" if Path("/bin/bash").exists() else "/bin/sh", "-c"]
        what = f"Run a command line of {self._program[0]}. {described(self._sandbox)}"
        self._tool = _tool(self._run, "shell", what, approval, self._sandbox)

    @property
    def tools(self) -> tuple[Tool[..., Any], ...]:
        """The tool `shell`."""
        return (self._tool,)

    async def _run(self, command: str) -> str:
        return await said(self._sandbox, self._program, command)


class Python:
    """A toolbox with the tool `python`: programs in Python, with one folder in sight or none.

    Raises ConfigurationError where there is no sandbox, or no such folder.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        approval: Approval = True,
        writable: bool = False,
        network: bool = False,
        limits: SandboxLimits = _DEFAULTS,
        packages: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        """`root` is the folder, as of `Shell`; without one, `/project` is empty.

        Programs have the standard library, and what is in `packages`: folders that modules are
        imported from, such as the site-packages of a virtual environment.
        """
        interpreter, software = _interpreter()
        imported = tuple(resolved_folder(each, "packages") for each in packages)
        self._sandbox = checked(
            Sandbox(
                *found_bubblewrap(),
                root=None if root is None else resolved_folder(root, "root"),
                writable=writable,
                network=network,
                limits=limits,
                software=(*software, *imported),
                environment={"PYTHONPATH": ":".join(map(str, imported))} if imported else {},
            )
        )
        self._program = [interpreter, "-B", "-c"]
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        what = f"Run a program in Python {version}, which prints what it finds. "
        what += described(self._sandbox)
        self._tool = _tool(self._run, "python", what, approval, self._sandbox)

    @property
    def tools(self) -> tuple[Tool[..., Any], ...]:
        """The tool `python`."""
        return (self._tool,)

    async def _run(self, code: str) -> str:
        return await said(self._sandbox, self._program, code)


def checked(sandbox: Sandbox) -> Sandbox:
    """The sandbox, in which something has run. Raises ConfigurationError where nothing can.

    An option that bwrap has may not work where it is, by setuid or by the kernel's settings. What
    these keep off is kept off by others too, so it does without.
    """
    reason = ""
    for without in ((), ("--disable-userns",), ("--size",), ("--disable-userns", "--size")):
        tried = replace(sandbox, options=sandbox.options.difference(without))
        reason = _why_not(tried)
        if not reason:
            return tried
    raise ConfigurationError(
        f"There is no sandbox: bubblewrap is here but cannot make one ({reason}). It needs leave "
        "to make user namespaces: of the container, or of the settings of the kernel, "
        "unprivileged_userns_clone and apparmor_restrict_unprivileged_userns. Without one no "
        "program of a model is run."
    )


def _why_not(sandbox: Sandbox) -> str:
    """Why nothing runs in it; empty where something did."""
    try:
        ran = run(sandbox, ["/bin/sh", "-c", "exit 7"], threading.Event())
    except SandboxError as error:
        return str(error)
    if ran.code == 7:
        return ""
    return ran.stderr.decode(errors="replace").strip() or f"it ended with code {ran.code}"


def described(sandbox: Sandbox) -> str:
    """What a model has to know of where its programs run."""
    folder = "is the folder you work in" if sandbox.root else "is empty"
    write = "may be written" if sandbox.writable else "cannot be written"
    network = "There is a network." if sandbox.network else "There is no network."
    limits = sandbox.limits
    return (
        f"It runs in a sandbox: {PROJECT} {folder} and {write}; files are written to /tmp, which "
        f"is empty again at every call. {network} No process outlives the call. At most "
        f"{limits.seconds:g} s, {limits.memory // MEBIBYTE} MiB and {limits.output:,} bytes of "
        "output."
    )


async def said(sandbox: Sandbox, program: Sequence[str], text: str) -> str:
    """What the model reads of its program. Cancelled, it ends the program first."""
    if "\0" in text or len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        raise Retry(f"At most {MOST_BYTES:,} bytes are run, and no NUL. Do it in parts.")
    stop = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(run, sandbox, [*program, text], stop))
    try:
        return told(await asyncio.shield(running), sandbox.limits)
    except SandboxError as error:
        raise Retry(f"The program was not run: its sandbox could not be made: {error}") from error
    finally:
        stop.set()
        with suppress(SandboxError):
            await running


def told(ran: Ran, limits: SandboxLimits) -> str:
    """How a program ended and what it wrote, for a model."""
    parts = [_ending(ran, limits)]
    for name, written in (("stdout", ran.stdout), ("stderr", ran.stderr)):
        text = written.decode(errors="replace").rstrip("\n")
        if text:
            parts.append(f"[{name}]\n{text}")
    return "\n".join(parts if len(parts) > 1 else [*parts, "[no output]"])


def _ending(ran: Ran, limits: SandboxLimits) -> str:
    reasons: dict[Ended, str] = {
        "time": f"it ran longer than {limits.seconds:g} s",
        "output": f"it wrote more than {limits.output:,} bytes; what follows is the beginning",
        "memory": f"its processes held more than {limits.memory // MEBIBYTE} MiB",
        "processes": f"it had more than {limits.processes} processes",
        "stopped": "the run was cancelled",
    }
    if ran.ended in reasons:
        return f"[killed: {reasons[ran.ended]}]"
    if ran.code > 128:
        why = signal.strsignal(ran.code - 128) if ran.code - 128 < signal.NSIG else None
        return f"[exit code {ran.code}{f': {why}' if why else ''}]"
    return f"[exit code {ran.code}]"


def _tool(
    function: Callable[..., Any], name: str, what: str, approval: Approval, sandbox: Sandbox
) -> Tool[..., Any]:
    # behind a network there are pages and programs that others wrote
    return tool(
        function,
        name=name,
        description=what,
        effect="once",
        approval=approval,
        untrusted=sandbox.network,
    )


def _interpreter() -> tuple[str, tuple[Path, ...]]:
    """This Python, as it is without a virtual environment, and the folder that it is in."""
    prefix = Path(sys.base_prefix).resolve()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    program = prefix / "bin" / f"python{version}"
    if not program.exists():
        raise ConfigurationError(f"There is no Python to run programs with at {str(program)!r}.")
    return str(program), () if prefix.is_relative_to("/usr") else (prefix,)
