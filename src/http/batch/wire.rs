//! The JSON objects of a batch as they arrive: which fields are there, each still unread.
//!
//! Every field is kept as the slice of the body that holds it, so that nothing is copied and a mistake in one field
//! never hides the others. A name that stands twice counts as its last, as in JavaScript. Unknown fields are
//! skipped without recursion, however deep they nest. No rule of the protocol lives here.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of a request; `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct RawRequest<'a> {
    pub workspace_id: Option<&'a RawValue>,
    pub device_id: Option<&'a RawValue>,
    pub atomic: Option<&'a RawValue>,
    pub dry_run: Option<&'a RawValue>,
    pub sync_id: Option<&'a RawValue>,
    pub upload_id: Option<&'a RawValue>,
    pub commit: Option<&'a RawValue>,
    pub part: Option<&'a RawValue>,
    /// Present, if only as `null`, where the editor pulls too.
    pub cursor: Option<&'a RawValue>,
    pub operations: RawOperations<'a>,
}

/// The field `operations`.
#[derive(Debug, Default)]
pub(super) enum RawOperations<'a> {
    #[default]
    Missing,
    NotAList,
    /// The entries, unread. Only as many as a batch may have are kept: a body full of commas cannot fill the memory.
    List {
        kept: Vec<&'a RawValue>,
        found: usize,
    },
}

/// The fields of an operation; `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct RawOperation<'a> {
    pub operation: Option<&'a RawValue>,
    pub client_id: Option<&'a RawValue>,
    pub document_id: Option<&'a RawValue>,
    pub document_ref: Option<&'a RawValue>,
    pub base_version: Option<&'a RawValue>,
    pub force: Option<&'a RawValue>,
    pub restore: Option<&'a RawValue>,
    pub data: RawData<'a>,
}

/// The field `data`.
#[derive(Debug, Default)]
pub(super) enum RawData<'a> {
    #[default]
    Missing,
    NotAnObject,
    Fields(RawChanges<'a>),
}

/// The fields of `data`; `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct RawChanges<'a> {
    pub title: Option<&'a RawValue>,
    pub content: Option<&'a RawValue>,
    pub edits: Option<&'a RawValue>,
    pub yjs_state_b64: Option<&'a RawValue>,
    pub yjs_updates_b64: Option<&'a RawValue>,
    pub state_vector_b64: Option<&'a RawValue>,
}

/// The fields of an edit; `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct RawEdit<'a> {
    pub find: Option<&'a RawValue>,
    pub replace: Option<&'a RawValue>,
    pub all: Option<&'a RawValue>,
}

impl<'a> RawRequest<'a> {
    /// Splits a request into its fields, keeping at most `max_operations` operations.
    ///
    /// # Errors
    /// The text is not JSON, or not an object.
    pub fn split(text: &'a str, max_operations: usize) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let request = json.deserialize_map(RequestVisitor { max_operations })?;
        json.end()?;
        Ok(request)
    }
}

impl<'a> RawOperation<'a> {
    /// Splits an operation into its fields.
    ///
    /// # Errors
    /// It is not an object, or a name or a piece of its text is not Unicode (half of a surrogate pair).
    pub fn split(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        serde_json::Deserializer::from_str(raw.get()).deserialize_map(OperationVisitor)
    }
}

