"""A folder as tools: what a model reads of it, and what it can change."""

from __future__ import annotations

import os
import stat

import pytest

from agentkit import Agent, Approve, ConfigurationError, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Files

pytestmark = pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="no folders by handle")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("hidden needle\n")
    (tmp_path / "readme.md").write_text("# Title\n\nA needle here.\n")
    (tmp_path / "src" / "main.py").write_text("def main():\n    return 'Needle'\n")
    (tmp_path / "src" / "deep" / "data.csv").write_text("a,b\n1,2\n")
    (tmp_path / "src" / "logo.png").write_bytes(b"\x89PNG\0\0needle")
    return tmp_path


def test_a_listing_is_sorted_and_has_sizes(root):
    assert Files(root).list() == (".git/\nreadme.md  24 bytes\nsrc/\n3 in the root.")


def test_a_listing_goes_as_deep_as_it_is_asked_to_and_takes_a_pattern(root):
    assert Files(root).list("src", depth=2) == (
        "deep/\ndeep/data.csv  8 bytes\nlogo.png  12 bytes\nmain.py  32 bytes\n4 in src."
    )
    assert Files(root).list(".", depth=5, pattern="*.csv") == (
        "src/deep/data.csv  8 bytes\n1 in the root."
    )
    assert Files(root).list("src/deep", pattern="*.py") == "src/deep: nothing there is named *.py."


def test_a_long_listing_says_that_there_is_more(root):
    for number in range(600):
        (root / "src" / f"file_{number:03}").touch()
    told = Files(root).list("src").splitlines()
    assert len(told) == 501
    assert told[-1] == "The first 500 are shown; list a folder of these, or give a pattern."


def test_names_that_hold_anything_are_shown_safely(root):
    for name in (b"new\nline", b"\x1b[31mred", b"\xff\xfe", "a\u202eb".encode(), b" pad ", b'q"t'):
        with open(os.path.join(os.fsencode(root), b"src", b"deep", name), "wb"):
            pass
    told = Files(root).list("src/deep")
    for shown in ('"new\\nline"', '"\\u001b[31mred"', '"\\udcff\\udcfe"', '"a\\u202eb"', '" pad "'):
        assert shown in told
    assert told.isprintable() or "\x1b" not in told


def test_a_file_is_read_with_the_numbers_of_its_lines(root):
    assert Files(root).read("readme.md") == (
        "readme.md, lines 1 to 3 (24 bytes)\n1\t# Title\n2\t\n3\tA needle here.\nThat is the end."
    )


def test_a_part_of_a_file_is_read_and_what_comes_behind_it_is_said(root):
    (root / "long.txt").write_text("".join(f"line {n}\n" for n in range(1, 1001)))
    told = Files(root).read("long.txt", start=10, lines=2)
    assert told.splitlines()[1:] == [
        "10\tline 10",
        "11\tline 11",
        "There is more: read on with start=12.",
    ]
    assert Files(root).read("long.txt", start=1000).endswith("1000\tline 1000\nThat is the end.")
    assert "line 1,000 is the last" in Files(root).read("long.txt", start=1001)


def test_what_is_read_ends_where_its_bytes_do(root):
    (root / "long.txt").write_text("".join(f"line {n}\n" for n in range(1, 1001)))
    told = Files(root, max_bytes=100).read("long.txt")
    assert len(told) < 200
    assert "read on with start=" in told


def test_a_long_line_is_cut_and_says_so(root):
    (root / "wide.txt").write_bytes(b"x" * 500_000 + b"\nshort\n")
    told = Files(root).read("wide.txt").splitlines()
    assert told[1] == f"1\t{'x' * 2000}… [498,001 bytes of this line left out]"
    assert told[2] == "2\tshort"


def test_a_binary_file_is_said_and_not_shown(root):
    assert Files(root).read("src/logo.png") == (
        "src/logo.png is a binary file of 12 bytes, which is not shown."
    )


def test_bytes_that_are_no_text_are_shown_as_such(root):
    (root / "latin.txt").write_bytes("Åse\n".encode("latin-1"))
    assert Files(root).read("latin.txt").splitlines()[1] == "1\t\\xc5se"


