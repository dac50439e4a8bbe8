//! JSON bodies: never a panic, and never more values than the limit.
#![no_main]

use leadflow::api::lead_source::Format;
use leadflow::formats::{self, MOST_VALUES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(posted) = formats::read(Format::JSON, body) {
        assert!(posted.len() <= MOST_VALUES);
        assert!(serde_json_takes(body), "taken here, and not JSON");
    }
});

/// Whether it is JSON by the letter, whatever its limits here.
fn serde_json_takes(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}
