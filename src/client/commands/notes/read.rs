//! `landfall cat`, `ls` and `search`.

use std::io::{self, IsTerminal, Write};

use console::Style;
use serde_json::json;

use super::names::{find_one, named};
use super::server::{Hit, Server};
use crate::client::error::{ClientError, exit};
use crate::client::note_options::{CatOptions, LsOptions, SearchOptions};
use crate::client::output::{complain, write_json, write_line};
use crate::client::plain;

pub(super) fn cat(options: &CatOptions) -> Result<u8, ClientError> {
    let server = Server::of(&options.place)?;
    let id = find_one(&server, &options.note)?;
    let document = server.read(id)?;
    let document = document.ok_or_else(|| ClientError::Usage(format!("{:?} was deleted", options.note)))?;
    let content = document.content.ok_or_else(|| {
        ClientError::Document(
            "the server cannot show its text now; `landfall admin verify` says whether it is damaged".to_owned(),
        )
    })?;
    if options.place.json {
        let title = document.title;
        write_json(
            &json!({ "document_id": id.to_string(), "title": title, "version": document.version, "content": content }),
        );
    } else {
        write_exactly(&content)?;
    }
    Ok(exit::IN_SYNC)
}

/// Byte for byte, unless a terminal would act on it.
///
/// # Errors
/// `Io` if it cannot be written: half a text is none.
pub(super) fn write_exactly(text: &str) -> Result<(), ClientError> {
    let mut out = io::stdout().lock();
    let shown = if out.is_terminal() { plain::lines(text) } else { text.to_owned() };
    let written = out.write_all(shown.as_bytes()).and_then(|()| out.flush());
    written.map_err(|cause| ClientError::io("standard output", cause))
}

pub(super) fn list(options: &LsOptions) -> Result<u8, ClientError> {
    let notes = named(Server::of(&options.place)?.list(None)?);
    for note in notes.iter().filter(|note| note.name.starts_with(&options.prefix)) {
        let document = &note.document;
        if options.place.json {
            write_json(&json!({
                "document_id": document.document_id.to_string(), "name": note.name, "title": document.title,
                "version": document.version, "updated_at": document.updated_at,
            }));
        } else {
            write_line(&note.name);
        }
    }
    Ok(exit::IN_SYNC)
}

pub(super) fn search(options: &SearchOptions) -> Result<u8, ClientError> {
    let words = options.words.join(" ");
    let limit = usize::try_from(options.limit).unwrap_or(usize::MAX);
    let found = Server::of(&options.place)?.search(&words, limit)?;
    for hit in &found {
        if options.place.json {
            let snippet: Vec<_> = hit.snippet.iter().map(|one| json!({ "text": one.text, "mark": one.mark })).collect();
            write_json(&json!({
                "document_id": hit.document_id.to_string(), "title": hit.title, "version": hit.version,
                "updated_at": hit.updated_at, "snippet": snippet,
            }));
        } else {
            show(hit);
        }
    }
    if found.is_empty() && !options.place.json {
        complain(&format!("nothing has {words}"));
    }
    Ok(exit::IN_SYNC)
}

/// The title, and one line of the text; what was searched for is bold on a terminal.
fn show(hit: &Hit) {
    write_line(&hit.title);
    let bold = Style::new().bold();
    let is_terminal = io::stdout().is_terminal();
    let snippet: String = hit
        .snippet
        .iter()
        .map(|stretch| {
            let text = plain::one_line(&stretch.text.split_whitespace().collect::<Vec<_>>().join(" "));
            let before = if stretch.text.starts_with(char::is_whitespace) { " " } else { "" };
            let after = if stretch.text.ends_with(char::is_whitespace) && !text.is_empty() { " " } else { "" };
            let text = if stretch.mark && is_terminal { bold.apply_to(text).to_string() } else { text };
            format!("{before}{text}{after}")
        })
        .collect();
    if !snippet.trim().is_empty() {
        // The stretches are plain by now; the style is our own.
        drop(writeln!(io::stdout().lock(), "    {}", snippet.trim()));
    }
}
