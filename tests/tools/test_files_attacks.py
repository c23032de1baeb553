"""Paths that lead out of the root by any spelling, link or race: each is refused.

Whatever could be written leads to the folder of the test, never to a file of the machine: a defect
must not be able to do what it is tested for.
"""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from agentkit import ConfigurationError, Retry
from agentkit_tools import Files

pytestmark = pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="no folders by handle")

SECRET = "the secret word is agent"

SPELLINGS = [
    "..",
    "../",
    "../secret.txt",
    "./../secret.txt",
    "a/../../secret.txt",
    "a/../b.txt",
    "a/b/../../../secret.txt",
    "a/./../../secret.txt",
    "a//..//..//secret.txt",
    "../../../../../../../../../../../..{outside}/secret.txt",
    "a/..",
    "a/../..",
    "..//secret.txt",
    ".//..//secret.txt",
    "../root/a.txt",
    "a/b/..",
    "/",
    "//",
    "/..",
    "/..{outside}/secret.txt",
    "/.{outside}/secret.txt",
    "/proc/self/root{outside}/secret.txt",
    "/proc/self/environ",
    "/proc/self/cwd",
    "/dev/null",
    "/dev/stdin",
    "/dev/fd/0",
    "{outside}/secret.txt",
    "{root}/../secret.txt",
    "{root}/a/../../secret.txt",
    "{root}x/secret.txt",
    "{root}/../{name}/../secret.txt",
    "{root}secret.txt",
    "/{outside}/secret.txt",
    "file://{outside}/secret.txt",
    "~",
    "~/secret.txt",
    "~nobody/secret.txt",
    "$HOME/secret.txt",
    "${HOME}",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "..%2fsecret.txt",
    "..%252fsecret.txt",
    "..%c0%afsecret.txt",
    "..\\secret.txt",
    "a\\..\\..\\secret.txt",
    "C:\\secret.txt",
    "\\\\host\\share",
    "..\x00/secret.txt",
    "a.txt\x00.png",
    "\x00",
    "../secret.txt\x00",
    "．．/secret.txt",
    "‥/secret.txt",
    "..／secret.txt",
    "..∕secret.txt",
    "․․/secret.txt",
    "。。/secret.txt",
    ".\u200b./secret.txt",
    "\u202e../secret.txt",
    "..;/secret.txt",
    "...",
    "..../secret.txt",
    ".. /secret.txt",
    " ../secret.txt",
    "../secret.txt ",
    "a.txt ",
    "a.txt.",
    "a.txt/",
    "a.txt/.",
    "a.txt/..",
    "A.TXT",
    "a.txt::$DATA",
    "\n../secret.txt",
    "*/secret.txt",
    "{a,b}.txt",
    "x" * 256,
    "x" * 5000,
    "/".join(["a"] * 70),
    "/".join([".."] * 70),
    "\udcff/secret.txt",
    "\ud800",
]
LINKED = [
    "link.txt",
    "absolute.txt",
    "folder_link",
    "folder_link/secret.txt",
    "folder_link/",
    "folder_link/.",
    "a/up",
    "a/up/secret.txt",
    "a/up/root/a.txt",
    "slash",
    "slash{outside}/secret.txt",
    "dangling.txt",
    "dangling/new.txt",
    "around",
    "around/a.txt",
    "inside.txt",
    "chain.txt",
    "itself",
    "proc",
    "proc{outside}/secret.txt",
    "{root}/link.txt",
]
SPECIAL = ["pipe", "socket", "a", ".", "", "./", "a/"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder beside a secret, with every kind of link and of file in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "rootx").mkdir()
    (tmp_path / "rootx" / "secret.txt").write_text(SECRET)
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a.txt").write_text("one\ntwo\n")
    links = {
        "link.txt": "../secret.txt",
        "absolute.txt": str(tmp_path / "secret.txt"),
        "folder_link": "..",
        "a/up": "../..",
        "slash": "/",
        "dangling.txt": "../made.txt",
        "dangling": "../made",
        "around": ".",
        "inside.txt": "a.txt",
        "chain.txt": "link.txt",
        "itself": "itself",
        "proc": "/proc/self/root",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)  # the name of a socket may not be long
    listening.bind("socket")
    os.chdir(here)
    listening.close()
    return root


