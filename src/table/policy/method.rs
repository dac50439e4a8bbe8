//! In which order recipients are asked. `docs/methods.md` defines each method.

use jiff::SignedDuration;

use crate::api::routing_policy::{AfterAbsence, LoadBy, Method as Spec, MethodType, OtherwiseType};
use crate::table::Problem;
use crate::table::expression::{Expression, Expressions, Use};
use crate::table::schema::Schema;

/// A tier's method.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// All by one order.
    Order(Order),
    /// The known owner first; behind it the others by an order, or nobody.
    Sticky { by: Vec<String>, within: Option<SignedDuration>, otherwise: Option<Order> },
}

/// An order of recipients.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// The highest `priority` first.
    Priority,
    /// In turn, all alike.
    RoundRobin(AfterAbsence),
    /// In turn, by share of weight.
    Weighted(AfterAbsence),
    /// Whoever is furthest behind its target.
    Attainment,
    /// Who pays most.
    HighestPrice,
    /// The highest score first.
    Score(Expression),
    /// Who has the least open work.
    LeastLoaded(LoadBy),
}

impl Order {
    /// The name that users write.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Priority => "Priority",
            Self::RoundRobin(_) => "RoundRobin",
            Self::Weighted(_) => "Weighted",
            Self::Attainment => "Attainment",
            Self::HighestPrice => "HighestPrice",
            Self::Score(_) => "Score",
            Self::LeastLoaded(_) => "LeastLoaded",
        }
    }

    /// Whether turns decide; then an assignment stands only if the turn is still the one that was seen.
    pub fn takes_turns(&self) -> bool {
        matches!(self, Self::RoundRobin(_) | Self::Weighted(_))
    }
}

impl Method {
    /// The name that users write.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Order(order) => order.name(),
            Self::Sticky { .. } => "Sticky",
        }
    }

    /// The order of those who are no owner.
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::Order(order) => Some(order),
            Self::Sticky { otherwise, .. } => otherwise.as_ref(),
        }
    }

    pub fn compile(spec: &Spec, field: &str, schema: &Schema, expressions: &mut Expressions) -> Result<Self, Problem> {
        let otherwise = spec.sticky.as_ref().and_then(|sticky| sticky.otherwise);
        let scores = spec.kind == MethodType::Score || otherwise == Some(OtherwiseType::Score);
        if scores != spec.score.is_some() {
            return Err(Problem::new(format!("{field}.score"), "must be given for type 'Score', and for no other"));
        }
        if (spec.kind == MethodType::Sticky) != spec.sticky.is_some() {
            return Err(Problem::new(format!("{field}.sticky"), "must be given for type 'Sticky', and for no other"));
        }
        let mut order = |kind: OtherwiseType| {
            Ok(match kind {
                OtherwiseType::Priority => Order::Priority,
                OtherwiseType::RoundRobin => Order::RoundRobin(spec.after_absence),
                OtherwiseType::Weighted => Order::Weighted(spec.after_absence),
                OtherwiseType::Attainment => Order::Attainment,
                OtherwiseType::HighestPrice => Order::HighestPrice,
                OtherwiseType::LeastLoaded => Order::LeastLoaded(spec.least_loaded.as_ref().map(|load| load.by).unwrap_or_default()),
                OtherwiseType::Score => {
                    let text = spec.score.as_ref().map(|score| score.expression.as_str()).unwrap_or_default();
                    Order::Score(expressions.compile(text, &format!("{field}.score.expression"), Use::Score, schema)?)
                }
            })
        };
        let kind = match spec.kind {
            MethodType::Priority => OtherwiseType::Priority,
            MethodType::RoundRobin => OtherwiseType::RoundRobin,
            MethodType::Weighted => OtherwiseType::Weighted,
            MethodType::Attainment => OtherwiseType::Attainment,
            MethodType::HighestPrice => OtherwiseType::HighestPrice,
            MethodType::LeastLoaded => OtherwiseType::LeastLoaded,
            MethodType::Score => OtherwiseType::Score,
            MethodType::Sticky => {
                let (by, days) = spec.sticky.as_ref().map(|sticky| (sticky.by.clone(), sticky.within_days)).unwrap_or_default();
                if let Some((at, unknown)) = by.iter().enumerate().find(|(_, name)| schema.field(name).is_none()) {
                    let like = schema.nearest(unknown).map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
                    return Err(Problem::new(format!("{field}.sticky.by[{at}]"), format!("a lead has no field '{unknown}'{like}")));
                }
                let within = days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
                return Ok(Self::Sticky { by, within, otherwise: otherwise.map(order).transpose()? });
            }
        };
        order(kind).map(Self::Order)
    }
}
