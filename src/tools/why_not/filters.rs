//! Filters in words.

use crate::api::shared::{Center, Filter, Within};

/// Values that are listed.
const LISTED: usize = 5;

/// What a filter asks: `location.zip is one of 90210, 90211`.
pub fn words(filter: &Filter) -> String {
    let field = &filter.field;
    if let Some(values) = &filter.any_of {
        return format!("{field} is one of {}", listed(values));
    }
    if let Some(values) = &filter.not_in {
        return format!("{field} is there, and none of {}", listed(values));
    }
    if let Some(values) = &filter.starts_with {
        return format!("{field} begins with one of {}", listed(values));
    }
    if let Some(exists) = filter.exists {
        return format!("{field} is {}there", if exists { "" } else { "not " });
    }
    if let Some(circle) = &filter.within {
        return format!("{field} is within {}", radius(circle));
    }
    let low = filter.at_least.as_ref().map(|low| format!("at least {low}"));
    let high = filter.below.as_ref().map(|high| format!("below {high}"));
    format!("{field} is {}", low.into_iter().chain(high).collect::<Vec<_>>().join(" and "))
}

fn listed(values: &[String]) -> String {
    let shown = values.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = values.len().saturating_sub(LISTED);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

fn radius(Within { miles, kilometers, of }: &Within) -> String {
    let length = match (miles, kilometers) {
        (Some(miles), _) => format!("{miles} miles"),
        (None, kilometers) => format!("{} kilometers", kilometers.unwrap_or_default()),
    };
    let Center { zip, latitude, longitude } = of;
    let point = || format!("{}, {}", latitude.as_deref().unwrap_or_default(), longitude.as_deref().unwrap_or_default());
    format!("{length} of {}", zip.clone().unwrap_or_else(point))
}
