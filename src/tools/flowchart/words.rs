//! The parts of a policy in plain words.

use crate::api::routing_policy::{
    AfterAbsence, AfterTimeout, Group, LoadBy, Method, MethodType, OtherwiseType, Recipients, Scoring, SkillNeeded, Sticky,
};
use crate::api::shared::{LabelOperator, Selector};
use crate::tools::parties::Party;

/// Names that a label shows.
const NAMES: usize = 5;
/// Rules and grades that a label shows.
const RULES: usize = 16;
/// The longest name that is shown whole.
const NAME: usize = 40;

/// How much of a CEL text labels show, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(pub usize);

impl Width {
    /// A text, cut when it is too long.
    pub fn cut(self, text: &str) -> String {
        cut(text, self.0)
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most).chain(['…']).collect() }
}

/// `a, b, c and 4 more`.
pub fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let all = names.len();
    let shown: Vec<_> = names.take(NAMES).map(|name| cut(name, NAME)).collect();
    if all > shown.len() { format!("{} and {} more", shown.join(", "), all - shown.len()) } else { shown.join(", ") }
}

/// `1 agent`, `3 agents`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What a selector asks of labels: `team = west and tier in (a, b)`.
pub fn selector(selector: &Selector) -> String {
    let equal = selector.match_labels.iter().map(|(key, value)| format!("{} = {}", cut(key, NAME), cut(value, NAME)));
    let further = selector.match_expressions.iter().map(|wanted| {
        let key = cut(&wanted.key, NAME);
        let values = listed(wanted.values.iter().map(String::as_str));
        match wanted.operator {
            LabelOperator::In => format!("{key} in ({values})"),
            LabelOperator::NotIn => format!("{key} not in ({values})"),
            LabelOperator::Exists => format!("{key} is there"),
            LabelOperator::DoesNotExist => format!("{key} is not there"),
        }
    });
    equal.chain(further).collect::<Vec<_>>().join(" and ")
}

