//! Users, tokens, workspaces, members.

use std::sync::Arc;

use landfall::domain::ids::{UserId, WorkspaceId};
use landfall::store::accounts::{
    ExternalUser, MemberChange, MemberRemoval, NewRefreshToken, NewUser, Registration, Role, Rotation,
    WorkspaceCreation,
};
use landfall::store::{Store, StoreError};
use uuid::Uuid;

use crate::support::{Author, Database, NOW};

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

fn token(user_id: UserId, hash: u8) -> NewRefreshToken {
    let family_id = Uuid::new_v4();
    NewRefreshToken { token_hash: [hash; 32], family_id, user_id, created_at: NOW, expires_at: NOW.plus_seconds(60) }
}

fn rotate(store: &Arc<Store>, old: u8, new: u8) -> Rotation {
    store.rotate_refresh_token([old; 32], [new; 32], NOW.plus_seconds(1), NOW.plus_seconds(60)).unwrap()
}

pub fn refresh_tokens_rotate(database: &Database) {
    let ada = database.with_user();
    ada.store.insert_refresh_token(token(ada.user_id, 1)).unwrap();
    let rotated = Rotation::Rotated { user_id: ada.user_id };
    assert_eq!(rotate(&ada.store, 1, 2), rotated);
    assert_eq!(rotate(&ada.store, 2, 3), rotated);
    assert_eq!(rotate(&ada.store, 99, 4), Rotation::Unknown);
    let late = ada.store.rotate_refresh_token([3; 32], [4; 32], NOW.plus_seconds(60), NOW.plus_seconds(120));
    assert_eq!(late.unwrap(), Rotation::Expired);
}

pub fn a_reused_token_ends_its_family(database: &Database) {
    let ada = database.with_user();
    ada.store.insert_refresh_token(token(ada.user_id, 1)).unwrap();
    ada.store.insert_refresh_token(token(ada.user_id, 50)).unwrap();
    let rotated = Rotation::Rotated { user_id: ada.user_id };
    assert_eq!(rotate(&ada.store, 1, 2), rotated);
    assert_eq!(rotate(&ada.store, 1, 3), Rotation::Reused);
    // The thief's token and the owner's are both worthless now; another login's is not.
    assert_eq!(rotate(&ada.store, 2, 4), Rotation::Reused);
    assert_eq!(rotate(&ada.store, 3, 5), Rotation::Unknown);
    assert_eq!(rotate(&ada.store, 50, 51), rotated);

    let winners = std::thread::scope(|scope| {
        let threads: Vec<_> = (60..64)
            .map(|new| {
                let store = &ada.store;
                scope.spawn(move || rotate(store, 51, new))
            })
            .collect();
        threads
            .into_iter()
            .filter(|_| true)
            .map(|thread| thread.join().unwrap())
            .filter(|outcome| *outcome == rotated)
            .count()
    });
    assert_eq!(winners, 1);
    assert!((60..64).all(|new| rotate(&ada.store, new, new + 10) != rotated));
}

pub fn a_revoked_family_stays_revoked(database: &Database) {
    let ada = database.with_user();
    ada.store.insert_refresh_token(token(ada.user_id, 1)).unwrap();
    rotate(&ada.store, 1, 2);
    ada.store.revoke_token_family([2; 32], NOW).unwrap();
    ada.store.revoke_token_family([9; 32], NOW).unwrap();
    assert_eq!(rotate(&ada.store, 2, 3), Rotation::Reused);
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
    let members: Vec<_> = ada.store.list_members(shared).unwrap().into_iter().map(|m| (m.username, m.role)).collect();
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
    assert_eq!(ada.store.list_members(ada.workspace_id).unwrap().len(), 1);
}
