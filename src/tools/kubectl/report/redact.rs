//! Takes out of a text what tells who somebody is, or lets somebody in: by its looks, and by values that are known. Pure.
//!
//! It takes too much rather than too little: a long number that could be a phone number goes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex::Regex;

/// What looks like something private, and what is put in its place. The order matters: what stands in a URL goes with it.
const PATTERNS: &[(&str, &str)] = &[
    // User and password of a URL; a password may hold an @.
    (r#"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#"'<>\\]*@"#, "${1}[user]@"),
    // Query and fragment of a URL.
    (r#"([A-Za-z][A-Za-z0-9+.-]*://[^\s?#"'<>\\]*)[?#][^\s"'<>\\]*"#, "${1}?[query]"),
    // E-mail addresses, also as they stand in a URL.
    (r"[\p{L}\p{N}._%+'*=|~-]+(?:@|%40)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+", "[e-mail]"),
    // Credentials of HTTP, and tokens by themselves.
    (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", "${1} [key]"),
    (r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?", "[key]"),
    // Named in a text as what it is: `password=…`, `"token": "…"`.
    (r#"(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|x-api-key)("?\s*[=:]\s*"?)[^\s"',;&\[\]{}][^\s"',;&]*"#, "${1}${2}[key]"),
    // Who asked, in the API server's words. Accounts of Kubernetes' own, such as `system:serviceaccount:…`, stay.
    (
        r#"\b(User \\?")(?:[^"\\:]+|(?:[^s"\\]|s[^y"\\]|sy[^s"\\]|sys[^t"\\]|syst[^e"\\]|syste[^m"\\]|system[^:"\\])[^"\\]*)(\\?")"#,
        "${1}[user]${2}",
    ),
    // Phone numbers: with a plus; with separators; ten digits, or eleven after a 1.
    (r"\+\d(?:[ \u{a0}().-]{0,2}\d){7,14}", "[phone]"),
    (r"(?:\b1[ .-]?)?\(\d{3}\)[ .-]{0,2}\d{3}[ .-]?\d{4}\b", "[phone]"),
    (r"\b(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]?\d{4}\b", "[phone]"),
    (r"(^|[^\w.])1?[2-9]\d{2}[2-9]\d{6}\b", "${1}[phone]"),
];

/// The shortest value that is looked for everywhere, in letters: shorter ones are parts of other words.
const SHORTEST: usize = 4;

/// Knows what must not be told.
pub struct Redactor {
    patterns: Vec<(Regex, &'static str)>,
    /// Longest first, so that none is left as part of another.
    known: Vec<String>,
}

impl Redactor {
    /// Fails only on a programming error: a pattern that is none.
    pub fn new() -> Result<Self, regex::Error> {
        let patterns = PATTERNS.iter().map(|(pattern, instead)| Ok((Regex::new(pattern)?, *instead)));
        Ok(Self { patterns: patterns.collect::<Result<_, regex::Error>>()?, known: Vec::new() })
    }

    /// Looks for these values, too, wherever they stand; phone numbers also without their separators.
    pub fn know(&mut self, values: impl IntoIterator<Item = String>) {
        let mut known: BTreeSet<String> = self.known.drain(..).collect();
        for value in values {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            known.extend((digits.len() >= 7).then_some(digits));
            known.insert(value.trim().to_owned());
        }
        self.known = known.into_iter().filter(|value| value.chars().count() >= SHORTEST).collect();
        self.known.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// The text without it.
    pub fn text(&self, text: &str) -> String {
        let mut told = text.to_owned();
        for value in &self.known {
            if told.contains(value.as_str()) {
                told = told.replace(value.as_str(), "[known]");
            }
        }
        for (pattern, instead) in &self.patterns {
            if let Cow::Owned(less) = pattern.replace_all(&told, *instead) {
                told = less;
            }
        }
        told
    }

    /// The same for metrics, whose values are numbers and nobody's.
    pub fn metrics(&self, text: &str) -> String {
        let line = |line: &str| match line.rsplit_once(' ') {
            Some((head, value)) if !line.starts_with('#') && value.parse::<f64>().is_ok() => format!("{} {value}\n", self.text(head)),
            _ => self.text(line) + "\n",
        };
        text.lines().map(line).collect()
    }
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
