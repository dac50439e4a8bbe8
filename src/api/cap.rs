//! Caps: how much a recipient takes in a calendar window, and what happens when it is reached.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A limit on what a recipient takes in one calendar window of its own time zone, by count, by money, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.leads) || has(self.spend) || has(self.leadsOn)", "must give `leads`, `spend` or `leadsOn`"),
    validation = ("!has(self.leadsOn) || self.per == 'Day'", "`leadsOn` needs `per: Day`"),
    validation = ("!has(self.weekStartsOn) || self.per == 'Week'", "`weekStartsOn` needs `per: Week`"),
    validation = ("!(has(self.pacing) && self.pacing == 'Even') || (self.per != 'Total' && self.per != 'Hour')", "`pacing: Even` needs `per` Day, Week or Month"),
    validation = ("(has(self.whenReached) && self.whenReached == 'Fallback') == has(self.fallback)", "must give `fallback` with `whenReached: Fallback`, and only then")
)]
pub struct Cap {
    /// The window: an hour, day, week or month of the recipient's calendar, or all time.
    pub per: CapWindow,
    /// What counts. `Sold`: leads that the recipient took. `Sent`: leads that were offered to it, also those that it refused.
    #[serde(default)]
    pub counts: CapCounts,
    /// The most leads in one window. 0 takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub leads: Option<i64>,
    /// Other numbers of leads for single days of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_on: Option<Weekdays>,
    /// The most money in one window, in the buyer's currency, such as `"20000.00"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[0-9]+(\.[0-9]{1,2})?$"))]
    pub spend: Option<String>,
    /// The day that a week begins with; Monday when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week_starts_on: Option<WeekStart>,
    /// `Even` spreads the cap over the window's working time, so that a day's fifty are not gone by nine. `None` takes leads as they come.
    #[serde(default)]
    pub pacing: Pacing,
    /// What becomes of a lead that would be the recipient's, but for the cap. `NextCandidate`: the next one gets it. `Queue`: it waits for this
    /// recipient until the cap has room again. `Fallback`: the recipient named in `fallback` stands in.
    #[serde(default)]
    pub when_reached: WhenReached,
    /// Who stands in when the cap is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<RecipientRef>,
}

/// The calendar windows that a cap can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum CapWindow {
    Hour,
    Day,
    Week,
    Month,
    /// All time.
    Total,
}

/// What a cap counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum CapCounts {
    /// Leads that the recipient took.
    #[default]
    Sold,
    /// Leads that were offered to it.
    Sent,
}

/// Whether a cap is spread over its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Pacing {
    /// As they come.
    #[default]
    None,
    /// Spread over the window's working time.
    Even,
}

/// What becomes of a lead at the cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WhenReached {
    #[default]
    NextCandidate,
    Queue,
    Fallback,
}

/// The day that a week begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WeekStart {
    #[default]
    Monday,
    Saturday,
    Sunday,
}

/// Numbers of leads by day of the week; `leads` holds for days that are not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Weekdays {
    /// On Mondays.
    #[serde(default, rename = "Mo", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub monday: Option<i64>,
    /// On Tuesdays.
    #[serde(default, rename = "Tu", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub tuesday: Option<i64>,
    /// On Wednesdays.
    #[serde(default, rename = "We", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub wednesday: Option<i64>,
    /// On Thursdays.
    #[serde(default, rename = "Th", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub thursday: Option<i64>,
    /// On Fridays.
    #[serde(default, rename = "Fr", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub friday: Option<i64>,
    /// On Saturdays.
    #[serde(default, rename = "Sa", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub saturday: Option<i64>,
    /// On Sundays.
    #[serde(default, rename = "Su", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub sunday: Option<i64>,
}

/// Names a recipient of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = (
    "has(self.agent) ? !has(self.buyer) && !has(self.contract) : has(self.buyer) && has(self.contract)",
    "must give either `agent`, or both `buyer` and `contract`"
))]
pub struct RecipientRef {
    /// Name of an Agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub agent: Option<String>,
    /// Name of a Buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub buyer: Option<String>,
    /// Name of one of the buyer's contracts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub contract: Option<String>,
}

/// How much a recipient should get in one calendar window, for the method Attainment. Nothing stops it from getting more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The window: a day, week or month of the recipient's calendar.
    pub per: TargetWindow,
    /// The leads that it should get in one window.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub leads: i64,
}

/// The calendar windows that a target can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TargetWindow {
    Day,
    Week,
    Month,
}
