mod answers;
mod rendering;
mod sending;

use crate::lead::{Delivery, Lead, LeadId, RecipientKey, Value};

/// Jane's lead.
fn lead() -> Lead {
    let text = |text: &str| Value::Text(text.to_owned());
    Lead {
        id: LeadId("0193a1b2-0000-7000-8000-000000000001".parse().unwrap()),
        source: "web".to_owned(),
        arrived_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        fields: [
            ("contact.first_name", text("Jane \"J\" <Doe>&\\")),
            ("contact.email", text("jane@example.com")),
            ("location.zip", text("02134")),
            ("price_max", Value::Decimal("750000.00".parse().unwrap())),
            ("owner", Value::Boolean(true)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
    }
}

fn delivery() -> Delivery {
    Delivery {
        lead: lead().id,
        number: 2,
        recipient: RecipientKey::agent("sarah-lee"),
        tier: "territory".to_owned(),
        policy: "residential".to_owned(),
        endpoint: "crm".to_owned(),
        price: None,
        exclusive: false,
    }
}
