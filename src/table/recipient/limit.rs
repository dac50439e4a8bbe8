//! What is counted of a recipient, and how much of it there may be.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::calendar::{Availability, Per, Window, pacing, window};
use crate::lead::RecipientKey;

/// Something that is counted, with the most that there may be of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub what: What,
    most: Most,
    week_start: Weekday,
    /// Spread over the working time of its window.
    paced: bool,
    pub reached: Reached,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// Leads that are open.
    Open,
    /// What open leads weigh.
    OpenWeight,
    /// Leads in a calendar window.
    Taken(Sold),
    /// Money in a calendar window, in hundredths.
    Spent(Sold),
}

/// Which leads count in which windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sold {
    pub per: Per,
    /// Also those that were offered and not taken.
    pub sent: bool,
}

impl Sold {
    /// Leads that were taken.
    pub fn each(per: Per) -> Self {
        Self { per, sent: false }
    }
}

/// How much there may be.
#[derive(Clone, Debug, PartialEq)]
enum Most {
    /// It is counted and not limited.
    Any,
    Each(i64),
    /// By day of the week, Monday first.
    OnDays([i64; 7]),
}

/// What becomes of a lead at the limit.
#[derive(Clone, Debug, PartialEq)]
pub enum Reached {
    NextCandidate,
    /// It waits for this recipient.
    Queue,
    /// Somebody stands in.
    Fallback(RecipientKey),
}

impl Limit {
    /// Something that is counted and not limited.
    pub fn counted(what: What) -> Self {
        Self { what, most: Most::Any, week_start: Weekday::Monday, paced: false, reached: Reached::NextCandidate }
    }

    pub fn at_most(what: What, most: i64) -> Self {
        Self { most: Most::Each(most), ..Self::counted(what) }
    }

    pub fn on_days(self, most: [i64; 7]) -> Self {
        Self { most: Most::OnDays(most), ..self }
    }

    pub fn week_starts_on(self, week_start: Weekday) -> Self {
        Self { week_start, ..self }
    }

    pub fn paced(self, paced: bool) -> Self {
        Self { paced, ..self }
    }

    pub fn when_reached(self, reached: Reached) -> Self {
        Self { reached, ..self }
    }

    pub fn is_limited(&self) -> bool {
        self.most != Most::Any
    }

    pub fn is_paced(&self) -> bool {
        self.paced
    }

    /// Whether a place stays taken when the lead is refused.
    pub fn is_kept(&self) -> bool {
        matches!(self.what, What::Taken(sold) | What::Spent(sold) if sold.sent)
    }

    /// The least that there may be on any day.
    pub fn least(&self) -> i64 {
        match &self.most {
            Most::Any => i64::MAX,
            Most::Each(most) => *most,
            Most::OnDays(days) => days.iter().copied().min().unwrap_or(0),
        }
    }

    fn per(&self) -> Per {
        match self.what {
            What::Open | What::OpenWeight => Per::Total,
            What::Taken(sold) | What::Spent(sold) => sold.per,
        }
    }

    /// The window that `now` is in, by the recipient's calendar.
    pub fn window(&self, zone: &TimeZone, now: Timestamp) -> Window {
        window(self.per(), self.week_start, zone, now)
    }

    /// The name of a window in the store.
    pub fn label(&self, window: &Window) -> String {
        match self.what {
            What::Open => "open".to_owned(),
            What::OpenWeight => "open/weight".to_owned(),
            What::Taken(Sold { sent: false, .. }) => window.label.clone(),
            What::Taken(Sold { sent: true, .. }) => format!("{}/sent", window.label),
            What::Spent(Sold { sent: false, .. }) => format!("{}/spend", window.label),
            What::Spent(Sold { sent: true, .. }) => format!("{}/sent-spend", window.label),
        }
    }

    /// The name of the stage in explanations.
    pub fn stage(&self) -> &'static str {
        match (self.what, self.per()) {
            (What::Open, _) => "open leads",
            (What::OpenWeight, _) => "open weight",
            (What::Taken(_), Per::Hour) => "cap hour",
            (What::Taken(_), Per::Day) => "cap day",
            (What::Taken(_), Per::Week) => "cap week",
            (What::Taken(_), Per::Month) => "cap month",
            (What::Taken(_), Per::Total) => "cap total",
            (What::Spent(_), Per::Hour) => "spend hour",
            (What::Spent(_), Per::Day) => "spend day",
            (What::Spent(_), Per::Week) => "spend week",
            (What::Spent(_), Per::Month) => "spend month",
            (What::Spent(_), Per::Total) => "spend total",
        }
    }

    /// The most in a window.
    pub fn most(&self, window: &Window, zone: &TimeZone) -> i64 {
        match &self.most {
            Most::Any => i64::MAX,
            Most::Each(most) => *most,
            Most::OnDays(days) => {
                let day = zone.to_datetime(window.start).date().weekday().to_monday_zero_offset();
                usize::try_from(day).ok().and_then(|day| days.get(day)).copied().unwrap_or(0)
            }
        }
    }

    /// The most that there may be at `now`: less than in the whole window when it is paced.
    pub fn allowed(&self, window: &Window, availability: &Availability, now: Timestamp) -> i64 {
        let most = self.most(window, &availability.zone);
        if self.paced { pacing::allowed(most, window, availability, now) } else { most }
    }

    /// When there will be room for `amount` beside what is used: later in the window when it is paced, else when the window ends. None for what only people
    /// end.
    pub fn room_at(&self, window: &Window, availability: &Availability, used: i64, amount: i64, now: Timestamp) -> Option<Timestamp> {
        let most = self.most(window, &availability.zone);
        let all = used.saturating_add(amount);
        let later =
            if self.paced && all <= most { pacing::next_allowed(most, all.saturating_sub(1), window, availability, now) } else { None };
        later.or(window.end)
    }
}
