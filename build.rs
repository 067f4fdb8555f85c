//! Packs the editor's built page (`web/dist`) into the binary: writes a table of its files for `src/http/editor.rs`,
//! each with its type, its digest and its compressed forms. Compressing here, once and as hard as can be, makes the
//! first load small and serving it a matter of copying bytes.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The built page, relative to the crate.
const DIST: &str = "web/dist";
/// The file that is the page itself.
const PAGE: &str = "index.html";
/// Brotli's hardest setting, and the largest window that every browser takes (as its base-2 logarithm).
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;
const BUFFER_BYTES: usize = 1 << 16;
/// Bytes of a digest that go into an `ETag`: far beyond chance.
const TAG_BYTES: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={DIST}");
    if let Err(failure) = pack() {
        println!("cargo::error=the editor cannot be packed into the binary: {failure}");
    }
}

fn pack() -> Result<(), Box<dyn Error>> {
    let dist = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join(DIST);
    let packed = PathBuf::from(std::env::var("OUT_DIR")?);
    if !dist.join(PAGE).is_file() {
        return Err(format!(
            "{DIST}/{PAGE} is missing. It is part of the source tree; `just web-build` makes it anew (needs Node)"
        )
        .into());
    }
    let mut files = Vec::new();
    list(&dist, "", &mut files)?;
    files.sort();
    let mut table = String::from("[\n");
    for (number, path) in files.iter().enumerate() {
        table.push_str(&entry(&dist, path, &packed.join(number.to_string()))?);
    }
    table.push_str("]\n");
    fs::write(packed.join("editor_files.rs"), table)?;
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
            (true, false) => return Err(format!("{DIST}/{path} is a folder in a folder: one level is served").into()),
            (false, _) => files.push(path),
        }
    }
    Ok(())
}

/// One file as an expression of Rust. Its compressed forms are stored under the name `packed` with their own endings.
fn entry(dist: &Path, path: &str, packed: &Path) -> Result<String, Box<dyn Error>> {
    let source = dist.join(path);
    let plain = fs::read(&source).map_err(|failure| format!("{}: {failure}", source.display()))?;
    let (content_type, is_text) = content_type(path).ok_or_else(|| {
        format!("{DIST}/{path} has an ending whose content type nobody knows: add it to content_type() in build.rs")
    })?;
    let mut tag = String::new();
    for byte in Sha256::digest(&plain).iter().take(TAG_BYTES) {
        write!(tag, "{byte:02x}")?;
    }
    let (mut in_brotli, mut in_gzip) = ("None".to_owned(), "None".to_owned());
    if is_text {
        in_brotli = stored(&packed.with_extension("br"), &plain, &brotli(&plain)?)?;
        in_gzip = stored(&packed.with_extension("gz"), &plain, &gzip(&plain)?)?;
    }
    Ok(format!(
        "    EditorFile {{ path: {path:?}, content_type: {content_type:?}, tag: {tag:?}, \
         plain: include_bytes!({source:?}), brotli: {in_brotli}, gzip: {in_gzip} }},\n"
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
