//! What is paid for a lead.

use std::collections::BTreeMap;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::Terms;
use crate::api::buyer;
use crate::lead::delivery::Money;
use crate::table::Problem;

/// The prices of a contract, in hundredths of the currency's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub base: i64,
    pub by_grade: BTreeMap<String, i64>,
    /// For a lead that nobody else gets.
    pub exclusive: Option<i64>,
    pub currency: String,
}

impl Price {
    pub fn compile(price: &buyer::Price, currency: &str, field: &str) -> Result<Self, Problem> {
        let by_grade =
            price.by_grade.iter().map(|(grade, amount)| Ok((grade.clone(), minor(amount, &format!("{field}.byGrade.{grade}"))?)));
        Ok(Self {
            base: minor(&price.amount, &format!("{field}.amount"))?,
            by_grade: by_grade.collect::<Result<_, _>>()?,
            exclusive: price.exclusive.as_ref().map(|amount| minor(amount, &format!("{field}.exclusive"))).transpose()?,
            currency: currency.to_owned(),
        })
    }

    /// What is paid for one lead.
    pub fn of(&self, terms: Terms<'_>) -> Money {
        let shared = terms.grade.and_then(|grade| self.by_grade.get(grade)).copied().unwrap_or(self.base);
        let minor = if terms.exclusive { self.exclusive.unwrap_or(shared) } else { shared };
        Money { minor, currency: self.currency.clone() }
    }

    /// The least that is paid for any lead.
    pub fn least(&self) -> i64 {
        self.by_grade.values().copied().chain(self.exclusive).fold(self.base, i64::min)
    }

    /// Whether all leads cost the same.
    pub fn is_even(&self) -> bool {
        self.by_grade.values().chain(&self.exclusive).all(|amount| *amount == self.base)
    }
}

/// An amount such as 42.50 in hundredths.
pub fn minor(amount: &str, field: &str) -> Result<i64, Problem> {
    let wrong = || Problem::new(field, "must be an amount such as 42.50");
    let amount = Decimal::from_str(amount).map_err(|_| wrong())?.checked_mul(Decimal::ONE_HUNDRED).ok_or_else(wrong)?.normalize();
    if amount.scale() > 0 || amount.is_sign_negative() && !amount.is_zero() {
        return Err(wrong());
    }
    i64::try_from(amount).map_err(|_| wrong())
}
