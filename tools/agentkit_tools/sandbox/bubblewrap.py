"""A sandbox of bubblewrap: what a program in it sees, and nothing besides.

Inside there is the system's own software, read-only; one folder, as `/project`; an empty `/tmp`;
no environment, no other process, no user's home, no network unless it is allowed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentkit import ConfigurationError
from agentkit_tools.sandbox.limits import SandboxLimits

PROJECT = "/project"
"""Where the folder is inside."""

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",  # noqa: S108 - the sandbox's own
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_FOR_PROGRAMS = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime")
_FOR_NETWORK = (
    *("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl/openssl.cnf"),
    *("/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust"),
)
_ID = "1000"
"""Who a program inside is: nobody that has any rights."""

_INSTALL = (
    "Install it: apt-get install bubblewrap (Debian, Ubuntu), dnf install bubblewrap (Fedora), "
    "apk add bubblewrap (Alpine), pacman -S bubblewrap (Arch)."
)


@dataclass(frozen=True)
class Sandbox:
    """What a program is run in; a new one for every program."""

    program: str
    """The path of bwrap."""
    options: frozenset[str]
    """Those of bwrap's newer options that it has."""
    root: Path | None = None
    """The folder that is `/project` inside; None for an empty one."""
    writable: bool = False
    network: bool = False
    software: tuple[Path, ...] = ()
    """Folders with programs or libraries besides the system's, seen at their own paths."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables besides those that every program gets."""
    limits: SandboxLimits = field(default_factory=SandboxLimits)

    def command(self, program: Sequence[str], descriptors: Mapping[str, int]) -> list[str]:
        """The command line for a program; the descriptors are those of bwrap's own options."""
        words = [self.program, *self._kept_apart(), *self._seen()]
        for option, descriptor in descriptors.items():
            words += [option, str(descriptor)]
        return [*words, "--", *program]

    def _kept_apart(self) -> Iterator[str]:
        # The first of these also keeps the terminal, IPC and the host's name to the outside.
        yield from ("--unshare-all", "--unshare-user", "--new-session", "--die-with-parent")
        yield from ("--uid", _ID, "--gid", _ID, "--cap-drop", "ALL", "--hostname", "sandbox")
        if "--disable-userns" in self.options:
            yield "--disable-userns"
        if self.network:
            yield "--share-net"
        yield "--clearenv"
        for name, value in {**_ENVIRONMENT, **self.environment}.items():
            yield from ("--setenv", name, value)

    def _seen(self) -> Iterator[str]:
        yield from ("--ro-bind", "/usr", "/usr")
        for name in _SYSTEM:
            path = Path("/", name)
            if path.is_symlink():
                yield from ("--symlink", os.readlink(path), str(path))
            elif path.is_dir():
                yield from ("--ro-bind", str(path), str(path))
        for file in (*_FOR_PROGRAMS, *(_FOR_NETWORK if self.network else ())):
            yield from ("--ro-bind-try", os.path.realpath(file), file)
        yield from ("--proc", "/proc", "--dev", "/dev")
        yield from (*self._scratch("/dev/shm"), *self._scratch("/tmp"))  # noqa: S108
        for path in self.software:
            yield from ("--ro-bind", str(path), str(path))
        if self.root is None:
            yield from ("--dir", PROJECT)
        else:
            yield from ("--bind" if self.writable else "--ro-bind", str(self.root), PROJECT)
        yield from ("--remount-ro", "/dev", "--remount-ro", "/proc", "--remount-ro", "/")
        yield from ("--chdir", PROJECT)

    def _scratch(self, path: str) -> list[str]:
        size = ["--size", str(self.limits.scratch)] if "--size" in self.options else []
        return [*size, "--tmpfs", path]


def found_bubblewrap() -> tuple[str, frozenset[str]]:
    """The path of bwrap, and its newer options. Raises ConfigurationError where there is none."""
    if not sys.platform.startswith("linux"):
        raise ConfigurationError(
            f"There is no sandbox on {sys.platform}: programs of a model are run on Linux alone, "
            "in bubblewrap. Run this in a Linux machine or container."
        )
    program = shutil.which("bwrap")
    if program is None:
        raise ConfigurationError(
            "There is no sandbox: bubblewrap (bwrap) is not installed, and without one no program "
            f"of a model is run. {_INSTALL}"
        )
    return os.path.abspath(program), _options_of(program)


def resolved_folder(folder: str | os.PathLike[str], argument: str) -> Path:
    """The folder itself. Raises ConfigurationError, which names the argument, for what is none,
    or is the whole system.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise ConfigurationError(f"{argument}: there is no folder {os.fspath(folder)!r}.")
    path = path.resolve()
    if path == Path("/") or path.parts[1] in ("proc", "sys", "dev"):
        raise ConfigurationError(
            f"{argument}: {str(path)!r} is the system's own. Give the folder that a model may see."
        )
    return path


def _options_of(program: str) -> frozenset[str]:
    try:
        done = subprocess.run(
            [program, "--help"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(f"{program} does not run: {error}.") from error
    words = set((done.stdout + done.stderr).split())
    return frozenset(words & {"--disable-userns", "--size"})
