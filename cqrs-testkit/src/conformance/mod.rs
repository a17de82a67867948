//! The suite that every store must pass.
//!
//! One line makes a test of every case, in modules that are named after the
//! parts of the contract:
//!
//! ```
//! use cqrs_core::store::memory::MemoryStore;
//!
//! cqrs_testkit::store_conformance!(|| async { MemoryStore::new() });
//! # fn main() {}
//! ```
//!
//! Each case has a fresh store and a runtime of its own, so that cases run in
//! any order and at once. A store that can be opened again, or that lacks a
//! [capability](Capabilities), is described by a [`Fixture`] instead of a
//! closure. [`failures`] runs the same cases without a test harness.
//!
//! The suite asks for what the contract promises and no more: where the
//! contract leaves a choice, such as whether a full page at the end of the log
//! calls itself the last one, both answers pass.

mod append;
mod ask;
mod bench;
mod checkpoint;
mod conditions;
mod corpus;
mod durability;
mod filter;
mod fixture;
mod handover;
mod input;
mod leases;
mod lineage;
mod operations;
mod race;
mod read;
mod runner;
mod snapshot;
mod tables;
mod tail;
mod threads;
mod unit_of_work;
mod versions;
mod walk;
mod watch;

pub(crate) use bench::{joined, spawn};
pub use fixture::{BoxFuture, Capabilities, Fixture};
#[doc(hidden)]
pub use runner::check;
pub(crate) use runner::message;
pub use runner::{Case, Failure, Outcome, failures};
pub(crate) use threads::Threads;

