//! Any bytes are refused or sound: an update that the scanner accepts is told the same after it was squashed.

#![no_main]

use landfall::domain::limits::Limits;
use landfall::yjs::merge::squash;
use landfall::yjs::scan::{scan_state_vector, scan_update};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let caps = Limits::default().yjs;
    drop(scan_state_vector(bytes, &caps));
    let Ok(scanned) = scan_update(bytes.to_vec(), &caps) else { return };
    let squashed = squash(&[bytes.to_vec()]).expect("what was accepted can be squashed");
    let again = scan_update(squashed, &caps).expect("what was squashed is accepted");
    assert_eq!(again.deletes, scanned.deletes);
    assert_eq!(again.root_inserts, scanned.root_inserts);
    for span in &scanned.spans {
        assert!(again.spans.contains(span));
    }
});
