//! What users write as text and many objects repeat, compiled once for equal texts, within a table and from one table to the next.

use std::collections::HashMap;

use super::expression::Expressions;
use crate::calendar::Hours;

/// Expressions and opening hours. A table is compiled with it, then [`Texts::forget_unused`] is called; keep it for the next table.
#[derive(Default)]
pub struct Texts {
    pub expressions: Expressions,
    /// By country (empty when none is given), then by text; what was refused with the reason.
    hours: HashMap<Box<str>, ByText<Hours>>,
}

type ByText<T> = HashMap<Box<str>, Result<T, String>>;

impl Texts {
    /// Compiles opening hours, or gives those of the same text and country.
    ///
    /// # Errors
    ///
    /// Those of [`Hours::compile`].
    pub fn hours(&mut self, text: &str, country: Option<&str>) -> Result<Hours, String> {
        let of_country = self.hours.entry(country.unwrap_or_default().into()).or_default();
        if let Some(known) = of_country.get(text) {
            return known.clone();
        }
        let outcome = Hours::compile(text, country);
        of_country.insert(text.into(), outcome.clone());
        outcome
    }

    /// Forgets what only this knows, and what was refused.
    pub fn forget_unused(&mut self) {
        self.expressions.forget_unused();
        self.hours.retain(|_, of_country| {
            of_country.retain(|_, outcome| outcome.as_ref().is_ok_and(|hours| !hours.is_last()));
            !of_country.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hours_of_one_country_are_one_as_long_as_somebody_has_them() {
        let mut texts = Texts::default();
        let (one, other) =
            (texts.hours("Mo-Fr 09:00-18:00; PH off", None).unwrap(), texts.hours("Mo-Fr 09:00-18:00; PH off", None).unwrap());
        assert!(one.is_same(&other));
        assert!(!one.is_same(&texts.hours("Mo-Fr 09:00-18:00; PH off", Some("GB")).unwrap()));
        drop(other);
        texts.forget_unused();
        assert!(one.is_same(&texts.hours("Mo-Fr 09:00-18:00; PH off", None).unwrap()));
        assert_eq!(texts.hours.len(), 1, "the other country's were in nobody's hands");
        drop(one);
        texts.forget_unused();
        assert!(texts.hours.is_empty());
    }

    #[test]
    fn hours_that_were_refused_are_refused_again_and_not_kept() {
        let mut texts = Texts::default();
        let refused = texts.hours("monday", None).unwrap_err();
        assert_eq!(texts.hours("monday", None).unwrap_err(), refused);
        texts.forget_unused();
        assert!(texts.hours.is_empty());
    }
}