@pytest.mark.parametrize("content", [b"", b"\n", b"no end", b"\r\n\r\n"])
def test_files_of_next_to_nothing_can_be_read(root, content):
    (root / "small.txt").write_bytes(content)
    assert "(" + str(len(content)) + " bytes)" in Files(root).read("small.txt")


def test_a_search_finds_lines_and_leaves_out_hidden_and_binary_files(root):
    assert Files(root).search("needle").splitlines() == [
        "readme.md:3: A needle here.",
        "3 files searched in the root, 1 binary or large ones left out.",
    ]
    assert "src/main.py:2: return 'Needle'" in Files(root).search("needle", ignore_case=True)
    assert "config:1: hidden needle" in Files(root).search("needle", path=".git")


def test_a_search_takes_the_text_as_it_stands_and_files_by_name(root):
    assert "not found" in Files(root).search("n..dle")
    assert "not found" in Files(root).search("(a+)+$")
    assert "src/deep/data.csv:2: 1,2" in Files(root).search("1,2", pattern="*.csv")
    assert "not found" in Files(root).search("1,2", pattern="*.py")


def test_a_search_says_where_it_ended(root):
    (root / "many.txt").write_text("needle\n" * 500)
    told = Files(root).search("needle").splitlines()
    assert len(told) == 101
    assert "the first 100 hits are shown: narrow the path or the pattern" in told[-1]


@pytest.mark.parametrize("text", ["", "two\nlines"])
def test_a_search_for_nothing_or_for_more_than_a_line_is_told(root, text):
    with pytest.raises(Retry, match="on one line"):
        Files(root).search(text)


def test_a_file_is_made_with_the_folders_on_the_way(root):
    box = Files(root, writable=True)
    assert box.write("new/deep/file.txt", "Åse\n") == "new/deep/file.txt made: 5 bytes."
    assert (root / "new" / "deep" / "file.txt").read_text(encoding="utf-8") == "Åse\n"
    assert box.write("new/deep/file.txt", "") == "new/deep/file.txt replaced: 0 bytes."


def test_a_file_that_is_replaced_keeps_its_mode_and_leaves_nothing_beside_it(root):
    (root / "run.sh").write_text("old")
    (root / "run.sh").chmod(0o750)
    before = sorted(os.listdir(root))
    Files(root, writable=True).write("run.sh", "new")
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o750
    assert sorted(os.listdir(root)) == before


def test_a_text_that_stands_once_is_replaced(root):
    box = Files(root, writable=True)
    assert box.edit("src/main.py", "return 'Needle'", "return 1") == (
        "src/main.py: replaced at line 2."
    )
    assert (root / "src" / "main.py").read_text() == "def main():\n    return 1\n"


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("missing", "does not have that text. Read it"),
        ("def  main():", "Line 1 differs in white space only: 'def main():'"),
        ("e", "has that text 5 times (lines 1, 2, 2, 2, 2)"),
        ("", "The text to replace is empty"),
    ],
)
def test_a_text_that_does_not_stand_there_once_is_not_replaced(root, old, said):
    before = (root / "src" / "main.py").read_bytes()
    with pytest.raises(Retry) as raised:
        Files(root, writable=True).edit("src/main.py", old, "new")
    assert said in str(raised.value)
    assert (root / "src" / "main.py").read_bytes() == before


