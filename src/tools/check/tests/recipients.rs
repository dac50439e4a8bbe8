//! Recipients that never get a lead, grades, skills.

use super::*;

const BOB: &str = "accepts: [{field: location.state, in: [NY]}]";

fn bob(instead: &str) -> Vec<String> {
    found(BOB, instead).into_iter().filter(|line| !line.contains("InvalidRule")).collect()
}

#[test]
fn whoever_no_policy_asks_is_told_unless_standing_in() {
    let all = "to: {agents: {}, buyers: {names: [acme]}}";
    let west = "to: {agents: {names: [ann]}}\n      when: has(lead.contact.phone)";
    let told = of(Code::RecipientUnused, all, west);
    assert_eq!(
        told,
        [
            "note RecipientUnused Agent/bob: the agent is in no tier and no fallback of any policy, and stands in for nobody",
            "note RecipientUnused Buyer/acme: spec.contracts[0]: the contract is in no tier and no fallback of any policy, and stands in for nobody",
        ]
    );
    let cover = HOUSE.replacen(all, west, 1).replacen(
        BOB,
        &format!("{BOB}\n  timeOff: [{{from: 2026-12-24, to: 2026-12-31, cover: {{buyer: acme, contract: all}}}}]"),
        1,
    );
    assert_eq!(of(Code::RecipientUnused, HOUSE, &cover).len(), 1);
}

#[test]
fn caps_and_capacities_of_nothing_are_told() {
    for (spec, field) in [
        ("caps: [{per: Month, spend: \"0.00\"}]", "caps[0].spend"),
        ("caps: [{per: Day, leads: 5}, {per: Week, leads: 0}]", "caps[1].leads"),
        ("caps: [{per: Day, leads: 0, leadsOn: {Mo: 0}}]", "caps[0].leadsOn"),
        ("capacity: {openLeads: 0}", "capacity.openLeads"),
    ] {
        let told = bob(spec);
        assert!(told.len() == 1 && told[0].starts_with(&format!("warning CapOfZero Agent/bob: spec.{field}: ")), "{told:?}");
    }
    assert_eq!(bob("caps: [{per: Day, leads: 0, leadsOn: {Mo: 5}}]"), [""; 0], "five on Mondays");
    assert_eq!(bob("caps: [{per: Day, leadsOn: {Mo: 0}}]"), [""; 0], "no limit on other days");
}

#[test]
fn tests_that_contradict_each_other_are_told() {
    for (accepts, field) in [
        ("[{field: home.price, atLeast: \"9\", below: \"9\"}]", "accepts[0]"),
        ("[{field: home.price, atLeast: \"9\"}, {field: home.kind, in: [FLAT]}, {field: home.price, below: \"5\"}]", "accepts[2]"),
        ("[{field: location.state, in: [NY]}, {field: location.state, in: [NJ]}]", "accepts[1]"),
    ] {
        let told = bob(&format!("accepts: {accepts}"));
        assert!(told.len() == 1 && told[0].starts_with(&format!("warning FilterNeverPasses Agent/bob: spec.{field}: ")), "{told:?}");
    }
    assert_eq!(bob("accepts: [{field: home.price, atLeast: \"5\"}, {field: home.price, below: \"9\"}]"), [""; 0]);
}

#[test]
fn values_that_no_lead_has_are_told_with_the_right_spelling() {
    let told = found_on(
        BOB,
        "accepts: [{field: location.state, in: [NY, New Jersey]}, {field: location.zip, in: ['90210-1234', SW1A 1AA]}]",
        None,
    );
    assert_eq!(
        lines(&told),
        [
            "warning FilterNeverPasses Agent/bob: spec.accepts[0].in[1]: no lead has the value 'New Jersey': leads have it as 'NJ'",
            "warning FilterNeverPasses Agent/bob: spec.accepts[1].in[0]: no lead has the value '90210-1234': leads have it as '90210'",
        ]
    );
    assert_eq!(told[0].fix.as_deref(), Some("write 'NJ'"));
}

#[test]
fn grades_are_those_that_the_recipients_policies_give() {
    let graded = |score: &str, bob: &str| {
        let house = HOUSE.replacen("  tiers:\n", &format!("{score}  tiers:\n"), 1).replacen(BOB, bob, 1);
        of(Code::GradeNotGiven, HOUSE, &house)
    };
    let weights = "capacity: {openWeight: 9, weightByGrade: {A: 2, E: 1}}";
    let rules = "rules: [{name: x, when: has(lead.contact.phone), points: 50}]";
    assert_eq!(
        graded(&format!("  score: {{{rules}}}\n"), weights),
        ["warning GradeNotGiven Agent/bob: spec.capacity.weightByGrade.E: no policy that bob is in gives the grade 'E'"]
    );
    assert_eq!(graded(&format!("  score: {{{rules}, grades: [{{grade: A, atLeast: 5}}, {{grade: E, atLeast: 0}}]}}\n"), weights), [""; 0]);
    assert_eq!(
        graded("", "accepts: [{field: lead.grade, in: [A]}]"),
        ["warning GradeNotGiven Agent/bob: spec.accepts[0].in[0]: names the grade 'A', but no policy that bob is in gives grades"]
    );
    let unused = HOUSE.replacen("to: {agents: {}, ", "to: {", 1);
    let unused = unused.replacen(BOB, weights, 1);
    assert_eq!(of(Code::GradeNotGiven, HOUSE, &unused), [""; 0], "without a policy it is told as such alone");
    let price = HOUSE.replacen("{name: all, deliverTo: crm}", "{name: all, deliverTo: crm, price: {amount: '5', byGrade: {B: '7'}}}", 1);
    assert_eq!(
        of(Code::GradeNotGiven, HOUSE, &price),
        [
            "warning GradeNotGiven Buyer/acme: spec.contracts[0].price.byGrade.B: names the grade 'B', but no policy that acme/all is in gives grades"
        ]
    );
}

#[test]
fn a_skill_that_nobody_has_is_told() {
    let house = HOUSE.replacen("  tiers:\n", "  skills: [{skill: Spanish}, {skill: Luxry, relaxAfterSeconds: 30}]\n  tiers:\n", 1);
    let house = house.replacen(BOB, "skills: [Luxury, Spanish]", 1);
    let told = found_on(HOUSE, &house, None);
    let message = "no agent has the skill 'Luxry': where it is needed, no agent gets the lead in the first 30 seconds";
    assert_eq!(lines(&told), [format!("warning SkillNobodyHas RoutingPolicy/homes: spec.skills[1].skill: {message}")]);
    assert_eq!(told[0].fix.as_deref(), Some("did you mean 'Luxury'?"));
}
