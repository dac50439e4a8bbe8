//! References, policies, tiers.

use super::*;

/// The house's policy with one more policy behind it.
fn with_policy(name: &str, spec: &str) -> String {
    format!(
        "kind: RoutingPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n---\napiVersion: leadflow.dev/v1alpha1\nkind: RoutingPolicy\nmetadata: {{name: homes}}"
    )
}

fn beside(name: &str, spec: &str) -> Vec<String> {
    found("kind: RoutingPolicy\nmetadata: {name: homes}", &with_policy(name, spec))
}

const EVERYBODY: &str = "tiers: [{name: a, to: {agents: {}, buyers: {}}, method: {type: Priority}}]";

/// The house with these tiers. What this release can't compile of them is another matter.
fn tiers(tiers: &str) -> Vec<String> {
    let from = HOUSE.split_once("  tiers:\n").unwrap().1;
    let told = found(from, &format!("{tiers}\n"));
    told.into_iter().filter(|line| !line.contains("InvalidRule")).collect()
}

#[test]
fn names_that_nobody_has_are_told_with_those_that_are_meant() {
    let told = found_on("deliverTo: crm", "deliverTo: crn", None);
    assert_eq!(lines(&told), ["error DanglingReference Agent/ann: spec.deliverTo: there is no Endpoint 'crn' in the folder"]);
    assert_eq!(told[0].fix.as_deref(), Some("did you mean 'crm'?"));
    let told = found_on("names: [acme]", "names: [acme, acm]", None);
    assert_eq!(
        lines(&told),
        ["error DanglingReference RoutingPolicy/homes: spec.tiers[1].to.buyers.names[1]: there is no Buyer 'acm' in the folder"]
    );
    assert_eq!(told[0].fix.as_deref(), Some("did you mean 'acme'?"));
}

#[test]
fn those_who_stand_in_must_be_there() {
    let off = "deliverTo: crm\n  timeOff: [{from: 2026-12-24, to: 2026-12-31, cover: {agent: bab}}]\n  caps: [{per: Day, leads: 5, whenReached: Fallback, fallback: {buyer: acme, contract: al}}]";
    assert_eq!(
        of(Code::DanglingReference, "deliverTo: crm", off),
        [
            "error DanglingReference Agent/ann: spec.caps[0].fallback: there is no contract 'acme/al' in the folder",
            "error DanglingReference Agent/ann: spec.timeOff[0].cover: there is no Agent 'bab' in the folder",
        ]
    );
}

#[test]
fn sources_that_tests_name_must_be_there() {
    let told = of(Code::DanglingReference, "[{field: location.state, in: [NY]}]", "[{field: lead.source, in: [website, web-site]}]");
    assert_eq!(told, ["error DanglingReference Agent/bob: spec.accepts[0].in[1]: there is no LeadSource 'web-site' in the folder"]);
}

#[test]
fn a_secret_that_is_not_there_is_a_note_and_one_that_lacks_something_an_error() {
    assert_eq!(
        found("metadata: {name: website-keys}", "metadata: {name: other-keys}"),
        ["note SecretNotInFolder LeadSource/website: spec.auth.keysFrom.secretRef: no manifest of the folder is the Secret 'website-keys'"]
    );
    assert_eq!(
        found("index: one, ", ""),
        ["error SecretIncomplete Exchange/house: spec.encryption.keysFrom.secretRef: the Secret 'keys' has no key 'index'"]
    );
}

#[test]
fn labels_that_nobody_has_are_told() {
    assert_eq!(
        found("{team: west}}}", "{team: wets}}}"),
        [
            "warning SelectorMatchesNothing RoutingPolicy/homes: spec.tiers[0].to.agents.selector: no Agent of the folder has these labels",
            "warning TierEmpty RoutingPolicy/homes: spec.tiers[0].to: nobody is in the tier 'west'",
        ]
    );
    let told = found("matchLabels: {channel: web}", "matchLabels: {channel: wbe}");
    assert_eq!(
        told,
        [
            "warning SelectorMatchesNothing RoutingPolicy/homes: spec.takes.sources: no LeadSource of the folder has these labels: the policy takes no lead",
            "warning SourceWithoutPolicy LeadSource/website: metadata.labels: no policy takes leads of this source: all of them would go to the unmatched queue",
        ]
    );
}

#[test]
fn policies_of_one_precedence_overlap_when_they_share_a_source() {
    let told = beside("last", &format!("{{{EVERYBODY}}}"));
    let message = "has the precedence of homes, 0, and both can take leads of the source 'website': homes takes them, because its name comes first; in a cluster, the older of the two would";
    assert_eq!(told, [format!("warning PoliciesOverlap RoutingPolicy/last: spec.precedence: {message}")]);
    assert_eq!(
        beside("last", &format!("{{takes: {{sources: {{matchLabels: {{channel: phone}}}}}}, {EVERYBODY}}}")).len(),
        1,
        "no shared source"
    );
    assert_eq!(beside("shade", &format!("{{mode: Shadow, {EVERYBODY}}}")), [""; 0]);
}

#[test]
fn two_conditions_may_exclude_each_other_which_is_a_note() {
    let takes = "takes: {sources: {matchLabels: {channel: web}}";
    let both = with_policy("last", &format!("{{takes: {{when: 'lead.home.price > 5.0'}}, {EVERYBODY}}}"));
    let house = HOUSE.replacen("kind: RoutingPolicy\nmetadata: {name: homes}", &both, 1).replacen(
        takes,
        &format!("{takes}, when: 'lead.home.price < 5.0'"),
        1,
    );
    let told: Vec<_> = found(HOUSE, &house).into_iter().filter(|line| line.contains("Policies")).collect();
    assert!(told.len() == 1 && told[0].starts_with("note PoliciesOverlap RoutingPolicy/last"), "{told:?}");
}

