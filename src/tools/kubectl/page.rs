//! Columns, ages and colours of what people read. Pure.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

/// Whether words are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    #[default]
    Plain,
    Colours,
}

/// What a word tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Heading,
    Good,
    Waiting,
    Bad,
    Faint,
}

impl Paint {
    /// The word in the colour of what it tells.
    pub fn word(self, tone: Tone, word: &str) -> String {
        let code = match tone {
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Waiting => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
            Tone::Plain => return word.to_owned(),
        };
        if self == Self::Plain || word.is_empty() { word.to_owned() } else { format!("\u{1b}[{code}m{word}\u{1b}[0m") }
    }
}

/// Rows of cells, written in columns of equal width.
#[derive(Debug, Default)]
pub struct Columns(Vec<Vec<(Tone, String)>>);

impl Columns {
    pub fn row<const N: usize>(&mut self, cells: [(Tone, &str); N]) {
        self.0.push(cells.into_iter().map(|(tone, text)| (tone, printable(text))).collect());
    }

    /// Writes the rows, indented by two; what goes beyond `width` letters is cut in the last column, unless it is a URL.
    pub fn write(&self, paint: Paint, width: usize, out: &mut String) {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|at| self.0.iter().filter_map(|row| row.get(at)).map(|(_, text)| text.chars().count()).max().unwrap_or_default())
            .collect();
        for row in &self.0 {
            let last = row.iter().rposition(|(_, text)| !text.is_empty()).map_or(0, |at| at + 1);
            let (mut line, mut used) = (String::from("  "), 2);
            for (at, (tone, text)) in row.iter().take(last).enumerate() {
                // A URL is there to be copied.
                let whole = at + 1 < last || text.contains("://");
                let text = if whole { text.clone() } else { cut(text, width.saturating_sub(used).max(16)) };
                line.push_str(&paint.word(*tone, &text));
                if at + 1 < last {
                    let gap = widths.get(at).copied().unwrap_or_default().saturating_sub(text.chars().count()) + 2;
                    line.extend(std::iter::repeat_n(' ', gap));
                    used += text.chars().count() + gap;
                }
            }
            let _ = writeln!(out, "{line}");
        }
    }
}

/// A text of at most so many letters.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A text broken between words into lines of at most so many letters.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in printable(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Without what moves a terminal's cursor: texts of objects are others' texts.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A time span in its largest unit, as kubectl has it: `4s`, `12m`, `3h`, `9d`.
pub fn span(span: SignedDuration) -> String {
    match span.as_secs().max(0) {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds @ 7200..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// How long ago it was, by a time as the API server writes it; empty when it is none.
pub fn age(time: &str, now: Timestamp) -> String {
    time.parse::<Timestamp>().map(|then| span(now.duration_since(then))).unwrap_or_default()
}

/// `1 agent`, `2 agents`.
pub fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => match one.strip_suffix('y') {
            Some(stem) => format!("{number} {stem}ies"),
            None => format!("{number} {one}s"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_beneath_each_other_and_the_last_is_cut() {
        let mut columns = Columns::default();
        columns.row([(Tone::Plain, "name"), (Tone::Plain, "message")]);
        columns.row([(Tone::Good, "a-long-name"), (Tone::Plain, "a message that goes on and on")]);
        columns.row([(Tone::Plain, "x"), (Tone::Plain, "")]);
        let mut out = String::new();
        columns.write(Paint::Plain, 34, &mut out);
        assert_eq!(out, "  name         message\n  a-long-name  a message that goe…\n  x\n");
    }

    #[test]
    fn colours_do_not_move_columns() {
        let mut columns = Columns::default();
        columns.row([(Tone::Bad, "no"), (Tone::Plain, "b")]);
        columns.row([(Tone::Plain, "yes"), (Tone::Plain, "b")]);
        let mut out = String::new();
        columns.write(Paint::Colours, 80, &mut out);
        assert_eq!(out, "  \u{1b}[31mno\u{1b}[0m   b\n  yes  b\n");
    }

    #[test]
    fn a_message_cannot_move_the_cursor() {
        let mut columns = Columns::default();
        columns.row([(Tone::Plain, "a\u{1b}[2Jb\r\nc")]);
        let mut out = String::new();
        columns.write(Paint::Plain, 80, &mut out);
        assert_eq!(out, "  a [2Jb  c\n");
    }

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        for (seconds, told) in [(-3, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172_800, "2d")] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), told);
        }
        assert_eq!(count(1, "policy") + " " + &count(2, "policy") + " " + &count(0, "agent"), "1 policy 2 policies 0 agents");
    }
}
