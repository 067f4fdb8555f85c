//! The store on both databases: every test of the lists below runs on SQLite and on Postgres.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that cannot go on fails where it stands"
)]

mod accounts;
mod batches;
mod diary;
mod events;
mod feed;
mod folded_histories;
mod folding;
mod history;
mod limits;
mod lives;
mod migrations;
#[path = "../model/mod.rs"]
mod model;
#[path = "../postgres_server/mod.rs"]
mod postgres_server;
mod retention;
mod search;
mod support;
mod sync_runs;
mod upkeep;
mod uploads;
#[path = "../yjs_support/mod.rs"]
mod yjs_support;

/// Runs each named test of a module once on each database.
macro_rules! on_both_databases {
    ($module:ident: $($test:ident),* $(,)?) => {
        mod $module {
            mod sqlite {
                $(#[test] fn $test() { crate::$module::$test(&crate::support::Database::sqlite()); })*
            }
            mod postgres {
                $(#[test] fn $test() { crate::$module::$test(&crate::support::Database::postgres()); })*
            }
        }
    };
}

mod both {
    on_both_databases!(accounts:
        registering_makes_a_user_a_workspace_and_an_owner,
        a_taken_name_stores_nothing,
        outside_users_are_made_once_and_get_a_free_name,
        refresh_tokens_rotate,
        the_token_before_serves_until_its_successor_does,
        a_session_ends_for_good,
        a_user_who_is_locked_out_has_no_sessions,
        a_password_that_was_changed_meanwhile_opens_no_session,
        a_user_has_a_hundred_sessions_at_most,
        a_deleted_user_leaves_only_what_others_share,
        every_column_that_names_a_user_is_looked_at,
        workspaces_are_listed_for_their_members_only,
        the_last_owner_stays,
    );
    on_both_databases!(batches:
        a_write_set_comes_back_as_it_was,
        documents_that_are_apart_have_their_own_authors_and_batches,
        an_update_replaces_the_head_and_advances_the_feed,
        rollback_leaves_nothing,
        an_error_leaves_nothing,
        a_panic_leaves_nothing_and_the_store_lives_on,
        a_head_that_is_not_as_expected_is_a_lost_race,
        what_a_decision_leans_on_must_still_stand,
        a_receipt_that_is_there_already_is_a_lost_race,
        a_look_is_of_one_state_and_locks_nothing,
        a_tombstone_that_was_purged_meanwhile_is_a_lost_race,
        a_deadline_that_has_passed_is_a_timeout,
        an_unknown_workspace_is_named,
        workspaces_do_not_see_each_other,
        receipts_belong_to_user_and_device,
        concurrent_batches_number_the_feed_without_gaps,
        a_body_sees_what_it_wrote,
    );
    on_both_databases!(feed:
        a_page_has_documents_as_they_are_read_alone,
        a_tombstone_has_no_bodies,
        a_page_is_cut_by_span_documents_and_bytes,
        workspaces_have_feeds_of_their_own,
        readers_see_sequences_grow_while_others_write,
    );
    on_both_databases!(events:
        notices_tell_each_change_once_in_feed_order,
        heads_of_many_workspaces_are_read_at_once,
        messages_reach_every_listener,
    );
    on_both_databases!(history:
        the_text_of_a_version_is_the_newest_one_before_it,
        the_text_behind_a_yjs_update_is_not_guessed,
        an_earlier_document_of_the_same_id_is_not_its_history,
        yjs_parts_are_the_updates_since_the_creation,
        listings_page_by_id,
        versions_are_listed_newest_first,
        a_version_is_found_with_what_its_text_is_made_of,
        long_texts_survive_compression,
        documents_are_loaded_alike_inside_and_outside_a_batch,
    );
    on_both_databases!(upkeep:
        a_rendering_is_kept_while_it_holds,
        a_snapshot_replaces_the_updates_that_it_covers,
        a_snapshot_does_not_wait_for_a_pause,
        damage_is_marked_and_stays_until_the_document_is_made_anew,
        heavy_logs_are_found_for_compaction,
        a_snapshot_of_an_earlier_document_is_not_used,
    );
    on_both_databases!(sync_runs:
        a_run_comes_back_as_it_was,
        the_newest_failures_are_shown,
        a_history_is_listed_newest_first,
        changes_of_a_run_wait_for_each_other,
        silent_runs_are_closed_once_however_many_servers_look,
        runs_that_ended_long_ago_are_forgotten,
    );
    on_both_databases!(retention:
        tombstones_are_purged_at_the_line,
        a_purged_document_leaves_its_id_and_version,
        many_tombstones_go_in_several_transactions,
        old_receipts_are_found_by_their_age,
        a_clock_that_jumps_purges_nothing,
        expired_tokens_are_removed,
        a_lease_has_one_holder_until_it_runs_out,
        one_server_purges_and_another_takes_over,
        the_thread_ends_when_told_to,
    );
    on_both_databases!(search:
        what_is_indexed_is_proposed_by_tier_and_time,
        a_step_is_taken_once,
        workspaces_that_are_behind_are_found,
        a_purged_document_leaves_the_index,
    );
    on_both_databases!(folding:
        texts_are_folded,
        yjs_states_are_folded,
        a_long_history_is_folded_in_steps,
        a_document_that_changed_meanwhile_is_not_folded,
        what_cannot_be_united_is_kept,
        nothing_of_an_earlier_life_is_left,
        a_long_history_is_folded,
    );
    on_both_databases!(folded_histories:
        random_histories_show_the_same_when_folded,
        nothing_is_lost_while_writers_write,
    );
    on_both_databases!(uploads:
        a_dropped_upload_is_removed_in_slices,
        time_drops_uploads_and_then_forgets_them,
        another_life_drops_open_uploads,
        a_workspace_and_a_user_take_their_uploads_with_them,
        what_cannot_be_read_is_found,
    );
    on_both_databases!(lives:
        a_new_life_has_another_generation_and_higher_versions,
        a_restart_is_no_new_life,
    );
    on_both_databases!(migrations:
        a_newer_schema_is_refused,
        old_rows_come_through_the_step_of_people,
        the_schema_goes_up_down_and_up_again,
        two_stores_open_and_write_at_once,
    );
}
