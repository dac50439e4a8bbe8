//! `Buyer`: a company and its contracts.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::{one, yes};
use super::availability::{Hours, TimeOff};
use super::cap::{Cap, Target};
use super::shared::{Filter, ObjectStatus};

/// A company that takes leads under one or several contracts.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "leadflow.dev",
    version = "v1alpha1",
    kind = "Buyer",
    plural = "buyers",
    singular = "buyer",
    shortname = "lbu",
    category = "leadflow",
    namespaced,
    derive = "PartialEq",
    status = "ObjectStatus",
    doc = "A company that takes leads under one or several contracts.",
    printcolumn = r#"{"name":"Display name","type":"string","jsonPath":".spec.displayName"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct BuyerSpec {
    /// The company's name, as endpoints are told it (`{{ recipient.display_name }}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub display_name: Option<String>,
    /// IANA time zone of the company's calendar, such as `America/New_York`; the Exchange's when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// Currency of the contracts' prices, by its ISO 4217 code.
    #[serde(default = "usd")]
    #[schemars(length(min = 3, max = 3), regex(pattern = r"^[A-Z]{3}$"))]
    pub currency: String,
    /// The company's standing orders. Each competes for leads on its own.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub contracts: Vec<Contract>,
}

/// One standing order: which leads, at what price, how many, and where to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    /// Name of the contract within the buyer.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Tests that a lead must pass, all of them. They are indexed: thousands of contracts cost nothing. No tests: every lead passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub accepts: Vec<Filter>,
    /// CEL condition over `lead` for what `accepts` cannot say; true takes the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub when: Option<String>,
    /// What the company pays for a lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// True when the company takes a lead only if nobody else gets it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// Limits by calendar window, all of which hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["per".into(), "counts".into()]))]
    pub caps: Vec<Cap>,
    /// How much the contract should get, for the method Attainment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// When leads are taken. Not given: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Days off, and who stands in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub time_off: Vec<TimeOff>,
    /// True stops leads under the contract until it is taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Whether leads are called by phone. Who calls gets none in quiet hours when a policy says so (`quietHours`).
    #[serde(default = "yes")]
    pub calls: bool,
    /// Rank for the method Priority: the highest number goes first.
    #[serde(default)]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i32,
    /// Share for the method Weighted, relative to the other candidates' weights. 0 gets nothing by that method.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: i32,
    /// Name of the Endpoint that the leads go to. Its answer decides whether the lead counts as taken.
    #[schemars(length(min = 1, max = 253))]
    pub deliver_to: String,
}

/// What is paid for a lead, in the buyer's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// The amount, such as `"42.50"`; `recipient.price` in Score expressions.
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[0-9]+(\.[0-9]{1,2})?$"))]
    pub amount: String,
    /// Other amounts for leads of single grades, such as `{A: "60.00"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "amounts")]
    pub by_grade: BTreeMap<String, String>,
    /// The amount for a lead that nobody else gets, whatever its grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[0-9]+(\.[0-9]{1,2})?$"))]
    pub exclusive: Option<String>,
}

fn amounts(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 20, "pattern": r"^[0-9]+(\.[0-9]{1,2})?$"}
    })
}

fn usd() -> String {
    "USD".to_owned()
}
