//! Progress while one long request is under way, and what can be asked meanwhile.

use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::place::Desk;
use super::proxy::{Deed, Gate, Proxy};

#[test]
fn a_long_request_does_not_silence_progress() {
    let desk = Desk::new();
    let gate = Gate::default();
    let held = gate.clone();
    let proxy = Proxy::start(&desk.url(), move |_, _| Deed::Hold(held.clone()));
    let place = desk.place_through(&proxy.url);
    for n in 0..5 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    let mut child = place.spawn(&["sync", "--json", "--timeout", "600"]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let events = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let mut ticks = events.filter(|event| event["event"] == "progress").skip_while(|event| event["total"] != 5);
    let first = ticks.next().unwrap();
    assert_eq!((&first["current_operation"], &first["percentage"]), (&"pushing".into(), &0.0.into()));
    assert_eq!(first["estimated_completion"], Value::Null, "nothing is done yet, so nothing is known");
    gate.wait_until_it_holds();
    // What was told before the batch was held may still be on its way here, and is less than this.
    for _ in 0..4 {
        assert_eq!(ticks.next().unwrap()["processed"], 0);
    }
    gate.open();
    let last = ticks.last().unwrap();
    assert_eq!((&last["processed"], &last["percentage"]), (&5.into(), &100.0.into()));
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_end_is_foretold_from_the_pace() {
    const STEP: Duration = Duration::from_secs(1);
    let desk = Desk::new();
    let (gate, asked) = (Gate::default(), Arc::new(Mutex::new(Vec::new())));
    let (held, noted) = (gate.clone(), Arc::clone(&asked));
    let proxy = Proxy::start(&desk.url(), move |n, _| {
        noted.lock().unwrap().push(Utc::now());
        if n == 2 { Deed::Hold(held.clone()) } else { Deed::Delay(STEP) }
    });
    let place = desk.place_through(&proxy.url);
    for n in 0..12 {
        place.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    let before = Utc::now();
    let mut child = place.spawn(&["sync", "--json", "--batch-size", "3", "--concurrency", "1", "--timeout", "600"]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut events = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let half = events.find(|event| event["event"] == "progress" && event["processed"] == 6).unwrap();
    let after = Utc::now();
    gate.open();
    // Half has taken two steps at least, and no longer than the program has run: the other half takes as long.
    let end: DateTime<Utc> = half["estimated_completion"].as_str().unwrap().parse().unwrap();
    let (earliest, latest) = (asked.lock().unwrap()[1] + 2 * STEP, after + (after - before) * 2);
    assert!(earliest <= end && end <= latest, "{end} is not between {earliest} and {latest}: {half}");
    let last = events.last().unwrap();
    assert_eq!(last["progress"]["estimated_completion"], Value::Null, "nothing is left");
    assert!(child.wait().unwrap().success());
}

#[test]
fn readers_work_beside_a_sync() {
    let desk = Desk::new();
    let gate = Gate::default();
    let held = gate.clone();
    let proxy = Proxy::start(&desk.url(), move |_, _| Deed::Hold(held.clone()));
    let place = desk.place_through(&proxy.url);
    place.write("a.md", "one\n");
    let mut child = place.spawn(&["sync", "--json", "--timeout", "600"]);
    gate.wait_until_it_holds();
    let status = place.run(&["status"]).expect(1);
    assert!(status.says(&["1 operations pending"]), "{}", status.stdout);
    place.run(&["conflicts"]).expect(0);
    place.run(&["retry", "--list"]).expect(0);
    assert!(place.run(&["history"]).expect(0).says(&["cut off"]), "a sync under way has no end yet");
    assert!(place.run(&["verify"]).status <= 1, "it compares, whatever it finds");
    assert!(place.run(&["sync"]).expect(2).says(&["another landfall command"]));
    assert_eq!(child.try_wait().unwrap(), None, "it was under way all the time");
    gate.open();
    assert!(child.wait_with_output().unwrap().status.success());
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
