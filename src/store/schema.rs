//! The tables, once for both databases. Column order is that of the migrations.

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::store::sql_uuid::SqlUuid;

    workspaces (workspace_id) {
        workspace_id -> SqlUuid,
        name -> Text,
        head_sequence -> BigInt,
        purged_sequence -> BigInt,
        created_at -> BigInt,
        feed_key -> Binary,
        purged_before -> Nullable<BigInt>,
        generation -> BigInt,
        version_floor -> BigInt,
        owner_id -> Nullable<SqlUuid>,
        deleted_at -> Nullable<BigInt>,
        documents -> BigInt,
        deleted_documents -> BigInt,
        text_bytes -> BigInt,
        yjs_bytes -> BigInt,
        history_bytes -> BigInt,
        numbered_from -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};

    lives (life) {
        life -> BigInt,
        generation -> BigInt,
        version_floor -> BigInt,
        began_at -> BigInt,
        place -> Nullable<Text>,
        mark -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
    use crate::store::sql_uuid::SqlUuid;

    documents (workspace_id, document_id) {
        workspace_id -> SqlUuid,
        document_id -> SqlUuid,
        version -> BigInt,
        sequence -> BigInt,
        title -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        updated_by -> SqlUuid,
        deleted_at -> Nullable<BigInt>,
        epoch -> BigInt,
        content_version -> BigInt,
        content_digest -> Nullable<Binary>,
        state_vector -> Nullable<Binary>,
        yjs_roots -> Binary,
        snapshot_bytes -> BigInt,
        log_bytes -> BigInt,
        log_rows -> BigInt,
        damaged -> Bool,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Nullable, SmallInt, Text};
    use crate::store::sql_uuid::SqlUuid;

    document_log (workspace_id, document_id, version) {
        workspace_id -> SqlUuid,
        document_id -> SqlUuid,
        version -> BigInt,
        kind -> SmallInt,
        title -> Text,
        user_id -> SqlUuid,
        device_id -> Nullable<Text>,
        client_id -> Text,
        created_at -> BigInt,
        content -> Nullable<Binary>,
        yjs_update -> Nullable<Binary>,
        is_base -> Bool,
        batch_sequence -> Nullable<BigInt>,
        sync_id -> Nullable<SqlUuid>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable};
    use crate::store::sql_uuid::SqlUuid;

    document_bodies (workspace_id, document_id) {
        workspace_id -> SqlUuid,
        document_id -> SqlUuid,
        yjs_version -> BigInt,
        content_version -> BigInt,
        yjs_snapshot -> Nullable<Binary>,
        content -> Nullable<Binary>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
    use crate::store::sql_uuid::SqlUuid;

    receipts (workspace_id, user_id, device_id, client_id) {
        workspace_id -> SqlUuid,
        user_id -> SqlUuid,
        device_id -> Text,
        client_id -> Text,
        kind -> SmallInt,
        payload_digest -> Binary,
        document_id -> SqlUuid,
        version -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::store::sql_uuid::SqlUuid;

    users (user_id) {
        user_id -> SqlUuid,
        username -> Text,
        password_hash -> Nullable<Text>,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::store::sql_uuid::SqlUuid;

    external_identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> SqlUuid,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::store::sql_uuid::SqlUuid;

    sessions (session_id) {
        session_id -> SqlUuid,
        user_id -> SqlUuid,
        family_hash -> Binary,
        token_hash -> Binary,
        previous_hash -> Nullable<Binary>,
        client -> Nullable<Text>,
        created_at -> BigInt,
        used_at -> BigInt,
        expires_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, SmallInt, Text};
    use crate::store::sql_uuid::SqlUuid;

    invitations (workspace_id, username) {
        workspace_id -> SqlUuid,
        username -> Text,
        role -> SmallInt,
        invited_by -> SqlUuid,
        created_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
    use crate::store::sql_uuid::SqlUuid;

    access_tokens (workspace_id, token_id) {
        workspace_id -> SqlUuid,
        token_id -> SqlUuid,
        user_id -> SqlUuid,
        token_hash -> Binary,
        role -> SmallInt,
        name -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::{BigInt, SmallInt};
    use crate::store::sql_uuid::SqlUuid;

    members (workspace_id, user_id) {
        workspace_id -> SqlUuid,
        user_id -> SqlUuid,
        role -> SmallInt,
        created_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
    use crate::store::sql_uuid::SqlUuid;

    sync_runs (workspace_id, user_id, sync_id) {
        workspace_id -> SqlUuid,
        user_id -> SqlUuid,
        sync_id -> SqlUuid,
        device_id -> Nullable<Text>,
        direction -> SmallInt,
        status -> SmallInt,
        total -> BigInt,
        succeeded -> BigInt,
        failed -> BigInt,
        skipped -> BigInt,
        batches -> BigInt,
        current_operation -> Nullable<Text>,
        notes -> BigInt,
        started_at -> BigInt,
        updated_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::store::sql_uuid::SqlUuid;

    sync_notes (workspace_id, user_id, sync_id, client_id, note_number) {
        workspace_id -> SqlUuid,
        user_id -> SqlUuid,
        sync_id -> SqlUuid,
        client_id -> Text,
        note_number -> BigInt,
        document_id -> Nullable<SqlUuid>,
        code -> Nullable<Text>,
        message -> Nullable<Text>,
        retry_count -> BigInt,
        created_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};

    purges (kind) {
        kind -> Text,
        line -> BigInt,
        waiting_line -> Nullable<BigInt>,
        waited -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::store::sql_uuid::SqlUuid;

    leases (name) {
        name -> Text,
        holder -> SqlUuid,
        expires_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, SmallInt};
    use crate::store::sql_uuid::SqlUuid;

    search_progress (workspace_id) {
        workspace_id -> SqlUuid,
        sequence -> BigInt,
        form -> SmallInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt};
    use crate::store::sql_uuid::SqlUuid;

    uploads (workspace_id, user_id, upload_id) {
        workspace_id -> SqlUuid,
        user_id -> SqlUuid,
        upload_id -> SqlUuid,
        state -> SmallInt,
        revision -> BigInt,
        operations -> BigInt,
        bytes -> BigInt,
        since -> BigInt,
        batch_id -> Nullable<SqlUuid>,
        answer -> Nullable<Binary>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Text};
    use crate::store::sql_uuid::SqlUuid;

    staged_operations (workspace_id, user_id, upload_id, client_id) {
        workspace_id -> SqlUuid,
        user_id -> SqlUuid,
        upload_id -> SqlUuid,
        client_id -> Text,
        part -> BigInt,
        number -> BigInt,
        digest -> Binary,
        bytes -> BigInt,
        body -> Binary,
    }
}

allow_tables_to_appear_in_same_query!(
    workspaces,
    lives,
    documents,
    document_log,
    document_bodies,
    receipts,
    users,
    external_identities,
    sessions,
    invitations,
    access_tokens,
    members,
    sync_runs,
    sync_notes,
    purges,
    leases,
    search_progress,
    uploads,
    staged_operations,
);
