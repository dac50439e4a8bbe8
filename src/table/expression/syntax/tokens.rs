//! The words of an expression. Where a method gives an outer `None`, the text holds something that is not understood here.

use cel::common::ast::LiteralValue;

/// What an operand begins with.
pub(super) enum Token<'t> {
    Literal(LiteralValue),
    Name(&'t str),
    /// An opening bracket, round or square.
    Open(&'static str),
}

/// A text that is read from its beginning.
pub(super) struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut tokens = Self { rest: text };
        tokens.space();
        tokens
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes a mark when it is next. Comments are not understood.
    pub(super) fn skip(&mut self, mark: &str) -> Option<bool> {
        if self.rest.starts_with("//") {
            return None;
        }
        let Some(rest) = self.rest.strip_prefix(mark) else { return Some(false) };
        self.rest = rest;
        self.space();
        Some(true)
    }

    /// Takes the first of these operators that is next, and gives its inner name.
    pub(super) fn one_of(&mut self, operators: &[(&str, &'static str)]) -> Option<Option<&'static str>> {
        for (mark, name) in operators {
            let word = mark.starts_with(|c: char| c.is_ascii_alphabetic());
            if word && self.rest.strip_prefix(mark).is_some_and(|rest| rest.starts_with(in_name)) {
                continue;
            }
            if self.skip(mark)? {
                return Some(Some(name));
            }
        }
        Some(None)
    }

    /// A name, which no keyword is.
    pub(super) fn name(&mut self) -> Option<&'t str> {
        let end = self.rest.find(|c| !in_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || ["true", "false", "null", "in"].contains(&name) {
            return None;
        }
        self.rest = rest;
        self.space();
        Some(name)
    }

    /// The beginning of an operand.
    pub(super) fn primary(&mut self) -> Option<Token<'t>> {
        for open in ["(", "["] {
            if self.skip(open)? {
                return Some(Token::Open(open));
            }
        }
        if let Some(number) = self.number(false)? {
            return Some(Token::Literal(number));
        }
        if let Some(text) = self.text()? {
            return Some(Token::Literal(LiteralValue::String(text.into())));
        }
        for (word, value) in
            [("true", LiteralValue::Boolean(true.into())), ("false", LiteralValue::Boolean(false.into())), ("null", LiteralValue::Null)]
        {
            if let Some(rest) = self.rest.strip_prefix(word)
                && !rest.starts_with(in_name)
            {
                self.rest = rest;
                self.space();
                return Some(Token::Literal(value));
            }
        }
        self.name().map(Token::Name)
    }

    /// A number, when one is next. What follows must not look as if it belonged to it.
    pub(super) fn number(&mut self, negative: bool) -> Option<Option<LiteralValue>> {
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let mut end = digits(self.rest);
        if end == 0 {
            return Some(None);
        }
        let mut whole = true;
        if let Some(fraction) = self.rest[end..].strip_prefix('.') {
            let count = digits(fraction);
            if count == 0 {
                return None;
            }
            end += 1 + count;
            whole = false;
        }
        if let Some(exponent) = self.rest[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            let count = digits(&exponent[sign..]);
            if count == 0 {
                return None;
            }
            end += 1 + sign + count;
            whole = false;
        }
        let (written, rest) = self.rest.split_at(end);
        self.rest = rest;
        let touching = self.rest.starts_with(in_name);
        self.space();
        if touching {
            return None;
        }
        let signed = if negative { format!("-{written}") } else { written.to_owned() };
        Some(Some(if whole {
            LiteralValue::Int(signed.parse::<i64>().ok()?.into())
        } else {
            LiteralValue::Double(signed.parse::<f64>().ok().filter(|number| number.is_finite())?.into())
        }))
    }

    /// A string, when one is next. Of three quotes in a row, the third is left, which nothing else understands.
    fn text(&mut self) -> Option<Option<String>> {
        let raw = self.rest.starts_with(['r', 'R']) && self.rest[1..].starts_with(['\'', '"']);
        let opened = &self.rest[usize::from(raw)..];
        let Some(quote) = opened.chars().next().filter(|first| ['\'', '"'].contains(first)) else { return Some(None) };
        let mut text = String::new();
        let mut chars = opened[1..].chars();
        loop {
            match chars.next()? {
                end if end == quote => break,
                '\n' | '\r' => return None,
                '\\' if !raw => text.push(match chars.next()? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    same @ ('\\' | '\'' | '"' | '`' | '?') => same,
                    _ => return None,
                }),
                other => text.push(other),
            }
        }
        self.rest = chars.as_str();
        self.space();
        Some(Some(text))
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{c}']);
    }
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
