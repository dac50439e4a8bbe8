//! Which settlements hold, given the leases. Pure: each store loads (and locks) these, asks here, and writes the answer.

use std::collections::HashMap;

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

/// Whether a delivery that ended so gives its places back.
pub(super) fn gives_back(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Refused | DeliveryState::Failed)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::store::DeliveryEnd;

    fn settlement(epoch: i64, number: Option<i32>, then: Then) -> Settlement {
        Settlement {
            lead: LeadId(Uuid::nil()),
            epoch,
            now: Timestamp::UNIX_EPOCH,
            delivery: number.map(|number| DeliveryEnd { number, state: DeliveryState::Refused, record_id: None, attempt: None }),
            decision: None,
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
    fn nothing_settles_after_the_lease_was_given_back() {
        let park = Then::Park { until: Timestamp::UNIX_EPOCH };
        assert_eq!(decide(&[settlement(3, None, park.clone()), settlement(3, None, park)], &mut leased(None)), [true, false]);
    }
}
