//! `Exchange`: one installation of LeadFlow in a namespace.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{KeysFrom, ValueFrom};
use super::workload::{Ingest, Workload};

/// One installation of LeadFlow: its workloads, store, lead schema and encryption key. Everything in a namespace belongs to the namespace's one Exchange.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "leadflow.dev",
    version = "v1alpha1",
    kind = "Exchange",
    plural = "exchanges",
    singular = "exchange",
    shortname = "lex",
    category = "leadflow",
    namespaced,
    derive = "PartialEq",
    status = "ExchangeStatus",
    validation = (
        "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$')",
        "`metadata.name` must be 1 to 50 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen"
    ),
    doc = "One installation of LeadFlow: its workloads, store, lead schema and encryption key. Everything in a namespace belongs to the namespace's one Exchange.",
    printcolumn = r#"{"name":"Ingest","type":"string","jsonPath":".status.components[?(@.name==\"ingest\")].summary"}"#,
    printcolumn = r#"{"name":"Router","type":"string","jsonPath":".status.components[?(@.name==\"router\")].summary"}"#,
    printcolumn = r#"{"name":"Standalone","type":"string","priority":1,"jsonPath":".status.components[?(@.name==\"standalone\")].summary"}"#,
    printcolumn = r#"{"name":"Version","type":"string","priority":1,"jsonPath":".status.version"}"#,
    printcolumn = r#"{"name":"Revision","type":"string","priority":1,"jsonPath":".status.components[*].revision"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Address","type":"string","jsonPath":".status.address"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeSpec {
    /// Where leads are kept.
    pub store: Store,
    /// The pods that take leads in.
    #[serde(default)]
    pub ingest: Ingest,
    /// The pods that decide and deliver.
    #[serde(default)]
    pub router: Workload,
    /// IANA time zone of everything that has a calendar and names none, such as `America/New_York`.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
    /// What a lead consists of, beyond the built-in fields (`contact.*`, `location.*`).
    #[serde(default)]
    pub schema: LeadSchema,
    /// How leads are encrypted at rest.
    pub encryption: Encryption,
    /// Rules of every delivery.
    #[serde(default)]
    pub delivery: Delivery,
    /// Whether the pods are shut off but for what they need. Posts are let in from anywhere, questions to the admin ports from the same namespace and
    /// from namespaces labelled `leadflow.dev/monitoring: "true"`. Let out are: DNS, the API server (ports 443 and 6443), and the database's port; and
    /// routers to anywhere, since endpoints are anywhere.
    #[serde(default)]
    pub network_policies: NetworkPolicies,
}

/// Whether NetworkPolicies are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NetworkPolicies {
    /// They are made. Whether they are enforced is up to the cluster's network.
    #[default]
    Enabled,
    /// None is made.
    Disabled,
}

/// Where leads are kept: one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.embedded) != has(self.postgresql)", "must give exactly one of `embedded` and `postgresql`"))]
pub struct Store {
    /// A file of the one process that does all the work: of `leadflow standalone`, or on a cluster of one pod with a volume. While that pod is being
    /// replaced no lead is taken. Leads are not moved when the store is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<Embedded>,
    /// A PostgreSQL database, 13 or later, or what speaks its protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgresql: Option<Postgresql>,
}

/// The volume of the embedded store. It outlives the pod, the Exchange, and a change to another store. `leadflow standalone DIR` has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self.storage == oldSelf.storage", "`storage` may not be changed: enlarge the PersistentVolumeClaim itself"))]
#[x_kube(validation = (
    "has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
    "`storageClassName` may not be changed"
))]
pub struct Embedded {
    /// Size of the volume, such as `10Gi`.
    #[serde(default = "ten_gi")]
    #[schemars(length(min = 3, max = 8), regex(pattern = r"^[1-9][0-9]{0,4}(Mi|Gi|Ti)$"))]
    pub storage: String,
    /// Name of the StorageClass. Not given: the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
}

