//! Holes in territories.

use super::*;
use crate::geography;

/// The house with agents alone, of whom bob takes these.
fn holes(accepts: &str) -> Vec<String> {
    let house = HOUSE.replacen("to: {agents: {}, buyers: {names: [acme]}}", "to: {agents: {names: [bob]}}", 1).replacen(
        "accepts: [{field: location.state, in: [NY]}]",
        accepts,
        1,
    );
    of(Code::ZipsUnserved, HOUSE, &house)
}

fn all_of(prefix: &str, but: &[&str]) -> String {
    let zips: Vec<_> = geography::zips()
        .map(|(zip, _)| zip)
        .filter(|zip| zip.starts_with(prefix) && !but.contains(zip))
        .map(|zip| format!("'{zip}'"))
        .collect();
    format!("accepts: [{{field: location.zip, in: [{}]}}]", zips.join(", "))
}

#[test]
fn what_is_left_out_of_an_area_is_told() {
    let told = holes(&all_of("902", &["90230", "90232"]));
    assert_eq!(told.len(), 1, "{told:?}");
    let all = geography::zips().filter(|(zip, _)| zip.starts_with("902")).count();
    let message = format!("nobody takes 2 ZIPs of areas of which the policy's recipients take most: CA 902xx (2 of {all}: 90230, 90232)");
    assert_eq!(told[0], format!("note ZipsUnserved RoutingPolicy/homes: spec.tiers: {message}"));
}

#[test]
fn whole_areas_small_parts_and_everything_have_no_holes() {
    for accepts in [
        all_of("902", &[]).as_str(),
        "accepts: [{field: location.zip, startsWith: ['902', '10']}]",
        "accepts: [{field: location.zip, in: ['90230']}]",
        "accepts: [{field: location.state, in: [NY]}]",
        "accepts: [{field: home.price, below: '9'}]",
        "accepts: [{field: location.zip, notIn: ['90230']}]",
    ] {
        assert_eq!(holes(accepts), [""; 0], "{accepts}");
    }
}

#[test]
fn circles_have_rims() {
    let told = holes("accepts: [{field: location.zip, within: {miles: 25, of: {zip: '90210'}}}]");
    assert!(told.len() == 1 && told[0].contains("CA 9"), "{told:?}");
}
