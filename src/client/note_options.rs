//! Commands on single notes, which need no folder, as they stand on the command line.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use crate::client::common_options::PatienceOptions;

/// What can be done with notes on a server.
#[derive(Debug, Subcommand)]
pub enum NoteCommand {
    /// Print the text of a note
    #[command(after_help = "Example:\n  landfall cat plans/2027 --server https://notes.example.org")]
    Cat(CatOptions),
    /// List the notes
    #[command(after_help = "Examples:\n  landfall ls\n  landfall ls plans/ --json")]
    Ls(LsOptions),
    /// Find notes by the words in their titles and texts
    #[command(after_help = "Examples:\n  landfall search oat milk\n  landfall search '\"oat milk\" -coffee'")]
    Search(SearchOptions),
    /// Find and replace in a note that others may be editing
    #[command(after_help = "Examples:\n  landfall edit Release --find 'version 1.3' --replace 'version 1.4'\n  \
                      landfall edit Release --find 1.3 --replace 1.4 --all --dry-run")]
    Edit(EditOptions),
    /// Make standard input the text of a note; what others change meanwhile stays
    #[command(after_help = "Examples:\n  landfall put Report < report.md\n  \
                      landfall cat List | sort | landfall put List")]
    Put(PutOptions),
    /// Add standard input at the end of a note
    #[command(after_help = "Example:\n  date | landfall append Log")]
    Append(AppendOptions),
}

/// Characters of the name of a change at most.
const MAX_ONCE_CHARS: usize = 128;

fn once_name(name: &str) -> Result<String, String> {
    match name.chars().count() {
        1..=MAX_ONCE_CHARS => Ok(name.to_owned()),
        0 => Err("a change needs a name of at least one character".to_owned()),
        count => Err(format!("it has {count} characters, and a name has {MAX_ONCE_CHARS} at most")),
    }
}

/// Where the notes are.
#[derive(Clone, Debug, Args)]
pub struct PlaceOptions {
    /// The server's address [default: that of the synced folder]
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The workspace's id or name on that server [default: the only one you have]
    #[arg(long, value_name = "ID_OR_NAME", requires = "server")]
    pub workspace: Option<String>,
    /// The synced folder whose server and login are used, or any folder in it
    #[arg(long, value_name = "FOLDER", default_value = ".", conflicts_with = "server")]
    pub folder: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How a note is written.
#[derive(Clone, Debug, Args)]
pub struct WriteOptions {
    /// Print the text as it would be, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Make the change once, however often the command is run with this name
    #[arg(long, value_name = "NAME", value_parser = once_name)]
    pub once: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub place: PlaceOptions,
}

/// Options of `cat`.
#[derive(Clone, Debug, Args)]
pub struct CatOptions {
    /// The note: its name as `landfall ls` shows it, or its id
    pub note: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub place: PlaceOptions,
}

/// Options of `ls`.
#[derive(Clone, Debug, Args)]
pub struct LsOptions {
    /// Only names that begin with this
    #[arg(default_value = "")]
    pub prefix: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub place: PlaceOptions,
}

/// Options of `search`.
#[derive(Clone, Debug, Args)]
pub struct SearchOptions {
    /// Words, "phrases", and -what must not be there (quoted, so that it is no option)
    #[arg(required = true, value_name = "WORDS")]
    pub words: Vec<String>,
    /// How many notes at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub place: PlaceOptions,
}

/// Options of `edit`.
#[derive(Clone, Debug, Args)]
pub struct EditOptions {
    /// The note: its name as `landfall ls` shows it, or its id
    pub note: String,
    /// The text to look for, which must be there once; may be given several times, each with its --replace
    #[arg(long, value_name = "TEXT", required = true, allow_hyphen_values = true,
          value_parser = NonEmptyStringValueParser::new())]
    pub find: Vec<String>,
    /// What takes its place
    #[arg(long, value_name = "TEXT", required = true, allow_hyphen_values = true)]
    pub replace: Vec<String>,
    /// Replace it wherever it is
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub write: WriteOptions,
}

/// Options of `put`.
#[derive(Clone, Debug, Args)]
pub struct PutOptions {
    /// The note: its name as `landfall ls` shows it, or its id; made if there is none of the name
    pub note: String,
    /// The version that the text was made from; what changed since is merged [default: the current one]
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(1..), conflicts_with = "force")]
    pub base: Option<i64>,
    /// Replace the text whatever others changed
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub write: WriteOptions,
}

/// Options of `append`.
#[derive(Clone, Debug, Args)]
pub struct AppendOptions {
    /// The note: its name as `landfall ls` shows it, or its id; made if there is none of the name
    pub note: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub write: WriteOptions,
}
