"""What a list, a search and the ledger show of many sessions."""

from __future__ import annotations

from datetime import timedelta

from agentkit.records import Compaction, Decision, Input, Output
from agentkit.responses.items import FunctionCallOutput, Item, read_items, user_message
from agentkit.responses.response import Usage
from agentkit.stores.protocol import SessionInfo, Store, Summary, survey_of
from agentkit.testing.stores.said import answered, called, expect, gave, said, same

_HOSTILE = (
    '"',
    "'",
    "*",
    "-",
    "(",
    "NEAR(",
    "AND",
    "OR NOT",
    "text:sun",
    "^sun",
    "{sun}",
    ":*",
    "!&|<->",
    "\\",
    "%_",
    "\0",
    "\ud800",
    "; DROP TABLE records",
    '" OR 1=1 --',
    "sun\0",
    " ".join(f"word{number}" for number in range(2_000)),
)


async def a_list_shows_the_last_updated_first(store: Store) -> None:
    """Sessions are listed by their last append, with the number of their records."""
    for name in ("a", "b", "c"):
        await store.append(name, 0, [said(name)])
    await store.append("a", 1, [said("again"), said("and again")])
    listed = await store.list()
    same([each.session for each in listed], ["a", "c", "b"], "the order of the list")
    same([each.records for each in listed], [3, 1, 1], "the numbers of records")
    expect(listed[0].created < listed[0].updated, "it was updated after it was created")
    same((await store.load("a")).at[-1], listed[0].updated, "when it was last updated")


async def a_list_of_nothing_is_empty(store: Store) -> None:
    """Nothing is listed, found or spent where nothing was kept."""
    same(list(await store.list()), [], "the list")
    same(list(await store.search("anything")), [], "what is found")
    same(list(await store.spent()), [], "what was spent")


async def a_survey_shows_of_each_session_what_a_list_does(store: Store) -> None:
    """Those that are asked for are shown as in a list. A store that surveys nothing passes."""
    surveys = survey_of(store)
    if surveys is None:
        return
    names = [f"s {number}" for number in range(1_100)]
    for name in names[:3]:
        await store.append(name, 0, [said(name)], Summary(name, "completed", 1, 7, 0.5))
    await store.append(names[-1], 0, [said("last")])
    await store.append("another", 0, [said("another")])
    await store.fork(names[0], 1, names[-2], [said("a fork's own")])
    found = await surveys.survey(names)
    same(sorted(found), sorted([*names[:3], *names[-2:]]), "the sessions of a survey")
    listed = {info.session: info for info in await store.list() if info.session in found}
    same(dict(found), listed, "what a survey shows of them")


async def a_survey_leaves_out_what_is_not_there(store: Store) -> None:
    """Of nothing, of sessions that never were and of one that is deleted nothing is shown."""
    surveys = survey_of(store)
    if surveys is None:
        return
    await store.append("there", 0, [said("one")])
    await store.append("gone", 0, [said("one")])
    await store.delete("gone")
    same(dict(await surveys.survey([])), {}, "a survey of nothing")
    same(list(await surveys.survey(["gone", "never", "there"])), ["there"], "a survey")


async def a_list_shows_what_was_last_said_of_a_session(store: Store) -> None:
    """The summary is the one of the last append that had one; none is open and unknown."""
    first = Summary("Où? 'x'", "waiting", 1, 2**40, 0.125)
    second = Summary("later", "completed", 3, 30, None)
    await store.append("plain", 0, [said("one")])
    await store.append("s", 0, [said("one")], first)
    await store.append("s", 1, [said("two")])
    same((await _info(store, "s")).summary, first, "the summary")
    await store.append("s", 2, [said("three")], second)
    same((await _info(store, "s")).summary, second, "the summary that was said anew")
    same((await _info(store, "plain")).summary, Summary(), "the summary of which nothing is said")


async def a_title_may_be_any_text(store: Store) -> None:
    """A title with NUL and half a letter is kept as far as it can be shown."""
    await store.append("s", 0, [said("one")], Summary("Who\0 \ud83c \x1b[31m?"))
    title = (await _info(store, "s")).summary.title
    expect(title.startswith("Who") and title.endswith("?"), f"the title has become {title!r}")


async def an_append_of_no_records_says_the_summary_anew(store: Store) -> None:
    """How a run ended can be said without another record."""
    await store.append("s", 0, [said("one")], Summary(status="open"))
    await store.append("s", 1, [], Summary(status="cancelled"))
    info = await _info(store, "s")
    same((info.summary.status, info.records), ("cancelled", 1), "status and number of records")


