//! What clients send: batches of creates, of updates, or mixed, made of the corpus.

use std::collections::VecDeque;
use std::fmt::Write;

use uuid::Uuid;

use crate::Outcome;
use crate::client::Connection;
use crate::corpus::Sample;

/// Operations of a batch while documents are prepared.
const PREPARED_AT_ONCE: usize = 100;

/// What a batch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Creates alone.
    Create,
    /// Updates alone, each of another document.
    Update,
    /// Four creates, five updates and a delete, over and over.
    Mix,
}

impl Kind {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Mix => "mix",
        }
    }

    /// Existing documents that so many operations use up.
    pub fn uses(self, operations: usize) -> usize {
        match self {
            Self::Create => 0,
            Self::Update => operations,
            Self::Mix => (operations * 6).div_ceil(10),
        }
    }

    fn step(self, place: usize) -> Step {
        match self {
            Self::Create => Step::Create,
            Self::Update => Step::Update,
            Self::Mix => match place % 10 {
                0..=3 => Step::Create,
                4..=8 => Step::Update,
                _ => Step::Delete,
            },
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Create,
    Update,
    Delete,
}

/// What created documents carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A title and a text.
    Text,
    /// A title, a text and the Yjs state that it is the text of.
    TextAndYjs,
}

/// One device at work in one workspace.
#[derive(Debug)]
pub struct Device<'a> {
    corpus: &'a [Sample],
    workspace_id: String,
    device_id: String,
    named: usize,
    content: Content,
    /// Documents at version 1, with their place in the corpus.
    untouched: VecDeque<(Uuid, usize)>,
}

impl<'a> Device<'a> {
    /// A device that knows no documents yet.
    pub fn new(corpus: &'a [Sample], workspace_id: String) -> Self {
        let device_id = format!("bench-{}", Uuid::new_v4().simple());
        Self { corpus, workspace_id, device_id, named: 0, content: Content::TextAndYjs, untouched: VecDeque::new() }
    }

    /// The same, creating documents that carry this.
    pub fn with(self, content: Content) -> Self {
        Self { content, ..self }
    }

    /// Creates documents for later updates and deletes.
    pub fn prepare(&mut self, connection: &Connection, documents: usize) -> Outcome<()> {
        let mut missing = documents.saturating_sub(self.untouched.len());
        while missing > 0 {
            let size = missing.min(PREPARED_AT_ONCE);
            let mut made = VecDeque::with_capacity(size);
            let mut body = self.begin();
            for _ in 0..size {
                made.push_back(self.create(&mut body)?);
            }
            connection.push(&finish(body))?;
            self.untouched.append(&mut made);
            missing -= size;
        }
        Ok(())
    }

    /// Believes in documents that no server has, for batches that are only parsed.
    pub fn imagine(&mut self, documents: usize) {
        let places = (0..self.corpus.len()).cycle().take(documents);
        self.untouched.extend(places.map(|place| (Uuid::new_v4(), place)));
    }

    /// The next batch; `None` when the prepared documents have run out.
    pub fn next_batch(&mut self, kind: Kind, size: usize) -> Outcome<Option<String>> {
        if self.untouched.len() < kind.uses(size) {
            return Ok(None);
        }
        let mut body = self.begin();
        for place in 0..size {
            match kind.step(place) {
                Step::Create => {
                    self.create(&mut body)?;
                }
                Step::Update => self.update(&mut body)?,
                Step::Delete => self.delete(&mut body)?,
            }
        }
        Ok(Some(finish(body)))
    }

    fn begin(&self) -> String {
        format!(r#"{{"workspace_id":"{}","device_id":"{}","operations":["#, self.workspace_id, self.device_id)
    }

    fn create(&mut self, body: &mut String) -> Outcome<(Uuid, usize)> {
        let id = Uuid::new_v4();
        self.named += 1;
        let place = self.named % self.corpus.len();
        let sample = self.corpus.get(place).ok_or("the corpus is empty")?;
        write!(
            body,
            r#"{{"operation":"create","client_id":"op-{}","document_id":"{id}","data":{}}},"#,
            self.named,
            match self.content {
                Content::Text => &sample.create_text,
                Content::TextAndYjs => &sample.create,
            }
        )?;
        Ok((id, place))
    }

    fn update(&mut self, body: &mut String) -> Outcome<()> {
        let (id, place) = self.untouched.pop_front().ok_or("no document is left to update")?;
        self.named += 1;
        let sample = self.corpus.get(place).ok_or("the corpus is empty")?;
        write!(
            body,
            r#"{{"operation":"update","client_id":"op-{}","document_id":"{id}","base_version":1,"data":{}}},"#,
            self.named, sample.update
        )?;
        Ok(())
    }

    fn delete(&mut self, body: &mut String) -> Outcome<()> {
        let (id, _) = self.untouched.pop_front().ok_or("no document is left to delete")?;
        self.named += 1;
        write!(
            body,
            r#"{{"operation":"delete","client_id":"op-{}","document_id":"{id}","base_version":1}},"#,
            self.named
        )?;
        Ok(())
    }
}

/// Closes the list that the operations, each with a comma behind it, stand in.
fn finish(mut body: String) -> String {
    if body.ends_with(',') {
        body.pop();
    }
    body.push_str("]}");
    body
}
