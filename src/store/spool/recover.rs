//! What a process finds in the spool's folder when it starts.

use std::io;

use super::folder::{Folder, Found};
use super::frame;
use super::state::{Mode, Segment, State};

/// Reads all segments. A torn end, as a kill leaves it, is cut off: nobody was told that it is kept. What else can't be read is damage, and told.
/// Returns the state, and how many stretches are damaged.
pub(super) fn recover(folder: &Folder, found: &Found, most_bytes: u64) -> io::Result<(State, usize)> {
    let mut state = State::new(most_bytes);
    state.set_aside = found.set_aside.0;
    state.next = found.segments.last().copied().unwrap_or_default().max(found.set_aside.1) + 1;
    let mut damages = 0;
    for number in &found.segments {
        let bytes = folder.read(*number, 0, u64::MAX)?;
        let reading = frame::read(*number, 0, &bytes, usize::MAX);
        let mut length = bytes.len() as u64;
        let mut damaged = reading.damaged;
        let left = bytes.get(usize::try_from(reading.end).map_err(io::Error::other)?..).unwrap_or_default();
        if reading.tail && Some(number) == found.segments.last() && frame::is_torn(left) {
            tracing::info!(segment = number, bytes = length - reading.end, "the torn end of the spool is cut off");
            folder.cut(*number, reading.end)?;
            length = reading.end;
        } else if reading.tail {
            damaged.push((reading.end, length));
        }
        for (from, to) in &damaged {
            tracing::error!(segment = number, from, to, folder = %folder.path().display(), "part of the spool can't be read: leads may be lost");
        }
        damages += damaged.len();
        reading.leads.iter().for_each(|(lead, _)| state.index.add(lead));
        state.segments.push_back(Segment { number: *number, length, leads: reading.leads.len(), keep: !damaged.is_empty() });
    }
    let leads = state.leads();
    if leads > 0 {
        state.mode = Mode::Spooling;
        state.away = true;
        tracing::info!(leads, bytes = state.bytes(), folder = %folder.path().display(), "leads were found in the spool");
    }
    Ok((state, damages))
}
