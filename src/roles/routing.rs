//! Puts a router together and sets it to work, whatever feeds it with rules.

use std::sync::Arc;

use axum::Router;
use tokio::sync::mpsc;

use super::RunError;
use super::in_force::InForce;
use super::process::Process;
use super::router;
use crate::breaker::{Breakers, Transition};
use crate::connect::HttpSender;
use crate::flow::deliver::Deliverer;
use crate::flow::deliver::probe::ByStore;
use crate::flow::envelope;
use crate::flow::route::Routing;
use crate::lead::RecipientKey;
use crate::ops::{lead_pages, rule_pages, simulation_page};
use crate::store::group::Group;
use crate::store::{Arrived, LeadFile, RuleObject, Store};
use crate::table::digest;
use crate::tools::explanation::Explanation;
use crate::tools::why_not;

/// A router's parts that others need to know.
pub struct Started {
    pub breakers: Arc<Breakers>,
    /// The pages of leads and rules, for the admin port.
    pub pages: Router,
}

/// Starts the router's tasks. `owner` names it in leases; `transitions` is where its circuits' changes are published.
pub fn start(
    process: &mut Process,
    in_force: &Arc<InForce>,
    store: &Arc<dyn Store>,
    group: &Group,
    owner: &str,
    transitions: Option<mpsc::Sender<Transition>>,
) -> Result<Started, RunError> {
    let sender = Arc::new(HttpSender::new(in_force.live.table().exchange.allow.clone(), Arc::clone(&process.clock))?);
    let breakers = Arc::new(Breakers::new(Arc::clone(&process.dice), Arc::clone(&process.metrics), transitions));
    let deliverer = Arc::new(Deliverer::new(
        Arc::clone(&sender) as _,
        Arc::clone(&breakers),
        Arc::new(ByStore(Arc::clone(store))),
        Arc::clone(&process.clock),
        Arc::clone(&process.dice),
        Arc::clone(&process.metrics),
    ));
    // Before the first lead is sent, and before the first report of another router is heard.
    deliverer.configure(&in_force.live.table().endpoints);
    let routing = Arc::new(Routing::new(
        Arc::clone(store),
        Arc::new(group.clone()),
        Arc::clone(&in_force.live),
        Arc::clone(&in_force.sealer),
        Arc::clone(&deliverer),
        Arc::clone(&process.clock),
        Arc::clone(&process.metrics),
    ));
    process.tasks.drained("leads", router::work(Arc::clone(&routing), owner.to_owned(), process.shutdown.drain()));
    process.tasks.dropped("store and rules", router::keep_up(Arc::clone(&routing), process.shutdown.drain()));
    process.tasks.dropped("endpoints", follow_endpoints(Arc::clone(in_force), sender, deliverer));
    Ok(Started { breakers, pages: pages(in_force, store, process) })
}

/// Keeps allowed addresses, circuits and places those of the rules, whatever the store is at.
async fn follow_endpoints(in_force: Arc<InForce>, sender: Arc<HttpSender>, deliverer: Arc<Deliverer>) -> Result<(), reqwest::Error> {
    let mut changes = in_force.live.changes();
    loop {
        let table = in_force.live.table();
        sender.set_allow(table.exchange.allow.clone())?;
        deliverer.configure(&table.endpoints);
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn pages(in_force: &Arc<InForce>, store: &Arc<dyn Store>, process: &Process) -> Router {
    let [in_force, in_force_too, rules, current] = [(); 4].map(|()| Arc::clone(in_force));
    let explain = move |file: LeadFile| {
        let sealer = in_force.sealer.load_full().ok_or("the encryption keys are missing")?;
        let kept = envelope::open(&sealer, file.id, &file.sealed).map_err(|error| error.to_string())?;
        Ok(Explanation::new(file, &kept.lead, &in_force.live.table().schema))
    };
    let why_not = {
        let in_force = Arc::clone(&in_force_too);
        move |file: LeadFile, rules: Option<Vec<RuleObject>>, recipient: RecipientKey| {
            let sealer = in_force.sealer.load_full().ok_or("the encryption keys are missing")?;
            let lead = envelope::open(&sealer, file.id, &file.sealed).map_err(|error| error.to_string())?.lead;
            why_not::of_file(file, &lead, rules, &in_force.live.table(), &recipient)
        }
    };
    let objects = move || {
        digest::objects(rules.live.table().objects.iter().map(AsRef::as_ref))
            .map_err(|error| format!("the rules in force can't be read: {error}"))
    };
    let current = move || {
        let sealer = current.sealer.load_full()?;
        let open = move |arrived: &Arrived| envelope::open(&sealer, arrived.id, &arrived.sealed).ok().map(|kept| kept.lead);
        Some((current.live.table(), Arc::new(open) as simulation_page::Open))
    };
    lead_pages::routes(Arc::clone(store), Arc::clone(&process.clock), Arc::new(explain), Arc::new(why_not))
        .merge(rule_pages::routes(Arc::new(objects)))
        .merge(simulation_page::routes(Arc::clone(store), Arc::new(current)))
}
