//! Files that are not synced because of their names, by kind: pictures among the notes, most of all. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// A kind of file that is not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Pictures.
    Images,
    /// PDF.
    Pdfs,
    /// Sound.
    Audio,
    /// Moving pictures.
    Videos,
    /// Documents of office programs.
    Office,
    /// Archives.
    Archives,
    /// Everything else.
    Others,
}

/// Endings of the kinds, in lower case.
const ENDINGS: [(Kind, &[&str]); 6] = [
    (Kind::Images, &["png", "jpg", "jpeg", "gif", "webp", "svg", "heic", "avif", "bmp", "tif", "tiff", "ico"]),
    (Kind::Pdfs, &["pdf"]),
    (Kind::Audio, &["mp3", "m4a", "wav", "ogg", "opus", "flac", "aac"]),
    (Kind::Videos, &["mp4", "mov", "webm", "mkv", "avi", "m4v"]),
    (Kind::Office, &["doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf"]),
    (Kind::Archives, &["zip", "tar", "gz", "bz2", "xz", "zst", "7z", "rar"]),
];

impl Kind {
    /// The kind of a file of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        let found = ENDINGS.iter().find(|(_, endings)| endings.contains(&ending.as_str()));
        found.map_or(Self::Others, |(kind, _)| *kind)
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Images => ("image", "images"),
            Self::Pdfs => ("PDF", "PDFs"),
            Self::Audio => ("audio file", "audio files"),
            Self::Videos => ("video", "videos"),
            Self::Office => ("office document", "office documents"),
            Self::Archives => ("archive", "archives"),
            Self::Others => ("other", "others"),
        }
    }
}

/// How many files are not synced because of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Skipped(BTreeMap<Kind, usize>);

impl Skipped {
    /// Counts one.
    pub fn count(&mut self, name: &str) {
        *self.0.entry(Kind::of(name)).or_default() += 1;
    }

    /// How many.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }
}

/// As in `46 files are not synced (40 images, 6 others)`.
impl fmt::Display for Skipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.0.iter().map(|(kind, count)| {
            let (one, many) = kind.words();
            format!("{count} {}", if *count == 1 { one } else { many })
        });
        let kinds: Vec<String> = kinds.collect();
        match self.total() {
            1 => write!(out, "1 file is not synced ({})", kinds.join(", ")),
            total => write!(out, "{total} files are not synced ({})", kinds.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted() {
        let mut skipped = Skipped::default();
        for name in ["a.png", "b.JPG", "c.pdf", "Makefile", "d.tar.gz", "e"] {
            skipped.count(name);
        }
        assert_eq!(skipped.to_string(), "6 files are not synced (2 images, 1 PDF, 1 archive, 2 others)");
        let mut one = Skipped::default();
        one.count("a.webp");
        assert_eq!((one.to_string().as_str(), one.total()), ("1 file is not synced (1 image)", 1));
    }
}
