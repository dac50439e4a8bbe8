//! Tables that are compiled one after the other, by what changed, are those that would be compiled from nothing.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::house::objects_of;
use super::random::{self, Dice};
use crate::flow::decide::World;
use crate::flow::standing::Standing;
use crate::lead::RecipientKey;
use crate::lead::decision::Turn;
use crate::store::Hold;
use crate::table::{Compiler, Objects, Table, compile};

const NAMES: [&str; 7] = ["ann", "bob", "cat", "dan", "eve", "fay", "gil"];

/// Puts documents among objects; all others stay the very same.
fn put(objects: &mut Objects, document: Value) {
    let one = objects_of(vec![document]);
    objects.exchanges.extend(one.exchanges);
    objects.sources.extend(one.sources);
    objects.agents.extend(one.agents);
    objects.buyers.extend(one.buyers);
    objects.endpoints.extend(one.endpoints);
    objects.policies.extend(one.policies);
}

fn endpoint(name: &str) -> Value {
    json!({"kind": "Endpoint", "metadata": {"name": name}, "spec": {"http": {"url": "https://crm.example.com/leads"}}})
}

/// Changes something, as people do.
fn edit(dice: &mut Dice, objects: &mut Objects) {
    let name = dice.pick(&NAMES);
    match dice.below(20) {
        0..=3 => put(objects, random::agent(dice, name)),
        4 => drop(objects.agents.remove(name)),
        5 => {
            // Renamed: the same, under another name.
            let Some((_, agent)) = objects.agents.pop_first() else { return };
            let mut agent = serde_json::to_value(&*agent).expect("JSON");
            agent["metadata"]["name"] = name.into();
            put(objects, agent);
        }
        6 | 7 => {
            let Some(agent) = objects.agents.get(name) else { return };
            let mut agent = serde_json::to_value(&**agent).expect("JSON");
            agent["metadata"]["labels"]["team"] = dice.pick(&["east", "west", "north"]).into();
            put(objects, agent);
        }
        8 | 9 => {
            let Some(agent) = objects.agents.get(name) else { return };
            let mut agent = serde_json::to_value(&**agent).expect("JSON");
            match dice.below(3) {
                0 => agent["spec"]["deliverTo"] = "nowhere".into(),
                1 => agent["spec"]["when"] = "lead.nothing == 1".into(),
                _ => agent["spec"]["accepts"] = json!([{"field": "location.zap", "exists": true}]),
            }
            put(objects, agent);
        }
        10 | 11 => {
            let name = dice.pick(&["acme", "beta", "core"]);
            put(objects, random::buyer(dice, name));
        }
        12 => drop(objects.buyers.pop_last()),
        13 => put(objects, endpoint("other-crm")),
        14 => drop(objects.endpoints.remove("other-crm")),
        15 | 16 => {
            let (name, precedence) = (dice.pick(&["first", "second", "third"]), dice.below(3));
            put(objects, random::policy(dice, name, precedence));
        }
        17 => drop(objects.policies.pop_last()),
        18 => {
            // Written again as it is.
            let Some(agent) = objects.agents.get_mut(name) else { return };
            *agent = Arc::new((**agent).clone());
        }
        _ => {
            let mut exchange = random::house().remove(0);
            match dice.below(4) {
                0 => exchange["spec"]["timeZone"] = "Asia/Tokyo".into(),
                1 => exchange["spec"]["schema"]["fields"]
                    .as_array_mut()
                    .expect("fields")
                    .insert(0, json!({"name": "age", "type": "Integer"})),
                2 => exchange["spec"]["timeZone"] = "Mars/Olympus".into(),
                _ => {}
            }
            put(objects, exchange);
        }
    }
}

fn assert_same(made: &Table, afresh: &Table, step: &str) {
    assert_eq!(made.digest, afresh.digest, "{step}");
    assert_eq!(made.recipients, afresh.recipients, "{step}");
    assert_eq!(made.policies, afresh.policies, "{step}");
    assert_eq!(made.numbers, afresh.numbers, "{step}");
    assert_eq!(made.sources, afresh.sources, "{step}");
    assert_eq!(made.endpoints, afresh.endpoints, "{step}");
    assert_eq!(made.exchange, afresh.exchange, "{step}");
    assert_eq!(made.schema, afresh.schema, "{step}");
    assert_eq!(made.objects, afresh.objects, "{step}");
}

