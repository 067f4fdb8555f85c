//! Several people who write one text at once, each in a document of yrs, and take in what the others wrote now and then.

use std::collections::BTreeSet;

use yrs::updates::decoder::Decode;
use yrs::{ClientID, Doc, GetString, OffsetKind, Options, Text, TextRef, Transact, Update};

use super::numbers::Numbers;
use super::typist::Typist;
use super::words::Style;
use super::{Edit, History, Transaction};

/// How they write.
pub struct Habits {
    /// What each of them writes.
    pub styles: &'static [Style],
    /// How often somebody writes for a while, then rests.
    pub stints: usize,
    /// The transactions of a stint, at most.
    pub longest_stint: usize,
    /// In how many cases of a hundred the writer first takes in what the others have written.
    pub merges: usize,
}

struct Author {
    typist: Typist,
    doc: Doc,
    text: TextRef,
    /// Transactions that are in the document.
    known: BTreeSet<usize>,
    /// Those on which the next one builds.
    heads: Vec<usize>,
}

/// What is written, and by whom; the same for the same seed.
pub fn write(seed: u64, habits: &Habits) -> History {
    let mut numbers = Numbers::new(seed);
    let mut authors: Vec<Author> =
        (0..).zip(habits.styles).map(|(number, style)| Author::new(seed, number, *style)).collect();
    let mut transactions: Vec<Transaction> = Vec::new();
    let mut written: Vec<Vec<Vec<u8>>> = Vec::new();
    for _ in 0..habits.stints {
        let number = numbers.below(authors.len());
        // Nobody begins a text that another one has begun: they open it first.
        if numbers.percent(habits.merges) || authors[number].heads.is_empty() {
            let heads = authors.iter().flat_map(|author| author.heads.clone()).collect();
            authors[number].take(heads, &written);
        }
        for _ in 0..numbers.between(1, habits.longest_stint) {
            let author = &mut authors[number];
            let mut edits = Vec::new();
            let mut updates = Vec::new();
            for _ in 0..numbers.between(1, 3) {
                let edit = author.typist.edit();
                updates.push(apply(&author.doc, &author.text, &edit));
                edits.push(edit);
            }
            let at = transactions.len();
            transactions.push(Transaction {
                parents: std::mem::replace(&mut author.heads, vec![at]),
                author: number,
                edits,
            });
            author.known.insert(at);
            written.push(updates);
        }
    }
    let mut reader = Author::new(seed, authors.len() as u64, Style::Prose);
    reader.take(authors.iter().flat_map(|author| author.heads.clone()).collect(), &written);
    History { transactions, text: reader.typist.text() }
}

impl Author {
    /// Yjs clients are numbered from 1.
    fn new(seed: u64, number: u64, style: Style) -> Self {
        let doc = document(number + 1);
        let text = doc.get_or_insert_text(super::ROOT);
        let typist = Typist::new(seed.wrapping_mul(31).wrapping_add(number), style);
        Self { typist, doc, text, known: BTreeSet::new(), heads: Vec::new() }
    }

    /// Takes in everything that was written, in its order.
    fn take(&mut self, heads: BTreeSet<usize>, written: &[Vec<Vec<u8>>]) {
        let missing: Vec<usize> = (0..written.len()).filter(|at| !self.known.contains(at)).collect();
        for at in missing {
            for update in &written[at] {
                self.doc.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
            }
            self.known.insert(at);
        }
        self.heads = heads.into_iter().collect();
        self.typist.take(&self.text.get_string(&self.doc.transact()));
    }
}

/// An empty document of a Yjs client, which counts as editors do.
pub fn document(client: u64) -> Doc {
    Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::with_client_id(ClientID::new(client)) })
}

/// Makes an edit; the update that an editor would send.
pub fn apply(doc: &Doc, text: &TextRef, edit: &Edit) -> Vec<u8> {
    let mut transaction = doc.transact_mut();
    if edit.deleted > 0 {
        text.remove_range(&mut transaction, edit.position, edit.deleted);
    }
    if !edit.inserted.is_empty() {
        text.insert(&mut transaction, edit.position, &edit.inserted);
    }
    transaction.encode_update_v1()
}
