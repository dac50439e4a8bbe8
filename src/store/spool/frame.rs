//! Records in a segment, and what is left of them after a crash or a bad disk.
//!
//! A frame is a mark (4 bytes), the record's length (4, little-endian), a checksum (16), and the record. The checksum covers the segment's number and
//! the frame's place in it, too: bytes that got anywhere else are no frame. So whoever has lost the thread finds the next frame by trying.

use super::record;
use crate::store::NewLead;

/// The longest record, in bytes. A post is a good deal shorter.
pub const LONGEST: usize = 1 << 20;
/// What a frame adds to its record, in bytes.
pub const HEAD: usize = 24;

const MARK: [u8; 4] = *b"LFS\x01";

/// Appends a frame to `out`. `at` is where in the segment it begins.
pub fn put(number: u64, at: u64, record: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&(record.len() as u32).to_le_bytes());
    out.extend_from_slice(&checksum(number, at, record));
    out.extend_from_slice(record);
}

fn checksum(number: u64, at: u64, record: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_le_bytes()).update(&at.to_le_bytes()).update(record);
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    short
}

/// What a stretch of a segment holds.
#[derive(Debug, Default)]
pub struct Reading {
    /// Whole leads in order, each with the place where its frame ends.
    pub leads: Vec<(NewLead, u64)>,
    /// Stretches between whole frames that can't be read, from and to.
    pub damaged: Vec<(u64, u64)>,
    /// Where the last whole frame ends.
    pub end: u64,
    /// Whether there are bytes beyond `end`, with no whole frame among them: [torn](is_torn), or damaged.
    pub tail: bool,
}

/// Reads up to `most` leads of a segment from `bytes`, which begin at the place `at`.
pub fn read(number: u64, at: u64, bytes: &[u8], most: usize) -> Reading {
    let mut reading = Reading { end: at, ..Reading::default() };
    let mut place = 0;
    while place < bytes.len() && reading.leads.len() < most {
        let Some((start, frame)) = next(number, at, bytes, place) else {
            reading.tail = true;
            break;
        };
        if start > place {
            reading.damaged.push((at + place as u64, at + start as u64));
        }
        place = start + HEAD + frame.len();
        reading.end = at + place as u64;
        match record::decode(frame) {
            Some(lead) => reading.leads.push((lead, reading.end)),
            None => reading.damaged.push((at + start as u64, reading.end)),
        }
    }
    reading
}

/// Whether these bytes, which no whole frame follows, may be a frame that was begun and not ended. Others were whole once, or never a frame.
pub fn is_torn(bytes: &[u8]) -> bool {
    bytes.len() < HEAD || head(bytes).is_some_and(|head| head.rest.len() < head.length)
}

/// The first whole frame at `place` or after it: where it begins, and its record.
fn next(number: u64, at: u64, bytes: &[u8], place: usize) -> Option<(usize, &[u8])> {
    (place..bytes.len()).find_map(|start| Some((start, whole(number, at + start as u64, bytes.get(start..)?)?)))
}

/// The record of the frame that `bytes` begin with, if it is whole.
fn whole(number: u64, at: u64, bytes: &[u8]) -> Option<&[u8]> {
    let head = head(bytes)?;
    let record = head.rest.get(..head.length)?;
    (checksum(number, at, record) == *head.sum).then_some(record)
}

/// What a frame begins with, and all that follows.
struct Head<'a> {
    /// Bytes of the record.
    length: usize,
    sum: &'a [u8; 16],
    rest: &'a [u8],
}

/// The head that `bytes` begin with, if it is whole and may be one.
fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let rest = bytes.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<16>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= LONGEST)?;
    Some(Head { length, sum, rest })
}
