//! `landfall keep` and `landfall accept`: a person's word on deletions that wait.

use super::conflicts::offline;
use crate::client::apply::guard::Word;
use crate::client::error::{ClientError, exit};
use crate::client::options::WordOptions;
use crate::client::report::{OutputKind, command, write_line};
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &WordOptions, word: Word) -> Result<u8, ClientError> {
    let workplace = Workplace::open(&options.folder.folder, Access::Change)?;
    let count = offline(workplace, OutputKind::People, |local| local.answer_guard(word))?;
    let done = match word {
        Word::Keep => "kept",
        Word::Accept => "accepted",
    };
    if count == 0 {
        write_line("no deletions are waiting");
    } else {
        let next = command("sync", &options.folder.folder, "");
        write_line(&format!("{count} {done}; next: {next}"));
    }
    Ok(exit::IN_SYNC)
}
