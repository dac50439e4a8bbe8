//! The samples are valid, and do what their comments promise.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use leadflow::flow::decide::{Question, decide};
use leadflow::flow::standing::Standing;
use leadflow::folder::read;
use leadflow::lead::{Decision, Lead, LeadId, Value};
use leadflow::store::seal::Sealer;
use leadflow::table::{Objects, Secrets, Table, compile};
use rust_decimal::Decimal;

use crate::sources::root;

const FOLDERS: [&str; 3] = ["config/samples", "config/samples/quickstart", "config/samples/hello"];

fn sample(folder: &str) -> (Objects, Secrets) {
    read(&root().join(folder)).unwrap_or_else(|errors| panic!("{folder}: {errors:#?}"))
}

fn table(folder: &str) -> Table {
    let (table, rejected) = compile(&sample(folder).0);
    assert_eq!(rejected, [], "{folder}");
    table
}

fn decided(folder: &str, source: &str, fields: &[(&str, Value)]) -> Decision {
    let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let now: Timestamp = "2026-11-22T18:00:00Z".parse().unwrap();
    let lead = Lead { id: LeadId(uuid::Uuid::nil()), source: source.to_owned(), arrived_at: now, fields };
    let table = Arc::new(table(folder));
    let mut standing = Standing::new(Arc::clone(&table), now);
    let unavailable = BTreeMap::new();
    let question = Question { table: &table, lead: &lead, now, tried: &[], taken: &[], owners: &[], unavailable: &unavailable };
    decide(&question, &mut standing)
}

fn home(zip: &str, price: i64) -> [(&'static str, Value); 2] {
    [("location.zip", Value::Text(zip.to_owned())), ("property_interest.price_max", Value::Decimal(Decimal::from(price)))]
}

#[test]
fn every_sample_compiles() {
    for folder in FOLDERS {
        let (objects, _) = sample(folder);
        assert!(objects.exchange().is_some() && objects.len() > 5, "{folder}");
        table(folder);
    }
}

#[test]
fn every_secret_that_the_cluster_samples_name_is_there() {
    let (objects, secrets) = sample("config/samples");
    let text = format!("{:?}", objects.exchange());
    assert!(text.contains("leadflow-keys") && text.contains("leadflow-postgresql"));
    for name in ["leadflow-keys", "leadflow-postgresql", "website-form-keys", "solar-affiliate-keys", "crm", "acme-post"] {
        assert!(secrets.entries(name).is_some(), "{name}");
    }
    Sealer::new(secrets.entries("leadflow-keys").unwrap()).unwrap();
}

#[test]
fn the_quickstart_lead_is_scored_among_those_whom_zip_and_price_leave() {
    let decision = decided("config/samples/quickstart", "website-form", &home("90210", 750_000));
    assert_eq!(decision.candidates[0].recipient.as_str(), "agent/sarah-lee");
    let tier = &decision.tiers[0];
    assert_eq!((tier.tier.as_str(), tier.method.as_str(), tier.members), ("territory", "Score", 4));
    let ranked: Vec<_> = tier.ranked.iter().map(|one| (one.recipient.as_str(), (one.value * 10.0).round())).collect();
    assert_eq!(ranked, [("agent/sarah-lee", 14.0), ("agent/tom-ito", 11.0)]);
    let stages: Vec<_> = tier.stages.iter().map(|stage| stage.removed).collect();
    assert_eq!(stages.iter().sum::<u32>(), 2, "{:?}", tier.stages);
}

#[test]
fn the_first_lead_on_a_cluster_goes_to_the_best_agent_and_others_to_the_desk() {
    for (zip, recipient) in [("90210", "agent/sarah-lee"), ("90024", "agent/tom-ito"), ("10001", "agent/duty-desk")] {
        let decision = decided("config/samples/hello", "website-form", &home(zip, 100_000));
        assert_eq!(decision.candidates[0].recipient.as_str(), recipient, "{zip}");
    }
}

#[test]
fn the_quickstart_leaves_no_lead_without_somebody() {
    let decision = decided("config/samples/quickstart", "website-form", &home("10001", 100_000));
    assert_eq!(decision.candidates[0].recipient.as_str(), "agent/duty-desk");
}

#[test]
fn the_solar_sample_is_sold_alone_where_that_pays_more_than_two_contracts_together() {
    let fields =
        [("location.state", Value::Text("NY".into())), ("home.owner", Value::Boolean(true)), ("roof.age_years", Value::Integer(7))];
    let decision = decided("config/samples", "solar-affiliate", &fields);
    assert_eq!(decision.policy.as_deref(), Some("solar"));
    let comparison = decision.tiers[0].comparison.unwrap();
    assert_eq!((comparison.exclusive, comparison.shared), (Some(9500), 6050));
    let sold: Vec<_> = decision.candidates.iter().map(|one| (one.recipient.as_str(), one.exclusive)).collect();
    assert_eq!(sold, [("buyer/acme-solar/northeast", true)]);
}

#[test]
fn a_sample_lead_is_graded_and_a_luxury_one_needs_the_skill() {
    let decision = decided("config/samples", "website-form", &home("90210", 1_600_000));
    assert_eq!(decision.score.as_ref().map(|score| (score.points, score.grade.as_deref())), Some((40, Some("B"))));
    assert_eq!(decision.candidates[0].recipient.as_str(), "agent/sarah-lee");
    let skill = decision.tiers.iter().flat_map(|tier| &tier.stages).find(|stage| *stage.name == *"skill Luxury");
    assert!(skill.is_some(), "{:?}", decision.tiers);
}