#[test]
fn a_policy_that_gets_nothing_of_any_source_is_never_used() {
    let told = beside("first", &format!("{{precedence: 5, {EVERYBODY}}}"));
    let message = "never takes a lead: of each of its sources, first takes all that this policy could, by higher precedence";
    assert_eq!(told, [format!("warning PolicyNeverUsed RoutingPolicy/homes: spec.precedence: {message}")]);
    assert_eq!(beside("first", &format!("{{precedence: 5, takes: {{when: 'has(lead.contact.phone)'}}, {EVERYBODY}}}")), [""; 0]);
}

#[test]
fn a_tier_whose_members_were_all_asked_before_is_unreachable() {
    let all = "{agents: {}, buyers: {}}";
    let two = |first: &str, second: &str| {
        tiers(&format!("    - {{name: a, to: {all}, {first}}}\n    - {{name: b, to: {{agents: {{}}}}, {second}}}"))
    };
    let told = two("method: {type: RoundRobin}", "method: {type: Priority}");
    let message = "the tier 'b' is never of use: whoever is in it was asked in 'a' already";
    assert_eq!(told, [format!("warning TierUnreachable RoutingPolicy/homes: spec.tiers[1]: {message}")]);
    let same = "when: has(lead.contact.phone), method: {type: Priority}";
    assert_eq!(two(same, same).len(), 1, "the same condition");
    for (first, second) in [
        ("when: has(lead.contact.phone), method: {type: Priority}", "method: {type: Priority}"),
        ("method: {type: Sticky, sticky: {by: [contact.email]}}", "method: {type: Priority}"),
        ("exclusive: CompareWithShared, method: {type: HighestPrice}", "method: {type: Priority}"),
    ] {
        assert_eq!(two(first, second), [""; 0], "{first}");
    }
}

#[test]
fn several_tiers_together_can_leave_nobody_for_a_later_one() {
    let west = "{agents: {selector: {matchLabels: {team: west}}}}";
    let east = "{agents: {selector: {matchLabels: {team: east}}}, buyers: {}}";
    let tier = |name: &str, to: &str, more: &str| format!("    - {{name: {name}, to: {to}, method: {{type: Priority}}{more}}}\n");
    let told = tiers(&[tier("a", west, ""), tier("b", east, ""), tier("c", "{agents: {}, buyers: {}}", "")].concat());
    assert!(told.len() == 1 && told[0].ends_with("whoever is in it was asked in 'a' and 'b' already"), "{told:?}");
    let limited = [tier("a", west, ""), tier("b", east, ", limit: 1"), tier("c", "{agents: {}, buyers: {}}", "")].concat();
    assert_eq!(tiers(&limited).len(), 1, "one recipient is all that the lead may have");
    let shared =
        format!("    - {{name: z, to: {west}, method: {{type: Priority}}}}\n{limited}").replace("    - {name: z", "    - {name: z");
    let from = HOUSE.split_once("  tiers:\n").unwrap().1;
    let told = found(from, &format!("{shared}  maxRecipients: 2\n"));
    assert!(told.iter().all(|line| !line.contains("spec.tiers[3]")), "a limit below what the lead may have leaves some over: {told:?}");
}

#[test]
fn a_fallback_of_recipients_that_every_lead_asks_before_is_unreachable() {
    let fallback = |tiers: &str| {
        let from = HOUSE.split_once("  tiers:\n").unwrap().1;
        found(from, &format!("{tiers}\n  fallback: {{to: {{agents: {{names: [ann]}}}}}}\n"))
    };
    let all = "    - {name: all, to: {agents: {}, buyers: {}}, method: {type: Priority}}";
    let message = "the fallback is never of use: whoever is in it was asked in 'all' already";
    assert_eq!(fallback(all), [format!("warning TierUnreachable RoutingPolicy/homes: spec.fallback: {message}")]);
    assert_eq!(fallback(&all.replace("method", "when: has(lead.contact.phone), method")), [""; 0]);
    assert_eq!(fallback(&all.replace("agents: {}", "agents: {names: [bob]}")), [""; 0]);
}

#[test]
fn a_weight_of_nothing_is_not_asked_by_weight() {
    let weighted = "    - {name: a, to: {agents: {}, buyers: {}}, method: {type: Weighted}}\n    - {name: b, to: {agents: {}}, method: {type: Priority}}";
    assert_eq!(tiers(weighted).len(), 1);
    let from = HOUSE.split_once("metadata: {name: bob").unwrap().1;
    let to = from.replacen("deliverTo: crm", "deliverTo: crm\n  weight: 0", 1);
    let house = to.split_once("  tiers:\n").unwrap().0;
    assert_eq!(found(from, &format!("{house}  tiers:\n{weighted}\n")), [""; 0]);
}

#[test]
fn what_the_rules_cannot_be_compiled_with_is_told() {
    assert_eq!(
        of(Code::InvalidRule, "field: location.state, in", "field: location.sate, in")[0].split(": ").take(2).collect::<Vec<_>>(),
        ["error InvalidRule Agent/bob", "spec.accepts[0].field"]
    );
    let told = found("kind: Exchange\nmetadata: {name: house}", "kind: Exchange\nmetadata: {name: house}");
    assert_eq!(told, [""; 0]);
    let (_, without) = HOUSE.split_once("---\n").unwrap();
    let told = found(HOUSE, without);
    assert_eq!(told, ["error NoExchange : the folder holds no Exchange, which says what a lead consists of"]);
}
