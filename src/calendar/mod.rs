//! Time as a recipient counts it: the calendar windows of caps, and when somebody is at work.
//!
//! Pure: a time zone and an instant go in, an answer comes out. What is costly says so and gives an answer that may be kept until the
//! instant it names.
//!
//! | module | answers |
//! |---|---|
//! | [`window`] | which hour, day, week or month a lead counts in, and when the next one begins |
//! | [`hours`] | opening hours with public holidays, as text |
//! | [`time_off`] | vacations, and who stands in |
//! | [`availability`] | all of it together: here or away, why, and until when |
//! | [`pacing`] | how much of a limit may be used by now, spread over the open time of a window |
//! | [`offsets`] | where a zone's clock jumps |

pub mod availability;
pub mod hours;
mod hours_text;
pub mod offsets;
pub mod pacing;
pub mod time_off;
pub mod window;

pub use availability::{Availability, AwayWhy, Presence};
pub use hours::Hours;
pub use pacing::OpenTime;
pub use time_off::TimeOff;
pub use window::{Per, Window, WindowClock, window};

#[cfg(test)]
mod tests;
