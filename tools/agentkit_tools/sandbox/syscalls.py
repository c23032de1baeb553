"""What a program inside may not ask of the kernel, as a seccomp filter.

The kernel's own checks keep the sandbox; this takes away what they would allow all the same. Run
by root, a program could change the modes of the device nodes, which are the machine's own and
root's, or leave a file in the folder that runs as root for whoever starts it. And some doors of
the kernel are seldom needed and often broken.
"""

from __future__ import annotations

import os
import platform
import struct
from dataclasses import dataclass

from agentkit import ConfigurationError

_EPERM = 1
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | _EPERM
_LOAD, _IS_EQUAL, _IS_AT_LEAST, _HAS_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_SETUID_OR_SETGID = 0o6000


@dataclass(frozen=True)
class _Machine:
    """The numbers of one kind of processor. Source: asm/unistd.h, linux/audit.h."""

    architecture: int
    modes: tuple[int, ...]
    """chmod, fchmod, fchmodat, fchmodat2; setxattr in its forms, since an ACL is a mode; openat2,
    whose mode cannot be seen."""
    making: tuple[tuple[int, int], ...]
    """open, creat, openat, mknod, mknodat, each with the place of the mode in its arguments."""
    doors: tuple[int, ...]
    """add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, io_uring_setup, ptrace."""
    foreign: int | None = None
    """From this number on they are those of another ABI."""


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        (90, 91, 268, 452, 188, 189, 190, 463, 437),
        ((2, 2), (85, 1), (257, 3), (133, 1), (259, 2)),
        (248, 249, 250, 298, 321, 323, 425, 101),
        0x40000000,
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (52, 53, 452, 5, 6, 7, 463, 437),
        ((56, 3), (33, 2)),
        (217, 218, 219, 241, 280, 282, 425, 117),
    ),
}


def syscall_filter() -> bytes | None:
    """The filter as bwrap takes it; None for a processor whose numbers are not known here.

    Raises ConfigurationError for such a one where root runs it: it is this filter that keeps the
    device nodes and files with the setuid bit from root's programs.
    """
    machine = _MACHINES.get(platform.machine())
    is_root = os.geteuid() == 0
    if machine is None and is_root:
        raise ConfigurationError(
            f"There is no sandbox for root on {platform.machine() or 'this processor'}: what has "
            "to be kept from root's programs is known for x86_64 and aarch64 alone. Run it as an "
            "ordinary user."
        )
    if machine is None:
        return None
    refused = [*machine.doors, *(machine.modes if is_root else ())]
    made = machine.making if is_root else ()
    foreign = [] if machine.foreign is None else [(_IS_AT_LEAST, machine.foreign)]
    tests = [*foreign, *((_IS_EQUAL, number) for number in refused)]
    to_the_end = len(tests) + 3 * len(made)
    steps = [
        _step(_LOAD, _ARCHITECTURE_AT),
        # programs of another architecture have other numbers, and run none of them
        _step(_IS_EQUAL, machine.architecture, no=to_the_end + 2),
        _step(_LOAD, _NUMBER_AT),
        *(_step(code, number, yes=to_the_end - at) for at, (code, number) in enumerate(tests)),
    ]
    for at, (number, argument) in enumerate(made):
        left = 3 * (len(made) - at - 1)
        steps += [
            _step(_IS_EQUAL, number, no=2),
            _step(_LOAD, _ARGUMENTS_AT + 8 * argument),
            _step(_HAS_ANY, _SETUID_OR_SETGID, yes=left + 1, no=left),
        ]
    return b"".join([*steps, _step(_RETURN, _ALLOW), _step(_RETURN, _REFUSE)])


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One instruction; a test goes on so many steps further. Source: linux/filter.h."""
    return struct.pack("=HBBI", code, yes, no, value)
