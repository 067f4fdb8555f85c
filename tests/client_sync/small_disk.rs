//! A disk that gets full: a small file system of its own, or, where nobody may mount one, files that must not grow.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Mounts, says so, and keeps the mount until the test's end of the pipe is closed.
const KEEPER: &str = r#"mount -t tmpfs -o "size=$2k,mode=0755" tmpfs "$1" && echo ready && read -r _"#;
/// Runs a program from a directory of the place where the shell is.
const IN_DIRECTORY: &str = r#"cd "$1" && shift && exec "$@""#;
/// Runs a program that is told of files that must not grow, and not ended.
const TOLD_OF_LIMITS: &str = r#"trap '' XFSZ; exec "$@""#;
const BALLAST: &str = ".ballast";
/// Above this no file grows while a disk that could not be mounted counts as full.
const LIMIT_BYTES: u64 = 64 * 1024;

/// A directory with little room. Programs see it through [`around`](Self::around), the test through [`seen`](Self::seen).
pub struct SmallDisk {
    directory: PathBuf,
    kind: Kind,
}

enum Kind {
    /// A tmpfs in a mount namespace of its own, so that it is gone with its keeper, however the test ends.
    Mounted { keeper: Child, enter: Vec<String> },
    /// No right to mount: `RLIMIT_FSIZE` while it counts as full.
    Limited { is_full: Cell<bool> },
}

impl SmallDisk {
    /// Gives an empty directory so much room.
    pub fn on(directory: &Path, kib: u32) -> Self {
        let directory = directory.to_owned();
        let as_root: (&[&str], &[&str]) = (&["-m"], &["-m"]);
        let as_user: (&[&str], &[&str]) = (&["-r", "-m"], &["-U", "--preserve-credentials", "-m"]);
        for (unshare, enter) in [as_root, as_user] {
            if let Some(kind) = mount(&directory, kib, unshare, enter) {
                return Self { directory, kind };
            }
        }
        eprintln!("no file system can be mounted here; files that must not grow stand in for a full disk");
        Self { directory, kind: Kind::Limited { is_full: Cell::new(false) } }
    }

    /// Whether it is a file system of its own.
    #[allow(dead_code, reason = "the folder client takes what stands in for one")]
    pub fn is_mounted(&self) -> bool {
        matches!(self.kind, Kind::Mounted { .. })
    }

    /// Where the test finds what programs find at `path`.
    pub fn seen(&self, path: &Path) -> PathBuf {
        match &self.kind {
            Kind::Mounted { keeper, .. } => {
                Path::new("/proc").join(keeper.id().to_string()).join("root").join(path.strip_prefix("/").unwrap())
            }
            Kind::Limited { .. } => path.to_owned(),
        }
    }

    /// What a program's command line must begin with to be on this disk, in this directory.
    pub fn around(&self, directory: &Path) -> Vec<String> {
        let mut words = match &self.kind {
            Kind::Mounted { enter, .. } => enter.clone(),
            Kind::Limited { .. } => ["sh", "-c", TOLD_OF_LIMITS, "sh"].map(str::to_owned).to_vec(),
        };
        let directory = directory.to_str().unwrap();
        words.extend(["sh", "-c", IN_DIRECTORY, "sh", directory].map(str::to_owned));
        if let Kind::Limited { is_full } = &self.kind
            && is_full.get()
        {
            words.extend(["prlimit".to_owned(), format!("--fsize={LIMIT_BYTES}:")]);
        }
        words
    }

    /// The same command, on this disk.
    pub fn wrap(&self, command: &Command) -> Command {
        let words = self.around(command.get_current_dir().unwrap());
        let mut wrapped = Command::new(&words[0]);
        wrapped.args(&words[1..]).arg(command.get_program()).args(command.get_args());
        wrapped.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        wrapped.envs(command.get_envs().filter_map(|(name, value): (&OsStr, _)| Some((name, value?))));
        wrapped.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        wrapped
    }

    /// Leaves so much room, and no more. `running` is a program that has been started already.
    pub fn fill(&self, room_kib: u64, running: Option<u32>) {
        match &self.kind {
            Kind::Mounted { .. } => {
                let path = self.seen(&self.directory).join(BALLAST);
                let mut ballast = OpenOptions::new().create(true).append(true).open(path).unwrap();
                let full = loop {
                    if let Err(full) = ballast.write_all(&[1; 4_096]) {
                        break full;
                    }
                };
                assert_eq!(full.kind(), ErrorKind::StorageFull);
                let length = ballast.metadata().unwrap().len();
                ballast.set_len(length.saturating_sub(room_kib * 1_024)).unwrap();
            }
            Kind::Limited { is_full } => {
                is_full.set(true);
                set_limit(running, &format!("{LIMIT_BYTES}:"));
            }
        }
    }

    /// Takes the ballast off again.
    pub fn make_room(&self, running: Option<u32>) {
        match &self.kind {
            Kind::Mounted { .. } => match fs::remove_file(self.seen(&self.directory).join(BALLAST)) {
                Err(failure) if failure.kind() != ErrorKind::NotFound => panic!("{failure}"),
                _ => {}
            },
            Kind::Limited { is_full } => {
                is_full.set(false);
                set_limit(running, "unlimited:");
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Kind::Mounted { keeper, .. } = &mut self.kind {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// A tmpfs over the directory, in namespaces that `unshare` makes and that `nsenter` finds again; `None` without the right.
fn mount(directory: &Path, kib: u32, unshare: &[&str], enter: &[&str]) -> Option<Kind> {
    let mut keeper = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", KEEPER, "sh"])
        .arg(directory)
        .arg(kib.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut said = String::new();
    BufReader::new(keeper.stdout.take()?).read_line(&mut said).ok()?;
    let id = keeper.id().to_string();
    let mut words: Vec<String> = ["nsenter", "-t", &id].map(str::to_owned).to_vec();
    words.extend(enter.iter().map(|word| (*word).to_owned()));
    let is_entered = || {
        let mut probe = Command::new(&words[0]);
        probe.args(&words[1..]).arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if said.trim() == "ready" && is_entered() {
        return Some(Kind::Mounted { keeper, enter: words });
    }
    drop(keeper.stdin.take());
    let _ = keeper.wait();
    None
}

fn set_limit(running: Option<u32>, limit: &str) {
    let Some(id) = running else { return };
    let set = Command::new("prlimit").args(["--pid", &id.to_string(), &format!("--fsize={limit}")]).status();
    assert!(set.expect("prlimit, of util-linux").success());
}
