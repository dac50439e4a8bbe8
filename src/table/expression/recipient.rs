//! A recipient as Score expressions see it.

/// What is known of a recipient in a Score. All numbers are doubles in CEL.
#[derive(Clone, Debug, Default)]
pub struct RecipientFacts<'a> {
    pub name: &'a str,
    /// Share of leads that are converted, from 0 to 1.
    pub conversion_rate: f64,
    /// Open leads, by count.
    pub load: f64,
    /// Open leads, by weight.
    pub open_weight: f64,
    /// The most leads that may be open; 0 for a recipient without a limit.
    pub capacity: f64,
    /// In the currency's main unit; 0 for a recipient without a price.
    pub price: f64,
    pub priority: f64,
    pub weight: f64,
    /// Leads taken in the current day; 0 when that is not known.
    pub sold: f64,
}

/// A field of `recipient`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecipientField {
    Name,
    ConversionRate,
    Load,
    OpenWeight,
    Capacity,
    Price,
    Priority,
    Weight,
    Sold,
}

impl RecipientField {
    /// All of them, by their names in CEL.
    pub(super) const NAMED: [(&'static str, Self); 9] = [
        ("name", Self::Name),
        ("conversionRate", Self::ConversionRate),
        ("load", Self::Load),
        ("openWeight", Self::OpenWeight),
        ("capacity", Self::Capacity),
        ("price", Self::Price),
        ("priority", Self::Priority),
        ("weight", Self::Weight),
        ("sold", Self::Sold),
    ];

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }
}

impl RecipientFacts<'_> {
    /// The number that a field holds; all but the name do.
    pub(super) fn number(&self, field: RecipientField) -> Option<f64> {
        Some(match field {
            RecipientField::Name => return None,
            RecipientField::ConversionRate => self.conversion_rate,
            RecipientField::Load => self.load,
            RecipientField::OpenWeight => self.open_weight,
            RecipientField::Capacity => self.capacity,
            RecipientField::Price => self.price,
            RecipientField::Priority => self.priority,
            RecipientField::Weight => self.weight,
            RecipientField::Sold => self.sold,
        })
    }

    /// A recipient to try an expression on.
    pub(super) fn sample() -> Self {
        Self {
            name: "trial",
            conversion_rate: 0.5,
            load: 1.0,
            open_weight: 1.0,
            capacity: 1.0,
            price: 1.0,
            priority: 1.0,
            weight: 1.0,
            sold: 1.0,
        }
    }
}
