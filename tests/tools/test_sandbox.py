"""Attempts to get out of the sandbox, each of them real, and each in vain."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandboxed import CANARY, Alive, needs_sandbox, python, shell

from agentkit import Agent, ConfigurationError
from agentkit.testing import ScriptedModel, call
from agentkit_tools import SandboxLimits, Shell

pytestmark = needs_sandbox


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """The folder that is seen inside, and secrets all around it."""
    (tmp_path / "secret.txt").write_text(CANARY)
    monkeypatch.setenv("AGENTKIT_CANARY", CANARY)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text(CANARY)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "open.txt").write_text("for all to read")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "above").symlink_to("..")
    (folder / "everything").symlink_to("/")
    return folder


READING = [
    "cat /etc/shadow",
    "cat /etc/passwd",
    "cat /etc/ssh/*",
    "ls /root",
    "ls /home",
    "ls /var",
    "ls /run",
    "ls /sys",
    "ls /boot",
    "ls /mnt",
    "ls {home}",
    "cat {home}/.netrc",
    "cat {secret}",
    "cat link.txt",
    "cat above/secret.txt",
    "cat ../secret.txt",
    "cat everything/etc/shadow",
    "cat everything{secret}",
    "cat /project/../../../../etc/shadow",
    "cat /proc/1/root/etc/shadow",
    "cat /proc/1/root{secret}",
    "cat /proc/1/cwd/etc/shadow",
    "cat /proc/self/root{secret}",
    "cat /proc/{pid}/environ",
    "cat /proc/{pid}/root/etc/shadow",
    "ls /proc/{pid}",
    "grep -z CANARY /proc/*/environ",
    "env | grep CANARY",
    "cat /proc/kcore | head -c 1 | grep .",
    "cat /dev/mem",
    "cat /dev/kmsg",
    "cat /dev/sda /dev/vda /dev/nvme0n1",
    "ls /dev/disk /dev/fuse /dev/kvm",
    "dmesg",
    "cat < /dev/tty",
    "ls /var/run/docker.sock /run/docker.sock",
]


@pytest.mark.parametrize("attempt", READING)
async def test_nothing_is_read_but_the_folder_and_the_systems_software(attempt, root):
    places = {"home": root.parent / "home", "secret": root.parent / "secret.txt"}
    said = await shell(root, attempt.format(**places, pid=os.getpid()))
    assert CANARY not in said
    assert "root:" not in said
    assert not said.startswith("[exit code 0]")


WRITING = [
    "touch /new",
    "touch /usr/new",
    "touch /usr/local/bin/new",
    "touch /etc/new",
    "touch /dev/new",
    "touch /proc/new",
    "touch /project/new",
    "touch new",
    "echo x > open.txt",
    "rm open.txt",
    "mv open.txt other.txt",
    "ln open.txt other.txt",
    "echo x > link.txt",
    "touch above/new everything/tmp/new",
    "chmod 777 /project",
    "test -w /proc/sysrq-trigger",
    "test -w /proc/sys/kernel/core_pattern",
    "test -w /proc/self/oom_score_adj",
    "hostname outside",
    "chmod 666 /dev/null",
    "python3 -c \"import os; os.setxattr('/dev/null', 'system.posix_acl_access', b'x' * 28)\"",
    "mknod /tmp/disk b 8 0",
    "mount -o remount,rw /",
    "mount -o remount,rw,bind /project",
    "mount -t tmpfs none /tmp",
    "mount --bind /tmp /project",
    "umount /proc",
    "umount -l /project",
    "unshare --user --map-root-user true",
    "unshare --mount true",
    "bwrap --ro-bind / / true",
    "chroot / true",
    "nsenter --target 1 --mount true",
    "su -c true",
    "sudo true",
    "setpriv --reuid 0 true",
]


@pytest.mark.parametrize("attempt", WRITING)
async def test_nothing_is_written_mounted_or_owned(attempt, root):
    before, null = _tree(root.parent), os.stat("/dev/null").st_mode
    said = await shell(root, attempt)
    assert not said.startswith("[exit code 0]"), said
    assert _tree(root.parent) == before
    assert os.stat("/dev/null").st_mode == null


async def test_a_folder_that_may_be_written_is_all_that_can_be(root):
    attempts = "touch new; echo changed > open.txt; echo x > link.txt; touch /usr/new above/new"
    await shell(root, attempts, writable=True)
    assert (root / "new").exists()
    assert (root / "open.txt").read_text() == "changed\n"
    assert (root.parent / "secret.txt").read_text() == CANARY
    assert not (root.parent / "new").exists()
    assert (root / "new").stat().st_uid == os.getuid()


async def test_no_file_is_left_that_would_run_as_root(root):
    code = (
        "import os\n"
        "for make in (lambda: os.open('open', os.O_CREAT | os.O_WRONLY, 0o4755),\n"
        "             lambda: os.mknod('node', 0o106755), lambda: os.chmod('own', 0o4755)):\n"
        "    open('own', 'w').close()\n"
        "    try: make()\n"
        "    except PermissionError: print('refused')\n"
    )
    await python(code, root, writable=True)
    files = [(root / name).stat() for name in ("open", "node", "own") if (root / name).exists()]
    assert not [each for each in files if each.st_uid == 0 and each.st_mode & 0o6000]


async def test_there_are_no_rights_to_be_had(root):
    said = await shell(root, "id -u; grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status")
    assert said.split()[3] != "0"
    assert said.count("0000000000000000") == 4
    assert "NoNewPrivs:\t1" in said


async def test_a_program_with_the_setuid_bit_gives_none(root):
    said = await shell(
        root, "for p in $(find /usr/bin -perm -4000 | head -3); do stat -c %u $p; done; id -u"
    )
    assert said.splitlines()[-1] == "1000"


async def test_processes_cannot_be_traced_and_the_keyring_is_shut(root):
    said = await python(
        "import ctypes, platform\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.ptrace(0, 0, 0, 0), ctypes.get_errno())\n"
        "if platform.machine() == 'x86_64':\n"
        "    print(libc.syscall(250, 0, -4, 0), ctypes.get_errno())\n"
        "    print(libc.syscall(321, 0, 0, 0), ctypes.get_errno())\n"
        "    print(libc.syscall(425, 8, 0), ctypes.get_errno())\n"
    )
    assert set(said.splitlines()[2:]) == {"-1 1"}


CONNECTING = """
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_INET6, ("::1", {port})),
                        (socket.AF_UNIX, "\\0agentkit-{port}")):
    with socket.socket(family) as client:
        client.settimeout(2)
        try:
            client.connect(address)
            print("connected")
        except OSError as error:
            print("refused")
