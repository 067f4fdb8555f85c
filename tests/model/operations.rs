//! Operations for tests, short to write down.

use landfall::domain::ids::{DocumentId, UserId, WorkspaceId};
use landfall::domain::limits::YjsCaps;
use landfall::domain::operation::{Changes, Operation, OperationKind, Submitted, Target, Text, digest_of};
use landfall::domain::yjs_facts::ScannedUpdate;
use landfall::sync::Batch;
use landfall::yjs::scan::scan_update;
use uuid::Uuid;

pub const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(0xaaaa));
pub const USER: UserId = UserId(Uuid::from_u128(0xbbbb));

pub fn id(n: u128) -> DocumentId {
    DocumentId(Uuid::from_u128(n))
}

fn operation(name: &str, kind: OperationKind, target: Target, changes: Changes) -> Operation {
    let payload = format!("{kind:?}{changes:?}");
    Operation {
        index: 0,
        client_id: name.to_owned(),
        kind,
        target,
        base_version: None,
        force: false,
        restore: false,
        changes,
        reader_state_vector: None,
        payload_digest: digest_of(&payload),
    }
}

pub fn create(name: &str, document: u128, title: &str, content: &str) -> Operation {
    let changes = Changes { title: Some(title.to_owned()), ..text(content) };
    operation(name, OperationKind::Create, Target::Id(id(document)), changes)
}

pub fn update(name: &str, document: u128, base: i64, content: &str) -> Operation {
    let made = operation(name, OperationKind::Update, Target::Id(id(document)), text(content));
    Operation { base_version: (base > 0).then_some(base), ..made }
}

pub fn retitle(name: &str, document: u128, base: i64, title: &str) -> Operation {
    let changes = Changes { title: Some(title.to_owned()), ..Changes::default() };
    let made = operation(name, OperationKind::Update, Target::Id(id(document)), changes);
    Operation { base_version: (base > 0).then_some(base), ..made }
}

pub fn yjs(name: &str, document: u128, base: i64, update: ScannedUpdate) -> Operation {
    let changes = Changes { yjs: Some(update), ..Changes::default() };
    let made = operation(name, OperationKind::Update, Target::Id(id(document)), changes);
    Operation { base_version: (base > 0).then_some(base), ..made }
}

pub fn delete(name: &str, document: u128, base: i64) -> Operation {
    let made = operation(name, OperationKind::Delete, Target::Id(id(document)), Changes::default());
    Operation { base_version: (base > 0).then_some(base), ..made }
}

pub fn check(name: &str, document: u128, version: i64) -> Operation {
    let made = operation(name, OperationKind::Check, Target::Id(id(document)), Changes::default());
    Operation { base_version: Some(version), ..made }
}

pub fn by_reference(operation: Operation, create: &str) -> Operation {
    Operation { target: Target::Ref(create.to_owned()), ..operation }
}

fn text(content: &str) -> Changes {
    Changes { content: Some(Text::new(content.to_owned())), ..Changes::default() }
}

/// A real Yjs v1 update: `client` types `typed` at `clock`, behind its own previous character (or first in the root
/// `content` at clock 0).
pub fn typing(client: u8, clock: u8, typed: &str) -> ScannedUpdate {
    assert!(client < 128 && clock < 128 && typed.len() < 128 && typed.is_ascii(), "one-byte varints only");
    let mut bytes = vec![1, 1, client, clock];
    if clock == 0 {
        bytes.extend([4, 1, 7]);
        bytes.extend(b"content");
    } else {
        bytes.extend([0x84, client, clock - 1]);
    }
    bytes.push(u8::try_from(typed.len()).unwrap());
    bytes.extend(typed.as_bytes());
    bytes.push(0);
    scan_update(bytes, &YjsCaps::default()).expect("a valid update")
}

pub fn batch(operations: impl IntoIterator<Item = Operation>) -> Batch {
    let numbered = operations.into_iter().enumerate();
    Batch {
        workspace_id: WORKSPACE,
        user_id: USER,
        device_id: None,
        atomic: false,
        dry_run: false,
        sync_id: None,
        pull: None,
        upload: None,
        authors: Vec::new(),
        operations: numbered.map(|(index, op)| Submitted::Valid(Box::new(Operation { index, ..op }))).collect(),
    }
}

pub fn from_device(device: &str, request: Batch) -> Batch {
    Batch { device_id: Some(device.to_owned()), ..request }
}

pub fn atomic(request: Batch) -> Batch {
    Batch { atomic: true, ..request }
}
