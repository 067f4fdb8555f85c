//! Users, tokens, workspaces, members.

use std::sync::Arc;

use landfall::domain::ids::{UserId, WorkspaceId};
use landfall::store::accounts::{
    ExternalUser, MemberChange, MemberRemoval, NewSession, NewUser, Registration, Role, Rotation, WorkspaceCreation,
};
use landfall::store::people::UserDeletion;
use landfall::store::{Store, StoreError};
use uuid::Uuid;

use crate::support::{Author, Database, NOW, new_id};

pub fn registering_makes_a_user_a_workspace_and_an_owner(database: &Database) {
    let ada = database.with_user();
    let user = ada.store.find_user_by_name("ada").unwrap().unwrap();
    assert_eq!((user.user_id, user.password_hash.as_deref()), (ada.user_id, Some("$argon2id$")));
    assert_eq!(ada.store.find_user(ada.user_id).unwrap(), Some(user));
    assert_eq!(ada.store.first_workspace(ada.user_id).unwrap(), Some(ada.workspace_id));
    assert_eq!(ada.store.find_role(ada.user_id, ada.workspace_id).unwrap(), Some(Role::Owner));
    assert!(ada.store.find_user_by_name("Ada").unwrap().is_none());
    assert!(ada.store.find_user(UserId(Uuid::new_v4())).unwrap().is_none());
    ada.store.ping().unwrap();
}

pub fn a_taken_name_stores_nothing(database: &Database) {
    let ada = database.with_user();
    let workspace_id = WorkspaceId(Uuid::new_v4());
    let second = ada.store.create_user(NewUser {
        user_id: UserId(Uuid::new_v4()),
        username: "ada".to_owned(),
        password_hash: "other".to_owned(),
        workspace_id,
        workspace_name: "other".to_owned(),
        now: NOW,
    });
    assert_eq!(second.unwrap(), Registration::UsernameTaken);
    assert!(ada.store.find_feed_state(workspace_id).unwrap().is_none());
    assert_eq!(ada.store.find_user_by_name("ada").unwrap().unwrap().user_id, ada.user_id);
}

fn vouched(issuer: &str, subject: &str) -> ExternalUser {
    ExternalUser {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        preferred_name: "ada".to_owned(),
        user_id: UserId(Uuid::new_v4()),
        workspace_id: WorkspaceId(Uuid::new_v4()),
        workspace_name: "first".to_owned(),
        now: NOW,
    }
}

pub fn outside_users_are_made_once_and_get_a_free_name(database: &Database) {
    let store = database.with_user().store;
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| store.find_or_create_external_user(vouched("https://a", "1")).unwrap()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(made.iter().all(|user| *user == made[0]));
    assert_eq!((made[0].username.as_str(), made[0].password_hash.as_deref()), ("ada-2", None));
    assert_eq!(store.list_workspaces(made[0].user_id).unwrap().len(), 1);
    let other = store.find_or_create_external_user(vouched("https://b", "1")).unwrap();
    assert_eq!(other.username, "ada-3");
    assert_ne!(other.user_id, made[0].user_id);
}

/// A login whose tokens are told apart by the last byte of their hashes.
fn session(user_id: UserId, family: u8, hash: u8) -> NewSession {
    NewSession {
        session_id: Uuid::new_v4(),
        user_id,
        password_hash: "$argon2id$".to_owned(),
        family_hash: [family; 32],
        token_hash: [hash; 32],
        client: Some("a test".to_owned()),
        now: NOW,
        expires_at: NOW.plus_seconds(60),
    }
}

fn log_in(store: &Store, session: NewSession) {
    assert!(store.insert_session(session).unwrap());
}

fn rotate(store: &Arc<Store>, family: u8, old: u8, new: u8) -> Rotation {
    let (now, end) = (NOW.plus_seconds(1), NOW.plus_seconds(60));
    store.rotate_session([family; 32], [old; 32], [new; 32], now, end).unwrap()
}

