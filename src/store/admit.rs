//! What becomes of leads to be kept, given what the store knows already. Pure: each store loads (and locks) what is known, asks here, and writes the answer.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Adopted, Appended, NewLead};
use crate::lead::LeadId;

type Hash = [u8; 32];

/// What an idempotency key was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UsedKey {
    pub body: Hash,
    pub lead: LeadId,
}

/// The lead by which a fingerprint is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub lead: LeadId,
    pub arrived_at: Timestamp,
}

/// Answers those leads whose idempotency key was used before, in the store or earlier in the batch. `None` goes on to [`by_fingerprint`].
/// `known` has what the store knew before this batch.
pub(super) fn by_key(leads: &[NewLead], known: &HashMap<Hash, UsedKey>) -> Vec<Option<Appended>> {
    let mut used = known.clone();
    leads
        .iter()
        .map(|lead| {
            let idempotency = lead.idempotency.as_ref()?;
            match used.get(&idempotency.key) {
                Some(before) if before.body == idempotency.body => Some(Appended::Replayed { lead: before.lead }),
                Some(_) => Some(Appended::KeyReused),
                None => {
                    used.insert(idempotency.key, UsedKey { body: idempotency.body, lead: lead.id });
                    None
                }
            }
        })
        .collect()
}

/// Answers the leads that are left: a lead with a fingerprint that is still remembered is a duplicate; any other takes over all of its fingerprints.
/// A duplicate leaves none. Returns who holds each fingerprint that was taken over.
pub(super) fn by_fingerprint(
    leads: &[NewLead],
    answers: Vec<Option<Appended>>,
    known: &HashMap<Hash, Holder>,
) -> (Vec<Appended>, HashMap<Hash, Holder>) {
    let mut taken: HashMap<Hash, Holder> = HashMap::new();
    let answers = leads
        .iter()
        .zip(answers)
        .map(|(lead, answer)| {
            if let Some(answer) = answer {
                return answer;
            }
            let before = lead.fingerprints.iter().find_map(|fingerprint| {
                let holder = taken.get(&fingerprint.hash).or_else(|| known.get(&fingerprint.hash))?;
                fingerprint.remembered_since.is_none_or(|since| holder.arrived_at >= since).then_some(holder.lead)
            });
            if let Some(of) = before {
                return Appended::Duplicate { of };
            }
            let holder = Holder { lead: lead.id, arrived_at: lead.arrived_at };
            taken.extend(lead.fingerprints.iter().map(|fingerprint| (fingerprint.hash, holder)));
            Appended::New
        })
        .collect();
    (answers, taken)
}

/// Of leads that were acknowledged before the store had them, those that are not on record yet, each once.
pub(super) fn unknown(leads: &[NewLead], on_record: &HashSet<LeadId>) -> Vec<NewLead> {
    let mut seen = on_record.clone();
    leads.iter().filter(|lead| seen.insert(lead.id)).cloned().collect()
}

/// Like [`by_key`], for acknowledged leads: none is turned away. A key that another lead used makes a duplicate of it; with another body it counts for
/// nothing. Such leads lose the key. A lead whose own id the key names has just been kept by somebody else.
pub(super) fn by_key_acknowledged(leads: &mut [NewLead], known: &HashMap<Hash, UsedKey>) -> Vec<Option<Appended>> {
    let mut answers = by_key(leads, known);
    for (lead, answer) in leads.iter_mut().zip(&mut answers) {
        match answer {
            Some(Appended::Replayed { lead: of }) if *of != lead.id => *answer = Some(Appended::Duplicate { of: *of }),
            Some(Appended::KeyReused) => *answer = None,
            _ => continue,
        }
        lead.idempotency = None;
    }
    answers
}

/// What is told of each acknowledged lead: `answers` are those of the ones that were not on record.
pub(super) fn adopted(leads: &[NewLead], unknown: &[NewLead], answers: &[Appended]) -> Vec<Adopted> {
    let told = |answer: &Appended| match answer {
        Appended::New => Adopted::New,
        Appended::Duplicate { of } => Adopted::Duplicate { of: *of },
        Appended::Replayed { .. } | Appended::KeyReused => Adopted::Known,
    };
    let mut by_id: HashMap<LeadId, Adopted> = unknown.iter().zip(answers).map(|(lead, answer)| (lead.id, told(answer))).collect();
    leads.iter().map(|lead| by_id.remove(&lead.id).unwrap_or(Adopted::Known)).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::{Fingerprint, Idempotency, Sealed};

    fn lead(number: u128, second: i64, prints: &[u8]) -> NewLead {
        NewLead {
            id: LeadId(Uuid::from_u128(number)),
            source: "site".into(),
            arrived_at: Timestamp::from_second(second).unwrap(),
            sealed: Sealed(Vec::new()),
            fingerprints: prints.iter().map(|print| Fingerprint { hash: [*print; 32], remembered_since: None }).collect(),
            idempotency: None,
        }
    }

    fn answers(leads: &[NewLead], known: &HashMap<Hash, Holder>) -> (Vec<Appended>, HashMap<Hash, Holder>) {
        by_fingerprint(leads, by_key(leads, &HashMap::new()), known)
    }

    #[test]
    fn a_duplicate_leaves_no_fingerprint_for_later_leads_of_its_batch() {
        let first = lead(1, 10, &[1]);
        let duplicate = lead(2, 10, &[1, 2]);
        let third = lead(3, 10, &[2]);
        let (answers, taken) = answers(&[first.clone(), duplicate, third.clone()], &HashMap::new());
        assert_eq!(answers, [Appended::New, Appended::Duplicate { of: first.id }, Appended::New]);
        assert_eq!(taken[&[2; 32]].lead, third.id);
    }

    #[test]
    fn a_fingerprint_is_remembered_from_its_time_on_and_taken_over_before() {
        let known = HashMap::from([([1; 32], Holder { lead: lead(9, 0, &[]).id, arrived_at: Timestamp::from_second(100).unwrap() })]);
        let mut again = lead(1, 200, &[1]);
        again.fingerprints[0].remembered_since = Some(Timestamp::from_second(100).unwrap());
        assert_eq!(answers(std::slice::from_ref(&again), &known).0, [Appended::Duplicate { of: lead(9, 0, &[]).id }]);
        again.fingerprints[0].remembered_since = Some(Timestamp::from_second(101).unwrap());
        let (answers, taken) = answers(std::slice::from_ref(&again), &known);
        assert_eq!(answers, [Appended::New]);
        assert_eq!(taken[&[1; 32]].lead, again.id);
    }

    #[test]
    fn a_key_answers_for_its_first_lead_within_a_batch_too() {
        let key = |mut lead: NewLead, body: u8| {
            lead.idempotency = Some(Idempotency { key: [5; 32], body: [body; 32] });
            lead
        };
        let leads = [key(lead(1, 1, &[]), 1), key(lead(2, 1, &[]), 1), key(lead(3, 1, &[]), 2)];
        assert_eq!(by_key(&leads, &HashMap::new()), [None, Some(Appended::Replayed { lead: leads[0].id }), Some(Appended::KeyReused)]);
    }
}
