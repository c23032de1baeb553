"""The checks that every store must pass, for any test runner.

    @pytest.mark.parametrize("check", CHECKS)
    def test_my_store(check, tmp_path):
        asyncio.run(check(MyStore(tmp_path / "log")))

Each takes a fresh, empty store and raises AssertionError that says what is wrong. Those of
`SHARED_CHECKS` take two stores at the same fresh place, for stores that outlive a process.

    keeping.py   load and append         forking.py   fork and delete
    finding.py   list, search, spent     holding.py   hold
    sharing.py   two at one place        remembering.py   remember and recall
    caching.py   the cache of answers
    said.py      what is kept, and how a check complains
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agentkit.stores.protocol import Store
from agentkit.testing.stores import (
    caching,
    finding,
    forking,
    holding,
    keeping,
    remembering,
    sharing,
)
from agentkit.testing.stores.said import judged

Check = Callable[[Store], Awaitable[None]]
SharedCheck = Callable[[Store, Store], Awaitable[None]]

_CHECKS: tuple[Check, ...] = (
    keeping.a_session_that_is_not_there_is_empty,
    keeping.records_come_back_in_order,
    keeping.every_kind_of_record_comes_back_equal,
    keeping.any_text_comes_back_equal,
    keeping.a_long_log_comes_back_whole,
    keeping.every_record_has_its_time_in_utc,
    keeping.an_append_behind_another_number_of_records_is_a_conflict,
    keeping.all_records_of_an_append_are_kept_or_none,
    keeping.of_appends_at_once_on_one_session_one_wins,
    keeping.many_sessions_are_written_at_once,
    keeping.other_threads_and_loops_use_it_too,
    keeping.a_cancelled_append_is_kept_whole_or_not_at_all,
    keeping.names_that_look_alike_are_different_sessions,
    keeping.a_name_that_no_session_can_have_is_refused,
    keeping.a_record_of_a_newer_version_is_refused,
    keeping.a_closed_store_opens_again,
    forking.a_fork_begins_with_its_parents_records,
    forking.a_fork_and_its_parent_go_on_apart,
    forking.a_fork_may_begin_anywhere,
    forking.a_fork_of_a_fork_may_begin_before_it,
    forking.a_fork_is_made_once,
    forking.a_fork_of_what_is_not_there_is_refused,
    forking.a_deleted_session_is_gone,
    forking.a_deleted_name_is_free_again,
    forking.the_forks_of_a_deleted_session_keep_what_they_shared,
    forking.a_deleted_fork_in_the_middle_breaks_no_chain,
    forking.the_text_of_a_deleted_session_stays_only_where_a_fork_has_it,
    forking.an_answer_of_a_deleted_session_is_paid_once,
    finding.a_list_shows_the_last_updated_first,
    finding.a_list_of_nothing_is_empty,
    finding.a_survey_shows_of_each_session_what_a_list_does,
    finding.a_survey_leaves_out_what_is_not_there,
    finding.a_list_shows_what_was_last_said_of_a_session,
    finding.a_title_may_be_any_text,
    finding.an_append_of_no_records_says_the_summary_anew,
    finding.a_list_is_filtered_by_status,
    finding.a_list_is_cut_and_goes_on,
    finding.a_list_shows_forks_with_what_they_share,
    finding.a_search_finds_inputs_answers_and_outputs,
    finding.a_search_finds_calls_by_their_names_and_arguments,
    finding.a_search_wants_all_words,
    finding.a_search_finds_words_that_no_space_sets_apart,
    finding.a_search_for_no_words_finds_nothing,
    finding.a_search_takes_any_text,
    finding.a_search_is_cut,
    finding.images_and_files_are_not_searched,
    finding.every_answer_is_in_the_ledger,
    finding.the_ledger_begins_at_a_time,
    holding.a_held_session_is_a_conflict_for_others,
    holding.a_held_session_is_read_and_written,
    holding.a_session_is_let_go_however_the_block_is_left,
    holding.those_who_wait_take_turns_as_they_came,
    holding.never_two_hold_a_session_at_once,
    holding.a_cancelled_wait_leaves_nothing_behind,
    remembering.a_fact_that_is_not_there_is_none,
    remembering.any_fact_comes_back_equal,
    remembering.the_last_fact_of_a_name_stands,
    remembering.names_that_look_alike_are_different_facts,
    remembering.a_fact_is_forgotten_with_time,
    remembering.a_fact_of_no_name_or_no_size_is_refused,
    remembering.facts_are_remembered_from_anywhere_at_once,
    remembering.facts_and_sessions_stay_apart,
    caching.an_answer_that_is_not_there_is_none,
    caching.any_answer_comes_back_equal,
    caching.the_last_answer_of_a_key_stands,
    caching.an_answer_grows_old,
    caching.what_is_cached_is_listed_by_model,
    caching.a_name_of_a_model_may_be_any_text,
    caching.pruning_takes_the_old_answers_alone,
    caching.an_answer_of_no_key_or_no_size_is_refused,
    caching.answers_are_cached_from_anywhere_at_once,
    caching.answers_and_sessions_stay_apart,
)

_SHARED_CHECKS: tuple[SharedCheck, ...] = (
    sharing.what_one_keeps_the_other_has,
    sharing.of_two_that_append_at_once_one_wins,
    sharing.both_write_many_sessions_at_once,
    sharing.what_one_holds_the_other_cannot,
    sharing.the_other_waits_its_turn,
    sharing.never_two_of_both_hold_a_session_at_once,
    sharing.what_is_closed_by_one_the_other_still_uses,
    sharing.what_one_remembers_the_other_recalls,
    sharing.what_one_caches_the_other_has,
)

CHECKS: tuple[Check, ...] = tuple(map(judged, _CHECKS))
"""What any store must do."""

SHARED_CHECKS: tuple[SharedCheck, ...] = tuple(map(judged, _SHARED_CHECKS))
"""What two stores must do that are opened at the same place."""