/// Who is in a tier, a line for agents and one for contracts.
pub fn members(to: &Recipients, members: &[Party<'_>]) -> Vec<String> {
    let line = |group: &Group, agents: bool| {
        let (one, many) = if agents { ("agent", "agents") } else { ("contract", "contracts") };
        let whose = if agents { "" } else { " of buyers" };
        let chosen = group.selector.as_ref().map(selector).filter(|text| !text.is_empty()).map(|text| format!("{whose} where {text}"));
        let by_name = if group.names.is_some() { " by name" } else { "" };
        let members: Vec<_> = members.iter().filter(|member| member.is_agent() == agents).collect();
        let names: Vec<_> = members.iter().map(|member| member.short()).collect();
        let paused = members.iter().filter(|member| member.paused()).count();
        let paused = if paused == 0 { String::new() } else { format!(", {paused} paused") };
        let kind = format!("{many}{by_name}{}", chosen.unwrap_or_default());
        if members.is_empty() {
            return format!("Nobody at present ({kind})");
        }
        let kind = if members.len() == 1 { kind.replacen(many, one, 1) } else { kind };
        format!("{} {kind}{paused} ({})", members.len(), listed(names.iter().map(String::as_str)))
    };
    let agents = to.agents.iter().map(|group| line(group, true));
    agents.chain(to.buyers.iter().map(|group| line(group, false))).collect()
}

/// In which order a method asks: what stands in "Order of asking (…)".
pub fn method(method: &Method, width: Width) -> String {
    let order = |kind| order(kind, method, width);
    match (method.kind, &method.sticky) {
        (MethodType::Sticky, Some(sticky)) => {
            let otherwise = sticky.otherwise.map(|otherwise| order(by_type(otherwise)));
            format!(
                "{}, then {}",
                known_owner(sticky),
                otherwise.map_or_else(|| "nobody else".to_owned(), |how| format!("the others, {how}"))
            )
        }
        (kind, _) => order(kind),
    }
}

fn known_owner(sticky: &Sticky) -> String {
    let days =
        sticky.within_days.map_or_else(String::new, |days| format!(" within {}", count(days.unsigned_abs() as usize, "day", "days")));
    format!("who had a lead with the same {}{days}", sticky.by.iter().map(|field| cut(field, NAME)).collect::<Vec<_>>().join(" or "))
}

fn order(kind: MethodType, method: &Method, width: Width) -> String {
    let missed = if method.after_absence == AfterAbsence::CatchUp { ", making up for turns missed" } else { "" };
    match kind {
        MethodType::Priority => "the highest priority first".to_owned(),
        MethodType::RoundRobin => format!("each in turn{missed}"),
        MethodType::Weighted => format!("in turn, by share of weight{missed}"),
        MethodType::Attainment => "who is furthest behind the target first".to_owned(),
        MethodType::HighestPrice => "who pays most first".to_owned(),
        MethodType::Score => {
            let expression = method.score.as_ref().map_or_else(String::new, |score| format!(", by {}", width.cut(&score.expression)));
            format!("the highest score first{expression}")
        }
        MethodType::LeastLoaded => match method.least_loaded.as_ref().map(|load| load.by).unwrap_or_default() {
            LoadBy::OpenLeads => "who has the fewest open leads first".to_owned(),
            LoadBy::OpenWeight => "whose open leads weigh least first".to_owned(),
            LoadBy::ShareOfCapacity => "who uses the least share of capacity first".to_owned(),
        },
        MethodType::Sticky => "the known owner first".to_owned(),
    }
}

/// The method of the same name.
pub fn by_type(otherwise: OtherwiseType) -> MethodType {
    match otherwise {
        OtherwiseType::Priority => MethodType::Priority,
        OtherwiseType::RoundRobin => MethodType::RoundRobin,
        OtherwiseType::Weighted => MethodType::Weighted,
        OtherwiseType::Attainment => MethodType::Attainment,
        OtherwiseType::HighestPrice => MethodType::HighestPrice,
        OtherwiseType::Score => MethodType::Score,
        OtherwiseType::LeastLoaded => MethodType::LeastLoaded,
    }
}

/// How a lead is scored, a line a rule, and graded.
pub fn scoring(scoring: &Scoring, width: Width) -> Vec<String> {
    let rules = scoring.rules.iter().take(RULES).map(|rule| {
        let points = format!("{}{}", if rule.points < 0 { "" } else { "+" }, rule.points);
        format!("Points {points} ({}) when {}", cut(&rule.name, NAME), width.cut(&rule.when))
    });
    let more = scoring.rules.len().saturating_sub(RULES);
    let more = (more > 0).then(|| format!("and {more} more"));
    let grades = if scoring.grades.is_empty() {
        "A from 60, B from 40, C from 20, D below".to_owned()
    } else {
        let mut grades: Vec<_> = scoring.grades.iter().collect();
        grades.sort_by_key(|grade| std::cmp::Reverse(grade.at_least));
        grades.iter().map(|grade| format!("{} from {}", grade.grade, grade.at_least)).collect::<Vec<_>>().join(", ")
    };
    ["Score the lead".to_owned()].into_iter().chain(rules).chain(more).chain([format!("Grade {grades}")]).collect()
}

/// The skills that agents need, a line each.
pub fn skills(needed: &[SkillNeeded], width: Width) -> Vec<String> {
    let lines = needed.iter().map(|needed| {
        let when = needed.when.as_ref().map_or_else(String::new, |when| format!(" when {}", width.cut(when)));
        let relaxed = needed
            .relax_after_seconds
            .map_or_else(String::new, |after| format!(", for the first {}", count(after.unsigned_abs() as usize, "second", "seconds")));
        format!("{}{when}{relaxed}", cut(&needed.skill, NAME))
    });
    ["Agents are asked only if they have the skills".to_owned()].into_iter().chain(lines).collect()
}

/// What happens when an answer never comes.
pub fn after_timeout(after: AfterTimeout) -> &'static str {
    match after {
        AfterTimeout::Settle => "If an answer never comes, the same request is repeated until it does, and nobody else is asked",
        AfterTimeout::NextCandidate => "If an answer never comes, the next one is asked",
    }
}
