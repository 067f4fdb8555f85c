//! Updates taken apart and put together again, valid or not: what mutants are made of.

use super::hand::number;

/// The name of a change.
pub type Id = (u64, u64);

/// An update.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    pub sections: Vec<Section>,
    pub deletes: Vec<(u64, Vec<(u64, u64)>)>,
}

/// One client's structs.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub client: u64,
    pub clock: u64,
    pub structs: Vec<Struct>,
}

/// A struct. A garbage-collected run is an item of kind 0 without anything else.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    pub origin: Option<Id>,
    pub right_origin: Option<Id>,
    pub parent: Option<Parent>,
    pub key: Option<String>,
    /// Whether it carries the mark of a map's entry.
    pub marked: bool,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Parent {
    Root(String),
    Nested(Id),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Collected(u64),
    Deleted(u64),
    Text(String),
    Values(Vec<Vec<u8>>),
    /// One clock long: the kind, and its bytes.
    Other(u8, Vec<u8>),
}

impl Content {
    pub fn length(&self) -> u64 {
        match self {
            Self::Collected(length) | Self::Deleted(length) => *length,
            Self::Text(text) => text.encode_utf16().count() as u64,
            Self::Values(values) => values.len() as u64,
            Self::Other(..) => 1,
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn string(&mut self) -> String {
        let length = self.number() as usize;
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }

    fn id(&mut self) -> Id {
        (self.number(), self.number())
    }

    fn since(&self, before: &'a [u8]) -> Vec<u8> {
        before[..before.len() - self.0.len()].to_vec()
    }

    /// Passes over an `any` value.
    fn any(&mut self) {
        match self.take(1)[0] {
            125 => while self.take(1)[0] >= 0x80 {},
            124 => drop(self.take(4)),
            123 | 122 => drop(self.take(8)),
            119 | 116 => {
                let length = self.number() as usize;
                self.take(length);
            }
            118 => {
                for _ in 0..self.number() {
                    self.string();
                    self.any();
                }
            }
            117 => {
                for _ in 0..self.number() {
                    self.any();
                }
            }
            _ => {}
        }
    }

    fn content(&mut self, kind: u8) -> Content {
        let before = self.0;
        match kind {
            1 => return Content::Deleted(self.number()),
            4 => return Content::Text(self.string()),
            8 => {
                let count = self.number();
                let value = |reader: &mut Self| {
                    let before = reader.0;
                    reader.any();
                    reader.since(before)
                };
                return Content::Values((0..count).map(|_| value(self)).collect());
            }
            3 | 5 => {
                let length = self.number() as usize;
                self.take(length);
            }
            6 => {
                self.string();
                self.string();
            }
            7 => {
                if matches!(self.number(), 3 | 5) {
                    self.string();
                }
            }
            9 => {
                self.string();
                self.any();
            }
            _ => panic!("an unknown kind of struct: {kind}"),
        }
        Content::Other(kind, self.since(before))
    }

    fn item(&mut self) -> Struct {
        let info = self.take(1)[0];
        if info == 0 {
            let content = Content::Collected(self.number());
            return Struct { origin: None, right_origin: None, parent: None, key: None, marked: false, content };
        }
        let marked = info & 0x20 != 0;
        let origin = (info & 0x80 != 0).then(|| self.id());
        let right_origin = (info & 0x40 != 0).then(|| self.id());
        let (mut parent, mut key) = (None, None);
        if origin.is_none() && right_origin.is_none() {
            parent = Some(if self.number() == 1 { Parent::Root(self.string()) } else { Parent::Nested(self.id()) });
            key = marked.then(|| self.string());
        }
        Struct { origin, right_origin, parent, key, marked, content: self.content(info & 0x1f) }
    }
}

impl Update {
    /// Takes an update apart that npm yjs made.
    pub fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let section = |reader: &mut Reader<'_>| {
            let count = reader.number();
            let (client, clock) = reader.id();
            Section { client, clock, structs: (0..count).map(|_| reader.item()).collect() }
        };
        let deletes = |reader: &mut Reader<'_>| {
            let client = reader.number();
            (client, (0..reader.number()).map(|_| reader.id()).collect())
        };
        let sections = (0..reader.number()).map(|_| section(&mut reader)).collect();
        Self { sections, deletes: (0..reader.number()).map(|_| deletes(&mut reader)).collect() }
    }

    /// Puts it together.
    pub fn write(&self) -> Vec<u8> {
        let mut out = number(self.sections.len() as u64);
        for Section { client, clock, structs } in &self.sections {
            for head in [structs.len() as u64, *client, *clock] {
                out.extend(number(head));
            }
            structs.iter().for_each(|item| item.write(&mut out));
        }
        out.extend(number(self.deletes.len() as u64));
        for (client, ranges) in &self.deletes {
            out.extend(number(*client));
            out.extend(number(ranges.len() as u64));
            ranges.iter().for_each(|(clock, length)| out.extend([number(*clock), number(*length)].concat()));
        }
        out
    }

    /// The clocks that it has, by client: from and to.
    pub fn spans(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.sections.iter().map(|section| {
            let length: u64 = section.structs.iter().map(|item| item.content.length()).sum();
            (section.client, section.clock, section.clock + length)
        })
    }
}

impl Struct {
    fn write(&self, out: &mut Vec<u8>) {
        let kind = match &self.content {
            Content::Collected(length) => {
                out.push(0);
                return out.extend(number(*length));
            }
            Content::Deleted(_) => 1,
            Content::Text(_) => 4,
            Content::Values(_) => 8,
            Content::Other(kind, _) => *kind,
        };
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let names_parent = self.origin.is_none() && self.right_origin.is_none();
        let marked = if names_parent { self.key.is_some() } else { self.marked };
        out.push(
            kind | flag(self.origin.is_some(), 0x80) | flag(self.right_origin.is_some(), 0x40) | flag(marked, 0x20),
        );
        for (client, clock) in [self.origin, self.right_origin].into_iter().flatten() {
            out.extend([number(client), number(clock)].concat());
        }
        let string = |out: &mut Vec<u8>, text: &str| {
            out.extend(number(text.len() as u64));
            out.extend_from_slice(text.as_bytes());
        };
        if names_parent {
            match self.parent.as_ref().unwrap_or(&Parent::Root("content".to_owned())) {
                Parent::Root(name) => {
                    out.push(1);
                    string(out, name);
                }
                Parent::Nested((client, clock)) => {
                    out.push(0);
                    out.extend([number(*client), number(*clock)].concat());
                }
            }
            if let Some(key) = &self.key {
                string(out, key);
            }
        }
        match &self.content {
            Content::Collected(_) => {}
            Content::Deleted(length) => out.extend(number(*length)),
            Content::Text(text) => string(out, text),
            Content::Values(values) => {
                out.extend(number(values.len() as u64));
                out.extend(values.concat());
            }
            Content::Other(_, bytes) => out.extend_from_slice(bytes),
        }
    }
}
