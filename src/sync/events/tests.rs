//! The streams without HTTP: who is told what, and how often the store is asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::domain::timestamp::Timestamp;
use crate::store::accounts::{NewUser, Role};
use crate::store::{DatabaseUrl, StoreConfig};

const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(100));
const ADA: UserId = UserId(Uuid::from_u128(1));
const GRACE: UserId = UserId(Uuid::from_u128(2));
const RUN: SyncId = SyncId(Uuid::from_u128(7));

/// Streams of a store with two members in one workspace.
fn events(config: EventsConfig) -> (Events, TempDir) {
    let directory = TempDir::new().unwrap();
    let url = DatabaseUrl::Sqlite(directory.path().join("events.db"));
    let store = Arc::new(Store::open(&url, &StoreConfig::default()).unwrap());
    for (user_id, username, workspace) in [(ADA, "ada", WORKSPACE.0), (GRACE, "grace", Uuid::from_u128(200))] {
        let user = NewUser {
            user_id,
            username: username.to_owned(),
            password_hash: "$argon2id$".to_owned(),
            workspace_id: WorkspaceId(workspace),
            workspace_name: "first".to_owned(),
            now: Timestamp(0),
        };
        store.create_user(user).unwrap();
    }
    store.put_member(WORKSPACE, "grace".to_owned(), Role::Viewer, Timestamp(0)).unwrap();
    (Events::start(store, config), directory)
}

async fn silent(subscription: &mut Subscription) -> bool {
    tokio::time::timeout(Duration::from_millis(300), subscription.next()).await.is_err()
}

#[tokio::test]
async fn progress_is_loaded_once_and_told_to_all_streams_of_its_user() {
    let (events, _directory) = events(EventsConfig::default());
    let loads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&loads);
    events.load_runs_with(Box::new(move |workspace_id, user_id, sync_id| {
        assert_eq!((workspace_id, user_id, sync_id), (WORKSPACE, ADA, RUN));
        Some(format!("{{\"load\":{}}}", counted.fetch_add(1, Ordering::Relaxed)))
    }));
    events.progressed(WORKSPACE, ADA, RUN);
    let mut hers = [events.subscribe(WORKSPACE, ADA, None).unwrap(), events.subscribe(WORKSPACE, ADA, None).unwrap()];
    let mut anothers = events.subscribe(WORKSPACE, GRACE, None).unwrap();
    for _ in 0..20 {
        events.progressed(WORKSPACE, ADA, RUN);
        events.progressed(WorkspaceId(Uuid::from_u128(200)), ADA, RUN);
    }
    for stream in &mut hers {
        match stream.next().await {
            Ok(Event::Progress(progress)) => assert_eq!(&*progress, "{\"load\":0}"),
            other => panic!("{other:?}"),
        }
        assert!(silent(stream).await, "several steps are told as one");
    }
    assert!(silent(&mut anothers).await, "a run is its user's own");
    assert_eq!(loads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_run_that_is_gone_is_not_told() {
    let (events, _directory) = events(EventsConfig::default());
    events.load_runs_with(Box::new(|_, _, _| None));
    let mut stream = events.subscribe(WORKSPACE, ADA, None).unwrap();
    events.progressed(WORKSPACE, ADA, RUN);
    assert!(silent(&mut stream).await);
}

#[tokio::test]
async fn a_topic_ends_with_its_last_stream() {
    let (events, _directory) = events(EventsConfig::default());
    let topics = &events.shared.topics;
    assert!(topics.are_idle());
    let one = events.subscribe(WORKSPACE, ADA, None).unwrap();
    let two = events.subscribe(WORKSPACE, GRACE, None).unwrap();
    assert_eq!(topics.workspaces(), [WORKSPACE]);
    drop(one);
    assert_eq!(topics.users_of(WORKSPACE), [GRACE]);
    drop(two);
    assert!(topics.are_idle());
    // Refused ones leave nothing behind either.
    assert!(events.subscribe(WORKSPACE, ADA, Some("made up")).is_err());
    assert!(events.subscribe(WorkspaceId(Uuid::from_u128(300)), ADA, None).is_err());
    assert!(topics.are_idle());
}

#[tokio::test]
async fn streams_are_counted_for_the_server_and_for_each_user() {
    let config = EventsConfig { max_streams: 3, max_user_streams: 2, ..EventsConfig::default() };
    let (events, _directory) = events(config);
    let mut open =
        vec![events.subscribe(WORKSPACE, ADA, None).unwrap(), events.subscribe(WORKSPACE, ADA, None).unwrap()];
    assert!(matches!(events.subscribe(WORKSPACE, ADA, None), Err(SubscribeError::UserFull)));
    open.push(events.subscribe(WORKSPACE, GRACE, None).unwrap());
    assert!(matches!(events.subscribe(WORKSPACE, GRACE, None), Err(SubscribeError::ServerFull)));
    open.clear();
    assert!(events.subscribe(WORKSPACE, ADA, None).is_ok());
}

#[tokio::test]
async fn who_is_removed_hears_the_end_and_nothing_else() {
    let config = EventsConfig { heartbeat: Duration::from_millis(50), ..EventsConfig::default() };
    let (events, _directory) = events(config);
    let mut stays = events.subscribe(WORKSPACE, ADA, None).unwrap();
    let mut goes = events.subscribe(WORKSPACE, GRACE, None).unwrap();
    assert!(silent(&mut goes).await);
    events.shared.store.remove_member(WORKSPACE, "grace".to_owned()).unwrap();
    assert!(matches!(goes.next().await, Err(Ended::NotMember)));
    assert!(silent(&mut stays).await);
}
