//! Why a lead went where it went: everything on record of it, without what tells who the person is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::exchange::Privacy;
use crate::lead::delivery::Money;
use crate::lead::{Attempt, Decision, Lead, LeadId, Outcome, RecipientKey};
use crate::store::{DeliveryState, KeptDelivery, LeadFile};
use crate::table::schema::Schema;

/// The explanation of one lead, as the admin port of a router gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub lead: LeadId,
    pub source: String,
    pub arrived_at: Timestamp,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<LeadId>,
    /// The fields that the lead has, by name.
    pub fields: Vec<ShownField>,
    /// Oldest first.
    pub decisions: Vec<Decision>,
    /// In order of their numbers.
    pub deliveries: Vec<ShownDelivery>,
}

/// One field of the lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownField {
    pub name: String,
    /// Absent for a personal field, and for one that the schema no longer has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// One delivery and its tries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownDelivery {
    pub number: i32,
    pub recipient: RecipientKey,
    pub policy: String,
    pub tier: String,
    pub endpoint: String,
    /// The idempotency key of every try.
    pub key: String,
    pub state: ShownState,
    /// When the place was held.
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    pub attempts: Vec<Attempt>,
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShownState {
    Open,
    Accepted,
    Refused,
    Failed,
}

impl Explanation {
    /// Puts together what is on record. `lead` is the opened lead of `file`.
    pub fn new(file: LeadFile, lead: &Lead, schema: &Schema) -> Self {
        let fields = lead.fields.iter().map(|(name, value)| ShownField {
            name: name.clone(),
            value: schema.field(name).filter(|field| field.privacy == Privacy::Plain).map(|_| value.to_string()),
        });
        Self {
            lead: file.id,
            source: file.source,
            arrived_at: file.arrived_at,
            outcome: file.outcome,
            duplicate_of: file.duplicate_of,
            fields: fields.collect(),
            decisions: file.decisions,
            deliveries: file.deliveries.into_iter().map(|delivery| shown(delivery, &file.attempts)).collect(),
        }
    }
}

fn shown(kept: KeptDelivery, attempts: &[Attempt]) -> ShownDelivery {
    let key = kept.delivery.key();
    let number = kept.delivery.number;
    ShownDelivery {
        number,
        recipient: kept.delivery.recipient,
        policy: kept.delivery.policy,
        tier: kept.delivery.tier,
        endpoint: kept.delivery.endpoint,
        key,
        state: match kept.state {
            DeliveryState::Open => ShownState::Open,
            DeliveryState::Accepted => ShownState::Accepted,
            DeliveryState::Refused => ShownState::Refused,
            DeliveryState::Failed => ShownState::Failed,
        },
        at: kept.at,
        record_id: kept.record_id,
        price: kept.delivery.price,
        attempts: attempts.iter().filter(|attempt| attempt.delivery == number).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::exchange::FieldType;
    use crate::lead::{Delivery, State, Value};
    use crate::store::Sealed;
    use crate::table::schema::SchemaField;

    fn id() -> LeadId {
        "019aa000-0000-7000-8000-000000000001".parse().unwrap()
    }

    fn field(privacy: Privacy) -> SchemaField {
        SchemaField { kind: FieldType::String, values: vec![], minimum: None, maximum: None, aliases: vec![], privacy }
    }

    fn file() -> LeadFile {
        let delivery = Delivery {
            lead: id(),
            number: 2,
            recipient: RecipientKey::agent("sarah-lee"),
            tier: "territory".into(),
            policy: "residential".into(),
            endpoint: "crm".into(),
            price: None,
            exclusive: false,
        };
        let attempt = |delivery| Attempt {
            delivery,
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            millis: 5,
            result: crate::lead::AttemptResult::Throttled,
            status: Some(429),
            request_digest: String::new(),
            retry_after: None,
        };
        LeadFile {
            id: id(),
            source: "website-form".into(),
            arrived_at: Timestamp::UNIX_EPOCH,
            sealed: Sealed(vec![]),
            outcome: Outcome { state: State::Queued, reason: None, taken_by: vec![] },
            duplicate_of: None,
            decisions: vec![],
            deliveries: vec![KeptDelivery {
                delivery,
                state: DeliveryState::Open,
                record_id: None,
                at: Timestamp::UNIX_EPOCH,
                request: Sealed(vec![]),
                attempts: 1,
                ambiguous: false,
            }],
            attempts: vec![attempt(1), attempt(2)],
        }
    }

    #[test]
    fn only_values_of_plain_fields_show() {
        let fields =
            ["contact.email", "property_interest.type", "no_longer.known"].map(|name| (name.to_owned(), Value::Text("Zyx".into())));
        let lead = Lead { id: id(), source: "website-form".into(), arrived_at: Timestamp::UNIX_EPOCH, fields: BTreeMap::from(fields) };
        let mut schema = Schema::default();
        schema.fields.insert("contact.email".into(), field(Privacy::Personal));
        schema.fields.insert("property_interest.type".into(), field(Privacy::Plain));
        let explanation = Explanation::new(file(), &lead, &schema);
        let values: Vec<_> = explanation.fields.iter().map(|field| (field.name.as_str(), field.value.as_deref())).collect();
        assert_eq!(values, [("contact.email", None), ("no_longer.known", None), ("property_interest.type", Some("Zyx"))]);
    }

    #[test]
    fn each_delivery_has_its_own_tries_and_survives_json() {
        let lead = Lead { id: id(), source: String::new(), arrived_at: Timestamp::UNIX_EPOCH, fields: BTreeMap::new() };
        let explanation = Explanation::new(file(), &lead, &Schema::default());
        assert_eq!(explanation.deliveries[0].attempts.len(), 1);
        assert_eq!(explanation.deliveries[0].attempts[0].delivery, 2);
        let json = serde_json::to_string(&explanation).unwrap();
        assert_eq!(serde_json::from_str::<Explanation>(&json).unwrap(), explanation);
    }
}