def test_the_line_ends_of_a_file_stay_what_they_are(root):
    (root / "dos.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    files = Files(root, writable=True)
    files.edit("dos.txt", "one\ntwo", "1\n2")
    assert (root / "dos.txt").read_bytes() == b"1\r\n2\r\nthree\r\n"
    files.edit("dos.txt", "2", "a\nb")
    files.edit("dos.txt", "three", "c\r\nd")
    assert (root / "dos.txt").read_bytes() == b"1\r\na\r\nb\r\nc\r\nd\r\n"


def test_line_ends_of_both_kinds_stay_where_they_are(root):
    (root / "both.txt").write_bytes(b"one\r\ntwo\nthree\r\n")
    Files(root, writable=True).edit("both.txt", "two\nthree", "2\n3")
    assert (root / "both.txt").read_bytes() == b"one\r\n2\n3\r\n"


@pytest.mark.parametrize("pattern", ["[" * 100_000, "*a" * 1_000])
def test_a_pattern_that_would_take_long_to_understand_is_refused(root, pattern):
    with pytest.raises(Retry, match="255 are the most"):
        Files(root).list(pattern=pattern)
    with pytest.raises(Retry, match="255 are the most"):
        Files(root).search("needle", pattern=pattern)


def test_a_mark_of_the_encoding_stays(root):
    (root / "bom.txt").write_bytes(b"\xef\xbb\xbfone\n")
    Files(root, writable=True).edit("bom.txt", "one", "two")
    assert (root / "bom.txt").read_bytes() == b"\xef\xbb\xbftwo\n"


@pytest.mark.parametrize("content", [b"\xc5se", b"a\0b"])
def test_what_is_no_text_is_not_edited(root, content):
    (root / "other.txt").write_bytes(content)
    with pytest.raises(Retry, match="no text in UTF-8"):
        Files(root, writable=True).edit("other.txt", "a", "b")


def test_what_is_too_large_is_neither_written_nor_edited(root):
    box = Files(root, writable=True, max_file=10)
    with pytest.raises(Retry, match="10 are the most"):
        box.write("x.txt", "x" * 11)
    with pytest.raises(Retry, match="files of up to 10 are edited"):
        box.edit("readme.md", "needle", "pin")
    box.write("x.txt", "x" * 10)
    with pytest.raises(Retry, match="not found|does not have|has that text"):
        box.edit("x.txt", "x", "yy")
    box.write("y.txt", "abc")
    with pytest.raises(Retry, match="would have 14 bytes"):
        box.edit("y.txt", "b", "b" * 12)
    assert not (root / "x.txt.tmp").exists()


def test_a_disk_that_refuses_is_told_and_leaves_what_was_there(root, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (root / "kept.txt").write_text("old")
    before = sorted(os.listdir(root))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Retry, match="the disk is full"):
        Files(root, writable=True).write("kept.txt", "new")
    assert (root / "kept.txt").read_text() == "old"
    assert sorted(os.listdir(root)) == before


def test_half_a_character_is_told(root):
    with pytest.raises(Retry, match="half a character"):
        Files(root, writable=True).write("x.txt", "\ud83d")


def test_what_is_only_read_has_no_tools_to_write(root):
    read = Files(root)
    assert [each.name for each in read.tools] == ["files_list", "files_read", "files_search"]
    assert {each.effect for each in read.tools} == {"read"}
    write = Files(root, writable=True, name="notes").tools[3:]
    assert [each.name for each in write] == ["notes_write", "notes_edit"]
    assert {(each.effect, each.approval) for each in write} == {("once", True)}


def test_a_folder_that_others_write_in_is_marked_so(root):
    assert not any(each.untrusted for each in Files(root).tools)
    assert all(each.untrusted for each in Files(root, untrusted=True).tools)


async def test_a_write_waits_for_a_person(root):
    model = ScriptedModel(call("files_write", "call_1", path="x.txt", text="hi"), "Done.")
    agent = Agent(model, tools=[*Files(root, writable=True).tools])
    waiting = await agent.run("Write hi.")
    assert waiting.status == "waiting"
    assert not (root / "x.txt").exists()
    await agent.resume(waiting, [Approve("call_1")])
    assert (root / "x.txt").read_text() == "hi"


@pytest.mark.parametrize("option", ["max_bytes", "max_file"])
@pytest.mark.parametrize("value", [0, -1, True, None, 1.5, "10"])
def test_a_cap_that_lets_nothing_through_is_told(option, value, root):
    with pytest.raises(ConfigurationError, match=option):
        Files(root, **{option: value})


def test_a_writer_by_hand_is_refused_where_only_reading_was_meant(root):
    with pytest.raises(ConfigurationError, match="writable=True"):
        Files(root).write("x.txt", "hi")
    with pytest.raises(ConfigurationError, match="writable=True"):
        Files(root).edit("readme.md", "needle", "pin")
