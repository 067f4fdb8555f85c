//! An editor's Yjs document, so that tests push bytes as real editors make them.

use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{ClientID, Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Text, Transact, Update};

/// The name of the root text, as the protocol wants it.
const ROOT: &str = "content";

/// One device's copy of one Yjs document with a text.
pub struct YjsEditor {
    doc: Doc,
}

impl YjsEditor {
    /// An empty copy on the device `client`.
    pub fn new(client: u64) -> Self {
        let options =
            Options { skip_gc: true, offset_kind: OffsetKind::Utf16, ..Options::with_client_id(ClientID::new(client)) };
        Self { doc: Doc::with_options(options) }
    }

    /// A copy on the device `client` that begins with `state`.
    pub fn from_state(client: u64, state: &[u8]) -> Self {
        let editor = Self::new(client);
        editor.apply(state);
        editor
    }

    /// Types at a position (in UTF-16 units); the Yjs update of just that.
    pub fn insert(&self, position: u32, text: &str) -> Vec<u8> {
        let root = self.doc.get_or_insert_text(ROOT);
        let mut transaction = self.doc.transact_mut();
        root.insert(&mut transaction, position, text);
        transaction.encode_update_v1()
    }

    /// Deletes; the Yjs update of just that.
    pub fn remove(&self, position: u32, length: u32) -> Vec<u8> {
        let root = self.doc.get_or_insert_text(ROOT);
        let mut transaction = self.doc.transact_mut();
        root.remove_range(&mut transaction, position, length);
        transaction.encode_update_v1()
    }

    /// Takes in what came from elsewhere.
    pub fn apply(&self, update: &[u8]) {
        let update = Update::decode_v1(update).expect("a Yjs update");
        self.doc.transact_mut().apply_update(update).expect("an update that fits");
    }

    /// The whole state.
    pub fn state(&self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    /// What is known here.
    pub fn state_vector(&self) -> Vec<u8> {
        self.doc.transact().state_vector().encode_v1()
    }

    /// The text.
    pub fn text(&self) -> String {
        let root = self.doc.get_or_insert_text(ROOT);
        root.get_string(&self.doc.transact())
    }
}