def tree(folder: Path) -> list[tuple[str, object]]:
    """Everything below a folder: names, kinds, modes, and what is in files."""
    found: list[tuple[str, object]] = []
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        held = path.read_bytes() if stat.S_ISREG(mode) else None
        target = os.readlink(path) if stat.S_ISLNK(mode) else None
        found.append((str(path), (mode, held, target)))
    return found


def written_for(path: str, root: Path) -> str:
    """The path with the folders of this test in it."""
    places = {"{root}": str(root), "{outside}": str(root.parent), "{name}": root.name}
    for name, place in places.items():
        path = path.replace(name, place)
    return path


READ_REFUSED = [*SPELLINGS, *LINKED, *SPECIAL]


@pytest.mark.parametrize("path", READ_REFUSED, ids=lambda path: repr(path)[:40])
def test_a_path_that_leads_to_no_file_of_the_root_is_not_read(path, root):
    before = tree(root.parent)
    with pytest.raises(Retry) as raised:
        Files(root).read(written_for(path, root))
    assert SECRET not in str(raised.value)
    assert tree(root.parent) == before


@pytest.mark.parametrize("path", [*SPELLINGS, *LINKED], ids=lambda path: repr(path)[:40])
def test_a_path_that_leads_to_no_folder_of_the_root_is_not_listed_or_searched(path, root):
    before = tree(root.parent)
    box = Files(root)
    for look in (
        lambda: box.list(written_for(path, root)),
        lambda: box.search("word", written_for(path, root)),
    ):
        with pytest.raises(Retry) as raised:
            look()
        assert SECRET not in str(raised.value)
    assert tree(root.parent) == before


# what is a name like any other where it is written for the first time
NEW_NAMES = {
    "~", "~/secret.txt", "~nobody/secret.txt", "$HOME/secret.txt", "${HOME}", "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt", "..%2fsecret.txt", "..%252fsecret.txt", "..%c0%afsecret.txt",
    "..\\secret.txt", "a\\..\\..\\secret.txt", "C:\\secret.txt", "\\\\host\\share",
    "．．/secret.txt", "‥/secret.txt", "..／secret.txt", "..∕secret.txt", "․․/secret.txt",
    "。。/secret.txt", ".\u200b./secret.txt", "\u202e../secret.txt", "..;/secret.txt", "...",
    "..../secret.txt", ".. /secret.txt", " ../secret.txt", "a.txt ", "a.txt.", "A.TXT",
    "a.txt::$DATA", "\n../secret.txt", "*/secret.txt", "{a,b}.txt", "\udcff/secret.txt",
    "file://{outside}/secret.txt",
}  # fmt: skip
OF_THE_MACHINE = ("/dev", "/proc/self/environ", "/proc/self/cwd")
WRITE_REFUSED = [
    path for path in READ_REFUSED if path not in NEW_NAMES and not path.startswith(OF_THE_MACHINE)
]


@pytest.mark.parametrize("path", WRITE_REFUSED, ids=lambda path: repr(path)[:40])
def test_a_path_that_leads_to_no_file_of_the_root_is_not_written(path, root):
    before = tree(root.parent)
    box = Files(root, writable=True)
    with pytest.raises(Retry):
        box.write(written_for(path, root), "changed")
    with pytest.raises(Retry):
        box.edit(written_for(path, root), "secret", "changed")
    assert tree(root.parent) == before


@pytest.mark.parametrize("path", sorted(NEW_NAMES), ids=lambda path: repr(path)[:40])
def test_a_name_that_only_looks_like_a_way_out_is_a_name_in_the_root(path, root):
    before = [each for each in tree(root.parent) if Path(each[0]).parent == root.parent]
    Files(root, writable=True).write(written_for(path, root), "mine")
    after = [each for each in tree(root.parent) if Path(each[0]).parent == root.parent]
    assert after == before
    assert Files(root).read(written_for(path, root)).splitlines()[1] == "1\tmine"


def test_the_lists_are_as_long_as_they_have_to_be():
    assert len(set(READ_REFUSED)) == len(READ_REFUSED) >= 60
    assert len(WRITE_REFUSED) >= 60


