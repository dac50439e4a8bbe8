use crate::connect::answer::{AnswerBody, AnswerRules};
use crate::lead::AttemptResult;
use crate::lead::attempt::FailureCause;
use crate::table::endpoint::fixture::valid;

fn rules(response: &str) -> AnswerRules {
    valid(&format!("http: {{url: 'https://crm.example.com/', response: {{{response}}}}}")).answers
}

fn read(response: &str, status: u16, body: &str) -> AttemptResult {
    rules(response).read(status, AnswerBody::Whole(body.as_bytes()))
}

fn accepted(id: Option<&str>) -> AttemptResult {
    AttemptResult::Accepted { record_id: id.map(str::to_owned) }
}

fn refused(reason: Option<&str>) -> AttemptResult {
    AttemptResult::Refused { reason: reason.map(str::to_owned) }
}

const FAILED: AttemptResult = AttemptResult::Failed { cause: FailureCause::Status };

#[test]
fn without_rules_the_status_decides() {
    for (statuses, expected) in [
        (vec![200, 201, 202, 204, 299], accepted(None)),
        (vec![301, 302, 307, 400, 401, 403, 404, 409, 410, 422], refused(None)),
        (vec![408, 425, 500, 502, 503, 504, 599], FAILED),
        (vec![429], AttemptResult::Throttled),
    ] {
        statuses.into_iter().for_each(|status| assert_eq!(read("", status, "{}"), expected, "{status}"));
    }
}

#[test]
fn rules_are_tried_in_the_order_duplicate_refused_accepted() {
    let all = "duplicate: {status: ['200']}, refused: {status: ['200-201']}, accepted: {status: ['200-500']}";
    assert_eq!(read(all, 200, "{}"), AttemptResult::Duplicate { record_id: None });
    assert_eq!(read(all, 201, "{}"), refused(None));
    assert_eq!(read(all, 422, "{}"), accepted(None), "a rule wins over the default");
    assert_eq!(read(all, 503, "{}"), FAILED);
}

#[test]
fn a_body_of_strings_numbers_and_booleans_is_compared_as_text() {
    let rule = "refused: {body: {jsonPointer: /result/success, is: ['0', 'false', 'no']}}, reason: {jsonPointer: /result/why}";
    for value in ["0", "\"0\"", "false", "\"no\""] {
        assert_eq!(read(rule, 200, &format!(r#"{{"result": {{"success": {value}, "why": 17}}}}"#)), refused(Some("17")), "{value}");
    }
    for body in [r#"{"result": {"success": 1}}"#, r#"{"result": {"success": null}}"#, r#"{"result": {"success": [0]}}"#, "not json", ""] {
        assert_eq!(read(rule, 200, body), accepted(None), "{body}");
    }
}

#[test]
fn status_and_body_of_a_rule_must_both_hold() {
    let rule = "duplicate: {status: ['400'], body: {jsonPointer: /code, is: [DUPLICATE]}}, recordId: {jsonPointer: /id}";
    assert_eq!(read(rule, 400, r#"{"code": "DUPLICATE", "id": 512}"#), AttemptResult::Duplicate { record_id: Some("512".to_owned()) });
    assert_eq!(read(rule, 400, r#"{"code": "MISSING"}"#), refused(None));
    assert_eq!(read(rule, 200, r#"{"code": "DUPLICATE", "id": "00Q"}"#), accepted(Some("00Q")));
}

#[test]
fn what_is_kept_of_an_answer_is_short_and_printable() {
    let long = "é".repeat(300);
    assert_eq!(
        read("recordId: {jsonPointer: /id}", 200, &format!(r#"{{"id": "a\u0000\n{long}"}}"#)),
        accepted(Some(&format!("a{}", "é".repeat(255))))
    );
}

#[test]
fn an_answer_that_was_cut_is_believed_only_where_it_takes_nothing() {
    let cause = FailureCause::AnswerTooLarge;
    let cut = |response: &str, status| rules(response).read(status, AnswerBody::Cut(cause));
    let unknown = AttemptResult::Ambiguous { cause };
    assert_eq!(cut("", 200), unknown);
    assert_eq!(cut("", 404), refused(None));
    assert_eq!(cut("", 500), FAILED);
    assert_eq!(cut("", 429), AttemptResult::Throttled);
    assert_eq!(cut("duplicate: {status: ['409']}", 409), unknown);
    assert_eq!(cut("duplicate: {body: {jsonPointer: /code, is: [D]}}", 400), unknown, "the body could have said so");
    assert_eq!(cut("duplicate: {status: ['409'], body: {jsonPointer: /code, is: [D]}}", 400), refused(None));
}
