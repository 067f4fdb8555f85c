//! The pool of workers: what a document can do to one, and what it cannot do to the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

mod yjs_support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use landfall::yjs::render::{RenderConfig, RenderError, Renderer};
use yjs_support::hand::{in_root, text, update};
use yjs_support::renderer;

fn document(content: &str) -> Vec<u8> {
    update(&[(1, 0, vec![in_root("content", &text(content))])], &[])
}

/// Processes started by this one that still run, or ended and were not reaped.
fn children() -> Vec<String> {
    let mut children = Vec::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let listed = fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        children.extend(listed.split_whitespace().map(str::to_owned));
    }
    children
}

/// Holds up all workers that there are, for ever.
fn hold_up_workers() {
    for worker in children() {
        assert!(Command::new("sh").arg("-c").arg(format!("kill -STOP {worker}")).status().unwrap().success());
    }
}

/// One test, since the processes are counted: what others start at the same time would be counted too.
#[test]
fn workers_are_reused_replaced_and_reaped() {
    let pool = renderer(2, Duration::from_secs(20));
    assert!(children().is_empty());
    for round in 0..20 {
        assert_eq!(pool.render(&[document(&format!("text {round}"))]).unwrap(), format!("text {round}"));
    }
    let first = children();
    assert_eq!(first.len(), 1, "one caller at a time needs one worker");

    assert!(matches!(pool.render(&[vec![1, 2, 3]]), Err(RenderError::Damaged(_))));
    assert_eq!(children(), first, "a worker that says no is as good as before");

    // Two at once, over and over: never more than two workers.
    thread::scope(|scope| {
        for caller in 0..6 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..5 {
                    let expected = format!("caller {caller}, round {round}");
                    assert_eq!(pool.render(&[document(&expected)]).unwrap(), expected);
                }
            });
        }
    });
    assert!(children().len() <= 2);

    drop(pool);
    assert_eq!(children(), Vec::<String>::new(), "dropping the pool ends its workers");

    let impatient = renderer(1, Duration::from_secs(5));
    let started = Instant::now();
    assert_eq!(impatient.render(&[document("first")]).unwrap(), "first");
    hold_up_workers();
    let Err(RenderError::Slow(reason)) = impatient.render(&[document("held up")]) else { panic!("it was rendered") };
    assert!(reason.contains("longer than"), "{reason}");
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(children(), Vec::<String>::new(), "a worker that is too slow is killed and reaped");
    assert_eq!(impatient.render(&[document("next")]).unwrap(), "next");

    drop(impatient);

    let small = Renderer::new(RenderConfig {
        program: PathBuf::from(env!("CARGO_BIN_EXE_landfall")),
        workers: 1,
        max_memory_bytes: 400 << 20,
        time_budget: Duration::from_secs(20),
    });
    assert_eq!(small.render(&[document("small")]).unwrap(), "small");
    let Err(RenderError::Slow(reason)) = small.render(&[document(&"x".repeat(100 << 20))]) else {
        panic!("100 MiB were rendered in less")
    };
    assert!(reason.contains("died"), "{reason}");
    assert_eq!(small.render(&[document("small again")]).unwrap(), "small again");
    drop(small);

    let unable = Renderer::new(RenderConfig {
        program: PathBuf::from("/nonexistent/landfall"),
        workers: 1,
        max_memory_bytes: 1 << 30,
        time_budget: Duration::from_secs(20),
    });
    assert!(matches!(unable.render(&[document("x")]), Err(RenderError::Unavailable(_))));
    let cramped = Renderer::new(RenderConfig {
        program: PathBuf::from(env!("CARGO_BIN_EXE_landfall")),
        workers: 1,
        max_memory_bytes: 64 << 20,
        time_budget: Duration::from_secs(20),
    });
    let outcome = cramped.render(&[document("x")]);
    assert!(
        matches!(outcome, Err(RenderError::Unavailable(_))),
        "no room for its stack is not the document's fault: {outcome:?}"
    );
    assert_eq!(children(), Vec::<String>::new());
}
