//! Rules tried on leads.

use super::*;

const WHEN: &str = "when: has(lead.contact.phone)";
/// One more source before the house's own.
const OTHER_SOURCE: &str = "kind: LeadSource\nmetadata: {name: phone, labels: {channel: phone}}\nspec:\n  auth: {keysFrom: {secretRef: {name: website-keys}}}\n---\napiVersion: leadflow.dev/v1alpha1\nkind: LeadSource\nmetadata: {name: website,";

#[test]
fn an_expression_that_reads_what_no_source_requires_is_a_note() {
    let told = found(WHEN, "when: lead.home.price > 5.0");
    let message = "fails on a lead with only what 'website' requires, because the lead has no 'home.price': the recipient is not asked for such a lead";
    assert_eq!(told, [format!("note ExpressionFails Agent/ann: spec.when: {message}")]);
    assert_eq!(found("require: [contact.email, location.zip]", "require: [contact.email]"), [""; 0]);
}

#[test]
fn samples_tell_how_often_an_expression_fails() {
    let samples = concat!(
        "{\"email\": \"a@example.com\", \"zip\": \"90210\", \"home\": {\"price\": 5}}\n\n",
        "{\"email\": \"b@example.com\", \"zip\": \"90211\"}\n",
        "{\"email\": \"c@example.com\", \"zip\": \"90211\", \"state\": \"CA\"}\n",
    );
    let told = lines(&found_on(WHEN, "when: lead.home.price > 5.0", Some(samples)));
    let message = "fails on 2 of 3 sample leads, first because the lead has no 'home.price': the recipient is not asked for such a lead";
    assert_eq!(told, [format!("warning ExpressionFails Agent/ann: spec.when: {message}")]);
}

#[test]
fn an_expression_sees_leads_of_its_own_sources_only() {
    let house = HOUSE.replacen("kind: LeadSource\nmetadata: {name: website,", OTHER_SOURCE, 1).replacen(
        WHEN,
        "when: lead.location.zip != '90210'",
        1,
    );
    let told = found(HOUSE, &house);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("warning SourceWithoutPolicy LeadSource/phone"), "{told:?}");
}

#[test]
fn no_value_of_a_sample_shows() {
    let samples = "{\"email\": \"mary@example.com\", \"zip\": \"90210\", \"phone\": \"+13105550100\"}\n";
    for when in ["when: int(lead.contact.email) > 0", "when: '{\"1\": true}[lead.contact.email]'"] {
        let told = lines(&found_on(WHEN, when, Some(samples))).join("\n");
        assert!(told.contains("ExpressionFails") && !told.contains("mary"), "{told}");
    }
    let told = lines(&found_on("", "", Some("{\"email\": \"mary at example\", \"zip\": \"90210\"}"))).join("\n");
    assert!(told.contains("SampleRefused") && !told.contains("mary"), "{told}");
}

#[test]
fn samples_that_would_be_refused_are_told_with_their_line() {
    let told =
        found_on("", "", Some("{\"email\": \"a@example.com\", \"zip\": \"90210\"}\n\n{\"email\": \"a@example.com\"\n{\"zip\": \"90210\"}"));
    let places: Vec<_> = told.iter().map(|one| (one.file.as_deref(), one.line, one.message.as_str())).collect();
    assert_eq!(places[0].1, Some(3));
    assert_eq!(places[1], (Some("samples.jsonl"), Some(4), "the source website would refuse it: contact.email: must be given"));
    assert!(told.iter().all(|one| one.code == Code::SampleRefused));
}

#[test]
fn zips_that_nobody_serves_are_told_by_area() {
    let agents_only = "to: {agents: {}}\n      when: has(lead.contact.phone)";
    let house = HOUSE.replacen("to: {agents: {}, buyers: {names: [acme]}}", agents_only, 1);
    let lead = |zip: &str, state: &str| format!("{{\"email\": \"a@example.com\", \"zip\": \"{zip}\", \"state\": \"{state}\"}}\n");
    let samples =
        [lead("90210", "CA"), lead("10001", "NY"), lead("90012", "CA"), lead("90013", "CA"), lead("90012", "CA"), lead("94105", "CA")];
    let told = found_on(HOUSE, &house, Some(&samples.concat()));
    let told: Vec<_> = lines(&told).into_iter().filter(|line| line.contains("Zips")).collect();
    let message = "4 of 6 sample leads have ZIPs that nobody serves: CA 900xx (3: 90012, 90013), CA 941xx (1: 94105)";
    assert_eq!(told, [format!("warning ZipsUnserved LeadSource/website: {message}")]);
    assert_eq!(lines(&found_on("", "", Some(&samples.concat()))), [""; 0], "the contract takes any");
}

#[test]
fn a_sample_names_its_source_and_goes_by_the_first_otherwise() {
    let house = HOUSE.replacen("kind: LeadSource\nmetadata: {name: website,", OTHER_SOURCE, 1);
    let told = found_on(HOUSE, &house, Some("{\"source\": \"website\", \"zip\": \"1\"}\n{\"source\": \"a fair\", \"zip\": \"1\"}"));
    let told: Vec<_> = lines(&told).into_iter().filter(|line| line.contains("SampleRefused")).collect();
    assert!(told.len() == 2 && told[0].contains("the source website would") && told[1].contains("the source phone would"), "{told:?}");
}
