//! What the spool knows of itself. All of it is under one lock, which is never held across IO.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::frame;
use super::index::Index;
use crate::store::{Appended, NewLead};

/// How many leads share a flush, or a commit when they are drained.
pub(super) const TOGETHER: usize = 256;
/// A segment that is as long as this is followed by a new one, in bytes.
const LONG: u64 = 8 << 20;
/// The most leads, so that the index stays within 100 MB.
const MOST_LEADS: usize = 500_000;

/// How long a write that failed counts. What is not ready gets no posts, and only the next post shows whether it can be written again.
const BROKEN: SignedDuration = SignedDuration::from_secs(10);

/// Where new leads go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To the store.
    Direct,
    /// Behind those that wait in the spool.
    Spooling,
    /// The last batch is being drained: new leads wait for that, for a moment, and go to the store after it.
    HandingOver,
}

/// A file of leads.
#[derive(Debug)]
pub(super) struct Segment {
    pub number: u64,
    /// Bytes that are on disk for certain.
    pub length: u64,
    /// Leads that are not drained yet.
    pub leads: usize,
    /// Whether it holds what can't be read or was refused: it is set aside when it is drained, and not deleted.
    pub keep: bool,
}

#[derive(Debug)]
pub(super) struct State {
    pub mode: Mode,
    /// In order. New leads go to the end of the last one, if that is `open`.
    pub segments: VecDeque<Segment>,
    /// How far the first segment is drained.
    pub drained_to: u64,
    pub index: Index,
    /// Leads on their way into the spool.
    pub entering: usize,
    /// Whether the last segment may be written to.
    pub open: bool,
    /// Whether that is just being done.
    pub writing: bool,
    /// The number of the next segment.
    pub next: u64,
    /// Bytes of segments that were set aside: they take room, if only until the next start when somebody has removed them.
    pub set_aside: u64,
    pub most_bytes: u64,
    /// Why the last write failed, and when.
    pub broken: Option<(String, Timestamp)>,
    /// Whether the store took nothing the last time it was tried.
    pub away: bool,
}

/// What becomes of a lead that wants in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Write,
    /// Its key came with another lead that is here.
    Answer(Appended),
    Full,
}

/// Where a batch is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub number: u64,
    pub at: u64,
    /// Whether the segment is to be made first.
    pub new: bool,
}

impl State {
    pub fn new(most_bytes: u64) -> Self {
        Self {
            mode: Mode::Direct,
            segments: VecDeque::new(),
            drained_to: 0,
            index: Index::default(),
            entering: 0,
            open: false,
            writing: false,
            next: 1,
            set_aside: 0,
            most_bytes,
            broken: None,
            away: false,
        }
    }

    /// Leads that wait.
    pub fn leads(&self) -> usize {
        self.segments.iter().map(|segment| segment.leads).sum()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.set_aside + self.segments.iter().map(|segment| segment.length).sum::<u64>()
    }

    /// Whether so many more bytes and leads fit in.
    pub fn has_room(&self, bytes: u64, leads: usize) -> bool {
        self.bytes() + bytes <= self.most_bytes && self.leads() + leads <= MOST_LEADS
    }

    /// Why leads can't be kept, if so.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        match &self.broken {
            Some((why, since)) if now.duration_since(*since).abs() < BROKEN => Some(format!("the spool can't be written: {why}")),
            _ => (!self.has_room((frame::HEAD + frame::LONGEST) as u64, 1)).then(|| "the spool is full".to_owned()),
        }
    }

    /// Where the next batch goes. Until [`written`](Self::written) or [`failed`](Self::failed) the segment is not taken away.
    pub fn begin(&mut self) -> Place {
        self.writing = true;
        if let Some(last) = self.segments.back()
            && self.open
            && last.length < LONG
        {
            return Place { number: last.number, at: last.length, new: false };
        }
        let number = self.next;
        self.next += 1;
        self.open = true;
        if self.segments.is_empty() {
            self.drained_to = 0;
        }
        self.segments.push_back(Segment { number, length: 0, leads: 0, keep: false });
        Place { number, at: 0, new: true }
    }

    /// The batch is on disk.
    pub fn written(&mut self, leads: &[NewLead], bytes: u64) {
        self.writing = false;
        self.broken = None;
        if let Some(last) = self.segments.back_mut() {
            last.length += bytes;
            last.leads += leads.len();
        }
        leads.iter().for_each(|lead| self.index.add(lead));
    }

    /// The batch is not on disk, or not for certain: nothing more is written to its segment. One without any leads is forgotten.
    pub fn failed(&mut self, why: String, now: Timestamp) {
        self.writing = false;
        self.open = false;
        self.broken = Some((why, now));
        self.segments.pop_back_if(|last| last.length == 0);
    }

    /// Leads of the first segment are drained up to a place.
    pub fn advance(&mut self, leads: &[NewLead], to: u64) {
        leads.iter().for_each(|lead| self.index.remove(lead));
        self.drained_to = to;
        if let Some(first) = self.segments.front_mut() {
            first.leads = first.leads.saturating_sub(leads.len());
        }
    }

    /// Takes the first segment away once all of it is drained and nobody writes to it.
    pub fn take_drained(&mut self) -> Option<Segment> {
        let first = self.segments.front()?;
        let last = self.segments.len() == 1;
        if self.drained_to < first.length || (last && self.writing) {
            return None;
        }
        if last {
            self.open = false;
            self.index.clear();
        }
        self.drained_to = 0;
        let first = self.segments.pop_front()?;
        if first.keep {
            self.set_aside += first.length;
        }
        Some(first)
    }

    /// The store did not take a lead that came here now: new ones go behind it.
    pub fn enter(&mut self) {
        self.entering += 1;
        if self.mode == Mode::Direct {
            self.mode = Mode::Spooling;
            self.away = true;
        }
    }

    /// Chooses the mode after a step of draining. True when new leads go to the store from now on.
    pub fn settle(&mut self) -> bool {
        let before = self.mode;
        self.mode = match before {
            _ if self.leads() == 0 && self.entering == 0 => Mode::Direct,
            // More than one batch came meanwhile: they are not kept waiting for what does not end.
            Mode::HandingOver if self.away || self.leads() > TOGETHER => Mode::Spooling,
            Mode::Spooling if !self.away && self.leads() <= TOGETHER => Mode::HandingOver,
            mode => mode,
        };
        self.mode == Mode::Direct && before != Mode::Direct
    }
}
