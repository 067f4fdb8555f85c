//! The tables of one folder's state. Column order is that of the migrations.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

table! {
    files (document_id) {
        document_id -> Text,
        path -> Text,
        folded -> Text,
        title -> Text,
        version -> BigInt,
        digest -> Binary,
        size -> BigInt,
        modified_ns -> BigInt,
        seen_ns -> BigInt,
        changed_ns -> BigInt,
        inode -> BigInt,
    }
}

table! {
    bodies (document_id) {
        document_id -> Text,
        yjs_state -> Nullable<Binary>,
        content -> Text,
        raw -> Nullable<Text>,
    }
}

table! {
    forms (document_id) {
        document_id -> Text,
        has_crlf -> Bool,
        has_mark -> Bool,
    }
}

table! {
    outbox (client_id) {
        client_id -> Text,
        position -> BigInt,
        document_id -> Text,
        kind -> Text,
        title -> Nullable<Text>,
        content -> Nullable<Text>,
        yjs_update -> Nullable<Binary>,
        restore -> Bool,
        force -> Bool,
        base_version -> Nullable<BigInt>,
        sent -> Bool,
        attempts -> BigInt,
        created_at -> BigInt,
        first_sent_at -> BigInt,
    }
}

table! {
    dead_letters (client_id) {
        client_id -> Text,
        document_id -> Text,
        path -> Text,
        kind -> Text,
        title -> Nullable<Text>,
        content -> Nullable<Text>,
        yjs_update -> Nullable<Binary>,
        restore -> Bool,
        force -> Bool,
        base_version -> Nullable<BigInt>,
        attempts -> BigInt,
        created_at -> BigInt,
        code -> Text,
        message -> Text,
        failed_at -> BigInt,
    }
}

table! {
    conflicts (document_id) {
        document_id -> Text,
        path -> Text,
        reason -> Text,
        found_at -> BigInt,
        base_content -> Nullable<Text>,
        local_content -> Nullable<Text>,
        server_version -> BigInt,
        server_title -> Text,
        server_deleted -> Bool,
        server_content -> Nullable<Text>,
        server_yjs_state -> Nullable<Binary>,
    }
}

table! {
    pending_writes (document_id) {
        document_id -> Text,
        path -> Text,
        draft -> Text,
        old_content -> Nullable<Text>,
        old_yjs_state -> Nullable<Binary>,
    }
}

table! {
    pending_removals (document_id) {
        document_id -> Text,
        version -> BigInt,
    }
}

table! {
    accepted_deletions (document_id) {
        document_id -> Text,
    }
}

table! {
    left_out (document_id) {
        document_id -> Text,
        title -> Text,
        reason -> Text,
        is_refusal -> Bool,
    }
}

table! {
    refusals (path) {
        path -> Text,
        reason -> Text,
    }
}

table! {
    runs (run_id) {
        run_id -> Text,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        direction -> Text,
        outcome -> Text,
        pushed -> BigInt,
        pulled -> BigInt,
        failed -> BigInt,
        conflicts -> BigInt,
    }
}

joinable!(bodies -> files (document_id));
allow_tables_to_appear_in_same_query!(bodies, files);