pub fn refresh_tokens_rotate(database: &Database) {
    let ada = database.with_user();
    let login = session(ada.user_id, 9, 1);
    let rotated = Rotation::Rotated { user_id: ada.user_id, session_id: login.session_id };
    log_in(&ada.store, login);
    assert_eq!(rotate(&ada.store, 9, 1, 2), rotated);
    assert_eq!(rotate(&ada.store, 9, 2, 3), rotated);
    assert_eq!(rotate(&ada.store, 8, 3, 4), Rotation::Unknown);
    let late = ada.store.rotate_session([9; 32], [3; 32], [4; 32], NOW.plus_seconds(60), NOW.plus_seconds(120));
    assert_eq!(late.unwrap(), Rotation::Expired);
    assert_eq!(ada.store.list_sessions(ada.user_id, NOW).unwrap().len(), 1);
    assert!(ada.store.list_sessions(ada.user_id, NOW.plus_seconds(60)).unwrap().is_empty());
}

pub fn the_token_before_serves_until_its_successor_does(database: &Database) {
    let ada = database.with_user();
    let (login, other) = (session(ada.user_id, 9, 1), session(ada.user_id, 8, 1));
    let (session_id, user_id) = (login.session_id, ada.user_id);
    log_in(&ada.store, login);
    log_in(&ada.store, other);
    let rotated = Rotation::Rotated { user_id, session_id };
    assert_eq!(rotate(&ada.store, 9, 1, 2), rotated);
    assert_eq!(rotate(&ada.store, 9, 1, 3), rotated, "the answer with 2 may have been lost");
    assert_eq!(rotate(&ada.store, 9, 3, 4), rotated);
    assert_eq!(rotate(&ada.store, 9, 1, 5), Rotation::Reused { user_id, session_id });
    // The thief's token and the owner's are both worthless now; another login's is not.
    assert_eq!(rotate(&ada.store, 9, 4, 6), Rotation::Unknown);
    assert!(matches!(rotate(&ada.store, 8, 1, 2), Rotation::Rotated { .. }));

    // At once by many: each may have lost an answer, and one of their tokens is the current one.
    let answers: Vec<Rotation> = std::thread::scope(|scope| {
        let store = &ada.store;
        let threads: Vec<_> = (60..64).map(|new| scope.spawn(move || rotate(store, 8, 2, new))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| matches!(answer, Rotation::Rotated { .. })), "{answers:?}");
    let live = (60..64).filter(|new| {
        let found = ada.store.rotate_session([8; 32], [*new; 32], [*new; 32], NOW, NOW.plus_seconds(60)).unwrap();
        matches!(found, Rotation::Rotated { .. })
    });
    assert!(live.count() <= 1, "the first that is none of the two ends the session");
}

pub fn a_session_ends_for_good(database: &Database) {
    let ada = database.with_user();
    let login = session(ada.user_id, 9, 1);
    let (session_id, user_id) = (login.session_id, ada.user_id);
    log_in(&ada.store, login);
    assert!(ada.store.is_session_live(user_id, session_id).unwrap());
    assert!(!ada.store.is_session_live(UserId(Uuid::new_v4()), session_id).unwrap());
    assert_eq!(ada.store.end_session_of_family([7; 32]).unwrap(), None);
    assert_eq!(ada.store.end_session_of_family([9; 32]).unwrap(), Some((user_id, session_id)));
    assert!(!ada.store.is_session_live(user_id, session_id).unwrap());
    assert_eq!(rotate(&ada.store, 9, 1, 3), Rotation::Unknown);
    assert!(!ada.store.end_session(user_id, session_id).unwrap());
}

pub fn a_user_who_is_locked_out_has_no_sessions(database: &Database) {
    let ada = database.with_user();
    let login = session(ada.user_id, 9, 1);
    let session_id = login.session_id;
    log_in(&ada.store, login);
    ada.store.set_disabled(ada.user_id, Some(NOW)).unwrap();
    assert!(!ada.store.is_user_active(ada.user_id).unwrap());
    assert!(!ada.store.is_session_live(ada.user_id, session_id).unwrap());
    assert!(ada.store.find_user(ada.user_id).unwrap().unwrap().disabled);
    ada.store.set_disabled(ada.user_id, None).unwrap();
    assert!(ada.store.is_user_active(ada.user_id).unwrap());
    assert!(!ada.store.is_session_live(ada.user_id, session_id).unwrap(), "logged out all the same");
}

/// A login that was under way while sessions ended is no session either.
pub fn a_password_that_was_changed_meanwhile_opens_no_session(database: &Database) {
    let ada = database.with_user();
    let open = |family| ada.store.insert_session(session(ada.user_id, family, 1)).unwrap();
    ada.store.set_disabled(ada.user_id, Some(NOW)).unwrap();
    assert!(!open(1));
    ada.store.set_disabled(ada.user_id, None).unwrap();
    assert!(open(2));
    ada.store.set_password(ada.user_id, "another".to_owned(), None).unwrap();
    assert!(!open(3));
    assert!(ada.store.list_sessions(ada.user_id, NOW).unwrap().is_empty());
    // However the two meet: who was before the change is ended by it, who is after it is refused.
    for turn in 10..30 {
        ada.store.set_password(ada.user_id, "$argon2id$".to_owned(), None).unwrap();
        std::thread::scope(|scope| {
            let logins: Vec<_> = (0..3).map(|login| scope.spawn(move || open(turn * 4 + login))).collect();
            ada.store.set_password(ada.user_id, "another".to_owned(), None).unwrap();
            for login in logins {
                login.join().unwrap();
            }
        });
        assert!(ada.store.list_sessions(ada.user_id, NOW).unwrap().is_empty(), "{turn}");
    }
}

pub fn a_user_has_a_hundred_sessions_at_most(database: &Database) {
    let ada = database.with_user();
    for number in 0..103_u8 {
        let now = NOW.plus_seconds(i64::from(number));
        let expires_at = NOW.plus_seconds(9_000);
        log_in(&ada.store, NewSession { now, expires_at, ..session(ada.user_id, number, number) });
    }
    assert_eq!(ada.store.list_sessions(ada.user_id, NOW).unwrap().len(), 100);
    assert_eq!(rotate(&ada.store, 2, 2, 200), Rotation::Unknown, "the one used longest ago went");
    assert!(matches!(rotate(&ada.store, 102, 102, 200), Rotation::Rotated { .. }));
}

/// What is about a person goes; what they wrote for others stays without their name, and nothing else does.
pub fn a_deleted_user_leaves_only_what_others_share(database: &Database) {
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    bob.write(bob.created(new_id(), "his own")).unwrap();
    ada.store.put_member(ada.workspace_id, "bob".to_owned(), Role::Editor, NOW).unwrap();
    let guest = Author { workspace_id: ada.workspace_id, ..bob.clone() };
    guest.write(guest.created(new_id(), "shared")).unwrap();
    log_in(&bob.store, session(bob.user_id, 9, 1));
    ada.store.invite_member(ada.workspace_id, "carol".to_owned(), Role::Viewer, bob.user_id, NOW).unwrap();

    let deleted = ada.store.delete_user(bob.user_id, "bob".to_owned(), NOW).unwrap();
    let UserDeletion::Deleted { removed, workspaces } = deleted else { panic!("{deleted:?}") };
    assert_eq!(workspaces, [bob.workspace_id]);
    let removed: std::collections::BTreeMap<_, _> = removed.into_iter().collect();
    assert_eq!((removed["users"], removed["sessions"], removed["members"], removed["invitations"]), (1, 1, 2, 1));
    assert_eq!(removed["receipts"], 1);
    while ada.store.erase_slice(bob.workspace_id).unwrap().more {}
    let left: Vec<_> = ada.store.count_traces(bob.user_id).unwrap().into_iter().filter(|(_, rows)| *rows > 0).collect();
    assert_eq!(left, [("documents", 1), ("document_log", 1)]);
    assert!(ada.store.find_feed_state(bob.workspace_id).unwrap().is_none());

    Author::register(&ada.store, "dora");
    ada.store.put_member(ada.workspace_id, "dora".to_owned(), Role::Editor, NOW).unwrap();
    let held = ada.store.delete_user(ada.user_id, "ada".to_owned(), NOW).unwrap();
    assert_eq!(held, UserDeletion::LastOwner(vec![(ada.workspace_id, "ada's".to_owned())]));
    assert!(ada.store.is_user_active(ada.user_id).unwrap());
}

/// A column that can name a user and is not looked at would be a trace that nobody finds.
pub fn every_column_that_names_a_user_is_looked_at(database: &Database) {
    let ada = database.with_user();
    let known: Vec<&str> = ada.store.count_traces(ada.user_id).unwrap().into_iter().map(|(table, _)| table).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema.rs");
    let schema = std::fs::read_to_string(folder).unwrap();
    let mut table = "";
    for line in schema.lines() {
        let line = line.trim();
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            table = name;
        }
        let is_person =
            ["user_id ->", "updated_by ->", "owner_id ->", "invited_by ->"].iter().any(|c| line.starts_with(c));
        assert!(!is_person || known.contains(&table), "{table} names users, and count_traces does not look there");
    }
}