"""


@pytest.mark.parametrize("network", [False, True])
async def test_a_listener_of_the_machine_is_reached_only_where_the_network_is_allowed(network):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as other:
        port = listener.getsockname()[1]
        other.bind(f"\0agentkit-{port}")
        other.listen()
        said = await python(CONNECTING.format(port=port), network=network)
        expected = ["connected", "refused", "connected"] if network else ["refused"] * 3
        assert said.splitlines()[2:] == expected
        listener.setblocking(False)
        if not network:
            with pytest.raises(BlockingIOError):
                listener.accept()


async def test_there_is_no_network_device_but_its_own_loopback(root):
    said = await shell(root, "cat /proc/net/dev /proc/net/route")
    assert [line.split(":")[0].strip() for line in said.splitlines() if ":" in line] == ["lo"]


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the machine that has nothing to do with it."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


async def test_processes_outside_are_not_seen_and_not_killed(root, bystander):
    said = await shell(root, f"ls /proc; kill -9 {bystander.pid}; kill -0 {os.getpid()}")
    assert said.count("No such process") == 2
    assert not {str(bystander.pid), str(os.getpid())} & set(said.split("[stderr]")[0].split())
    assert bystander.poll() is None


async def test_the_environment_holds_nothing_of_the_machines(root):
    said = await shell(root, "env -0 | tr '\\0' '\\n' | cut -d= -f1 | sort")
    names = set(said.splitlines()[2:]) - {"PWD", "SHLVL", "_", "OLDPWD"}
    assert names == {"HOME", "LANG", "PATH", "TERM"}


async def test_no_open_file_of_the_machine_is_passed_on(root):
    said = await python("import os; print(sorted(os.listdir('/proc/self/fd')))")
    assert "['0', '1', '2', '3']" in said


async def test_standard_input_is_empty_and_there_is_no_terminal(root):
    said = await shell(root, "cat; wc -c < /dev/stdin; tty; echo x > /dev/tty")
    assert "\n0\nnot a tty\n" in said
    assert "/dev/tty: No such device" in said


# Bounded in themselves, so that a defect in what bounds them hurts nobody.
BOMBS = {
    "a fork bomb": "b() { [ $1 = 0 ] || { b $(($1 - 1)) & b $(($1 - 1)) & }; sleep 60; }; b 9",
    "a loop of forks": "for i in $(seq 500); do sleep 60 & done; wait",
    "forks that leave their group": "for i in $(seq 500); do setsid sleep 60 & done; wait",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
async def test_a_fork_bomb_is_put_out(bomb, root):
    said = await shell(root, f"touch alive; {bomb}", limits={"processes": 32, "seconds": 10})
    # root's processes are killed as they are counted, those of others are not made at all
    assert said.startswith(("[killed: it had more than 32 processes]", "[killed: it ran longer"))


async def test_threads_are_counted_as_processes(root):
    code = (
        "import threading\nstop = threading.Event()\n"
        "for _ in range(200): threading.Thread(target=stop.wait, daemon=True).start()\n"
        "stop.wait()"
    )
    said = await python(code, limits={"processes": 32})
    assert said.startswith("[killed: it had more than 32") or "can't start new thread" in said


async def test_one_process_gets_no_more_memory_than_there_is_for_all(root):
    said = await python("b = bytearray(400 * 2**20)", limits={"memory": 200 * 2**20})
    assert said.startswith("[exit code 1]")
    assert "MemoryError" in said


async def test_many_processes_get_no_more_memory_together(root):
    code = (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if not os.fork():\n"
        "        b = bytearray(os.urandom(1)) * (80 * 2**20); time.sleep(60)\n"
        "time.sleep(60)"
    )
    said = await python(code, limits={"memory": 200 * 2**20})
    assert said.startswith("[killed: its processes held more than 200 MiB]")


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
async def test_what_is_kept_in_memory_as_files_is_bounded(place, root):
    fill = f"for i in 1 2 3 4 5; do head -c 4M /dev/zero > {place}/$i || exit 9; done"
    said = await shell(root, fill, limits={"scratch": 8 * 2**20})
    assert said.startswith("[exit code 9]")
    assert "No space left on device" in said


async def test_a_file_that_is_written_has_a_size_at_most(root):
    said = await shell(
        root, "head -c 9M /dev/zero > big", writable=True, limits={"file_size": 2**20}
    )
    assert not said.startswith("[exit code 0]")
    assert (root / "big").stat().st_size == 2**20


@pytest.mark.parametrize("stream", ["1", "2"])
async def test_an_endless_output_is_cut_off(stream, root):
    said = await shell(root, f"yes sing >&{stream}", limits={"output": 5000})
    assert said.startswith(
        "[killed: it wrote more than 5,000 bytes; what follows is the beginning]"
    )
    assert 5000 <= len(said) < 5200


async def test_an_endless_output_of_a_process_in_the_background_is_cut_off_too(root):
    said = await shell(root, "yes & sleep 60", limits={"output": 5000})
    assert said.startswith("[killed: it wrote more than 5,000 bytes")


async def test_a_program_that_never_ends_is_killed(root):
    said = await shell(root, "trap '' TERM INT HUP; echo begun; sleep 60", limits={"seconds": 0.3})
    assert said == "[killed: it ran longer than 0.3 s]\n[stdout]\nbegun"


async def test_one_that_closes_its_output_and_never_ends_is_killed_too(root):
    said = await shell(root, "exec >&- 2>&-; sleep 60", limits={"seconds": 0.3})
    assert said.startswith("[killed: it ran longer than 0.3 s]")


async def test_processor_time_is_bounded(root):
    said = await shell(root, "while :; do :; done", limits={"cpu_seconds": 1})
    assert said.startswith("[exit code 152: CPU time limit exceeded]")


async def test_no_process_outlives_its_call(root):
    alive = Alive(root)
    daemon = (
        "setsid nohup sh -c 'trap \"\" TERM HUP; exec 9> alive; echo x >&9; : > /tmp/up; sleep 600'"
    )
    said = await shell(
        root, f"{daemon} > /tmp/log 2>&1 & until [ -e /tmp/up ]; do :; done", writable=True
    )
    assert said.startswith("[exit code 0]")
    alive.wait_until_begun()
    alive.wait_until_ended()


async def test_a_cancelled_run_ends_its_programs(root):
    alive = Alive(root)
    [tool] = Shell(root, writable=True, approval=False).tools
    model = ScriptedModel(call("shell", command="exec 9> alive; echo x >&9; sleep 600"), "ok")
    run = asyncio.create_task(Agent(model, tools=[tool]).run("?"))
    await asyncio.to_thread(alive.wait_until_begun)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await asyncio.to_thread(alive.wait_until_ended)


def test_a_program_dies_with_the_process_that_ran_it(root):
    alive = Alive(root)
    code = (
        "import asyncio, json, sys\nfrom agentkit_tools import Shell\n"
        "[tool] = Shell(sys.argv[1], writable=True).tools\n"
        "command = 'exec 9> alive; echo x >&9; sleep 600'\n"
        "asyncio.run(tool.invoke(json.dumps({'command': command})))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", code, str(root)], env=environment)
    try:
        alive.wait_until_begun()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    alive.wait_until_ended()


async def test_calls_run_side_by_side_and_see_nothing_of_each_other(root):
    said = await asyncio.gather(
        *(shell(root, f"echo {n} > /tmp/mine; cat /tmp/*; ls /proc | grep -c ^[0-9]") for n in "ab")
    )
    assert [each.splitlines()[2] for each in said] == ["a", "b"]


@pytest.mark.parametrize("root", ["/", "/proc", "/proc/self", "/sys/kernel", "/dev"])
def test_the_system_itself_is_no_folder_to_give(root):
    with pytest.raises(ConfigurationError, match="is the system's own"):
        Shell(root)


def test_a_folder_that_is_none_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no folder"):
        Shell(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="there is no folder"):
        Shell(tmp_path / "file")


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": 0}, {"memory": -1}, {"processes": 1.5}, {"output": True}, {"scratch": None}],
)
def test_limits_that_are_none_are_told(wrong):
    [name] = wrong
    with pytest.raises(ConfigurationError, match=f"{name} of SandboxLimits must be"):
        SandboxLimits(**wrong)


def _tree(folder: Path) -> list[tuple[str, int, str]]:
    """Every file with its mode and content, links as they are."""
    return [
        (str(path), path.lstat().st_mode, path.read_text() if path.is_file() else "")
        for path in sorted(folder.rglob("*"))
        if "everything" not in path.parts and "above" not in path.parts
    ]