async def a_list_is_filtered_by_status(store: Store) -> None:
    """Only sessions of the statuses that are named are listed, all where none is."""
    for status in ("open", "waiting", "failed", "waiting"):
        name = f"{status} {len(await store.list())}"
        await store.append(name, 0, [said("x")], Summary(status=status))
    waiting = await store.list(status=["waiting"])
    same([each.session for each in waiting], ["waiting 3", "waiting 1"], "those that wait")
    both = await store.list(status={"failed", "open"})
    same([each.session for each in both], ["failed 2", "open 0"], "those of two statuses")
    same(list(await store.list(status=["'; --"])), [], "those of no known status")
    same(len(await store.list()), 4, "all of them")


async def a_list_is_cut_and_goes_on(store: Store) -> None:
    """A list has at most `limit` sessions, all for None, and goes on before a time."""
    for number in range(7):
        await store.append(f"s{number}", 0, [said("x")], Summary(status="open"))
    first = await store.list(limit=3)
    same([each.session for each in first], ["s6", "s5", "s4"], "the first three")
    rest = await store.list(limit=3, before=first[-1].updated, status=["open"])
    same([each.session for each in rest], ["s3", "s2", "s1"], "the next three")
    same(len(await store.list(limit=None)), 7, "all of them")


async def a_list_shows_forks_with_what_they_share(store: Store) -> None:
    """A fork is listed with its parent, and counts the records that it shares."""
    await store.append("p", 0, [said("one"), said("two"), said("three")])
    await store.fork("p", 2, "bare")
    await store.fork("p", 1, "f", [said("four")])
    listed = {each.session: (each.parent, each.records) for each in await store.list()}
    same(listed, {"p": (None, 3), "bare": ("p", 2), "f": ("p", 2)}, "parents and numbers")


async def a_search_finds_inputs_answers_and_outputs(store: Store) -> None:
    """What was said, answered and given is found, the newest first, with its text and place."""
    waits = Decision("call_1", "reject", "digest", "never the sun")
    await store.append("a", 0, [said("the sun is up"), waits, gave("sun: 6:12")])
    await store.append("b", 0, [answered("Sun and moon.")])
    found = [(each.session, each.seq, each.kind, each.text) for each in await store.search("sun")]
    expected = [
        ("b", 0, "answer", "Sun and moon."),
        ("a", 2, "output", "sun: 6:12"),
        ("a", 0, "input", "the sun is up"),
    ]
    same(found, expected, "what is found")
    newest = (await store.search("sun"))[0]
    same(newest.at, (await store.load("b")).at[0], "the time of the newest")


async def a_search_finds_calls_by_their_names_and_arguments(store: Store) -> None:
    """A call is found by its tool and by what its arguments say, not by how JSON writes it."""
    arguments = '{"city": "\\u00c5lesund", "days": [3.5, {"at": "no\\non"}], "all": true}'
    weather = {"type": "function_call", "name": "weather", "arguments": arguments}
    broken = {"type": "function_call", "name": "other", "arguments": '{"city": "Rome'}
    search = {"type": "web_search_call", "action": {"type": "search", "query": "snowfall"}}
    remote = {"type": "mcp_call", "name": "roll", "arguments": '{"dice": "two"}'}
    await store.append("s", 0, [called(weather), called(broken, search), called(remote)])
    for text, seqs in {
        "weather Ålesund": [0],
        "\u00e5lesund 3 5 no on true": [0],
        "alesund": [0],
        "non": [],
        "rome": [1],
        "web snowfall": [1],
        "roll two": [2],
    }.items():
        same([each.seq for each in await store.search(text)], seqs, f"what {text!r} finds")


async def a_search_finds_words_that_no_space_sets_apart(store: Store) -> None:
    """A word of Chinese, Japanese, Korean or Thai is found in the middle of a sentence."""
    sentences = ("昨日、東京都へiPhone15で。", "우리는 서울에서 만나요", "ฉันกินข้าวที่บ้าน", "京東の本")
    await store.append("s", 0, [said(sentence) for sentence in sentences])
    for text, seqs in {
        "東京": [0],
        "京都": [0],
        "iphone15": [0],
        "昨日 東京都": [0],
        "京": [3, 0],
        "京東": [3],
        "東都": [],
        "서울": [1],
        "만나 서울": [1],
        "ข้าว": [2],
        "กัน": [],
        "東京 ข้าว": [],
    }.items():
        same([each.seq for each in await store.search(text)], seqs, f"what {text!r} finds")