pub fn workspaces_are_listed_for_their_members_only(database: &Database) {
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    let shared = WorkspaceId(Uuid::new_v4());
    let create = |author: &Author| {
        author.store.create_workspace(author.user_id, shared, "shared".to_owned(), NOW.plus_seconds(9))
    };
    assert_eq!(create(&ada).unwrap(), WorkspaceCreation::Created);
    assert_eq!(create(&bob).unwrap(), WorkspaceCreation::IdTaken);
    let names = |author: &Author| -> Vec<(String, Role)> {
        let listed = author.store.list_workspaces(author.user_id).unwrap();
        listed.into_iter().map(|workspace| (workspace.name, workspace.role)).collect()
    };
    assert_eq!(names(&ada), [("ada's".to_owned(), Role::Owner), ("shared".to_owned(), Role::Owner)]);
    assert_eq!(names(&bob), [("bob's".to_owned(), Role::Owner)]);
    assert_eq!(bob.store.find_role(bob.user_id, shared).unwrap(), None);

    let put = |name: &str, role| ada.store.put_member(shared, name.to_owned(), role, NOW.plus_seconds(10)).unwrap();
    assert_eq!(put("bob", Role::Viewer), MemberChange::Put);
    assert_eq!(put("bob", Role::Editor), MemberChange::Put);
    assert_eq!(put("carol", Role::Editor), MemberChange::NoSuchUser);
    assert_eq!(bob.store.find_role(bob.user_id, shared).unwrap(), Some(Role::Editor));
    assert_eq!(names(&bob)[1], ("shared".to_owned(), Role::Editor));
    assert_eq!(bob.store.first_workspace(bob.user_id).unwrap(), Some(bob.workspace_id));
    let members: Vec<_> =
        ada.store.list_members(shared, None, 9).unwrap().into_iter().map(|m| (m.username, m.role)).collect();
    assert_eq!(members, [("ada".to_owned(), Role::Owner), ("bob".to_owned(), Role::Editor)]);
    let nowhere = ada.store.put_member(WorkspaceId(Uuid::new_v4()), "bob".to_owned(), Role::Viewer, NOW);
    assert!(matches!(nowhere, Err(StoreError::NoSuchWorkspace)));
}

pub fn the_last_owner_stays(database: &Database) {
    let ada = database.with_user();
    Author::register(&ada.store, "bob");
    let put = |name: &str, role| ada.store.put_member(ada.workspace_id, name.to_owned(), role, NOW).unwrap();
    let remove = |name: &str| ada.store.remove_member(ada.workspace_id, name.to_owned()).unwrap();
    assert_eq!(put("ada", Role::Viewer), MemberChange::LastOwner);
    assert_eq!(put("ada", Role::Owner), MemberChange::Put);
    assert_eq!(remove("ada"), MemberRemoval::LastOwner);
    assert_eq!([remove("bob"), remove("nobody")], [MemberRemoval::NotMember; 2]);
    put("bob", Role::Owner);
    let left: Vec<_> = std::thread::scope(|scope| {
        let threads = ["ada", "bob"].map(|name| scope.spawn(move || remove(name)));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(left.contains(&MemberRemoval::Removed) && left.contains(&MemberRemoval::LastOwner), "{left:?}");
    assert_eq!(ada.store.list_members(ada.workspace_id, None, 9).unwrap().len(), 1);
}