/// What a standing should know: what is used, by recipient and window; turns, by rotation and recipient.
#[derive(Default)]
struct Known {
    used: HashMap<(RecipientKey, String), i64>,
    turns: HashMap<(String, RecipientKey), Turn>,
}

impl Known {
    /// Forgets what the table has no place for.
    fn follow(&mut self, table: &Table, now: jiff::Timestamp) {
        let label = |(key, label): &(RecipientKey, String)| {
            table.recipient(key).is_some_and(|recipient| recipient.holds(now, Default::default()).iter().any(|hold| hold.window == *label))
        };
        self.used.retain(|place, _| label(place));
        self.turns.retain(|(_, key), _| table.numbers.contains_key(key));
    }

    fn check(&self, standing: &mut Standing, table: &Table, now: jiff::Timestamp, step: &str) {
        for (number, recipient) in (0..).zip(table.recipients.iter()) {
            for (place, Hold { window, .. }) in recipient.holds(now, Default::default()).iter().enumerate() {
                let used = self.used.get(&(recipient.key.clone(), window.clone())).copied().unwrap_or(0);
                assert_eq!(standing.used(number, place), used, "{step}: {window} of {}", recipient.key);
            }
            for tier in table.policies.iter().flat_map(|policy| policy.all_tiers()) {
                let turn = self.turns.get(&(tier.rotation.clone(), recipient.key.clone())).copied().unwrap_or_default();
                assert_eq!(standing.turn(&tier.rotation, number), turn, "{step}: {} of {}", tier.rotation, recipient.key);
            }
        }
    }
}

#[test]
fn a_table_made_of_changes_is_the_one_made_from_nothing_and_what_is_known_stays_known() {
    let mut decided = 0;
    for seed in 4000..4040 {
        let mut dice = Dice(seed);
        let mut objects = random::objects(&mut dice);
        let mut compiler = Compiler::default();
        let now = random::moment(&mut dice);
        let mut standing: Option<Standing> = None;
        let mut known = Known::default();
        for step in 0..40 {
            (0..1 + dice.below(3)).for_each(|_| edit(&mut dice, &mut objects));
            let step = format!("seed {seed}, step {step}");
            let (made, rejected) = compiler.compile(&objects);
            let (afresh, rejected_afresh) = compile(&objects);
            assert_same(&made, &afresh, &step);
            assert_eq!(rejected, rejected_afresh, "{step}");

            let standing = standing.get_or_insert_with(|| Standing::new(Arc::clone(&made), now));
            standing.follow(&made, now);
            known.follow(&made, now);
            known.check(standing, &made, now, &step);

            let afresh = Arc::new(afresh);
            let mut router = random::router(&mut dice, &made, now);
            let mut other = super::house::Router {
                owners: router.owners.clone(),
                unavailable: router.unavailable.clone(),
                ..super::house::Router::at(&afresh, &now.to_string())
            };
            for _ in 0..4 {
                let lead = random::lead(&mut dice, now);
                let decision = router.ask(&lead);
                assert_eq!(decision, other.ask(&lead), "{step}");
                decided += 1;
                let Some(first) = decision.candidates.first() else { continue };
                router.take(&decision, first);
                let holds = other.take(&decision, first);
                let tier = made.policy(decision.policy.as_deref().expect("one")).and_then(|policy| policy.tier(&first.tier)).expect("one");
                let turn = standing.turn_for(tier, made.numbers[&first.recipient]);
                standing.assume(&first.recipient, &holds, Some(&turn));
                for hold in holds {
                    *known.used.entry((hold.recipient, hold.window)).or_default() += hold.amount;
                }
                let turn = standing.turn(&tier.rotation, made.numbers[&first.recipient]);
                known.turns.insert((tier.rotation.clone(), first.recipient.clone()), turn);
            }
        }
    }
    assert!(decided > 5000, "{decided}");
}
