//! Progress while one long request is under way, and what can be asked meanwhile.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::bad_network::{Deed, Proxy};
use super::place::Desk;

/// How long the only batch takes.
const DELAY: Duration = Duration::from_secs(3);

#[test]
fn a_long_request_does_not_silence_progress() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let proxy = Proxy::start(place.url(), |_, _| Deed::Delay(DELAY));
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    for n in 0..5 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    let mut child = place.spawn(&["sync", "--json"]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let events: Vec<(Instant, Value)> =
        lines.map(|line| (Instant::now(), serde_json::from_str(&line).unwrap())).collect();
    assert!(child.wait().unwrap().success());
    let ticks: Vec<&(Instant, Value)> = events.iter().filter(|(_, event)| event["event"] == "progress").collect();
    let waiting = ticks.iter().filter(|(_, event)| event["processed"] == 0 && event["total"] == 5).count();
    assert!(waiting >= 4, "more than twice a second for three seconds, but {waiting} times: {ticks:?}");
    let longest = ticks.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
    assert!(longest < Duration::from_secs(2), "the longest silence was {longest:?}");
    let first = &ticks.iter().find(|(_, event)| event["total"] == 5).unwrap().1;
    assert_eq!((&first["current_operation"], &first["percentage"]), (&"pushing".into(), &0.0.into()));
    assert_eq!(first["estimated_completion"], Value::Null, "nothing is done yet, so nothing is known");
    let last = &ticks.last().unwrap().1;
    assert_eq!((&last["processed"], &last["percentage"]), (&5.into(), &100.0.into()));
}

#[test]
fn the_end_is_foretold_from_the_pace() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let proxy = Proxy::start(place.url(), |_, _| Deed::Delay(Duration::from_secs(1)));
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    for n in 0..12 {
        place.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    let before = chrono::Utc::now();
    let events = place.sync_json(0, &["--batch-size", "3", "--concurrency", "1"]);
    let after = chrono::Utc::now();
    let half = events.iter().filter(|event| event["event"] == "progress" && event["processed"] == 6);
    let foretold: Vec<chrono::DateTime<chrono::Utc>> =
        half.map(|event| event["estimated_completion"].as_str().unwrap().parse().unwrap()).collect();
    assert!(!foretold.is_empty(), "{events:?}");
    for end in foretold {
        let (earliest, latest) = (before + (after - before) / 2, after + (after - before));
        assert!(earliest < end && end < latest, "half way it foretold {end}, and it ended at {after}");
    }
    let last = events.last().unwrap();
    assert_eq!(last["progress"]["estimated_completion"], Value::Null, "nothing is left");
}

#[test]
fn readers_work_beside_a_sync() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let proxy = Proxy::start(place.url(), |_, _| Deed::Delay(DELAY));
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    place.write("a.md", "one\n");
    let mut child = place.spawn(&["sync", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"total\":1")), "the batch is under way");
    let status = place.run(&["status"]).expect(1);
    assert!(status.says(&["1 operations pending"]), "{}", status.stdout);
    place.run(&["conflicts"]).expect(0);
    place.run(&["retry", "--list"]).expect(0);
    assert!(place.run(&["history"]).expect(0).says(&["cut off"]), "a sync under way has no end yet");
    assert!(place.run(&["verify"]).status <= 1, "it compares, whatever it finds");
    assert!(place.run(&["sync"]).expect(2).says(&["another landfall command"]));
    assert!(lines.any(|line| line.contains("\"pushed\"")), "it was under way all the time");
    assert!(child.wait().unwrap().success());
    place.run(&["verify"]).expect(0);
}

#[test]
fn totals_are_of_all_syncs() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    for n in 0..3 {
        here.write(&format!("{n}.md"), format!("{n}\n"));
        here.sync();
    }
    there.write("there.md", "there\n");
    there.sync();
    here.sync();
    let status: Value = serde_json::from_str(&here.run(&["status", "--json"]).expect(0).stdout).unwrap();
    assert_eq!(status["totals"], serde_json::json!({ "syncs": 4, "pushed": 3, "pulled": 1, "failed": 0 }));
    assert_eq!((&status["last_sync"]["pushed"], &status["last_sync"]["pulled"]), (&0.into(), &1.into()));
    assert!(here.run(&["status"]).expect(0).says(&["all syncs", "4: 3 pushed, 1 pulled, 0 failed"]));
}
