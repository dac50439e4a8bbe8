//! Mermaid's flowcharts: nodes, arrows, and labels that no text can break.

use std::fmt::Write;

/// A diagram, top down.
#[derive(Default)]
pub struct Diagram {
    text: String,
    nodes: usize,
}

/// A node that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(usize);

/// What a node looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Something is done.
    Box,
    /// Something is asked.
    Decision,
    /// The beginning or an end.
    Rounded,
    /// A place where leads wait.
    Store,
}

impl Diagram {
    /// Draws a node. Each of `lines` is a line of its label.
    pub fn node(&mut self, shape: Shape, lines: &[String]) -> Node {
        let node = Node(self.nodes);
        self.nodes += 1;
        let (open, close) = match shape {
            Shape::Box => ("[", "]"),
            Shape::Decision => ("{", "}"),
            Shape::Rounded => ("([", "])"),
            Shape::Store => ("[(", ")]"),
        };
        let label = lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>");
        let _ = writeln!(self.text, "    n{}{open}\"{label}\"{close}", node.0);
        node
    }

    /// Draws an arrow, with a word beside it when one is given.
    pub fn arrow(&mut self, from: Node, to: Node, word: Option<&str>) {
        let _ = match word {
            Some(word) => writeln!(self.text, "    n{} -->|\"{}\"| n{}", from.0, escaped(word), to.0),
            None => writeln!(self.text, "    n{} --> n{}", from.0, to.0),
        };
    }

    /// The whole text.
    pub fn finish(self) -> String {
        format!("flowchart TD\n{}", self.text)
    }
}

/// Letters and digits of any script stay, and the punctuation that means nothing to Mermaid. All else is written as a character entity (`#58;`): quotes and
/// brackets end labels, `;` ends statements, `%%` begins comments, backticks begin Markdown, and a colon would let `style` and `classDef` within a
/// label be taken for a statement. Control characters and line ends become spaces.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            letter if letter.is_alphanumeric() => escaped.push(letter),
            ' ' | '.' | ',' | '(' | ')' | '/' | '\'' | '=' | '+' | '-' | '_' | '?' | '…' | '≥' => escaped.push(character),
            blank if blank.is_control() || blank.is_whitespace() => escaped.push(' '),
            other => {
                let _ = write!(escaped, "#{};", u32::from(other));
            }
        }
    }
    escaped
}

#[cfg(test)]
pub mod reading {
    //! Reads the part of Mermaid's language that [`Diagram`](super::Diagram) writes, strictly.

    use std::collections::{BTreeMap, BTreeSet};

    /// A diagram, read back.
    #[derive(Debug, Default, PartialEq)]
    pub struct Read {
        /// Labels by node, entities resolved, line breaks as `\n`.
        pub labels: BTreeMap<usize, String>,
        /// From, to, and the word between.
        pub arrows: Vec<(usize, usize, Option<String>)>,
    }

    /// Reads a diagram, or says which line is not understood.
    pub fn read(text: &str) -> Result<Read, String> {
        let mut lines = text.lines();
        if lines.next() != Some("flowchart TD") {
            return Err("no header".to_owned());
        }
        let mut read = Read::default();
        for line in lines {
            let wrong = || format!("not understood: {line}");
            let rest = line.strip_prefix("    n").ok_or_else(wrong)?;
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (id, rest) = rest.split_at(digits);
            let id: usize = id.parse().map_err(|_| wrong())?;
            if let Some(arrow) = rest.strip_prefix(" -->") {
                let (word, to) = match arrow.strip_prefix("|\"") {
                    Some(rest) => rest.split_once("\"| n").map(|(word, to)| (Some(word), to)).ok_or_else(wrong)?,
                    None => (None, arrow.strip_prefix(" n").ok_or_else(wrong)?),
                };
                let word = word.map(resolved).transpose()?;
                read.arrows.push((id, to.parse().map_err(|_| wrong())?, word));
            } else {
                let shapes = [("([\"", "\"])"), ("[(\"", "\")]"), ("[\"", "\"]"), ("{\"", "\"}")];
                let inner = shapes.iter().find_map(|(open, close)| rest.strip_prefix(open)?.strip_suffix(close)).ok_or_else(wrong)?;
                if read.labels.insert(id, resolved(inner)?).is_some() {
                    return Err(format!("n{id} is there twice"));
                }
            }
        }
        let drawn: BTreeSet<_> = read.labels.keys().copied().collect();
        match read.arrows.iter().find(|(from, to, _)| !drawn.contains(from) || !drawn.contains(to)) {
            Some(arrow) => Err(format!("an arrow to nowhere: {arrow:?}")),
            None => Ok(read),
        }
    }

    /// The nodes that can be come to from the first.
    pub fn reached(read: &Read) -> BTreeSet<usize> {
        let mut reached = BTreeSet::from([0]);
        loop {
            let before = reached.len();
            reached.extend(read.arrows.iter().filter(|(from, _, _)| reached.contains(from)).map(|(_, to, _)| *to).collect::<Vec<_>>());
            if reached.len() == before {
                return reached;
            }
        }
    }

    fn resolved(label: &str) -> Result<String, String> {
        let mut text = String::new();
        for (at, line) in label.split("<br/>").enumerate() {
            if at > 0 {
                text.push('\n');
            }
            let mut rest = line;
            while let Some(first) = rest.chars().next() {
                if let Some(entity) = rest.strip_prefix('#') {
                    let (number, after) = entity.split_once(';').ok_or("an entity without end")?;
                    let character = number.parse().ok().and_then(char::from_u32).ok_or_else(|| format!("no character: {number}"))?;
                    text.push(character);
                    rest = after;
                } else if "\"[]{}|<>;%`:&\\@$~^".contains(first) {
                    return Err(format!("{first:?} stands bare in a label"));
                } else {
                    text.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::reading::read;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn whatever_a_label_says_it_is_read_back(first in "\\PC*", second in "\\PC*", word in "\\PC*") {
            let plain = |text: &str| text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect::<String>();
            let mut diagram = Diagram::default();
            let from = diagram.node(Shape::Decision, &[first.clone(), second.clone()]);
            let to = diagram.node(Shape::Store, std::slice::from_ref(&second));
            diagram.arrow(from, to, Some(&word));
            let read = read(&diagram.finish()).map_err(TestCaseError::fail)?;
            prop_assert_eq!(&read.labels[&0], &format!("{}\n{}", plain(&first), plain(&second)));
            prop_assert_eq!(&read.arrows, &vec![(0, 1, Some(plain(&word)))]);
        }
    }

    #[test]
    fn what_means_something_to_mermaid_becomes_an_entity() {
        let mut diagram = Diagram::default();
        diagram.node(Shape::Box, &["style x:y \"end\"; %% `a` <b>".to_owned(), "next\nline".to_owned()]);
        let label = "style x#58;y #34;end#34;#59; #37;#37; #96;a#96; #60;b#62;<br/>next line";
        assert_eq!(diagram.finish(), format!("flowchart TD\n    n0[\"{label}\"]\n"));
    }
}
