//! Points for what a lead says, and a grade for the sum.

use crate::api::routing_policy::Scoring as Spec;
use crate::table::Problem;
use crate::table::expression::{Expression, Expressions, LeadFacts, Use};
use crate::table::schema::Schema;

/// Grades when a policy names none: the least score that gives each.
const GRADES: [(&str, i64); 4] = [("A", 60), ("B", 40), ("C", 20), ("D", i64::MIN)];

/// How a policy scores leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Scoring {
    rules: Vec<Rule>,
    /// By falling score.
    grades: Vec<(String, i64)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    name: String,
    when: Expression,
    points: i64,
}

/// What a lead came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scored<'s> {
    pub points: i64,
    pub grade: Option<&'s str>,
    /// Names of the rules that gave points.
    pub fired: Vec<&'s str>,
}

impl Scoring {
    pub fn compile(spec: &Spec, schema: &Schema, expressions: &mut Expressions) -> Result<Self, Problem> {
        let rules = spec.rules.iter().enumerate().map(|(at, rule)| {
            if spec.rules[..at].iter().any(|earlier| earlier.name == rule.name) {
                return Err(Problem::new(
                    format!("spec.score.rules[{at}].name"),
                    format!("'{}' is the name of an earlier rule", rule.name),
                ));
            }
            let when = expressions.compile(&rule.when, &format!("spec.score.rules[{at}].when"), Use::BeforeScore, schema)?;
            Ok(Rule { name: rule.name.clone(), when, points: rule.points })
        });
        let rules = rules.collect::<Result<_, _>>()?;
        let mut grades: Vec<(String, i64)> = spec.grades.iter().map(|from| (from.grade.clone(), from.at_least)).collect();
        if grades.is_empty() {
            grades = GRADES.iter().map(|(grade, least)| ((*grade).to_owned(), *least)).collect();
        }
        grades.sort_by_key(|(_, least)| std::cmp::Reverse(*least));
        if let Some(same) = grades.windows(2).find(|pair| pair[0].1 == pair[1].1) {
            let message = format!("'{}' and '{}' begin at the same score; one of them would never be given", same[0].0, same[1].0);
            return Err(Problem::new("spec.score.grades", message));
        }
        Ok(Self { rules, grades })
    }

    /// Scores a lead. A rule whose condition can't be told, most often for a field that the lead lacks, gives nothing.
    pub fn score(&self, facts: &LeadFacts<'_>) -> Scored<'_> {
        let mut scored = Scored::default();
        for rule in &self.rules {
            if rule.when.holds(facts) == Ok(true) {
                scored.points += rule.points;
                scored.fired.push(&rule.name);
            }
        }
        scored.grade = self.grades.iter().find(|(_, least)| scored.points >= *least).map(|(grade, _)| grade.as_str());
        scored
    }

    /// The grades that can be given.
    pub fn grades(&self) -> impl Iterator<Item = &str> {
        self.grades.iter().map(|(grade, _)| grade.as_str())
    }
}
