"""Stores in memory with one fault each, and the checks that must notice it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from memory_store import MemoryStore, Row, Session

from agentkit.encoding import decode, encode
from agentkit.errors import Conflict, StoreError
from agentkit.records import Answer, Input
from agentkit.responses.items import user_message
from agentkit.stores.protocol import Kept, Summary
from agentkit.stores.rows import AnswerRow
from agentkit.stores.text import words
from agentkit.testing.stores import caching, finding, forking, holding, keeping, remembering


class Inventive(MemoryStore):
    async def load(self, session):
        kept = await super().load(session)
        return kept if kept.records else Kept((Input((user_message("hello"),)),), (), None)


class Backwards(MemoryStore):
    async def load(self, session):
        kept = await super().load(session)
        return replace(kept, records=kept.records[::-1])


class Sorting(MemoryStore):
    def row(self, session, at, record):
        row = super().row(session, at, record)
        body = decode(row.body)
        return replace(row, body=encode({key: _sorted(body[key]) for key in body}))


def _sorted(value):
    return {key: _sorted(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


class Ascii(MemoryStore):
    def row(self, session, at, record):
        row = super().row(session, at, record)
        return replace(row, body=row.body.replace(b"\\u0000", b""))


class Short(MemoryStore):
    async def load(self, session):
        kept = await super().load(session)
        return replace(kept, records=kept.records[:500])


class Timeless(MemoryStore):
    def tick(self):
        return super().tick().replace(tzinfo=None)


class Obliging(MemoryStore):
    async def append(self, session, expected_seq, records, summary=None):
        count = len((await self.load(session)).records)
        await super().append(session, count, records, summary)


class OneByOne(MemoryStore):
    async def append(self, session, expected_seq, records, summary=None):
        for seq, record in enumerate(records, expected_seq):
            await super().append(session, seq, [record], summary)


class Hesitant(MemoryStore):
    """Between the two halves of an append others come in, or it is cancelled."""

    async def append(self, session, expected_seq, records, summary=None):
        await super().append(session, expected_seq, records[:1], summary)
        await asyncio.sleep(0)
        if records[1:]:
            await super().append(session, expected_seq + 1, records[1:], summary)


class Crossed(MemoryStore):
    """Keeps everything in the session that was written first."""

    def key(self, session):
        return next(iter(self.sessions), session)

    async def append(self, session, expected_seq, records, summary=None):
        await super().append(self.key(session), 0 if not self.sessions else expected_seq, records)


class Homely(MemoryStore):
    """Works in the event loop of its first use only."""

    loop = None

    async def append(self, session, expected_seq, records, summary=None):
        self.loop = self.loop or asyncio.get_running_loop()
        if self.loop is not asyncio.get_running_loop():
            raise AssertionError("used in another event loop")
        await super().append(session, expected_seq, records, summary)


class CaseBlind(MemoryStore):
    async def append(self, session, expected_seq, records, summary=None):
        await super().append(session.lower(), expected_seq, records, summary)

    async def load(self, session):
        return await super().load(session.lower())


class AnyName(MemoryStore):
    async def append(self, session, expected_seq, records, summary=None):
        if session in keeping.NO_NAMES:
            return
        await super().append(session, expected_seq, records, summary)


class Lenient(MemoryStore):
    """Reads what a newer version wrote as if it knew how."""

    def row(self, session, at, record):
        row = super().row(session, at, record)
        return replace(row, body=row.body.replace(b'"version":2', b'"version":1'))


class Careless(MemoryStore):
    """Counts what it cannot read as nothing."""

    def paid(self, row, name, seq):
        try:
            return super().paid(row, name, seq)
        except StoreError:
            return None


class Forgetful(MemoryStore):
    async def close(self):
        self.sessions.clear()


class Rootless(MemoryStore):
    async def load(self, session):
        return replace(await super().load(session), parent=None)


class Twins(MemoryStore):
    """A fork is its parent under another name."""

    async def fork(self, session, at, fork, records=()):
        await super().fork(session, at, fork, records)
        if not records:
            self.sessions[fork].rows = self.sessions[session].rows


class Whole(MemoryStore):
    async def fork(self, session, at, fork, records=()):
        await super().fork(session, max(at, 1), fork, records)


class Overwriting(MemoryStore):
    async def fork(self, session, at, fork, records=()):
        if fork != session:
            self.sessions.pop(fork, None)
        await super().fork(session, at, fork, records)


class Grudging(MemoryStore):
    async def fork(self, session, at, fork, records=()):
        try:
            await super().fork(session, at, fork, records)
        except ValueError:
            raise Conflict("no") from None


class Archiving(MemoryStore):
    async def delete(self, session):
        return session in self.sessions


class Tombstones(MemoryStore):
    def __init__(self):
        super().__init__()
        self.gone = set()

    async def delete(self, session):
        self.gone.add(session)
        return await super().delete(session)

    async def append(self, session, expected_seq, records, summary=None):
        if session in self.gone:
            raise Conflict("gone")
        await super().append(session, expected_seq, records, summary)


class Disowning(MemoryStore):
    """What is deleted is gone for its forks too."""

    async def delete(self, session):
        gone = self.sessions.get(session)
        for name, other in self.sessions.items():
            if gone and name != session:
                other.rows = [row for row in other.rows if row not in gone.rows]
        return await super().delete(session)


class Copying(MemoryStore):
    """What is deleted is copied for each fork."""

    async def delete(self, session):
        gone = self.sessions.get(session)
        for name, other in self.sessions.items():
            if gone and name != session:
                other.rows = [self.copied(row, name) for row in other.rows]
        return await super().delete(session)

    def copied(self, row: Row, name: str) -> Row:
        return self.row(name, row.at, row.record)


class Shuffled(MemoryStore):
    async def list(self, **filters):
        return sorted(await super().list(**filters), key=lambda info: info.session)


class Haunted(MemoryStore):
    async def spent(self, since=None):
        return list(await super().spent(since)) or [None]


class Silent(MemoryStore):
    async def append(self, session, expected_seq, records, summary=None):
        await super().append(session, expected_seq, records, None)


class Amnesic(MemoryStore):
    async def append(self, session, expected_seq, records, summary=None):
        await super().append(session, expected_seq, records, summary or Summary())


class Strict(MemoryStore):
    async def append(self, session, expected_seq, records, summary=None):
        if summary and not summary.title.isprintable():
            summary = replace(summary, title="?")
        await super().append(session, expected_seq, records, summary)


class Unfiltered(MemoryStore):
    async def list(self, *, status=(), limit=100, before=None):
        return await super().list(limit=limit, before=before)


class Inclusive(MemoryStore):
    async def list(self, *, status=(), limit=100, before=None):
        infos = await super().list(status=status, limit=None)
        return [info for info in infos if before is None or info.updated <= before][:limit]


class FirstPage(MemoryStore):
    async def survey(self, sessions):
        return await super().survey(sessions[:500])


class Assuming(MemoryStore):
    """Shows a session that was never there."""

    async def survey(self, sessions):
        found = await super().survey(sessions)
        return {name: found.get(name) or next(iter(found.values())) for name in sessions}


class OwnOnly(MemoryStore):
    async def list(self, **filters):
        infos = await super().list(**filters)
        return [replace(info, records=info.records - bool(info.parent)) for info in infos]


class OldestFirst(MemoryStore):
    async def search(self, text, *, limit=20):
        return (await super().search(text, limit=1000))[::-1][:limit]


class Mute(MemoryStore):
    """Searches what was said alone."""

    def searchable(self, record):
        calls = isinstance(record, Answer) and not record.response.text
        return "" if calls else super().searchable(record)


class Western(MemoryStore):
    """Takes for a word what stands between spaces."""

    def is_found(self, text, wanted):
        return set(wanted) <= set(text.casefold().split())


class AnyWord(MemoryStore):
    def is_found(self, text, wanted):
        return any(super(AnyWord, self).is_found(text, [word]) for word in wanted)


class Everything(MemoryStore):
    async def search(self, text, *, limit=20):
        return await super().search(text if words(text) else "anything", limit=limit)


class Quoting(MemoryStore):
    async def search(self, text, *, limit=20):
        text.encode()
        return await super().search(text, limit=limit)


class Endless(MemoryStore):
    async def search(self, text, *, limit=20):
        return await super().search(text, limit=1000)


class Raw(MemoryStore):
    """Looks for words in the whole body of a record."""

    def is_found(self, text, wanted):
        bodies = (row.body.decode() for row, _name, _seq in self.rows())
        return any(super(Raw, self).is_found(body, wanted) for body in bodies)


class TwicePaid(MemoryStore):
    async def spent(self, since=None):
        spent = await super().spent(since)
        shared = [session for session in self.sessions.values() if session.parent]
        return [*spent, *spent[:1]] if shared else spent


class SinceEver(MemoryStore):
    async def spent(self, since=None):
        return await super().spent(None)


class Open(MemoryStore):
    """Anyone holds anything."""

    @asynccontextmanager
    async def hold(self, session, *, wait=False):
        async with super().hold(f"{session[:100]}{self.number}", wait=wait):
            self.number += 1
            yield


class Locked(MemoryStore):
    """Who holds a session is the only one to see it."""

    async def load(self, session):
        return Kept() if self.holders[session] else await super().load(session)


class Clinging(MemoryStore):
    """Lets go only where the block ends well."""

    @asynccontextmanager
    async def hold(self, session, *, wait=False):
        try:
            async with super().hold(session, wait=wait):
                yield
        except ZeroDivisionError:
            self.holders[session].append(object())
            raise


class LastFirst(MemoryStore):
    """Who waits comes before those who waited already."""

    def __init__(self):
        super().__init__()
        self.stacks = defaultdict(list)

    @asynccontextmanager
    async def hold(self, session, *, wait=False):
        stack = self.stacks[session]
        stack.append(object())
        mine = stack[-1]
        while wait and (stack[-1] is not mine or self.holders[session]):  # noqa: ASYNC110
            await asyncio.sleep(0)
        stack.remove(mine)
        async with super().hold(session):
            yield


class Littering(MemoryStore):
    """A wait that was cancelled keeps its place."""

    @asynccontextmanager
    async def hold(self, session, *, wait=False):
        before = list(self.holders[session])
        try:
            async with super().hold(session, wait=wait):
                yield
        except asyncio.CancelledError:
            if before:
                self.holders[session].append(object())
            raise


class KnowItAll(MemoryStore):
    async def recall(self, name, *, within=None):
        return await super().recall(name, within=within) or {}


class Tidy(MemoryStore):
    """Sorts what it remembers."""

    async def remember(self, name, value):
        await super().remember(name, {key: value[key] for key in sorted(value)})


class Stubborn(MemoryStore):
    """Remembers what it heard first."""

    async def remember(self, name, value):
        await super().remember(name, {**value, **(await self.recall(name) or {})})


class Slovenly(MemoryStore):
    """Tells facts apart by their letters, whatever their case."""

    async def remember(self, name, value):
        await super().remember(name.lower() if name.isascii() else name, value)

    async def recall(self, name, *, within=None):
        return await super().recall(name.lower() if name.isascii() else name, within=within)


class Unforgetting(MemoryStore):
    async def recall(self, name, *, within=None):
        return await super().recall(name)


class Boundless(MemoryStore):
    async def remember(self, name, value):
        self.facts[name] = (encode(value).decode(), self.tick())


class Homebound(MemoryStore):
    """Remembers in the event loop of its first use only."""

    loop = None

    async def remember(self, name, value):
        self.loop = self.loop or asyncio.get_running_loop()
        if self.loop is asyncio.get_running_loop():
            await super().remember(name, value)
        else:
            raise AssertionError("used in another event loop")


class OneDrawer(MemoryStore):
    """Keeps facts as if they were sessions."""

    async def remember(self, name, value):
        await super().remember(name, value)
        self.sessions.setdefault(name, Session(summary=Summary()))

    async def delete(self, session):
        self.facts.pop(session, None)
        return await super().delete(session)


class Blank(MemoryStore):
    async def cached(self, key, *, within=None):
        return await super().cached(key, within=within) or {}


class Alphabetical(MemoryStore):
    """Sorts what it caches."""

    async def cache(self, key, value, *, model):
        await super().cache(key, {name: value[name] for name in sorted(value)}, model=model)


class FirstComeFirstKept(MemoryStore):
    async def cache(self, key, value, *, model):
        if key not in self.answers:
            await super().cache(key, value, model=model)


class Ageless(MemoryStore):
    async def cached(self, key, *, within=None):
        return await super().cached(key)


class OneOfAKind(MemoryStore):
    """Lists models as if each had one answer."""

    async def cached_answers(self):
        return [replace(each, count=1) for each in await super().cached_answers()]


class OnlyPlainNames(MemoryStore):
    async def cache(self, key, value, *, model):
        if model.isascii() and model.isprintable():
            await super().cache(key, value, model=model)


class CleanSweep(MemoryStore):
    """Takes everything away, however old."""

    async def prune_cache(self, older_than=None):
        return await super().prune_cache()


class TakesAnyAnswer(MemoryStore):
    async def cache(self, key, value, *, model):
        body = encode(value).decode()
        self.answers[key] = (AnswerRow(key, model, body, len(body)), self.tick())


class Provincial(MemoryStore):
    """Caches in the event loop of its first use only."""

    loop = None

    async def cache(self, key, value, *, model):
        self.loop = self.loop or asyncio.get_running_loop()
        if self.loop is asyncio.get_running_loop():
            await super().cache(key, value, model=model)
        else:
            raise AssertionError("used in another event loop")


class TidyDesk(MemoryStore):
    """Takes away what is cached under the name of a session that is deleted."""

    async def delete(self, session):
        self.answers.pop(session, None)
        return await super().delete(session)


class StoppedClock(MemoryStore):
    def tick(self):
        return datetime(2024, 1, 1, tzinfo=UTC)


FAULTS = {
    Inventive: [keeping.a_session_that_is_not_there_is_empty],
    Backwards: [keeping.records_come_back_in_order, forking.a_fork_of_a_fork_may_begin_before_it],
    Sorting: [keeping.every_kind_of_record_comes_back_equal],
    Ascii: [keeping.any_text_comes_back_equal],
    Short: [keeping.a_long_log_comes_back_whole],
    Timeless: [keeping.every_record_has_its_time_in_utc],
    Obliging: [
        keeping.an_append_behind_another_number_of_records_is_a_conflict,
        keeping.of_appends_at_once_on_one_session_one_wins,
    ],
    OneByOne: [keeping.all_records_of_an_append_are_kept_or_none],
    Hesitant: [keeping.a_cancelled_append_is_kept_whole_or_not_at_all],
    Crossed: [keeping.many_sessions_are_written_at_once],
    Homely: [keeping.other_threads_and_loops_use_it_too],
    CaseBlind: [keeping.names_that_look_alike_are_different_sessions],
    AnyName: [keeping.a_name_that_no_session_can_have_is_refused],
    Lenient: [keeping.a_record_of_a_newer_version_is_refused],
    Careless: [keeping.a_record_of_a_newer_version_is_refused],
    Forgetful: [keeping.a_closed_store_opens_again],
    Rootless: [forking.a_fork_begins_with_its_parents_records],
    Twins: [forking.a_fork_and_its_parent_go_on_apart],
    Whole: [forking.a_fork_may_begin_anywhere],
    Overwriting: [forking.a_fork_is_made_once],
    Grudging: [forking.a_fork_of_what_is_not_there_is_refused],
    Archiving: [forking.a_deleted_session_is_gone],
    Tombstones: [forking.a_deleted_name_is_free_again],
    Disowning: [
        forking.the_forks_of_a_deleted_session_keep_what_they_shared,
        forking.a_deleted_fork_in_the_middle_breaks_no_chain,
    ],
    Copying: [
        forking.the_text_of_a_deleted_session_stays_only_where_a_fork_has_it,
        forking.an_answer_of_a_deleted_session_is_paid_once,
    ],
    Shuffled: [finding.a_list_shows_the_last_updated_first],
    Haunted: [finding.a_list_of_nothing_is_empty],
    Amnesic: [finding.a_list_shows_what_was_last_said_of_a_session],
    Silent: [finding.an_append_of_no_records_says_the_summary_anew],
    Strict: [finding.a_title_may_be_any_text],
    Unfiltered: [finding.a_list_is_filtered_by_status],
    Inclusive: [finding.a_list_is_cut_and_goes_on],
    FirstPage: [finding.a_survey_shows_of_each_session_what_a_list_does],
    Assuming: [finding.a_survey_leaves_out_what_is_not_there],
    OwnOnly: [finding.a_list_shows_forks_with_what_they_share],
    OldestFirst: [finding.a_search_finds_inputs_answers_and_outputs],
    Mute: [finding.a_search_finds_calls_by_their_names_and_arguments],
    Western: [finding.a_search_finds_words_that_no_space_sets_apart],
    AnyWord: [finding.a_search_wants_all_words],
    Everything: [finding.a_search_for_no_words_finds_nothing],
    Quoting: [finding.a_search_takes_any_text],
    Endless: [finding.a_search_is_cut],
    Raw: [finding.images_and_files_are_not_searched],
    TwicePaid: [finding.every_answer_is_in_the_ledger],
    SinceEver: [finding.the_ledger_begins_at_a_time],
    StoppedClock: [finding.a_list_shows_the_last_updated_first],
    Open: [
        holding.a_held_session_is_a_conflict_for_others,
        holding.never_two_hold_a_session_at_once,
    ],
    Locked: [holding.a_held_session_is_read_and_written],
    Clinging: [holding.a_session_is_let_go_however_the_block_is_left],
    LastFirst: [holding.those_who_wait_take_turns_as_they_came],
    Littering: [holding.a_cancelled_wait_leaves_nothing_behind],
    KnowItAll: [remembering.a_fact_that_is_not_there_is_none],
    Tidy: [remembering.any_fact_comes_back_equal],
    Stubborn: [remembering.the_last_fact_of_a_name_stands],
    Slovenly: [remembering.names_that_look_alike_are_different_facts],
    Unforgetting: [remembering.a_fact_is_forgotten_with_time],
    Boundless: [remembering.a_fact_of_no_name_or_no_size_is_refused],
    Homebound: [remembering.facts_are_remembered_from_anywhere_at_once],
    OneDrawer: [remembering.facts_and_sessions_stay_apart],
    Blank: [caching.an_answer_that_is_not_there_is_none],
    Alphabetical: [caching.any_answer_comes_back_equal],
    FirstComeFirstKept: [caching.the_last_answer_of_a_key_stands],
    Ageless: [caching.an_answer_grows_old],
    OneOfAKind: [caching.what_is_cached_is_listed_by_model],
    OnlyPlainNames: [caching.a_name_of_a_model_may_be_any_text],
    CleanSweep: [caching.pruning_takes_the_old_answers_alone],
    TakesAnyAnswer: [caching.an_answer_of_no_key_or_no_size_is_refused],
    Provincial: [caching.answers_are_cached_from_anywhere_at_once],
    TidyDesk: [caching.answers_and_sessions_stay_apart],
}
