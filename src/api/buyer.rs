//! `Buyer`: a company and its contracts.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::one;
use super::shared::{Cap, Filter, ObjectStatus};

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
    /// Limits by calendar window, all of which hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["per".into()]))]
    pub caps: Vec<Cap>,
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

/// What is paid for a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// The amount in the buyer's currency, such as `"42.50"`; `recipient.price` in Score expressions.
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[0-9]+(\.[0-9]{1,2})?$"))]
    pub amount: String,
}

fn usd() -> String {
    "USD".to_owned()
}
