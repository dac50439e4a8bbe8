//! What is known of an object → its conditions. Pure.

use jiff::Timestamp;

use super::judge::Judged;
use super::programmed::{Agreement, Leases};
use super::remarks::Remark;
use super::world::Trouble;
use crate::api::condition::{ConditionType, Reason, Wanted};
use crate::api::exchange::Component;
use crate::cluster::rule::Seen;
use crate::cluster::secrets::{AllFound, Found};
use crate::table::references::{References, Role};
use crate::table::{Kind, ObjectRef};

/// What conditions are made of.
pub struct Facts<'a> {
    pub namespace: &'a str,
    pub judged: &'a Judged,
    /// Name of the namespace's Exchange, if it has one.
    pub exchange: Option<&'a str>,
    pub secrets: &'a AllFound,
    pub leases: &'a Leases,
    /// The workloads of the namespace's Exchange.
    pub components: &'a [Component],
    pub trouble: Option<&'a Trouble>,
    /// What of the namespace's Exchange can't be used here.
    pub remarks: &'a [Remark],
    pub now: Timestamp,
}

/// One condition, before it has a type.
struct Part {
    status: bool,
    reason: Reason,
    message: String,
}

impl Part {
    fn new(status: bool, reason: Reason, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    fn of(&self, kind: ConditionType) -> Wanted {
        Wanted { kind, status: self.status, reason: self.reason, message: self.message.clone() }
    }
}

impl Facts<'_> {
    /// The conditions of an object, or `None` while something that it refers to has not been read yet.
    pub fn conditions(&self, object: &ObjectRef, references: Option<&References>, seen: &Seen) -> Option<Vec<Wanted>> {
        let accepted = self.accepted(object);
        let resolved = self.resolved(references)?;
        let programmed = self.programmed(object, &accepted, seen);
        let (hindrances, progress) = (self.hindrances(object), self.progress(object));
        // What is in the way comes before what waits for it.
        let parts = [&accepted, &resolved].into_iter().chain(&hindrances).chain([&programmed]).chain(&progress);
        let first_bad = parts.into_iter().find(|part| !part.status);
        let ready = match first_bad {
            Some(bad) => Part::new(false, bad.reason, bad.message.clone()),
            None => Part::new(true, Reason::Ready, "in use"),
        };
        let mut wanted = vec![
            accepted.of(ConditionType::Accepted),
            resolved.of(ConditionType::ResolvedRefs),
            programmed.of(ConditionType::Programmed),
            ready.of(ConditionType::Ready),
        ];
        let remarks = self.remarks(object).iter().map(|remark| remark.message.as_str()).collect::<Vec<_>>().join("; ");
        if accepted.status && !remarks.is_empty() {
            wanted.push(Part::new(true, Reason::UnsupportedValue, remarks).of(ConditionType::PartiallyInvalid));
        }
        // An Exchange may still come, and is looked for by itself.
        if !accepted.status && accepted.reason != Reason::NoExchange {
            wanted.push(Part::new(true, accepted.reason, accepted.message).of(ConditionType::Stalled));
        }
        Some(wanted)
    }

    fn accepted(&self, object: &ObjectRef) -> Part {
        match self.judged.rejected.get(object) {
            Some(rejection) => Part::new(false, rejection.reason, rejection.message.clone()),
            None => Part::new(true, Reason::Accepted, "valid"),
        }
    }

    fn resolved(&self, references: Option<&References>) -> Option<Part> {
        let mut missing: Vec<(Reason, String)> = Vec::new();
        let none = References::default();
        let References { secrets, endpoints } = references.unwrap_or(&none);
        for name in endpoints.iter().filter(|name| !self.judged.objects.endpoints.contains_key(*name)) {
            missing.push((Reason::EndpointNotFound, format!("Endpoint '{name}' does not exist")));
        }
        for secret in secrets {
            let name = &secret.name;
            let problem = match self.secrets.get(name)? {
                Found::Absent => Some((Reason::SecretNotFound, "does not exist".to_owned())),
                Found::Forbidden => Some((Reason::Forbidden, "may not be read by the operator".to_owned())),
                Found::Present(entries) => secret.entries.missing(entries).map(|problem| (Reason::SecretNotFound, problem)),
            };
            missing.extend(problem.map(|(reason, problem)| (reason, format!("Secret '{name}' {problem}"))));
        }
        Some(match missing.first() {
            None => Part::new(true, Reason::ResolvedRefs, "all that it names exists"),
            Some((reason, _)) => {
                let messages: Vec<_> = missing.iter().map(|(_, message)| message.as_str()).collect();
                Part::new(false, *reason, messages.join("; "))
            }
        })
    }

