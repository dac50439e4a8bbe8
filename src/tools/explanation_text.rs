//! An explanation as text for people.

use std::fmt::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::explanation::{Explanation, ShownDelivery, ShownState};
use crate::flow::decide::TURN;
use crate::lead::attempt::FailureCause;
use crate::lead::decision::{PassedOverWhy, TierTrace};
use crate::lead::delivery::Money;
use crate::lead::{Attempt, AttemptResult, Decision, State, UnmatchedReason};

/// Writes the explanation.
pub fn write(explanation: &Explanation, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "Lead {} from {}, arrived {}", explanation.lead, explanation.source, moment(explanation.arrived_at))?;
    outcome(explanation, out)?;
    if !explanation.fields.is_empty() {
        let rows = explanation
            .fields
            .iter()
            .map(|field| [field.name.clone(), field.value.clone().unwrap_or_else(|| "(personal, not shown)".to_owned())]);
        writeln!(out, "\nFields")?;
        columns(2, [Side::Left, Side::Left], &rows.collect::<Vec<_>>(), out)?;
    }
    for decision in &explanation.decisions {
        self::decision(decision, &explanation.deliveries, out)?;
    }
    for delivery in &explanation.deliveries {
        self::delivery(delivery, out)?;
    }
    Ok(())
}

fn outcome(explanation: &Explanation, out: &mut impl Write) -> fmt::Result {
    let outcome = &explanation.outcome;
    match outcome.state {
        State::Queued => writeln!(out, "Queued: waiting for a router, or being delivered"),
        State::Unmatched => writeln!(out, "Unmatched: {}", outcome.reason.map_or("nobody took it", unmatched)),
        State::Duplicate => match explanation.duplicate_of {
            Some(first) => writeln!(out, "Duplicate of lead {first}"),
            None => writeln!(out, "Duplicate"),
        },
        State::Delivered | State::Closed => {
            for taken in &outcome.taken_by {
                write!(out, "Delivered to {}", taken.recipient)?;
                if let Some(id) = &taken.record_id {
                    write!(out, ", record id {id}")?;
                }
                if let Some(price) = &taken.price {
                    write!(out, ", for {}", amount(price))?;
                }
                writeln!(out)?;
            }
            if outcome.state == State::Closed { writeln!(out, "Closed: the agent's work on it is over") } else { Ok(()) }
        }
    }
}

fn decision(decision: &Decision, deliveries: &[ShownDelivery], out: &mut impl Write) -> fmt::Result {
    let rules = decision.rules.get(..12).unwrap_or(&decision.rules);
    let shadow = if decision.shadow { " by a shadow: nothing came of it" } else { "" };
    writeln!(out, "\nDecision at {}, under rules {rules}{shadow}", moment(decision.inputs.now))?;
    for passed in &decision.passed_over {
        writeln!(out, "  policy {} was passed over: {}", passed.policy, passed_over(passed.why))?;
    }
    match &decision.policy {
        Some(policy) => writeln!(out, "  policy {policy} takes the lead")?,
        None => writeln!(out, "  no policy takes the lead")?,
    }
    if let Some(score) = &decision.score {
        let grade = score.grade.as_ref().map_or_else(|| "no grade".to_owned(), |grade| format!("grade {grade}"));
        let fired = if score.fired.is_empty() { "no rule held".to_owned() } else { score.fired.join(", ") };
        writeln!(out, "  score {}, {grade}: {fired}", score.points)?;
    }
    for tier in &decision.tiers {
        self::tier(tier, decision.policy.as_deref(), deliveries, out)?;
    }
    if let Some(reason) = decision.unmatched {
        writeln!(out, "  nobody to ask: {}", unmatched(reason))?;
    }
    if let Some(at) = decision.retry_at {
        writeln!(out, "  to be decided again at {}", moment(at))?;
    }
    Ok(())
}

