//! Where a lead is: its ZIP's place, the ZIPs around a point, its time zones, and whether it may be called now.
//!
//! All of it is read from files below `data/` that are part of the program, at their first use. `docs/quiet-hours.md` tells where they come from.

mod area_code;
mod calling;
mod circle;
mod holiday;
mod hours;
mod location;
mod state;
mod zip;

pub use calling::{Calling, calling};
pub use circle::{Center, CircleError, Distance, within};
pub use hours::{Hours, QuietHours, StateHours, quiet_hours};
pub use location::{Location, zones};
pub use zip::{Place, zip, zips};

/// The lines of one of the tables that are written by hand: cells between commas, without notes and headings.
fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split(',').collect())
}
