//! Ten thousand bodies of which hardly one is a lead, the same ones in every run.

use axum::http::StatusCode;

use super::house::{House, SAMPLE};

const BODIES: usize = 10_000;

/// SplitMix64: the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }

    /// A value of the kinds that parsers trip over.
    fn value(&mut self) -> String {
        match self.below(8) {
            0 => format!("{}{}", self.of(&["", "-", "1e", "0."]), "9".repeat(self.below(400))),
            1 => self.of(&["1e999999999999", "-0", "1E-400", "0.1", "9223372036854775808", "00", "1.", "+1", "0x1"]).to_owned(),
            2 => format!("\"{}\"", self.of(&["\u{202e}abc", "e\u{301}", "\u{feff}", "İ", "ﬁ", "👩‍👩‍👧", "\u{10ffff}", "ß", "\u{1}"])),
            3 => format!("\"{}\"", self.of(&["\\u0000", "\\ud800", "\\udc00\\ud800", "\\uD83D\\uDE00", "\\x", "\\"])),
            4 => format!("{}{}", "[".repeat(self.below(40)), "]".repeat(self.below(40))),
            5 => format!("{}1{}", "{\"a\":".repeat(self.below(40)), "}".repeat(self.below(40))),
            6 => self.of(&["null", "true", "{}", "[]", "\"\"", "NaN", "nul", "\" \"", "[1,2]"]).to_owned(),
            _ => format!("\"{}\"", "a".repeat(self.below(5000))),
        }
    }

    fn name(&mut self) -> String {
        let known = [
            "contact",
            "contact.email",
            "email",
            "phone",
            "zip",
            "location.zip",
            "budget",
            "property_interest",
            "property_interest.type",
            "a",
            "a.b",
            "",
            ".",
            "..",
            "a..b",
            "contact.email.x",
            "\\u0000",
            "name",
            "state",
            "country",
            "consent.url",
            "ip",
        ];
        let length = self.below(400);
        if self.below(20) == 0 { "n".repeat(length) } else { self.of(&known).to_owned() }
    }

    fn object(&mut self) -> Vec<u8> {
        let pairs: Vec<String> = (0..self.below(12)).map(|_| format!("\"{}\":{}", self.name(), self.value())).collect();
        format!("{{{}}}", pairs.join(",")).into_bytes()
    }

    fn mutated(&mut self) -> Vec<u8> {
        let mut body = SAMPLE.trim_end().as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            if body.is_empty() {
                break;
            }
            let at = self.below(body.len());
            match self.below(4) {
                0 => body[at] = self.next() as u8,
                1 => drop(body.remove(at)),
                2 => body.insert(at, *self.of(&[&b'"', &b'{', &b'}', &b',', &b':', &b'\\', &0, &0xff, &b'9'])),
                _ => body.truncate(at),
            }
        }
        body
    }

    fn form(&mut self) -> Vec<u8> {
        let pair = |chance: &mut Self| {
            let name = chance.of(&[
                "email",
                "phone",
                "zip",
                "contact[email]",
                "contact[",
                "a[][]",
                "a[b]c",
                "[]",
                "%",
                "%zz",
                "%FF",
                "a.b",
                "a[b]",
            ]);
            let value = chance.of(&["", "a%40b.co", "555-867-5309", "90210", "%00", "%FF%FE", "+", "%", "=", "ä"]);
            format!("{name}={value}")
        };
        let pairs: Vec<String> = (0..self.below(8)).map(|_| pair(self)).collect();
        pairs.join("&").into_bytes()
    }

    fn body(&mut self) -> Vec<u8> {
        match self.below(10) {
            0 => self.bytes(200),
            1..=4 => self.mutated(),
            5..=7 => self.object(),
            8 => self.form(),
            _ => {
                let count = self.below(1500);
                let items: Vec<String> = (0..count).map(|at| format!("\"k{at}\":{at}")).collect();
                format!("{{{}}}", items.join(",")).into_bytes()
            }
        }
    }
}

#[tokio::test]
async fn random_bodies_are_refused_or_are_whole_leads() {
    let house = House::new();
    let mut chance = Chance(3);
    let (mut taken, mut refused) = (0, 0);
    for number in 0..BODIES {
        let body = chance.body();
        let content_type = chance.of(&["application/json", "application/json", "application/json", "application/x-www-form-urlencoded"]);
        let source = chance.of(&["web", "web", "patient"]);
        let reply = house.post(source, body.clone(), &[("content-type", content_type), ("prefer", "wait=0")]).await;
        match reply.status {
            StatusCode::ACCEPTED => {
                taken += 1;
                let kept = house.store.last();
                assert_eq!((kept.lead.id, kept.submission.body.as_bytes()), (reply.lead(), body.as_slice()));
                let required = ["contact.email", "contact.phone", "location.zip"];
                assert!(source != "web" || required.iter().all(|field| kept.lead.get(field).is_some()), "body {number}");
            }
            status => {
                refused += 1;
                assert!(status.is_client_error() && reply.json["leadId"].is_null(), "body {number}: {status}");
            }
        }
        assert_eq!(house.store.count(), taken, "body {number}");
    }
    assert_eq!(taken + refused, BODIES);
    assert!(taken > BODIES / 100 && refused > BODIES / 2, "{taken} taken, {refused} refused: the bodies try too little");
}