impl<'a> RawEdit<'a> {
    /// Splits an edit into its fields.
    ///
    /// # Errors
    /// It is not an object, or a name is not Unicode.
    pub fn split(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        serde_json::Deserializer::from_str(raw.get()).deserialize_map(EditVisitor)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum EditKey {
    Find,
    Replace,
    All,
    #[serde(other)]
    Unknown,
}

struct EditVisitor;

impl<'de> Visitor<'de> for EditVisitor {
    type Value = RawEdit<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut edit = RawEdit::default();
        while let Some(key) = map.next_key()? {
            match key {
                EditKey::Find => edit.find = map.next_value()?,
                EditKey::Replace => edit.replace = map.next_value()?,
                EditKey::All => edit.all = map.next_value()?,
                EditKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(edit)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum RequestKey {
    WorkspaceId,
    DeviceId,
    Atomic,
    DryRun,
    SyncId,
    UploadId,
    Commit,
    Part,
    Cursor,
    Operations,
    #[serde(other)]
    Unknown,
}

struct RequestVisitor {
    max_operations: usize,
}

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = RawRequest<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut request = RawRequest::default();
        while let Some(key) = map.next_key()? {
            match key {
                RequestKey::WorkspaceId => request.workspace_id = map.next_value()?,
                RequestKey::DeviceId => request.device_id = map.next_value()?,
                RequestKey::Atomic => request.atomic = map.next_value()?,
                RequestKey::DryRun => request.dry_run = map.next_value()?,
                RequestKey::SyncId => request.sync_id = map.next_value()?,
                RequestKey::UploadId => request.upload_id = map.next_value()?,
                RequestKey::Commit => request.commit = map.next_value()?,
                RequestKey::Part => request.part = map.next_value()?,
                RequestKey::Cursor => request.cursor = Some(map.next_value()?),
                RequestKey::Operations => {
                    request.operations =
                        map.next_value_seed(OperationsVisitor { max_operations: self.max_operations })?;
                }
                RequestKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(request)
    }
}

struct OperationsVisitor {
    max_operations: usize,
}

impl<'de> DeserializeSeed<'de> for OperationsVisitor {
    type Value = RawOperations<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OperationsVisitor {
    type Value = RawOperations<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < self.max_operations {
            match seq.next_element()? {
                Some(operation) => kept.push(operation),
                None => return Ok(RawOperations::List { found: kept.len(), kept }),
            }
        }
        let mut found = kept.len();
        while seq.next_element::<IgnoredAny>()?.is_some() {
            found = found.saturating_add(1);
        }
        Ok(RawOperations::List { kept, found })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(RawOperations::Missing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(RawOperations::NotAList)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(RawOperations::NotAList)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(RawOperations::NotAList)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(RawOperations::NotAList)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(RawOperations::NotAList)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(map)?;
        Ok(RawOperations::NotAList)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum OperationKey {
    Operation,
    ClientId,
    DocumentId,
    DocumentRef,
    BaseVersion,
    Force,
    Restore,
    Data,
    #[serde(other)]
    Unknown,
}

struct OperationVisitor;

impl<'de> Visitor<'de> for OperationVisitor {
    type Value = RawOperation<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut operation = RawOperation::default();
        while let Some(key) = map.next_key()? {
            match key {
                OperationKey::Operation => operation.operation = map.next_value()?,
                OperationKey::ClientId => operation.client_id = map.next_value()?,
                OperationKey::DocumentId => operation.document_id = map.next_value()?,
                OperationKey::DocumentRef => operation.document_ref = map.next_value()?,
                OperationKey::BaseVersion => operation.base_version = map.next_value()?,
                OperationKey::Force => operation.force = map.next_value()?,
                OperationKey::Restore => operation.restore = map.next_value()?,
                OperationKey::Data => operation.data = map.next_value_seed(DataVisitor)?,
                OperationKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(operation)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum ChangesKey {
    Title,
    Content,
    Edits,
    YjsStateB64,
    YjsUpdatesB64,
    StateVectorB64,
    #[serde(other)]
    Unknown,
}

struct DataVisitor;

impl<'de> DeserializeSeed<'de> for DataVisitor {
    type Value = RawData<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DataVisitor {
    type Value = RawData<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut changes = RawChanges::default();
        while let Some(key) = map.next_key()? {
            match key {
                ChangesKey::Title => changes.title = map.next_value()?,
                ChangesKey::Content => changes.content = map.next_value()?,
                ChangesKey::Edits => changes.edits = map.next_value()?,
                ChangesKey::YjsStateB64 => changes.yjs_state_b64 = map.next_value()?,
                ChangesKey::YjsUpdatesB64 => changes.yjs_updates_b64 = map.next_value()?,
                ChangesKey::StateVectorB64 => changes.state_vector_b64 = map.next_value()?,
                ChangesKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(RawData::Fields(changes))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(RawData::Missing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(RawData::NotAnObject)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(RawData::NotAnObject)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(RawData::NotAnObject)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(RawData::NotAnObject)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(RawData::NotAnObject)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(seq)?;
        Ok(RawData::NotAnObject)
    }
}
