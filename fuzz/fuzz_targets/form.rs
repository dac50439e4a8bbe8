//! Form bodies: never a panic, and never more values than the limit.
#![no_main]

use leadflow::api::lead_source::Format;
use leadflow::formats::{self, MOST_VALUES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(posted) = formats::read(Format::Form, body) {
        assert!(posted.len() <= MOST_VALUES);
    }
});
