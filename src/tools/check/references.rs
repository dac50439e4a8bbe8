//! What objects name, and is not there.

use super::finding::{Code, Finding};
use crate::api::cap::RecipientRef;
use crate::api::routing_policy::{Group, Recipients};
use crate::table::nearest::nearest;
use crate::table::references::{Needed, SecretUse, references};
use crate::table::{Kind, ObjectRef, Objects, Secrets};
use crate::tools::parties::{Party, parties};

/// Endpoints, recipients and sources that are named and are not there.
pub fn dangling(objects: &Objects) -> Vec<Finding> {
    let parties = parties(objects);
    let mut found = Vec::new();
    for party in &parties {
        endpoint(objects, party, &mut found);
        for (at, cap) in party.caps().iter().enumerate() {
            let field = party.field(&format!("caps[{at}].fallback"));
            found.extend(cap.fallback.as_ref().and_then(|reference| recipient(&parties, party.object(), field, reference)));
        }
        for (at, off) in party.time_off().iter().enumerate() {
            let field = party.field(&format!("timeOff[{at}].cover"));
            found.extend(off.cover.as_ref().and_then(|reference| recipient(&parties, party.object(), field, reference)));
        }
        for (at, filter) in party.accepts().iter().enumerate().filter(|(_, filter)| filter.field == "lead.source") {
            for (list, values) in [("in", &filter.any_of), ("notIn", &filter.not_in)] {
                for (place, name) in values.iter().flatten().enumerate().filter(|(_, name)| !objects.sources.contains_key(*name)) {
                    let field = party.field(&format!("accepts[{at}].{list}[{place}]"));
                    found.push(missing(&party.object(), field, "LeadSource", name, objects.sources.keys().map(String::as_str)));
                }
            }
        }
    }
    for (name, policy) in &objects.policies {
        let object = ObjectRef { kind: Kind::RoutingPolicy, name: name.clone() };
        let tiers = policy.spec.tiers.iter().enumerate().map(|(at, tier)| (format!("spec.tiers[{at}].to"), &tier.to));
        let fallback = policy.spec.fallback.iter().map(|fallback| ("spec.fallback.to".to_owned(), &fallback.to));
        tiers.chain(fallback).for_each(|(field, to)| groups(objects, &object, &field, to, &mut found));
    }
    found
}

fn missing<'a>(object: &ObjectRef, field: String, kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Finding {
    let finding = Finding::of(Code::DanglingReference, object, field, format!("there is no {kind} '{name}' in the folder"));
    match nearest(name, known) {
        Some(near) => finding.fix(format!("did you mean '{near}'?")),
        None => finding,
    }
}

fn endpoint(objects: &Objects, party: &Party<'_>, found: &mut Vec<Finding>) {
    let name = match party {
        Party::Agent { agent, .. } => &agent.spec.deliver_to,
        Party::Contract { contract, .. } => &contract.deliver_to,
    };
    if !objects.endpoints.contains_key(name) {
        found.push(missing(&party.object(), party.field("deliverTo"), "Endpoint", name, objects.endpoints.keys().map(String::as_str)));
    }
}

fn recipient(parties: &[Party<'_>], object: ObjectRef, field: String, reference: &RecipientRef) -> Option<Finding> {
    if parties.iter().any(|party| party.is_named(reference)) {
        return None;
    }
    let (kind, name) = match (&reference.agent, &reference.buyer, &reference.contract) {
        (Some(agent), ..) => ("Agent", agent.clone()),
        (None, buyer, contract) => {
            ("contract", format!("{}/{}", buyer.as_deref().unwrap_or_default(), contract.as_deref().unwrap_or_default()))
        }
    };
    let known: Vec<_> = parties.iter().filter(|party| party.is_agent() == (kind == "Agent")).map(Party::short).collect();
    Some(missing(&object, field, kind, &name, known.iter().map(String::as_str)))
}

fn groups(objects: &Objects, object: &ObjectRef, field: &str, to: &Recipients, found: &mut Vec<Finding>) {
    let agents: Vec<_> = objects.agents.keys().map(String::as_str).collect();
    let buyers: Vec<_> = objects.buyers.keys().map(String::as_str).collect();
    for (key, kind, group, known) in [("agents", "Agent", &to.agents, &agents), ("buyers", "Buyer", &to.buyers, &buyers)] {
        let Some(Group { selector, names }) = group else { continue };
        for (at, name) in names.iter().flatten().enumerate().filter(|(_, name)| !known.contains(&name.as_str())) {
            found.push(missing(object, format!("{field}.{key}.names[{at}]"), kind, name, known.iter().copied()));
        }
        let chosen = |selector| parties(objects).iter().any(|party| party.is_agent() == (kind == "Agent") && party.is_chosen(selector));
        if selector.as_ref().is_some_and(|selector| !chosen(selector)) {
            let message = format!("no {kind} of the folder has these labels");
            let fix = format!("write the labels as the manifests of {key} have them, or label these");
            found.push(Finding::of(Code::SelectorMatchesNothing, object, format!("{field}.{key}.selector"), message).fix(fix));
        }
    }
}

/// Secrets that are named and are not there, or not whole.
pub fn secrets(objects: &Objects, secrets: &Secrets) -> Vec<Finding> {
    let uses = references(objects)
        .into_iter()
        .flat_map(|(object, references)| references.secrets.into_iter().map(move |secret| (object.clone(), secret)));
    uses.filter_map(|(object, secret)| match secrets.entries(&secret.name) {
        None => {
            let message = format!("no manifest of the folder is the Secret '{}'", secret.name);
            let fix = format!("see to it that it is there, with {}", wanted(&secret.entries));
            Some(Finding::of(Code::SecretNotInFolder, &object, field(&object, &secret), message).fix(fix))
        }
        Some(entries) => secret.entries.missing(entries).map(|what| {
            Finding::of(Code::SecretIncomplete, &object, field(&object, &secret), format!("the Secret '{}' {what}", secret.name))
        }),
    })
    .collect()
}

fn wanted(needed: &Needed) -> String {
    match needed {
        Needed::Key(key) => format!("the key '{key}'"),
        Needed::Any => "at least one key".to_owned(),
        Needed::EncryptionKeys => "the key 'index' and at least one other".to_owned(),
    }
}

/// Where an object names its Secrets.
fn field(object: &ObjectRef, secret: &SecretUse) -> &'static str {
    match (object.kind, &secret.entries) {
        (Kind::Exchange, Needed::EncryptionKeys) => "spec.encryption.keysFrom.secretRef",
        (Kind::Exchange, _) => "spec.store.postgresql.urlFrom.secretKeyRef",
        (Kind::LeadSource, _) => "spec.auth.keysFrom.secretRef",
        (Kind::Endpoint, _) => "spec.http.auth",
        _ => "spec",
    }
}
