//! Offering a lead: each offer is durable before the first byte is sent.

use jiff::Timestamp;

use super::{Chosen, Flow, RouteError, Sending, Walk};
use crate::connect::request::{RecipientView, render};
use crate::flow::deliver::SoFar;
use crate::flow::envelope;
use crate::lead::{Decision, Delivery, Request};
use crate::store::{Reservation, Reserved, TurnAt};
use crate::table::policy::Policy;
use crate::table::recipient::{Recipient, Role};

impl<'a> Walk<'a> {
    /// Offers the lead to the decision's candidates, one by one, until one place is held and that delivery has ended.
    pub(super) async fn offer(
        &mut self,
        policy: &Policy,
        decision: Decision,
        first: Chosen<'a>,
        deadline: Timestamp,
    ) -> Result<Flow, RouteError> {
        let mut chosen = Some(first);
        for at in 0..decision.candidates.len() {
            let now = self.routing.clock.now();
            let Some(candidate) = chosen.take().or_else(|| self.routing.choose(self.table, &decision, at, now)) else { continue };
            let delivery = self.delivery(policy, &candidate);
            let endpoint = self.table.endpoints.get(&delivery.endpoint).cloned();
            let request = endpoint.as_ref().map(|endpoint| render(endpoint, &self.lead, &view_of(candidate.recipient), &delivery));
            let (Some(endpoint), Some(Ok(request))) = (endpoint, request) else {
                // The template can't be filled from this lead: as good as a recipient that can't be reached.
                tracing::warn!(lead = %self.lead.id, endpoint = %delivery.endpoint, "the request can't be written for this lead");
                self.never_mind(&candidate);
                self.tried.push(candidate.recipient.key.clone());
                continue;
            };
            match self.reserve(&delivery, &request, &candidate, self.records(&decision), now).await? {
                Reserved::Held { turn } => {
                    self.shadows.clear();
                    if let (Some(turn), Some(taken)) = (turn, &candidate.turn) {
                        let at = TurnAt { rotation: taken.rotation.clone(), recipient: delivery.recipient.clone(), turn };
                        self.routing.standing().turned(&[at]);
                    }
                    self.made = delivery.number;
                    let so_far = SoFar { attempts: 0, ambiguous: false };
                    let sending = Sending { endpoint: &endpoint, delivery: &delivery, request: &request };
                    let ended = self.send(sending, so_far, policy.after_timeout, deadline).await;
                    return self.end(&delivery, ended, policy.max_recipients, deadline, Some(&candidate)).await;
                }
                Reserved::Full { window, used } => {
                    self.never_mind(&candidate);
                    self.routing.standing().full(&candidate.recipient.key, &window, used);
                }
                Reserved::Stale { turns } => {
                    // Another router gave this turn away: whose turn it is now is decided anew.
                    self.never_mind(&candidate);
                    self.routing.standing().turned(&turns);
                    return Ok(Flow::Continue(()));
                }
                Reserved::Lost => return Err(RouteError::Lost),
            }
        }
        Ok(Flow::Continue(()))
    }

    /// A decision with those of shadow policies that are not on record yet.
    pub(super) fn records(&self, decision: &Decision) -> Vec<Decision> {
        std::iter::once(decision).chain(&self.shadows).cloned().collect()
    }

    async fn reserve(
        &self,
        delivery: &Delivery,
        request: &Request,
        chosen: &Chosen<'a>,
        decisions: Vec<Decision>,
        now: Timestamp,
    ) -> Result<Reserved, RouteError> {
        self.routing.remember(self.table).await?;
        let sealer = self.sealer()?;
        let reservation = Reservation {
            epoch: self.epoch,
            delivery: delivery.clone(),
            request: envelope::seal_request(&sealer, self.lead.id, request).map_err(|error| RouteError::Sealed(error.to_string()))?,
            holds: chosen.holds.clone(),
            turn: chosen.turn.clone(),
            decisions,
            at: now,
        };
        match self.routing.group.reserve(reservation).await {
            Ok(reserved) => Ok(reserved),
            Err(error) => {
                self.never_mind(chosen);
                Err(error.into())
            }
        }
    }

    fn delivery(&self, policy: &Policy, chosen: &Chosen<'a>) -> Delivery {
        Delivery {
            lead: self.lead.id,
            number: self.made + 1,
            recipient: chosen.recipient.key.clone(),
            tier: chosen.tier.clone(),
            policy: policy.name.clone(),
            endpoint: chosen.recipient.endpoint.to_string(),
            price: chosen.price.clone(),
            exclusive: chosen.exclusive,
        }
    }

    /// Takes an assignment back that was never reserved.
    pub(super) fn never_mind(&self, chosen: &Chosen<'a>) {
        self.routing.standing().never_mind(&chosen.recipient.key, &chosen.holds, chosen.turn.as_ref());
    }
}

/// The recipient as request templates see it.
fn view_of(recipient: &Recipient) -> RecipientView<'_> {
    RecipientView {
        name: &recipient.name,
        display_name: &recipient.display_name,
        email: recipient.email.as_deref(),
        phone: recipient.phone.as_deref(),
        contract: match &recipient.role {
            Role::Agent => None,
            Role::Contract(name) => Some(name),
        },
    }
}