/// A PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Postgresql {
    /// Where the connection URL is kept: `postgresql://user:password@host:5432/database`. A change takes effect without a restart.
    pub url_from: ValueFrom,
    /// Port of the database, as in the URL: the NetworkPolicies open it. The operator does not read the URL.
    #[serde(default = "postgresql_port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: i32,
}

/// The canonical schema of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeadSchema {
    /// Fields beyond the built-in ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub fields: Vec<Field>,
}

/// One field of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("(self.type == 'Enum') == has(self.values)", "must give `values` for type 'Enum', and for no other"))]
#[x_kube(validation = (
    "!(has(self.minimum) || has(self.maximum)) || self.type in ['Integer', 'Decimal']",
    "may give `minimum` and `maximum` for types 'Integer' and 'Decimal' only"
))]
pub struct Field {
    /// Canonical name, such as `property_interest.price_max`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"))]
    pub name: String,
    /// What the values are. A value that is not is refused at the door, with the field named.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// The values of an Enum. Letter case is forgiven at the door and written as here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    pub values: Option<Vec<String>>,
    /// The least value, a decimal as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub minimum: Option<String>,
    /// The greatest value, a decimal as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub maximum: Option<String>,
    /// Other names under which sources may send the field, tried in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    pub aliases: Vec<String>,
    /// Whether the field tells who the lead is. Personal fields never show in explanations.
    #[serde(default)]
    pub privacy: Privacy,
}

/// Types of a lead's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum FieldType {
    /// Text of at most 4,096 characters.
    String,
    /// A whole number.
    Integer,
    /// A decimal number.
    Decimal,
    /// true or false; also `yes`, `no`, `1` and `0`.
    Boolean,
    /// A day, as 2026-11-22.
    Date,
    /// One of the field's values.
    Enum,
    /// An e-mail address.
    Email,
    /// A phone number, kept in E.164 form.
    Phone,
    /// A person's name; all-capital and all-small spellings are mended.
    PersonName,
    /// A postal code; of ZIP+4 the five digits are kept.
    Postcode,
    /// A state of the United States or a province of Canada, by name or code; kept as the code.
    State,
    /// A country, by its ISO 3166 code of two letters.
    Country,
    /// An absolute http or https URL.
    URL,
    /// An IPv4 or IPv6 address.
    IP,
}

/// Whether a field tells who somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Privacy {
    /// May show in explanations.
    #[default]
    Plain,
    /// Never shows.
    Personal,
}

/// How leads are encrypted at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// The Secret with the keys, each 32 bytes in base64. The entry `index` keys the look-up hashes and must never change; of the other entries
    /// the last by name encrypts and all decrypt, so a new entry is a rotation.
    pub keys_from: KeysFrom,
}

/// Rules of every delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Networks, in CIDR form, to which deliveries may go although they are private, loopback or link-local.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 43), regex(pattern = r"^[0-9a-fA-F:.]+/[0-9]{1,3}$")))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    pub allow_addresses: Vec<String>,
}

/// Status of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What became of the object, one entry a type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Where sources post, less the path: `/v1/sources/NAME/leads`. That of `spec.ingest.expose`, or else the one inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub address: Option<String>,
    /// Version of LeadFlow that looks after the Exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub version: Option<String>,
    /// The workloads and how many of their pods are ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub components: Vec<Component>,
}

/// One workload of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// `ingest` or `router`; or `standalone`, with the embedded store.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Pods that are ready.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub ready: i32,
    /// Pods that are wanted.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub desired: i32,
    /// Pods that are as the Exchange asks for now.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub updated: i32,
    /// `ready/desired`, for the eye.
    #[schemars(length(max = 24))]
    pub summary: String,
    /// How many pods run the rules as they are now, of those that say what they run: `2/2`.
    #[serde(default)]
    #[schemars(length(max = 24))]
    pub programmed: String,
    /// The beginning of the digest of the rules that the pods run, when all of them run the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub revision: Option<String>,
    /// Image that the pods run, or are getting.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub version: String,
}

fn postgresql_port() -> i32 {
    5432
}
fn ten_gi() -> String {
    "10Gi".to_owned()
}
fn utc() -> String {
    "UTC".to_owned()
}