fn tier(tier: &TierTrace, policy: Option<&str>, deliveries: &[ShownDelivery], out: &mut impl Write) -> fmt::Result {
    if !tier.used {
        return writeln!(out, "\n  tier {}: not used, its condition is not true", tier.tier);
    }
    let members = if tier.members == 1 { "recipient" } else { "recipients" };
    writeln!(out, "\n  tier {}, by {}: {} {members}", tier.tier, tier.method, tier.members)?;
    let mut left = tier.members;
    let stages = tier.stages.iter().map(|stage| {
        left = left.saturating_sub(stage.removed);
        let removed = if stage.removed == 0 { "0".to_owned() } else { format!("-{}", stage.removed) };
        [stage.name.to_string(), removed, format!("{left} left")]
    });
    columns(4, [Side::Left, Side::Right, Side::Right], &stages.collect::<Vec<_>>(), out)?;
    for one in &tier.stand_ins {
        writeln!(out, "    {} stands in for {}", one.stands_in, one.absent)?;
    }
    if let Some(comparison) = tier.comparison {
        let cents = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
        let alone = comparison.exclusive.map_or_else(|| "nothing".to_owned(), cents);
        writeln!(out, "    alone it brings {alone}, shared {}", cents(comparison.shared))?;
    }
    if let Some(recipient) = &tier.waits_for {
        writeln!(out, "    the lead waits for {recipient} to have room")?;
    }
    if tier.ranked.is_empty() {
        return writeln!(out, "    nobody is left");
    }
    let rows = tier.ranked.iter().enumerate().map(|(at, ranked)| {
        let fate = deliveries
            .iter()
            .rfind(|one| one.recipient == ranked.recipient && one.tier == tier.tier && Some(one.policy.as_str()) == policy);
        let fate = fate.map_or("", |delivery| state(delivery.state)).to_owned();
        let (value, fate) = match &ranked.error {
            Some(error) => ("none".to_owned(), format!("{fate} ({error})").trim_start().to_owned()),
            None => (compared(&tier.method, ranked.value), fate),
        };
        [format!("{}.", at + 1), ranked.recipient.to_string(), measure(&tier.method).to_owned(), value, fate]
    });
    columns(4, [Side::Right, Side::Left, Side::Left, Side::Right, Side::Left], &rows.collect::<Vec<_>>(), out)?;
    match (tier.left as usize).saturating_sub(tier.ranked.len()) {
        0 => Ok(()),
        more => writeln!(out, "    and {more} more"),
    }
}

fn delivery(delivery: &ShownDelivery, out: &mut impl Write) -> fmt::Result {
    write!(out, "\nDelivery {} to {} through {}: {}", delivery.number, delivery.recipient, delivery.endpoint, state(delivery.state))?;
    if let Some(id) = &delivery.record_id {
        write!(out, ", record id {id}")?;
    }
    if let Some(price) = &delivery.price {
        write!(out, ", for {}", amount(price))?;
    }
    writeln!(out, "\n  idempotency key {}", delivery.key)?;
    let rows = delivery.attempts.iter().map(|attempt| {
        let status = attempt.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        [format!("try {}", attempt.number), moment(attempt.at), format!("{} ms", attempt.millis), status, result(attempt)]
    });
    columns(2, [Side::Left, Side::Left, Side::Right, Side::Left, Side::Left], &rows.collect::<Vec<_>>(), out)
}

