//! Packs pages into the binary: the editor (`web/dist`) for `src/http/editor.rs`, and Swagger UI for `src/http/pages.rs`.
//! Writes a table of each page's files, with their types, digests and compressed forms. Compressing here, once and as hard
//! as can be, makes the first load small and serving it a matter of copying bytes.
//!
//! Lists Postgres' migrations for `src/store/steps.rs`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// The built page, relative to the crate.
const DIST: &str = "web/dist";
/// The file that is the page itself.
const PAGE: &str = "index.html";
/// The files of our own on the page about the API.
const API_PAGE: &str = "src/http/api_page";
/// What that page uses of Swagger UI's many files.
const SWAGGER_UI: [&str; 4] = ["favicon-32x32.png", "index.css", "swagger-ui-bundle.js", "swagger-ui.css"];
/// Postgres' migrations, relative to the crate.
const STEPS: &str = "migrations/postgres";
/// Brotli's hardest setting, and the largest window that every browser takes (as its base-2 logarithm).
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;
const BUFFER_BYTES: usize = 1 << 16;
/// Bytes of a digest that go into an `ETag`: far beyond chance.
const TAG_BYTES: usize = 12;

/// A file to pack. Brotli takes long: it is for the page that people open every day.
struct Source {
    path: String,
    plain: Vec<u8>,
    with_brotli: bool,
}

fn main() {
    for input in ["build.rs", DIST, API_PAGE, STEPS] {
        println!("cargo::rerun-if-changed={input}");
    }
    for (table, sources) in [("editor_files", editor()), ("api_page_files", api_page())] {
        if let Err(failure) = sources.and_then(|sources| pack(table, sources)) {
            println!("cargo::error={table} cannot be packed into the binary: {failure}");
        }
    }
    if let Err(failure) = list_steps() {
        println!("cargo::error={STEPS} cannot be listed: {failure}");
    }
}

/// Writes the list of the migrations, in order: the name of each, its way up and its way down.
fn list_steps() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join(STEPS);
    let mut names =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, std::io::Error>>()?;
    names.sort();
    let mut text = String::from("[\n");
    for name in names {
        let [up, down] = ["up.sql", "down.sql"].map(|file| folder.join(&name).join(file));
        writeln!(text, "Step {{ name: {name:?}, up: include_str!({up:?}), down: include_str!({down:?}) }},")?;
    }
    text.push_str("]\n");
    fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("postgres_steps.rs"), text)?;
    Ok(())
}

fn editor() -> Result<Vec<Source>, Box<dyn Error>> {
    let dist = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join(DIST);
    if !dist.join(PAGE).is_file() {
        return Err(format!(
            "{DIST}/{PAGE} is missing. It is part of the source tree; `just web-build` makes it anew (needs Node)"
        )
        .into());
    }
    let mut paths = Vec::new();
    list(&dist, "", &mut paths)?;
    paths.into_iter().map(|path| Ok(Source { plain: fs::read(dist.join(&path))?, path, with_brotli: true })).collect()
}

fn api_page() -> Result<Vec<Source>, Box<dyn Error>> {
    let own = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join(API_PAGE);
    let mut paths = Vec::new();
    list(&own, "", &mut paths)?;
    let mut sources = Vec::new();
    for path in paths {
        sources.push(Source { plain: fs::read(own.join(&path))?, path, with_brotli: false });
    }
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for name in SWAGGER_UI {
        let ending = format!("/dist/{name}");
        let is_it = |inside: &str| inside.ends_with(&ending) && inside.matches('/').count() == 2;
        let inside = archive.file_names().filter_map(Result::ok).find(|inside| is_it(inside));
        let inside = inside.ok_or_else(|| format!("Swagger UI has no file {name}"))?.into_owned();
        let mut plain = Vec::new();
        archive.by_name(&inside)?.read_to_end(&mut plain)?;
        sources.push(Source { path: name.to_owned(), plain, with_brotli: false });
    }
    Ok(sources)
}

/// Writes the table, ordered by path, and the files that it includes.
fn pack(table: &str, mut sources: Vec<Source>) -> Result<(), Box<dyn Error>> {
    let packed = PathBuf::from(std::env::var("OUT_DIR")?);
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    let mut text = String::from("[\n");
    for (number, source) in sources.iter().enumerate() {
        text.push_str(&entry(source, &packed.join(format!("{table}-{number}")))?);
    }
    text.push_str("]\n");
    fs::write(packed.join(table).with_extension("rs"), text)?;
    Ok(())
}

/// Adds the paths of all files in a folder of the page, relative to the page and with `/` between their parts.
fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("{name:?} is no name for a URL"))?;
        let path = format!("{prefix}{name}");
        match (entry.file_type()?.is_dir(), prefix.is_empty()) {
            (true, true) => list(&entry.path(), &format!("{path}/"), files)?,
            (true, false) => return Err(format!("{path} is a folder in a folder: one level is served").into()),
            (false, _) => files.push(path),
        }
    }
    Ok(())
}

/// One file as an expression of Rust. Its forms are stored under the name `packed` with their own endings.
fn entry(source: &Source, packed: &Path) -> Result<String, Box<dyn Error>> {
    let Source { path, plain, with_brotli } = source;
    let (content_type, is_text) = content_type(path).ok_or_else(|| {
        format!("{path} has an ending whose content type nobody knows: add it to content_type() in build.rs")
    })?;
    let mut tag = String::new();
    for byte in Sha256::digest(plain).iter().take(TAG_BYTES) {
        write!(tag, "{byte:02x}")?;
    }
    let (mut in_brotli, mut in_gzip) = ("None".to_owned(), "None".to_owned());
    if is_text {
        in_gzip = stored(&packed.with_extension("gz"), plain, &gzip(plain)?)?;
    }
    if is_text && *with_brotli {
        in_brotli = stored(&packed.with_extension("br"), plain, &brotli(plain)?)?;
    }
    let as_it_is = packed.with_extension("plain");
    fs::write(&as_it_is, plain)?;
    Ok(format!(
        "    PackedFile {{ path: {path:?}, content_type: {content_type:?}, tag: {tag:?}, \
         plain: include_bytes!({as_it_is:?}), brotli: {in_brotli}, gzip: {in_gzip} }},\n"
    ))
}

/// Stores a compressed form, if it is worth it, and names it in an expression of Rust.
fn stored(place: &Path, plain: &[u8], compressed: &[u8]) -> Result<String, Box<dyn Error>> {
    if compressed.len() >= plain.len() {
        return Ok("None".to_owned());
    }
    fs::write(place, compressed)?;
    Ok(format!("Some(include_bytes!({place:?}))"))
}

fn brotli(plain: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, BUFFER_BYTES, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(plain)?;
    writer.flush()?;
    drop(writer);
    Ok(compressed)
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(plain)?;
    Ok(writer.finish()?)
}

/// The type that a file is served as, and whether it is text, so that compressing it helps.
fn content_type(path: &str) -> Option<(&'static str, bool)> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => ("text/html; charset=utf-8", true),
        "js" => ("text/javascript; charset=utf-8", true),
        "css" => ("text/css; charset=utf-8", true),
        "webmanifest" => ("application/manifest+json", true),
        "json" | "map" => ("application/json", true),
        "svg" => ("image/svg+xml", true),
        "txt" => ("text/plain; charset=utf-8", true),
        "ico" => ("image/vnd.microsoft.icon", true),
        "png" => ("image/png", false),
        "webp" => ("image/webp", false),
        "woff2" => ("font/woff2", false),
        _ => return None,
    })
}
