//! Segments of the spool: never a panic, and what is whole stays whole whatever comes after it.
#![no_main]

use leadflow::store::spool::{frame, record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(lead) = record::decode(bytes) else {
        frame::read(1, 0, bytes, usize::MAX);
        return;
    };
    let mut segment = Vec::new();
    frame::put(1, 0, &record::encode(&lead), &mut segment);
    let whole = segment.len() as u64;
    segment.extend_from_slice(bytes);
    let reading = frame::read(1, 0, &segment, usize::MAX);
    assert_eq!((reading.leads.len(), reading.end, reading.tail), (1, whole, true));
});
