//! Grades and skills that one object names and no other gives.

use std::collections::BTreeSet;

use super::finding::{Code, Finding};
use crate::api::routing_policy::Scoring;
use crate::table::nearest::nearest;
use crate::table::{Kind, ObjectRef, Objects};
use crate::tools::parties::{Party, parties};

/// The grades of a policy that lists none.
const USUAL: [&str; 4] = ["A", "B", "C", "D"];

/// The grades that a policy gives.
fn given(scoring: &Scoring) -> Vec<&str> {
    if scoring.grades.is_empty() { USUAL.to_vec() } else { scoring.grades.iter().map(|grade| grade.grade.as_str()).collect() }
}

/// Grades in prices, weights and tests that no policy of the recipient gives. Recipients without a policy are told as such elsewhere.
pub fn grades(objects: &Objects) -> Vec<Finding> {
    let mut found = Vec::new();
    for party in parties(objects) {
        let named = named_grades(&party);
        let policies: Vec<_> = objects.policies.values().filter(|policy| !named.is_empty() && party.is_asked_by(&policy.spec)).collect();
        if policies.is_empty() {
            continue;
        }
        let grades: BTreeSet<_> = policies.iter().filter_map(|policy| policy.spec.score.as_ref()).flat_map(given).collect();
        for (field, grade) in named.into_iter().filter(|(_, grade)| !grades.contains(grade.as_str())) {
            let finding = if grades.is_empty() {
                let message = format!("names the grade '{grade}', but no policy that {} is in gives grades", party.short());
                Finding::of(Code::GradeNotGiven, &party.object(), field, message).fix("give the policy a `score`")
            } else {
                let list = grades.iter().copied().collect::<Vec<_>>().join(", ");
                let message = format!("no policy that {} is in gives the grade '{grade}'", party.short());
                Finding::of(Code::GradeNotGiven, &party.object(), field, message).fix(format!("the grades are {list}"))
            };
            found.push(finding);
        }
    }
    found
}

/// Where a recipient names which grade.
fn named_grades(party: &Party<'_>) -> Vec<(String, String)> {
    let tests = party.accepts().iter().enumerate().filter(|(_, filter)| filter.field == "lead.grade").flat_map(|(at, filter)| {
        let lists = [("in", &filter.any_of), ("notIn", &filter.not_in)];
        lists.into_iter().flat_map(move |(list, values)| {
            let place = move |(place, grade): (usize, &String)| (format!("accepts[{at}].{list}[{place}]"), grade.clone());
            values.iter().flatten().enumerate().map(place)
        })
    });
    let by_grade: Vec<_> = match party {
        Party::Agent { agent, .. } => {
            let weights = agent.spec.capacity.iter().flat_map(|capacity| capacity.weight_by_grade.keys());
            weights.map(|grade| (format!("capacity.weightByGrade.{grade}"), grade.clone())).collect()
        }
        Party::Contract { contract, .. } => {
            let prices = contract.price.iter().flat_map(|price| price.by_grade.keys());
            prices.map(|grade| (format!("price.byGrade.{grade}"), grade.clone())).collect()
        }
    };
    tests.chain(by_grade).map(|(field, grade)| (party.field(&field), grade)).collect()
}

/// Skills that a policy asks for and nobody has.
pub fn skills(objects: &Objects) -> Vec<Finding> {
    let known: BTreeSet<&str> = objects.agents.values().flat_map(|agent| agent.spec.skills.iter().map(String::as_str)).collect();
    let mut found = Vec::new();
    for (name, policy) in &objects.policies {
        for (at, needed) in policy.spec.skills.iter().enumerate().filter(|(_, needed)| !known.contains(needed.skill.as_str())) {
            let object = ObjectRef { kind: Kind::RoutingPolicy, name: name.clone() };
            let after = needed.relax_after_seconds.map_or_else(String::new, |seconds| format!(" in the first {seconds} seconds"));
            let message = format!("no agent has the skill '{}': where it is needed, no agent gets the lead{after}", needed.skill);
            let finding = Finding::of(Code::SkillNobodyHas, &object, format!("spec.skills[{at}].skill"), message);
            found.push(match nearest(&needed.skill, known.iter().copied()) {
                Some(near) => finding.fix(format!("did you mean '{near}'?")),
                None => finding.fix("list it in the `skills` of the agents who have it"),
            });
        }
    }
    found
}
