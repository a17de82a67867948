//! Every way in which a store is broken here, and the case that must notice.

macro_rules! faults {
    ($($fault:ident: $case:literal,)*) => {
        /// One broken promise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            /// The wrapper alone, which must break nothing.
            None,
            $($fault,)*
        }

        /// The faults, each with a case that must fail for it.
        pub(crate) const FAULTS: &[(Fault, &str)] = &[$((Fault::$fault, $case),)*];
    };
}

faults! {
    // Versions and batches.
    IgnoresVersions: "versions::an_exact_version_admits_only_that_one",
    TakesExactForAtLeast: "versions::an_exact_version_admits_only_that_one",
    TakesExistsForAny: "versions::exists_admits_only_a_stream_with_events",
    TakesNoStreamForAny: "versions::no_stream_admits_only_a_stream_without_events",
    RefusesAnyOnNewStreams: "versions::any_version_admits_every_stream",
    SkipsStreamsThatAreOnlyChecked: "versions::a_stream_that_is_only_checked_can_refuse_the_others",
    MisreportsTheActualVersion: "versions::an_exact_version_admits_only_that_one",
    ReportsAnOldHead: "versions::versions_and_positions_count_without_gaps",
    DropsTheLastStream: "append::a_batch_over_several_streams_is_written_whole",
    WritesStreamByStream: "append::a_batch_with_one_stale_stream_writes_nothing",
    ReversesABatch: "append::events_stand_in_the_order_of_the_unit",
    RefusesEmptyUnits: "append::a_unit_without_content_commits_and_writes_no_event",
    SharesOneLog: "append::each_log_has_an_id_of_its_own",
    // Receipts.
    ForgetsStreamsInTheReceipt: "append::the_receipt_names_each_stream_with_its_new_version",
    LeadsTokensAstray: "append::the_token_leads_to_the_position_of_the_last_event",
    AcceptsForeignTokens: "append::a_token_of_another_log_is_refused",
    LetsRecordedTimeGoBack: "append::recorded_time_never_goes_back",
    // Guards.
    IgnoresGuards: "conditions::a_guard_by_type_sees_events_of_that_type",
    GuardsByTypeAlone: "conditions::a_guard_by_type_and_tag_needs_both",
    GuardsByTagAlone: "conditions::a_guard_by_type_and_tag_needs_both",
    GuardsByOneTagOfTwo: "conditions::a_guard_by_two_tags_needs_both",
    GuardsByTheFirstAlternative: "conditions::a_guard_with_alternatives_is_hit_by_any",
    GuardsByTheFirstType: "conditions::a_guard_by_several_types_sees_each_of_them",
    GuardsFromTheBoundItself: "conditions::a_guard_over_everything_sees_the_newest_event",
    GuardsByTheFirstGuard: "conditions::each_of_several_guards_can_refuse",
    GuardsOnlyUnitsWithEvents: "conditions::a_guard_protects_a_unit_without_events",
    GuardsByTagInAnyCase: "conditions::a_guard_lets_foreign_events_pass",
    GuardsAgainstOwnEvents: "conditions::a_guard_does_not_see_the_events_of_its_own_unit",
    // Operations.
    ForgetsOperations: "operations::a_repeated_operation_returns_the_first_outcome",
    ForgetsOutcomes: "operations::a_committed_operation_resolves_to_its_outcome",
    ListsOperationsBackwards: "operations::recorded_operations_are_listed_in_the_order_of_the_log",
    ForgetsReplies: "operations::the_reply_is_kept_with_the_operation",
    ForgetsOperationsWithoutEvents: "operations::a_given_operation_without_events_is_recorded",
    AcceptsReusedOperations: "operations::an_operation_with_other_content_is_refused",
    ChecksBeforeItRemembers:
        "operations::a_repeated_operation_is_known_before_its_conditions_are_looked_at",
    ComparesEventIds: "operations::a_repeated_operation_may_have_new_ids_and_times",
    CutsFingerprints: "operations::a_given_fingerprint_stands_for_the_content",
    WritesRowsOfARepeat: "operations::a_repeated_operation_writes_no_rows_again",
    RecordsRefusedOperations: "operations::an_operation_that_never_committed_resolves_to_none",
    // Lineage.
    IgnoresLineage: "lineage::a_version_that_happens_to_fit_does_not_save_a_unit",
    SeversForConflictsAlone: "lineage::units_behind_a_fenced_one_are_superseded",
    SeversEveryLineage: "lineage::other_lineages_are_unaffected",
    SeversAfterSuccess: "lineage::a_chain_commits_when_every_unit_does",
    SeversForARepeat: "operations::a_repeat_breaks_no_lineage",
    // Handing over.
    CommitsOnTheFirstPoll: "handover::units_commit_in_the_order_of_the_calls",
    CancelsWhenDropped: "handover::a_commit_that_is_dropped_after_a_poll_runs_to_its_end",
    IsPoisonedByDroppedReads: "handover::dropped_reads_leave_the_store_as_it_was",
    IsPoisonedByDroppedClaims: "handover::a_dropped_claim_leaves_the_checkpoint_claimable",
    ChecksFirstAndWritesLater: "race::a_storm_on_one_version_has_one_winner",
    // Units of work.
    KeepsRowsOfARefusedUnit: "unit_of_work::a_conflict_refuses_all_of_it",
    KeepsSnapshotsOfARefusedUnit: "snapshot::one_is_saved_only_with_its_unit",
    WritesRowsLater: "race::rows_of_racing_units_are_those_of_the_last_one",
    ForgetsUnitsOfRows: "unit_of_work::a_unit_of_rows_alone_commits_and_leaves_the_log",
    // Reading.
    LeavesGapsInPositions: "versions::versions_and_positions_count_without_gaps",
    SkipsTheLastOfAPage: "tail::every_reader_sees_every_event_once_in_order",
    SwapsNeighbours: "tail::a_reader_of_a_stream_sees_a_prefix_of_it",
    RepeatsTheEventOfTheCursor: "tail::every_reader_sees_every_event_once_in_order",
    ReadsBackwardForward: "read::every_source_is_read_whole_by_pages_of_every_size",
    IgnoresTheLimit: "read::every_source_is_read_whole_by_pages_of_every_size",
    IncludesTheUpperBound: "read::bounds_are_exclusive_at_both_ends",
    IgnoresTheUpperBound: "read::bounds_are_exclusive_at_both_ends",
    CallsEveryPageTheLast: "read::a_page_that_is_full_is_last_only_if_nothing_follows",
    ReachesBeyondTheHead: "read::a_last_page_claims_nothing_that_is_still_to_come",
    NeverAdvances: "filter::one_type",
    FailsOnHugeNumbers: "read::the_largest_numbers_are_no_errors",
    FailsOnUnknownStreams: "read::an_empty_log_gives_an_empty_last_page",
    AcceptsForeignCursors: "read::a_cursor_of_another_log_is_refused",
    LeaksOtherTenants: "filter::one_tenant",
    IgnoresCategories: "read::every_source_is_read_whole_by_pages_of_every_size",
    // Filters.
    IgnoresTypes: "filter::one_type",
    MatchesTheBeginningOfTypes: "filter::a_type_that_begins_another",
    MatchesTheFirstTypeAlone: "filter::several_types",
    IgnoresTags: "filter::one_tag",
    MatchesOneTagOfTwo: "filter::two_tags_at_once",
    TakesTagsForPatterns: "filter::a_tag_with_a_wildcard",
    MatchesTheFirstAlternative: "filter::an_alternative_without_content_finds_every_event",
    FindsAnEventForEachAlternative: "filter::alternatives_find_each_event_once",
    FailsOnManyAlternatives: "filter::hundreds_of_alternatives",
    IgnoresCorrelations: "filter::one_correlation",
    IncludesTheEndOfARange: "filter::a_recorded_range_has_its_start_and_not_its_end",
    // Snapshots.
    KeepsTheOldestSnapshot: "snapshot::the_latest_of_three_is_returned",
    LetsOlderSnapshotsReplace: "snapshot::an_older_one_does_not_replace_a_newer_one",
    KeepsSnapshotsOfOldShapes: "snapshot::one_of_another_shape_replaces_even_a_newer_one",
    MixesSnapshotsOfTenants: "snapshot::streams_keep_their_own",
    RoundsTheTimeOfSnapshots: "snapshot::every_field_is_kept",
    MakesUpSnapshots: "snapshot::a_stream_without_snapshot_has_none",
    // Checkpoints.
    AcceptsStaleEpochs: "checkpoint::a_stale_epoch_is_fenced_and_writes_nothing",
    AcceptsEpochsThatAreAhead: "checkpoint::a_stale_epoch_is_fenced_and_writes_nothing",
    AcceptsUnclaimedCheckpoints: "checkpoint::one_that_was_never_claimed_is_fenced",
    ClaimsWithoutRaising: "checkpoint::each_claim_raises_the_epoch_and_keeps_the_place",
    ForgetsThePlaceWhenClaimed: "checkpoint::each_claim_raises_the_epoch_and_keeps_the_place",
    ClaimsWhenRead: "checkpoint::reading_one_claims_nothing",
    RaisesTheEpochWithEachAdvance: "checkpoint::an_advance_moves_it_and_keeps_the_epoch",
    NeverMovesBack: "checkpoint::an_advance_to_none_sends_it_back_to_the_beginning",
    MakesUpCheckpoints: "checkpoint::one_that_nobody_claimed_is_none",
    FoldsNamesOfCheckpoints: "checkpoint::checkpoints_are_separate",
    // Tables.
    ReversesWritesOfRows: "tables::the_writes_of_a_unit_take_effect_in_order",
    IgnoresClear: "tables::a_clear_empties_one_table_alone",
    IgnoresDelete: "tables::a_row_is_put_read_overwritten_and_deleted",
    TakesEmptyRowsForNone: "tables::a_row_is_put_read_overwritten_and_deleted",
    TakesKeysForText: "tables::keys_and_values_are_bytes",
    EndsKeysAtNull: "tables::keys_and_values_are_bytes",
    FoldsNamesOfTables: "tables::tables_are_separate",
    SortsRowsByLength: "tables::rows_come_in_the_order_of_their_keys",
    IncludesTheEndOfRows: "tables::a_range_has_exactly_what_its_bounds_admit",
    LimitsRowsAtTheWrongEnd: "tables::a_limit_cuts_at_the_far_end",
    FailsOnUnknownTables: "tables::an_unknown_table_has_no_rows",
    // Input.
    FoldsKeys: "input::keys_are_kept_byte_for_byte",
    TrimsKeys: "input::keys_are_kept_byte_for_byte",
    FoldsCategories: "input::categories_are_kept_byte_for_byte",
    FoldsTenants: "input::tenants_are_kept_byte_for_byte",
    JoinsNamesBySlashes: "read::streams_of_like_names_are_separate",
    FoldsTypes: "input::types_are_kept_byte_for_byte",
    SortsTags: "append::every_field_of_an_event_is_kept",
    TrimsTags: "input::tags_are_kept_byte_for_byte",
    FoldsEncodings: "input::encodings_are_kept_byte_for_byte",
    EndsPayloadsAtNull: "input::payloads_are_kept_byte_for_byte",
    TakesPayloadsForText: "input::payloads_are_kept_byte_for_byte",
    TakesMetadataForText: "input::metadata_is_kept_byte_for_byte",
    TakesRowsForText: "input::rows_are_kept_byte_for_byte",
    KeepsVersionsIn31Bits: "input::ids_times_and_versions_are_kept_at_their_extremes",
    KeepsNoTimeBefore1970: "input::recorded_times_are_kept_at_their_extremes",
    AcceptsIllFormedNames: "input::ill_formed_names_are_refused",
    AcceptsWhatIsTooLarge: "input::payloads_up_to_the_limit_are_accepted",
    RefusesWhatIsAsLargeAsTheLimit: "input::events_up_to_the_limit_are_accepted",
    MergesAStreamThatStandsTwice: "input::a_stream_that_stands_twice_is_refused",
    // Waking and durability.
    LosesTheSignal: "watch::a_commit_wakes_who_waits_for_it",
    SignalsTooMuch: "watch::what_the_signal_shows_can_be_read",
    DeniesDurability: "durability::a_durable_store_says_so",
    ForgetsTheLogWhenClosed: "durability::a_reopened_log_has_its_id_and_all_its_events",
}
