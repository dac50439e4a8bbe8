//! Exchange and what is known of its namespace → everything that workloads are built of, in forms that can't fail later. Pure.

use std::collections::BTreeSet;

use kube::core::error_boundary::InvalidObject;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::judge::Judged;
use crate::api::Exchange;
use crate::api::exchange::{Embedded, NetworkPolicies};
use crate::api::expose::Expose;
use crate::api::workload::{self as api, Spool};
use crate::table::duty::Duty;
use crate::table::references::secrets_of;
use crate::table::{Kind, ObjectRef};

/// Longest name of an Exchange: with `-ingest` it is still the name of a Service.
const LONGEST_NAME: usize = 50;

/// Pods of a workload that says nothing of their number.
const REPLICAS: i32 = 2;

/// Why nothing is built for an Exchange.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the Exchange can't be decoded: {0}")]
    Undecodable(String),
    #[error("the Exchange is not accepted: {0}")]
    NotAccepted(String),
    #[error("metadata.name: must have at most {LONGEST_NAME} characters, lower-case letters, digits and hyphens")]
    Name,
    #[error("the Exchange lacks {0}, which the API server sets")]
    Incomplete(&'static str),
}

/// An Exchange for which workloads can be built.
#[derive(Clone, Debug, PartialEq)]
pub struct Valid {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// The reference by which what is built belongs to the Exchange.
    pub owner: Value,
    /// The way in from outside.
    pub expose: Option<Expose>,
    pub workloads: Vec<Workload>,
    /// Port of the database, where there is one.
    pub database_port: Option<i32>,
    /// Whether NetworkPolicies are made.
    pub shut_off: bool,
}

/// The pods of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub duty: Duty,
    /// None when an autoscaler says how many.
    pub replicas: Option<i32>,
    /// What is asked for beside.
    pub overrides: api::Workload,
    /// Of ingest.
    pub spool: Option<Spool>,
    /// Where the embedded store is.
    pub volume: Option<Embedded>,
    /// Names of the Secrets that it may read.
    pub secrets: BTreeSet<String>,
}

impl Workload {
    pub fn autoscale(&self) -> Option<&api::Autoscale> {
        self.overrides.autoscale.as_ref()
    }
}

/// Looks at an Exchange and its namespace.
pub fn validate(exchange: &Result<Exchange, InvalidObject>, judged: &Judged) -> Result<Valid, Error> {
    let exchange = exchange.as_ref().map_err(|invalid| Error::Undecodable(invalid.error.clone()))?;
    let name = exchange.name_any();
    if let Some(rejection) = judged.left_out(&ObjectRef { kind: Kind::Exchange, name: name.clone() }) {
        return Err(Error::NotAccepted(rejection.message.clone()));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > LONGEST_NAME || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
        return Err(Error::Name);
    }
    let uid = exchange.uid().ok_or(Error::Incomplete("metadata.uid"))?;
    let rejected = judged.rejected_names();
    let spec = &exchange.spec;
    let workload = |duty: Duty, overrides: &api::Workload| Workload {
        duty,
        replicas: overrides.autoscale.is_none().then(|| overrides.replicas.unwrap_or(REPLICAS)),
        overrides: overrides.clone(),
        spool: None,
        volume: None,
        secrets: duty.roles().iter().flat_map(|role| secrets_of(*role, &judged.objects, &rejected)).collect(),
    };
    let ingest = &spec.ingest;
    let workloads = match &spec.store.embedded {
        Some(volume) => {
            let overrides = api::Workload { replicas: Some(1), autoscale: None, ..ingest.workload.clone() };
            vec![Workload { volume: Some(volume.clone()), ..workload(Duty::Standalone, &overrides) }]
        }
        None => vec![
            Workload { spool: Some(ingest.spool.clone()), ..workload(Duty::Ingest, &ingest.workload) },
            workload(Duty::Router, &spec.router),
        ],
    };
    Ok(Valid {
        namespace: exchange.namespace().ok_or(Error::Incomplete("metadata.namespace"))?,
        owner: json!({
            "apiVersion": Exchange::api_version(&()), "kind": Exchange::kind(&()), "name": name, "uid": uid, "controller": true,
        }),
        expose: spec.ingest.expose.clone(),
        workloads,
        database_port: spec.store.postgresql.as_ref().map(|postgresql| postgresql.port),
        shut_off: spec.network_policies == NetworkPolicies::Enabled,
        name,
        uid,
    })
}
