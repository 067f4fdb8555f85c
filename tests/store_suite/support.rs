//! A database of its own for each test, and builders for what is written to it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use landfall::domain::document::{DocumentHead, DocumentWrite, HeadWrite, LogEntry, Receipt, WriteSet};
use landfall::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use landfall::domain::operation::OperationKind;
use landfall::domain::timestamp::Timestamp;
use landfall::store::accounts::{NewUser, Registration};
use landfall::store::{BatchScope, DatabaseUrl, End, Store, StoreConfig, StoreError};
use uuid::Uuid;

use crate::postgres_server::PostgresDatabase;

/// An empty database, gone when the test ends.
pub enum Database {
    Sqlite(tempfile::TempDir),
    Postgres(PostgresDatabase),
}

impl Database {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub fn postgres() -> Self {
        Self::Postgres(PostgresDatabase::create())
    }

    pub fn url(&self) -> DatabaseUrl {
        let url = match self {
            Self::Sqlite(directory) => format!("sqlite://{}", directory.path().join("landfall.db").display()),
            Self::Postgres(database) => database.url().to_owned(),
        };
        DatabaseUrl::parse(&url).unwrap()
    }

    /// Runs a statement past the store.
    pub fn execute(&self, statement: &str) {
        let done = match self {
            Self::Sqlite(directory) => {
                let path = directory.path().join("landfall.db");
                SqliteConnection::establish(&path.to_string_lossy()).unwrap().batch_execute(statement)
            }
            Self::Postgres(database) => PgConnection::establish(database.url()).unwrap().batch_execute(statement),
        };
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    pub fn open(&self) -> Arc<Store> {
        Arc::new(Store::open(&self.url(), &StoreConfig::default()).unwrap())
    }

    /// A store with one user in it.
    pub fn with_user(&self) -> Author {
        Author::register(&self.open(), "ada")
    }
}

/// A user with a workspace, at work on one device.
#[derive(Clone)]
pub struct Author {
    pub store: Arc<Store>,
    pub user_id: UserId,
    pub workspace_id: WorkspaceId,
    pub device_id: Option<String>,
}

pub const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

impl Author {
    pub fn register(store: &Arc<Store>, username: &str) -> Self {
        let (user_id, workspace_id) = (UserId(Uuid::new_v4()), WorkspaceId(Uuid::new_v4()));
        let registered = store.create_user(NewUser {
            user_id,
            username: username.to_owned(),
            password_hash: "$argon2id$".to_owned(),
            workspace_id,
            workspace_name: format!("{username}'s"),
            now: NOW,
        });
        assert_eq!(registered.unwrap(), Registration::Created);
        Self { store: Arc::clone(store), user_id, workspace_id, device_id: Some("laptop".to_owned()) }
    }

    pub fn scope(&self) -> BatchScope {
        BatchScope {
            sync_id: None,
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            device_id: self.device_id.clone(),
            now: NOW,
            deadline: Instant::now() + Duration::from_secs(30),
        }
    }

    /// Commits a write set as a batch of its own.
    pub fn write(&self, writes: WriteSet) -> Result<(), StoreError> {
        self.store.run_batch(self.scope(), move |batch| Ok((batch.write(&writes)?, End::Commit)))
    }

    /// A create with text.
    pub fn created(&self, id: DocumentId, content: &str) -> WriteSet {
        self.step(HeadWrite::Insert, self.head(id, 1), OperationKind::Create, Some(content), None)
    }

    /// A head as a first create would leave it.
    pub fn head(&self, id: DocumentId, version: Version) -> DocumentHead {
        DocumentHead {
            document_id: id,
            version,
            title: format!("title {version}"),
            created_at: NOW,
            updated_at: NOW,
            updated_by: self.user_id,
            deleted_at: None,
            epoch: 1,
            content_version: version,
            content_digest: Some([7; 16]),
            state_vector: None,
            yjs_roots: BTreeSet::new(),
            snapshot_bytes: 0,
            log_bytes: 0,
            log_rows: 0,
        }
    }

    /// One document, one log entry, one receipt.
    pub fn step(
        &self,
        write: HeadWrite,
        head: DocumentHead,
        kind: OperationKind,
        content: Option<&str>,
        yjs_update: Option<&[u8]>,
    ) -> WriteSet {
        let client_id = format!("op {} {}", head.document_id, head.version);
        let receipt = Receipt {
            client_id: client_id.clone(),
            kind,
            payload_digest: Some([3; 16]),
            document_id: head.document_id,
            version: Some(head.version),
            created_at: NOW,
        };
        let entry = LogEntry {
            document_id: head.document_id,
            version: head.version,
            user_id: head.updated_by,
            kind,
            title: head.title.clone(),
            content: content.map(Into::into),
            yjs_update: yjs_update.map(<[u8]>::to_vec),
            client_id,
        };
        WriteSet {
            documents: vec![DocumentWrite { write, head }],
            log: vec![entry],
            receipts: vec![receipt],
            ..WriteSet::default()
        }
    }

    /// Commits an update from the version before.
    pub fn update(&self, head: DocumentHead, content: Option<&str>, yjs_update: Option<&[u8]>) {
        let write = HeadWrite::Replace { expected_version: head.version - 1 };
        self.write(self.step(write, head, OperationKind::Update, content, yjs_update)).unwrap();
    }
}

pub fn new_id() -> DocumentId {
    DocumentId(Uuid::new_v4())
}