fn uuid_of(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

/// From one list: the table of cases, and the macro that makes tests of them.
macro_rules! suite {
    ($d:tt $($contract:ident on $threads:ident thread { $($name:ident,)* })*) => {
        /// Every case, grouped by the part of the contract.
        pub const CASES: &[Case] = &[$($(Case {
            contract: stringify!($contract),
            name: stringify!($name),
            threads: Threads::$threads,
            body: |bench| Box::pin($contract::$name(bench)),
        },)*)*];

        /// Makes a test of every case of the [conformance suite](crate::conformance),
        /// for the stores of a [`Fixture`](crate::conformance::Fixture).
        ///
        /// Use it once in a module.
        #[macro_export]
        macro_rules! store_conformance {
            ($d fixture:expr $d(,)?) => {
                fn store_conformance_fixture() -> impl $d crate::conformance::Fixture {
                    $d fixture
                }
                $(mod $contract {$(
                    #[test]
                    fn $name() {
                        let fixture = super::store_conformance_fixture();
                        $d crate::conformance::check(stringify!($contract), stringify!($name), fixture);
                    }
                )*})*
            };
        }
    };
}

suite! { $
    append on One thread {
        a_batch_over_several_streams_is_written_whole,
        a_batch_with_one_stale_stream_writes_nothing,
        events_stand_in_the_order_of_the_unit,
        every_field_of_an_event_is_kept,
        the_receipt_names_each_stream_with_its_new_version,
        the_token_leads_to_the_position_of_the_last_event,
        a_token_of_another_log_is_refused,
        recorded_time_never_goes_back,
        a_unit_without_content_commits_and_writes_no_event,
        each_log_has_an_id_of_its_own,
    }
    versions on One thread {
        any_version_admits_every_stream,
        no_stream_admits_only_a_stream_without_events,
        exists_admits_only_a_stream_with_events,
        an_exact_version_admits_only_that_one,
        the_exact_version_none_admits_only_a_stream_without_events,
        the_largest_version_admits_no_stream,
        a_stream_that_is_only_checked_can_refuse_the_others,
        versions_and_positions_count_without_gaps,
        positions_agree_with_the_order_of_every_stream,
        a_refused_unit_uses_up_no_version_and_no_position,
    }
    conditions on One thread {
        a_guard_by_type_sees_events_of_that_type,
        a_guard_by_several_types_sees_each_of_them,
        a_guard_by_tag_sees_events_of_all_streams,
        a_guard_by_type_and_tag_needs_both,
        a_guard_by_two_tags_needs_both,
        a_guard_with_alternatives_is_hit_by_any,
        a_guard_over_everything_sees_the_newest_event,
        a_guard_lets_foreign_events_pass,
        a_guard_does_not_see_the_events_of_its_own_unit,
        a_guard_sees_the_units_that_are_ahead_of_it,
        each_of_several_guards_can_refuse,
        a_guard_protects_a_unit_without_events,
    }
    operations on One thread {
        a_repeated_operation_returns_the_first_outcome,
        a_repeated_operation_is_known_before_its_conditions_are_looked_at,
        a_repeated_operation_may_have_new_ids_and_times,
        an_operation_with_other_content_is_refused,
        a_given_fingerprint_stands_for_the_content,
        a_committed_operation_resolves_to_its_outcome,
        an_operation_that_never_committed_resolves_to_none,
        the_reply_is_kept_with_the_operation,
        a_given_operation_without_events_is_recorded,
        a_repeated_operation_writes_no_rows_again,
        a_repeat_breaks_no_lineage,
        recorded_operations_are_listed_in_the_order_of_the_log,
    }
    lineage on One thread {
        units_behind_a_conflict_are_superseded,
        units_behind_a_query_conflict_are_superseded,
        units_behind_a_fenced_one_are_superseded,
        units_behind_an_invalid_one_are_superseded,
        units_behind_a_reused_operation_are_superseded,
        a_version_that_happens_to_fit_does_not_save_a_unit,
        other_lineages_are_unaffected,
        a_chain_commits_when_every_unit_does,
        an_invalid_unit_is_refused_as_invalid_in_a_lineage,
    }
    handover on One thread {
        units_commit_in_the_order_of_the_calls,
        a_unit_need_not_be_polled_before_the_next_one,
        a_chain_of_exact_versions_needs_no_answer_in_between,
        a_commit_that_is_dropped_unpolled_runs_to_its_end,
        a_commit_that_is_dropped_after_a_poll_runs_to_its_end,
        a_commit_outlives_the_task_that_asked_for_it,
        a_dropped_commit_disturbs_no_other_call,
        a_dropped_commit_can_be_repeated_without_effect,
        dropped_reads_leave_the_store_as_it_was,
        a_dropped_claim_leaves_the_checkpoint_claimable,
    }
    unit_of_work on One thread {
        all_of_it_commits_together,
        a_conflict_refuses_all_of_it,
        a_guard_refuses_all_of_it,
        a_broken_lineage_refuses_all_of_it,
        a_stale_epoch_refuses_all_of_it,
        invalid_input_refuses_all_of_it,
        a_reused_operation_refuses_all_of_it,
        a_unit_of_rows_alone_commits_and_leaves_the_log,
    }
    read on One thread {
        every_source_is_read_whole_by_pages_of_every_size,
        bounds_are_exclusive_at_both_ends,
        bounds_that_enclose_nothing_give_an_empty_last_page,
        the_largest_numbers_are_no_errors,
        an_empty_log_gives_an_empty_last_page,
        a_page_that_is_full_is_last_only_if_nothing_follows,
        a_last_page_claims_nothing_that_is_still_to_come,
        streams_of_like_names_are_separate,
        a_cursor_of_another_log_is_refused,
        a_cursor_resumes_after_its_position,
    }
    filter on One thread {
        one_type,
        a_type_that_begins_another,
        several_types,
        a_type_that_no_event_has,
        one_tag,
        a_tag_with_a_wildcard,
        two_tags_at_once,
        a_tag_and_a_type,
        alternatives_find_each_event_once,
        an_alternative_without_content_finds_every_event,
        hundreds_of_alternatives,
        one_tenant,
        one_correlation,
        a_recorded_range_has_its_start_and_not_its_end,
        all_filters_at_once,
    }
    snapshot on One thread {
        a_stream_without_snapshot_has_none,
        the_latest_of_three_is_returned,
        every_field_is_kept,
        an_older_one_does_not_replace_a_newer_one,
        one_of_another_shape_replaces_even_a_newer_one,
        streams_keep_their_own,
        one_is_saved_only_with_its_unit,
    }
    checkpoint on One thread {
        one_that_nobody_claimed_is_none,
        a_first_claim_starts_before_the_first_event,
        each_claim_raises_the_epoch_and_keeps_the_place,
        reading_one_claims_nothing,
        an_advance_moves_it_and_keeps_the_epoch,
        an_advance_to_none_sends_it_back_to_the_beginning,
        a_stale_epoch_is_fenced_and_writes_nothing,
        one_that_was_never_claimed_is_fenced,
        checkpoints_are_separate,
    }
    leases on Many thread {
        a_free_one_is_given,
        nobody_else_gets_one_that_is_held,
        its_holder_gets_it_anew_with_a_greater_token,
        one_that_has_ended_is_given_with_a_greater_token,
        a_renewal_keeps_the_token_and_moves_the_end,
        one_that_has_ended_is_not_renewed,
        one_that_somebody_took_over_is_not_renewed,
        one_that_nobody_ever_had_is_not_renewed,
        a_released_one_is_free_at_once,
        releasing_a_lost_one_leaves_it_to_who_has_it,
        they_are_listed_by_the_beginnings_of_their_names,
        their_names_are_kept_apart,
        ill_formed_names_are_refused,
        one_may_last_for_ever,
        a_fenced_unit_commits_while_its_lease_is_held,
        a_unit_of_an_ended_lease_is_refused_whole,
        a_unit_of_another_ones_lease_is_refused_whole,
        a_repeat_is_known_whatever_became_of_its_lease,
        units_behind_one_of_a_lost_lease_are_superseded,
        each_has_one_holder_among_many,
        each_token_is_given_once,
        a_reopened_log_has_its_leases,
    }
    tables on One thread {
        a_row_is_put_read_overwritten_and_deleted,
        keys_and_values_are_bytes,
        the_writes_of_a_unit_take_effect_in_order,
        a_clear_empties_one_table_alone,
        tables_are_separate,
        rows_come_in_the_order_of_their_keys,
        a_range_has_exactly_what_its_bounds_admit,
        a_limit_cuts_at_the_far_end,
        an_unknown_table_has_no_rows,
    }
    input on One thread {
        keys_are_kept_byte_for_byte,
        categories_are_kept_byte_for_byte,
        tenants_are_kept_byte_for_byte,
        ill_formed_streams_cannot_be_named,
        types_are_kept_byte_for_byte,
        tags_are_kept_byte_for_byte,
        encodings_are_kept_byte_for_byte,
        table_names_are_kept_apart,
        checkpoint_names_are_kept_apart,
        ill_formed_names_are_refused,
        payloads_are_kept_byte_for_byte,
        metadata_is_kept_byte_for_byte,
        rows_are_kept_byte_for_byte,
        ids_times_and_versions_are_kept_at_their_extremes,
        recorded_times_are_kept_at_their_extremes,
        payloads_up_to_the_limit_are_accepted,
        metadata_up_to_the_limit_is_accepted,
        tags_up_to_the_limit_are_accepted,
        events_up_to_the_limit_are_accepted,
        units_up_to_the_limit_are_accepted,
        row_keys_up_to_the_limit_are_accepted,
        snapshots_up_to_the_limit_are_accepted,
        a_stream_that_stands_twice_is_refused,
    }
    race on Many thread {
        each_version_of_a_stream_has_one_winner,
        a_storm_on_one_version_has_one_winner,
        a_storm_on_new_streams_has_one_winner,
        a_storm_on_a_guard_has_one_winner,
        writers_of_separate_streams_do_not_conflict,
        one_operation_sent_by_many_takes_effect_once,
        each_claim_of_a_checkpoint_has_an_epoch_of_its_own,
        rows_of_racing_units_are_those_of_the_last_one,
    }
    tail on Many thread {
        every_reader_sees_every_event_once_in_order,
        a_reader_with_a_filter_sees_every_match_once,
        a_reader_of_a_stream_sees_a_prefix_of_it,
        a_reader_that_restarts_from_its_checkpoint_misses_nothing,
    }
    watch on Many thread {
        a_commit_wakes_who_waits_for_it,
        the_signal_reaches_the_position_of_the_commit,
        a_late_watch_knows_what_was_committed,
        what_the_signal_shows_can_be_read,
    }
    durability on One thread {
        a_durable_store_says_so,
        a_reopened_log_has_its_id_and_all_its_events,
        a_reopened_log_goes_on_where_it_ended,
        a_reopened_log_knows_its_operations,
        a_reopened_log_has_its_rows_snapshots_and_checkpoints,
    }
}
