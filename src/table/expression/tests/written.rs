//! Expressions and leads of all kinds.

use proptest::collection::vec;
use proptest::sample::select;

use super::*;

fn of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    select(texts).prop_map(str::to_owned).boxed()
}

/// Texts that mostly give the kind that they are for, so that not all of it fails.
pub(super) fn number(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        3 => of(&["lead.home.rooms", "lead.home.price_max", "lead.score", "lead.home.site.plot", "recipient.load", "recipient.price"]),
        2 => of(&["0", "1", "3", "-1", "- 2", "750000", "9223372036854775807", "-9223372036854775808", "9223372036854775808"]),
        2 => of(&["0.0", "-0.0", "1.5", "-0.5", "1e3", "2E-1", "750000.0", "1.0e400"]),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = move || any_kind(depth - 1, 8, 1, 1);
    prop_oneof![
        3 => leaf,
        3 => (inner(), of(&["+", " - ", "-", "*", " / ", "%"]), inner()).prop_map(|(a, op, b)| format!("{a}{op}{b}")),
        1 => inner().prop_map(|a| format!("-{a}")),
        1 => inner().prop_map(|a| format!("({a})")),
        1 => (of(&["int", "double"]), inner()).prop_map(|(to, a)| format!("{to}({a})")),
        1 => words(depth - 1).prop_map(|a| format!("size({a})")),
        1 => words(depth - 1).prop_map(|a| format!("{a}.size()")),
        1 => (truth(depth - 1), inner(), inner()).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
    ]
    .boxed()
}

fn words(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        3 => of(&["lead.home.type", "lead.home.built", "lead.contact.email", "lead.source", "lead.grade", "recipient.name"]),
        2 => of(&["'BUYER'", "\"A\"", "''", "'2000-01-01'", "'jane'", r"r'a\d+'", r"'it\'s \n \\ é'", "'''x'''", r"'\x41'", "b'x'", "1u", "null"]),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![
        8 => leaf,
        1 => (words(depth - 1), words(depth - 1)).prop_map(|(a, b)| format!("{a} + {b}")),
        1 => (truth(depth - 1), words(depth - 1), words(depth - 1)).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
    ]
    .boxed()
}

pub(super) fn truth(depth: u32) -> BoxedStrategy<String> {
    let fields: &'static [&'static str] = &[
        "lead.home.owner",
        "lead.home.type",
        "lead.home.site.plot",
        "lead.home.site",
        "lead.home",
        "lead.contact.phone",
        "lead.location.zip",
        "lead.urgent",
        "lead.source",
        "lead.grade",
        "lead.score",
        "recipient.load",
    ];
    let leaf = prop_oneof![of(&["true", "false", "lead.home.owner", "lead.urgent"]), of(fields).prop_map(|field| format!("has({field})"))];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = move || any_kind(depth - 1, 1, 1, 10);
    let compared = of(&["==", " != ", "<", "<=", " > ", ">="]);
    let number_pair = (number(depth - 1), compared.clone(), any_kind(depth - 1, 8, 1, 1));
    let words_pair = (words(depth - 1), compared, any_kind(depth - 1, 1, 8, 1));
    let lists = of(&["['A', 'BUYER']", "[1, 3, 1.5]", "[]", "[true, 'web', 3, ]", "[-1, 'A', 750000]", "[lead.source, 'B']"]);
    prop_oneof![
        2 => leaf,
        3 => number_pair.prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        3 => words_pair.prop_map(|(a, op, b)| format!("{a}{op}{b}")),
        5 => (vec(inner(), 2..5), of(&["&&", " || "])).prop_map(|(all, op)| all.join(&op)),
        1 => inner().prop_map(|a| format!("!{a}")),
        1 => inner().prop_map(|a| format!("!({a})")),
        1 => inner().prop_map(|a| format!("({a})")),
        1 => (inner(), inner(), inner()).prop_map(|(c, a, b)| format!("{c} ? {a} : {b}")),
        2 => (any_kind(depth - 1, 3, 3, 1), lists).prop_map(|(a, list)| format!("{a} in {list}")),
        2 => (words(depth - 1), of(&["startsWith", "endsWith", "contains"]), any_kind(depth - 1, 1, 8, 1)).prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
        1 => (words(depth - 1), of(&["'^B'", r"r'\d'", "'(a'", "'A|e$'"])).prop_map(|(a, pattern)| format!("{a}.matches({pattern})")),
    ]
    .boxed()
}

fn any_kind(depth: u32, numbers: u32, texts: u32, truths: u32) -> BoxedStrategy<String> {
    prop_oneof![numbers => number(depth), texts => words(depth), truths => truth(depth)].boxed()
}

/// Leads with any of the fields, now and then of another kind than the schema's, as an old lead may have.
pub(super) fn leads() -> impl Strategy<Value = Lead> {
    let names = select(vec![
        "home.type",
        "home.price_max",
        "home.rooms",
        "home.owner",
        "home.built",
        "home.site.plot",
        "urgent",
        "contact.email",
        "contact.phone",
        "location.zip",
        "home.unknown",
        "gone.away",
    ]);
    let value = prop_oneof![
        select(vec!["BUYER", "A", "", "jane@example.com", "it's"]).prop_map(|text| Value::Text(text.to_owned())),
        select(vec![0, 1, 3, -1, i64::MAX, i64::MIN]).prop_map(Value::Integer),
        select(vec!["0", "1.5", "-0.5", "3", "750000", "1000.0"]).prop_map(|number| Value::Decimal(number.parse().unwrap())),
        any::<bool>().prop_map(Value::Boolean),
    ];
    let name_and_value = (names, value).prop_map(|(name, value)| {
        let mostly_of_kind = match (name, &value) {
            ("home.rooms", Value::Decimal(_)) => Value::Integer(3),
            ("home.price_max" | "home.site.plot", Value::Text(_)) => Value::Decimal(Decimal::new(15, 1)),
            ("home.owner" | "urgent", Value::Text(_) | Value::Integer(_)) => Value::Boolean(true),
            ("home.type" | "contact.email", Value::Boolean(_) | Value::Decimal(_)) => Value::Text("BUYER".to_owned()),
            ("home.built", _) => Value::Date(jiff::civil::date(1999, 5, 1)),
            _ => value,
        };
        (name.to_owned(), mostly_of_kind)
    });
    vec(name_and_value, 0..10).prop_map(|fields| Lead { fields: fields.into_iter().collect(), ..lead() })
}