    fn programmed(&self, object: &ObjectRef, accepted: &Part, seen: &Seen) -> Part {
        let (roles, pods): (&[Role], _) = match object.kind {
            Kind::Exchange | Kind::LeadSource => (&Role::ALL, "pods"),
            Kind::Agent | Kind::Buyer | Kind::Endpoint | Kind::RoutingPolicy => (&[Role::Router], "routers"),
        };
        if !accepted.status {
            let message = match self.judged.fallen_back.get(object) {
                Some(generation) => format!("not accepted, so generation {generation} runs in its place"),
                None => "not accepted, so no pod uses it".to_owned(),
            };
            return Part::new(false, accepted.reason, message);
        }
        let agreement = |roles: &[Role]| match self.exchange {
            Some(exchange) => self.leases.agreement(self.namespace, exchange, roles, &self.judged.digest, self.now),
            None => Agreement::default(),
        };
        let Agreement { agree, of } = agreement(roles);
        let each_role = roles.iter().all(|role| agreement(&[*role]).of > 0);
        // This generation ran everywhere before, and a pod only ever goes on to newer rules: what is under way concerns another object.
        let ran_before = seen.conditions.iter().any(|condition| {
            condition.type_ == "Programmed" && condition.status == "True" && condition.observed_generation == seen.generation
        });
        match (each_role, agree == of) {
            (true, true) => Part::new(true, Reason::Programmed, format!("all {pods} run this generation")),
            (true, false) if ran_before => Part::new(true, Reason::Programmed, format!("all {pods} run this generation")),
            (true, false) => Part::new(false, Reason::Pending, format!("{agree} of {of} {pods} run this generation")),
            (false, _) => {
                let absent: Vec<_> = roles.iter().filter(|role| agreement(&[**role]).of == 0).map(|role| role.as_str()).collect();
                Part::new(false, Reason::Pending, format!("no {} pod runs", absent.join(" and no ")))
            }
        }
    }

    fn is_chosen(&self, object: &ObjectRef) -> bool {
        object.kind == Kind::Exchange && self.exchange == Some(object.name.as_str())
    }

    /// Of the namespace's Exchange: what it consists of and could not be written.
    fn hindrances(&self, object: &ObjectRef) -> Vec<Part> {
        if !self.is_chosen(object) {
            return Vec::new();
        }
        let trouble = self.trouble.map(|trouble| {
            use super::error::Category::{Conflict, Forbidden, Invalid, Refused, Unavailable};
            let reason = match trouble.category {
                Forbidden => Reason::Forbidden,
                // What the API server finds invalid was asked for by the Exchange, such as an affinity.
                Invalid | Refused => Reason::Invalid,
                Conflict | Unavailable => Reason::Progressing,
            };
            Part::new(false, reason, trouble.message.clone())
        });
        let lacking = self.remarks.iter().filter(|remark| remark.lacking);
        let lacking = lacking.map(|remark| Part::new(false, Reason::UnsupportedValue, remark.message.clone()));
        trouble.into_iter().chain(lacking).collect()
    }

    /// Of the namespace's Exchange: pods that are not ready, or not yet as they should be.
    fn progress(&self, object: &ObjectRef) -> Vec<Part> {
        if !self.is_chosen(object) {
            return Vec::new();
        }
        let waiting = self.components.iter().filter(|component| component.ready < component.desired).map(|component| {
            Part::new(false, Reason::Progressing, format!("{} of {} {} pods are ready", component.ready, component.desired, component.name))
        });
        let old = self.components.iter().filter(|component| component.updated < component.desired).map(|component| {
            let Component { name, updated, desired, .. } = component;
            Part::new(false, Reason::Progressing, format!("{updated} of {desired} {name} pods are as the Exchange asks for"))
        });
        waiting.chain(old).collect()
    }

    /// What of an object can't be used here.
    fn remarks(&self, object: &ObjectRef) -> &[Remark] {
        if self.is_chosen(object) { self.remarks } else { &[] }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
