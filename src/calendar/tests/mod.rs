//! Calendars where clocks jump. What a window must be is worked out a second time, from the transitions that zdump prints.

mod availability;
mod given;
mod hours;
mod pacing;
mod text;
mod time_off;
mod windows;
mod zdump;
