//! Builds OpenSSL from the sources that the package `openssl-src` brings, without what libpq never calls: that is more
//! than half of it.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Protocols and programs that libpq does not use; ciphers and digests that no TLS of today negotiates.
const LEFT_OUT: &[&str] = &[
    "apps", "argon2", "aria", "bf", "blake2", "camellia", "cast", "cmp", "cms", "comp", "ct", "deprecated", "docs", "dsa", "dtls",
    "dynamic-engine", "ec2m", "engine", "gost", "http", "idea", "legacy", "lms", "md2", "md4", "mdc2", "ml-dsa", "module",
    "nextprotoneg", "ocb", "ocsp", "psk", "quic", "rc2", "rc4", "rc5", "rfc3779", "rmd160", "scrypt", "seed", "shared", "siphash",
    "siv", "slh-dsa", "sm2", "sm3", "sm4", "srp", "srtp", "ssl-trace", "ssl3", "tests", "ts", "ui-console", "weak-ssl-ciphers",
    "whirlpool", "zlib",
];

/// Where certificates are looked for that a connection's settings do not name.
const CERTIFICATES: &str = "/etc/ssl";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR")?;
    let (build, install) = (Path::new(&out).join("build"), Path::new(&out).join("install"));
    drop(std::fs::remove_dir_all(&build));
    std::fs::create_dir_all(&build)?;

    let mut configure = Command::new(std::env::var("PERL").unwrap_or_else(|_unset| "perl".to_owned()));
    configure.arg(openssl_src::source_dir().join("Configure")).current_dir(&build);
    if let Some(target) = target()? {
        configure.arg(target);
    }
    configure.arg(format!("--prefix={}", install.display())).arg(format!("--openssldir={CERTIFICATES}")).arg("--libdir=lib");
    configure.args(LEFT_OUT.iter().map(|name| format!("no-{name}")));
    run(&mut configure)?;

    run(make(&build)?.arg("build_libs"))?;
    run(make(&build)?.arg("install_dev"))?;
    // Objects and sources that are of no more use, and many.
    drop(std::fs::remove_dir_all(&build));

    println!("cargo::rustc-link-search=native={}", install.join("lib").display());
    println!("cargo::rustc-link-lib=static=ssl");
    println!("cargo::rustc-link-lib=static=crypto");
    println!("cargo::metadata=include={}", install.join("include").display());
    Ok(())
}

/// OpenSSL's name for the machine that is built for; none where that is this one, which it finds out by itself.
fn target() -> Result<Option<&'static str>, String> {
    let (host, target) = (std::env::var("HOST").unwrap_or_default(), std::env::var("TARGET").unwrap_or_default());
    match target.as_str() {
        _ if host == target => Ok(None),
        "x86_64-unknown-linux-gnu" | "x86_64-unknown-linux-musl" => Ok(Some("linux-x86_64")),
        "aarch64-unknown-linux-gnu" | "aarch64-unknown-linux-musl" => Ok(Some("linux-aarch64")),
        "x86_64-apple-darwin" => Ok(Some("darwin64-x86_64-cc")),
        "aarch64-apple-darwin" => Ok(Some("darwin64-arm64-cc")),
        other => Err(format!("OpenSSL's name for {other} is not known: add it to crates/openssl-sys/build.rs")),
    }
}

/// Make, which shares the processors with cargo's other jobs where it can.
fn make(build: &Path) -> Result<Command, Box<dyn Error>> {
    let mut make = Command::new("make");
    make.current_dir(build);
    match std::env::var("CARGO_MAKEFLAGS") {
        Ok(flags) => make.env("MAKEFLAGS", flags),
        Err(_unset) => make.arg(format!("-j{}", std::env::var("NUM_JOBS")?)),
    };
    Ok(make)
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|failure| {
        format!("{program} cannot be run ({failure}): building OpenSSL needs perl and make (Debian: build-essential)")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let end: Vec<&str> = said.lines().rev().take(30).collect();
    Err(format!("{command:?} failed:\n{}", end.into_iter().rev().collect::<Vec<_>>().join("\n")).into())
}
