//! A held place and the exact request that goes with it.

use serde::{Deserialize, Serialize};

use super::{LeadId, RecipientKey};

/// One offer of one lead to one recipient, made durable before the first byte is sent. Every try sends this very request, so a far side that
/// honours the idempotency key takes it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub lead: LeadId,
    /// Counts a lead's deliveries from 1.
    pub number: i32,
    pub recipient: RecipientKey,
    pub tier: String,
    pub policy: String,
    /// Name of the Endpoint.
    pub endpoint: String,
    /// Price in minor units and currency, when the contract has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Nobody else gets the lead.
    #[serde(default)]
    pub exclusive: bool,
}

impl Delivery {
    /// The idempotency key: the same for every try of this delivery, and of no other.
    pub fn key(&self) -> String {
        format!("{}-{}", self.lead, self.number)
    }
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// In hundredths of the currency's unit.
    pub minor: i64,
    pub currency: String,
}

/// The request as it goes out, but for authentication, which is added when it is sent. Holds personal data: sealed in the store, absent from logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub content_type: String,
    pub body: String,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} of {} bytes)", self.method, self.body.len())
    }
}