/// To which side the cells of a column are pushed.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Writes rows under each other, `indent` from the left.
fn columns<const N: usize>(indent: usize, sides: [Side; N], rows: &[[String; N]], out: &mut impl Write) -> fmt::Result {
    let widths: [usize; N] = std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
    for row in rows {
        let mut line = " ".repeat(indent);
        for ((cell, side), width) in row.iter().zip(sides).zip(widths) {
            match side {
                Side::Left => write!(line, "{cell:<width$}  ")?,
                Side::Right => write!(line, "{cell:>width$}  ")?,
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// What a method compares.
pub(super) fn measure(method: &str) -> &'static str {
    match method {
        "Score" => "score",
        "Priority" => "priority",
        "HighestPrice" => "pays",
        "Attainment" => "behind by",
        "LeastLoaded" => "load",
        "Sticky" => "",
        _ => "turn at",
    }
}

/// The compared value as people read it. The record holds what the method compares, the greater going first: turns and loads are negated there, prices in
/// hundredths. Turns are counted in turns of weight 1.
pub(super) fn compared(method: &str, value: f64) -> String {
    let value = match method {
        "Score" | "Priority" | "Attainment" => value,
        "HighestPrice" => value / 100.0,
        "LeastLoaded" => -value,
        // What the others than the owner were compared by, the record does not tell.
        "Sticky" => return String::new(),
        _ => -value / TURN as f64,
    };
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S.%3f UTC").to_string()
}

pub(super) fn amount(price: &Money) -> String {
    format!("{}.{:02} {}", price.minor / 100, price.minor % 100, price.currency)
}

pub(super) fn state(state: ShownState) -> &'static str {
    match state {
        ShownState::Open => "being asked",
        ShownState::Accepted => "took the lead",
        ShownState::Refused => "refused it",
        ShownState::Failed => "could not be reached",
    }
}

pub(super) fn passed_over(why: PassedOverWhy) -> &'static str {
    match why {
        PassedOverWhy::OtherSource => "it is for other sources",
        PassedOverWhy::ConditionFalse => "its condition is false",
        PassedOverWhy::ConditionFailed => "its condition reads a field that the lead lacks, or failed",
    }
}

pub(super) fn unmatched(reason: UnmatchedReason) -> &'static str {
    match reason {
        UnmatchedReason::NoPolicy => "no policy takes such a lead (NoPolicy)",
        UnmatchedReason::NobodyMatches => "no recipient's filters let it through (NobodyMatches)",
        UnmatchedReason::CapsReached => "all who match are at a cap or their capacity (CapsReached)",
        UnmatchedReason::EndpointsUnavailable => "the endpoints of all who match are tripped or paused (EndpointsUnavailable)",
        UnmatchedReason::AllRefused => "all who were asked refused, or could not be reached (AllRefused)",
        UnmatchedReason::TimeOver => "the policy's time was over (TimeOver)",
        UnmatchedReason::Unsettled => "an endpoint may or may not have taken it, and has not answered since (Unsettled)",
        UnmatchedReason::AllAway => "all who match are closed, on time off or paused (AllAway)",
        UnmatchedReason::QuietHours => "the law forbids to call the lead at that hour (QuietHours)",
        UnmatchedReason::Queued => "it waits for a recipient at its cap, as the cap declares (Queued)",
        UnmatchedReason::SkillMissing => "nobody who matches has a skill that the policy asks for (SkillMissing)",
    }
}

fn result(attempt: &Attempt) -> String {
    let text = match &attempt.result {
        AttemptResult::Accepted { .. } => "accepted".to_owned(),
        AttemptResult::Duplicate { .. } => "accepted: the far side had it already".to_owned(),
        AttemptResult::Refused { reason: Some(reason) } => format!("refused: {reason}"),
        AttemptResult::Refused { reason: None } => "refused".to_owned(),
        AttemptResult::Throttled => "throttled".to_owned(),
        AttemptResult::Failed { cause } => format!("failed: {}", cause_of(*cause)),
        AttemptResult::Ambiguous { cause } => format!("may have been taken: {}", cause_of(*cause)),
    };
    match attempt.retry_after {
        Some(seconds) => format!("{text}, asked to wait {seconds} s"),
        None => text,
    }
}

fn cause_of(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::Address => "the address is not allowed, or unknown",
        FailureCause::Connect => "no connection",
        FailureCause::Timeout => "no answer in time",
        FailureCause::Broken => "the connection broke",
        FailureCause::Status => "the far side failed",
        FailureCause::AnswerTooLarge => "the answer is too large",
        FailureCause::Secret => "a Secret is missing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(name: &str) -> String {
        let path = format!("{}/src/tools/testdata/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let explanation: Explanation = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut text = String::new();
        write(&explanation, &mut text).unwrap();
        text
    }

    #[test]
    fn a_delivered_lead_reads_well() {
        insta::assert_snapshot!(text_of("delivered"));
    }

    #[test]
    fn a_refused_and_unmatched_lead_reads_well() {
        insta::assert_snapshot!(text_of("unmatched"));
    }

    #[test]
    fn turns_show_as_positions_and_scores_as_they_are() {
        assert_eq!(compared("RoundRobin", -2.0 * TURN as f64), "2");
        assert_eq!(compared("Weighted", -0.0), "0");
        assert_eq!(compared("Score", 1.4), "1.4");
        assert_eq!(compared("Score", -0.25), "-0.25");
        assert_eq!((compared("HighestPrice", 4250.0), compared("LeastLoaded", -3.0)), ("42.5".to_owned(), "3".to_owned()));
        assert_eq!((measure("Sticky"), compared("Sticky", -1.0)), ("", String::new()));
    }
}