def test_a_listing_names_links_and_does_not_follow_them(root):
    told = Files(root).list(depth=5)
    assert "link.txt  link, not followed" in told
    assert "folder_link  link, not followed" in told
    assert "pipe  pipe" in told
    assert "socket  socket" in told
    assert "secret" not in told


def test_a_search_does_not_leave_the_root(root):
    (root / "a" / "note.txt").write_text("no secret here")
    assert Files(root).search("secret") == (
        "a/note.txt:1: no secret here\n2 files searched in the root."
    )


def test_a_file_with_another_name_elsewhere_is_not_changed(root):
    os.link(root.parent / "secret.txt", root / "hard.txt")
    before = tree(root.parent)
    box = Files(root, writable=True)
    with pytest.raises(Retry, match="hard links"):
        box.write("hard.txt", "changed")
    with pytest.raises(Retry, match="hard links"):
        box.edit("hard.txt", "secret", "changed")
    assert tree(root.parent) == before


def swapped(stop: threading.Event, root: Path) -> None:
    """Puts a folder and a link to the folder above in each other's place, until told to stop."""
    real, link, at = root / "real", root / "lure", root / "at"
    while not stop.is_set():
        os.rename(real, at)
        os.rename(at, real)
        os.rename(link, at)
        os.rename(at, link)


@pytest.mark.parametrize("writes", [False, True])
def test_a_link_that_is_swapped_in_never_wins(writes, tmp_path):
    outside = tmp_path / "word.txt"
    outside.write_text(f"{SECRET}, not mine")
    before = outside.stat()
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "real" / "word.txt").write_text("mine")
    (root / "lure").symlink_to("..")
    box = Files(root, writable=True)
    stop = threading.Event()
    attacker = threading.Thread(target=swapped, args=(stop, root), daemon=True)
    attacker.start()
    try:
        for _ in range(1_500):
            try:
                if writes:
                    box.edit("at/word.txt", "mine", "mine")
                else:
                    assert SECRET not in box.read("at/word.txt")
            except Retry:
                continue
    finally:
        stop.set()
        attacker.join()
    assert outside.read_text() == f"{SECRET}, not mine"
    # a write would have put another file in its place
    assert outside.stat().st_ino == before.st_ino
    assert sorted(each.name for each in tmp_path.iterdir()) == ["root", "word.txt"]


def test_a_file_that_becomes_a_link_while_it_is_edited_is_replaced_itself(tmp_path):
    outside = tmp_path / "word.txt"
    outside.write_text(SECRET)
    root = tmp_path / "root"
    root.mkdir()
    box = Files(root, writable=True)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (root / "new").symlink_to(outside)
            os.replace(root / "new", root / "word.txt")

    attacker = threading.Thread(target=swap, daemon=True)
    attacker.start()
    try:
        for _ in range(500):
            try:
                box.write("word.txt", "mine")
            except Retry:
                continue
    finally:
        stop.set()
        attacker.join()
    assert outside.read_text() == SECRET


def test_a_pipe_does_not_hold_up_whoever_opens_it(root):
    with pytest.raises(Retry, match="no regular file"):
        Files(root).read("pipe")


def test_a_platform_that_opens_by_whole_paths_only_is_refused(root, monkeypatch):
    monkeypatch.setattr(os, "supports_dir_fd", set())
    with pytest.raises(ConfigurationError, match="Use it on Linux or macOS"):
        Files(root)


@pytest.mark.parametrize("given", ["nowhere", "root/a.txt", "root/link.txt", "root/pipe"])
def test_a_root_that_is_no_folder_is_told(given, root):
    with pytest.raises(ConfigurationError, match="root"):
        Files(root.parent / given)


def test_the_root_may_be_spelled_out_and_stays_the_folder_it_was(root):
    box = Files(root)
    assert "1\tone" in box.read(f"{root}/a.txt")
    assert "1\tone" in box.read(f"{root}//./a.txt")
    os.rename(root, root.parent / "moved")
    root.symlink_to(root.parent / "rootx")
    assert "1\tone" in box.read("a.txt")
