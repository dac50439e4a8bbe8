//! Which settlements hold, given the leases. Pure: each store loads (and locks) these, asks here, and writes the answer.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::places::Leased;
use super::{DeliveryState, Settlement, Then};
use crate::lead::LeadId;

/// Decides settlements in the order given: false for a lost lease, and for the end of a delivery that is not open, since the caller's view of the
/// lead is old then. What ends the lease ends it for later ones of the batch too.
pub(super) fn decide(settlements: &[Settlement], leased: &mut HashMap<LeadId, Leased>) -> Vec<bool> {
    settlements
        .iter()
        .map(|settlement| {
            let Some(lead) = leased.get_mut(&settlement.lead).filter(|lead| lead.epoch == settlement.epoch) else { return false };
            if let Some(end) = &settlement.delivery {
                if lead.open != Some(end.number) {
                    return false;
                }
                if end.state != DeliveryState::Open {
                    lead.open = None;
                }
            }
            if settlement.then != Then::Continue {
                leased.remove(&settlement.lead);
            }
            true
        })
        .collect()
}

/// An acceptance: when it was settled, and of which delivery.
pub(super) type Acceptance = (Timestamp, LeadId, i32);

/// By which keys those who accepted are known as owners from now on. Of several acceptances with the same key the latest counts.
pub(super) fn owners<'a>(held: impl Iterator<Item = &'a Settlement>) -> BTreeMap<[u8; 32], Acceptance> {
    let mut owners: BTreeMap<[u8; 32], Acceptance> = BTreeMap::new();
    for settlement in held {
        let Some(end) = settlement.delivery.as_ref().filter(|end| end.state == DeliveryState::Accepted) else { continue };
        for key in &end.owner_keys {
            let owner = owners.entry(*key).or_insert((settlement.now, settlement.lead, end.number));
            if settlement.now >= owner.0 {
                *owner = (settlement.now, settlement.lead, end.number);
            }
        }
    }
    owners
}

/// Whether a delivery that ended so gives its places back, but those to be kept.
pub(super) fn gives_back(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Refused | DeliveryState::Failed)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::DeliveryEnd;

    fn settlement(epoch: i64, number: Option<i32>, then: Then) -> Settlement {
        Settlement {
            lead: LeadId(Uuid::nil()),
            epoch,
            now: Timestamp::UNIX_EPOCH,
            delivery: number.map(|number| DeliveryEnd {
                number,
                state: DeliveryState::Refused,
                record_id: None,
                owner_keys: Vec::new(),
                attempt: None,
            }),
            decisions: Vec::new(),
            then,
        }
    }

    fn leased(open: Option<i32>) -> HashMap<LeadId, Leased> {
        HashMap::from([(LeadId(Uuid::nil()), Leased { epoch: 3, open, last: 1 })])
    }

    #[test]
    fn an_older_epoch_or_a_delivery_that_is_not_open_changes_nothing() {
        let asked =
            [settlement(2, Some(1), Then::Delivered), settlement(3, Some(2), Then::Delivered), settlement(3, Some(1), Then::Continue)];
        assert_eq!(decide(&asked, &mut leased(Some(1))), [false, false, true]);
        assert_eq!(decide(&[settlement(3, Some(1), Then::Delivered)], &mut leased(None)), [false]);
    }

    #[test]
    fn of_two_acceptances_with_the_same_key_the_later_one_counts_and_a_refusal_does_not() {
        let end = |second, number, state| {
            let mut settlement = settlement(3, Some(number), Then::Continue);
            settlement.now = Timestamp::from_second(second).unwrap();
            settlement.delivery.as_mut().unwrap().state = state;
            settlement.delivery.as_mut().unwrap().owner_keys = vec![[7; 32]];
            settlement
        };
        let (accepted, refused) = (DeliveryState::Accepted, DeliveryState::Refused);
        let held = [end(5, 1, accepted), end(5, 2, accepted), end(4, 3, accepted), end(9, 4, refused)];
        assert_eq!(owners(held.iter()), BTreeMap::from([([7; 32], (Timestamp::from_second(5).unwrap(), LeadId(Uuid::nil()), 2))]));
    }

    #[test]
    fn nothing_settles_after_the_lease_was_given_back() {
        let park = Then::Park { until: Timestamp::UNIX_EPOCH };
        assert_eq!(decide(&[settlement(3, None, park.clone()), settlement(3, None, park)], &mut leased(None)), [true, false]);
    }
}
