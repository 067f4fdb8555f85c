//! Ten thousand files: they come through, cost little memory, and are not touched again when nothing is to do.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::Child;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::place::{Desk, Place};

const FILES: usize = 10_000;
/// A bound for the program, whatever the number of files.
const MAX_PEAK_KIB: u64 = 80 * 1024;

fn path(n: usize) -> String {
    format!("{:02}/{}/{n:05}.md", n % 97, n % 5)
}

/// What must stay as it is when nothing is written: size, time and inode of each file.
fn looks(place: &Place) -> BTreeMap<String, (u64, i64, i64, u64)> {
    let look = |path: String| {
        let metadata = fs::metadata(place.path(&path)).unwrap();
        (path, (metadata.size(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino()))
    };
    place.files().into_keys().map(look).collect()
}

/// Syncs, and looks at the memory all the while; its events, and the peak in KiB.
fn sync_measured(place: &Place, arguments: &[&str]) -> (Vec<Value>, u64) {
    let mut child = place.spawn(&[&["sync", "--json", "--batch-size", "100"], arguments].concat());
    let mut stdout = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut said = String::new();
        stdout.read_to_string(&mut said).unwrap();
        said
    });
    let peak = peak_kib(&mut child);
    let said = reader.join().unwrap();
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert!(child.wait().unwrap().success(), "{complaints}");
    (said.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), peak)
}

/// The most memory that a program has had in use, once it has ended. The system keeps the peak, so looking now and then
/// misses that of the last moment alone.
fn peak_kib(child: &mut Child) -> u64 {
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak_of(child.id()).unwrap_or(peak);
        thread::sleep(Duration::from_millis(20));
    }
    peak
}

/// `None` for a process that has just ended.
fn peak_of(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn count(events: &[Value], name: &str) -> usize {
    events.iter().filter(|event| event["event"] == name).count()
}

/// Versions and times of documents: what is stored of one shows there.
fn first_documents(desk: &Desk) -> Vec<(Value, Value)> {
    let page = desk.ada.list("&page_size=500").expect(200);
    page.items().iter().map(|item| (item["version"].clone(), item["updated_at"].clone())).collect()
}

#[test]
fn ten_thousand_files() {
    // Her token is used again after two long syncs.
    let desk = Desk::with(&[("LANDFALL_ACCESS_TOKEN_S", "7200")]);
    let (here, there) = (desk.place(), desk.place());
    for n in 0..FILES {
        here.write(&path(n), format!("# Note {n}\n\nOf {} words, naïve 文 🎈.\n", n % 13));
    }
    let (events, peak) = sync_measured(&here, &[]);
    assert_eq!((count(&events, "pushed"), &events.last().unwrap()["pushed"]), (FILES, &FILES.into()));
    assert!(peak < MAX_PEAK_KIB, "{peak} KiB for the first sync");

    let (events, peak) = sync_measured(&there, &[]);
    assert_eq!((count(&events, "written"), count(&events, "pushed")), (FILES, 0));
    assert!(peak < MAX_PEAK_KIB, "{peak} KiB for the second folder");
    assert_eq!(here.files().len(), FILES);
    assert!(here.files() == there.files(), "byte by byte");

    let before = (looks(&here), looks(&there), first_documents(&desk));
    for place in [&here, &there] {
        let (events, peak) = sync_measured(place, &[]);
        assert_eq!((count(&events, "pushed"), count(&events, "written"), count(&events, "problem")), (0, 0, 0));
        let last = events.last().unwrap();
        assert_eq!((&last["pushed"], &last["pulled"], &last["progress"]["total"]), (&0.into(), &0.into(), &0.into()));
        assert!(peak < MAX_PEAK_KIB, "{peak} KiB for nothing to do");
    }
    assert!(before == (looks(&here), looks(&there), first_documents(&desk)), "nothing to do writes nothing");

    here.write(&path(4_711), "# Note 4711, changed\n");
    let (events, _) = sync_measured(&here, &[]);
    let pushed: Vec<_> = events.iter().filter(|event| event["event"] == "pushed").collect();
    assert_eq!(pushed.len(), 1);
    assert_eq!((&pushed[0]["path"], &pushed[0]["operation"]), (&path(4_711).into(), &"update".into()));
    let (events, _) = sync_measured(&there, &[]);
    assert_eq!((count(&events, "written"), count(&events, "pushed")), (1, 0));
    assert_eq!(there.read(&path(4_711)), "# Note 4711, changed\n");
    let runs = desk.ada.get(&format!("/api/v1/syncs?workspace_id={}", desk.ada.workspace_id)).expect(200);
    assert_eq!(runs.column("succeeded"), [1, FILES], "one operation, and no run for nothing to do");
    let changed: Vec<String> =
        looks(&there).into_iter().filter(|look| before.1[&look.0] != look.1).map(|look| look.0).collect();
    assert_eq!(changed, [path(4_711)]);
}