async def a_search_wants_all_words(store: Store) -> None:
    """All words must be there, in any case and order; the last may be the beginning of one."""
    await store.append("s", 0, [said("Mean Temperature of June"), said("mean June")])
    for text, seqs in {
        "june mean": [1, 0],
        "JUNE temp": [0],
        "temp june": [],
        "mean july": [],
        "mean-temperature, (june)!": [0],
    }.items():
        same([each.seq for each in await store.search(text)], seqs, f"what {text!r} finds")


async def a_search_for_no_words_finds_nothing(store: Store) -> None:
    """An empty text, and one of signs alone, finds nothing."""
    await store.append("s", 0, [said("anything -- at * all")])
    for text in ("", "  ", "--", "*", '""', "\0"):
        same(list(await store.search(text)), [], f"what {text!r} finds")


async def a_search_takes_any_text(store: Store) -> None:
    """No text is a query language: none is an error, none finds what has not its words."""
    await store.append("s", 0, [said("nothing of it"), said("\ud800\0 odd \x01")])
    for text in _HOSTILE:
        found = await store.search(text)
        same([each.seq for each in found], [], f"what {text[:20]!r} finds")
    same([each.seq for each in await store.search("'odd\" *")], [1], "what 'odd' finds")


async def a_search_is_cut(store: Store) -> None:
    """A search gives the newest, as many as are asked for."""
    await store.append("s", 0, [said(f"same {number}") for number in range(9)])
    same([each.seq for each in await store.search("same", limit=2)], [8, 7], "the newest two")


async def images_and_files_are_not_searched(store: Store) -> None:
    """Of an image or a file nothing is found, of the words beside it all."""
    data = "data:image/png;base64," + "iVBORw0KGgo" * 50
    parts = [{"type": "input_image", "image_url": data}, {"type": "input_text", "text": "beside"}]
    item: Item = FunctionCallOutput(
        {"type": "function_call_output", "call_id": "c", "output": parts}
    )
    await store.append("s", 0, [Input((user_message(parts),)), Output(item), gave(f"{data} raw")])
    same(list(await store.search("iVBORw0KGgo")), [], "what is found of the image")
    same([each.seq for each in await store.search("beside")], [1, 0], "what stands beside it")
    same([each.seq for each in await store.search("raw")], [2], "what stands beside its text")


async def every_answer_is_in_the_ledger(store: Store) -> None:
    """Answers and compactions are spent, in the order they were stored, a fork's own alone."""
    await store.append("a", 0, [said("x"), answered("one", "m-1", 10, 0.25)])
    await store.append("b", 0, [answered("two", "m-2", 20, None)])
    await store.fork("a", 2, "f", [answered("three", "m-3", 30, 0.5)])
    items = read_items([{"type": "compaction", "encrypted_content": "x"}])
    await store.append("a", 2, [Compaction(items, 2, Usage(7, 1, 2, 0, 9), 0.75)])
    spent = await store.spent()
    found = [(each.session, each.model, each.usage.total_tokens, each.cost) for each in spent]
    expected = [
        ("a", "m-1", 10, 0.25),
        ("b", "m-2", 20, None),
        ("f", "m-3", 30, 0.5),
        ("a", "", 9, 0.75),
    ]
    same(found, expected, "what was spent")
    same(spent[0].usage, Usage(7, 0, 3, 0, 10), "the usage of the first")
    same(spent[3].usage, Usage(7, 1, 2, 0, 9), "the usage of the compaction")
    same(spent[0].at, (await store.load("a")).at[1], "the time of the first")


async def the_ledger_begins_at_a_time(store: Store) -> None:
    """Of the ledger one can have what was stored at a time or after it."""
    for number in range(3):
        await store.append("s", number, [answered(f"{number}", tokens=10 + number)])
    at = (await store.load("s")).at
    spent = await store.spent(since=at[1])
    same([each.usage.total_tokens for each in spent], [11, 12], "what was spent since then")
    same(list(await store.spent(since=at[2] + timedelta(seconds=1))), [], "what was spent later")


async def _info(store: Store, session: str) -> SessionInfo:
    return next(each for each in await store.list() if each.session == session)
