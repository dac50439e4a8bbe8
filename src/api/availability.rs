//! When a recipient is there.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cap::RecipientRef;

/// Hours of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hours {
    /// When leads are taken, in opening-hours syntax: `Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off`. `PH` are public holidays; single days can be given
    /// as `2026 Dec 24 off`. Times are those of the recipient's time zone.
    #[schemars(length(min = 1, max = 1024))]
    pub weekly: String,
    /// Country whose public holidays `PH` means, by its ISO 3166 code; `US` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 2), regex(pattern = r"^[A-Z]{2}$"))]
    pub holidays: Option<String>,
}

/// Days on which a recipient takes no leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeOff {
    /// The first day, such as `2026-12-24`, or moment, such as `2026-12-24T12:00`, in the recipient's time zone.
    #[schemars(length(min = 10, max = 19), regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"))]
    pub from: String,
    /// The last day, which is off too; or the moment at which the recipient is back.
    #[schemars(length(min = 10, max = 19), regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"))]
    pub to: String,
    /// Who gets the leads meanwhile, whatever that recipient's own tests say; its own hours, caps and capacity hold. Not given: nobody stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<RecipientRef>,
}
