//! A person whose name, e-mail address and phone number would be known anywhere.

use serde_json::{Value, json};

use super::installation::{Answered, Installation};
use super::manifests::Manifests;
use crate::support::receiver::{Receiver, Reply};

/// What may show nowhere, in small letters.
const CANARIES: [&str; 5] = ["xanthippe", "quillfeather", "canary", "5550177", "555-0177"];

/// The person, at one of several addresses, so that each lead is a new one.
fn lead(number: usize) -> Value {
    json!({
        "contact": {
            "first_name": "XANTHIPPE",
            "last_name": "quillfeather",
            "email": format!("Canary.{number}@example.com"),
            "phone": "(310) 555-0177",
        },
        "location": {"zip": "90210"},
        "budget": 100,
    })
}

fn check(place: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text).to_lowercase();
    assert!(!text.is_empty(), "{place} has something to look through");
    for canary in CANARIES {
        if let Some(at) = text.find(canary) {
            let around: String = text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{place} shows {canary:?} after {around:?}");
        }
    }
}

#[tokio::test]
async fn what_tells_who_a_lead_is_shows_in_no_log_metric_explanation_or_file() {
    let crm = Receiver::start().await;
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "2"), ("$OPEN", "1"), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let mut shop = Installation::start(&manifests).await;
    let mut leads = Vec::new();
    let mut settle = async |shop: &Installation, number: usize, code: &str| {
        let answered = shop.settle(&lead(number)).await;
        assert_eq!(answered.code(), code, "{answered:?}");
        check("an answer", answered.body.to_string().as_bytes());
        leads.push(answered.lead().to_owned());
    };
    // Taken, and sent again.
    settle(&shop, 0, "Delivered").await;
    settle(&shop, 0, "Duplicate").await;
    // Refused by one, failed at one, answer lost.
    crm.script("/first", [Reply::status(422).times(1), Reply::status(500).times(2), Reply::accept().then_drop().times(1), Reply::accept()]);
    for number in 1..4 {
        settle(&shop, number, "Delivered").await;
    }
    // Taken by nobody.
    crm.script("/first", [Reply::status(422)]);
    crm.script("/second", [Reply::status(422)]);
    settle(&shop, 4, "AllRefused").await;
    // Not taken in at all.
    for (field, value) in
        [("contact.phone", "555-0177 Canary"), ("contact.email", "Xanthippe"), ("budget", "Quillfeather"), ("location.country", "Canary")]
    {
        let mut bad = json!({"contact.email": "canary.9@example.com"});
        bad[field] = json!(value);
        let answered = Answered::of(shop.post(&bad).send().await.unwrap()).await;
        assert_eq!(answered.status.as_u16(), 400, "{field}: {answered:?}");
        check("a refusal", answered.body.to_string().as_bytes());
    }
    for body in [r#"{"contact": {"email": "canary.8@example.com""#, r#"{"contact.email": "canary\ud800"}"#, r#"["Xanthippe"]"#] {
        let post = shop.client().post(shop.url("/v1/sources/web/leads")).header("x-api-key", super::installation::KEY);
        let answered = Answered::of(post.header("content-type", "application/json").body(body).send().await.unwrap()).await;
        assert_eq!(answered.status.as_u16(), 400, "{answered:?}");
        check("a refusal", answered.body.to_string().as_bytes());
    }
    // The CRM was told all of it.
    assert!(String::from_utf8_lossy(&crm.seen()[0].body).contains("Canary.0@example.com"));

    for lead in &leads {
        for words in [&["explain", lead.as_str()][..], &["explain", lead, "-o", "json"]] {
            let explained = shop.tool(words);
            assert!(explained.status.success(), "{explained:?}");
            check("an explanation", &explained.stdout);
        }
    }
    check("the metrics page", shop.metrics().await.as_bytes());
    check("the database", &shop.files_of_the_store());
    shop.kill();
    check("the database after a crash", &shop.files_of_the_store());
    shop.launch();
    shop.ready().await;
    shop.end().await;
    check("the database at rest", &shop.files_of_the_store());
    check("the log", shop.log().as_bytes());
    assert!(shop.log().contains(r#""level":"DEBUG""#), "the log tells all that it can tell");
}
