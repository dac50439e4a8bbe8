//! Whether a recipient is there: pause, time off and hours together.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::hours::Hours;
use super::time_off::TimeOff;

/// All that says when a recipient takes leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Availability {
    /// None: at any time.
    pub hours: Option<Hours>,
    /// Where absences overlap, the first in this list counts.
    pub time_off: Vec<TimeOff>,
    /// Takes nothing until somebody says otherwise.
    pub paused: bool,
    pub zone: TimeZone,
}

/// An answer, and how long it holds: it is the same at each instant from the one asked for to just before `until`, and another at `until`.
/// Without `until` no change is in sight; ask again within [`LOOK_AHEAD`](super::hours::LOOK_AHEAD).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    Here { until: Option<Timestamp> },
    Away { why: AwayWhy, until: Option<Timestamp> },
}

/// Why somebody takes no leads. The first of these that holds is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwayWhy {
    /// By hand, with no end.
    Paused,
    /// On time off; `cover` stands in.
    TimeOff { cover: Option<Arc<str>> },
    /// Outside the hours.
    Closed,
}

impl Availability {
    /// Always there.
    pub fn always(zone: TimeZone) -> Self {
        Self { hours: None, time_off: Vec::new(), paused: false, zone }
    }

    /// Whether the recipient is there, and until when that holds. Costs microseconds and more: keep the answer until then.
    pub fn at(&self, now: Timestamp) -> Presence {
        let why = self.away(now);
        let until = if self.paused { None } else { self.change(now, &why) };
        match why {
            None => Presence::Here { until },
            Some(why) => Presence::Away { why, until },
        }
    }

    /// Whether the recipient is there.
    pub fn is_here(&self, now: Timestamp) -> bool {
        self.away(now).is_none()
    }

    /// Who stands in for the recipient, when it is on time off.
    pub fn cover(&self, now: Timestamp) -> Option<&Arc<str>> {
        let off = self.time_off.iter().filter(|_| !self.paused).find(|off| off.contains(now))?;
        off.cover.as_ref()
    }

    /// Why the recipient is away.
    fn away(&self, now: Timestamp) -> Option<AwayWhy> {
        if self.paused {
            return Some(AwayWhy::Paused);
        }
        if let Some(off) = self.time_off.iter().find(|off| off.contains(now)) {
            return Some(AwayWhy::TimeOff { cover: off.cover.clone() });
        }
        let open = self.hours.as_ref().is_none_or(|hours| hours.is_open(&self.zone, now));
        (!open).then_some(AwayWhy::Closed)
    }

    /// When the answer differs from `told`, which holds now: at an edge of a time off, or of the hours where those decide.
    fn change(&self, now: Timestamp, told: &Option<AwayWhy>) -> Option<Timestamp> {
        let hours_decide = !matches!(told, Some(AwayWhy::TimeOff { .. }));
        let turn = self.hours.as_ref().filter(|_| hours_decide).and_then(|hours| hours.next_change(&self.zone, now));
        let mut at = now;
        while let Some(edge) = self.edges().filter(|edge| *edge > at && turn.is_none_or(|turn| *edge < turn)).min() {
            if self.away(edge) != *told {
                return Some(edge);
            }
            at = edge;
        }
        turn
    }

    fn edges(&self) -> impl Iterator<Item = Timestamp> {
        self.time_off.iter().filter(|off| off.start < off.end).flat_map(|off| [off.start, off.end])
    }

    /// The spans of `from..to` in which the recipient is there by hours and time off, in order, apart from each other and cut to it. A pause
    /// is left out: nobody knows how long it lasts.
    pub(super) fn open_spans(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
        let mut add = |start: Timestamp, end: Timestamp| {
            match spans.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => spans.push((start, end)),
            }
            ControlFlow::<()>::Continue(())
        };
        let _ = match &self.hours {
            Some(hours) => hours.walk(&self.zone, from, to, add),
            None if from < to => add(from, to),
            None => ControlFlow::Continue(()),
        };
        for off in &self.time_off {
            spans = spans
                .into_iter()
                .flat_map(|(start, end)| [(start, end.min(off.start)), (start.max(off.end), end)])
                .filter(|(start, end)| start < end)
                .collect();
        }
        spans
    }
}
