mod circuits;
mod machine;
mod publishing;

use jiff::{SignedDuration, Timestamp};

/// Seconds after a fixed moment.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn plus(time: Timestamp, millis: i64) -> Timestamp {
    time + SignedDuration::from_millis(millis)
}
