//! Which of many statuses are written next, so that one namespace with much to write holds no other up. Pure.

use std::collections::BTreeMap;

use super::status::Write;
use crate::table::{Kind, ObjectRef};

/// The most statuses of a namespace that are written in one round, beside those of its Exchanges.
const TOGETHER: usize = 128;

/// A way through all that differs, in several rounds where it is much. Each object comes once, whether its write succeeds or not.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Namespaces of which some are left, and the last object that came.
    after: BTreeMap<String, ObjectRef>,
}

impl Sweep {
    /// Of all that differs now, by namespace, what is written in this round.
    pub fn round(&mut self, differing: impl IntoIterator<Item = (String, Vec<Write>)>) -> Vec<Write> {
        let before = std::mem::take(&mut self.after);
        let mut round = Vec::new();
        for (namespace, writes) in differing {
            let (exchanges, mut others): (Vec<_>, Vec<_>) = writes.into_iter().partition(|write| write.object.kind == Kind::Exchange);
            round.extend(exchanges);
            let after = before.get(&namespace);
            others.retain(|write| after.is_none_or(|after| write.object > *after));
            others.sort_by(|a, b| a.object.cmp(&b.object));
            if others.len() > TOGETHER {
                others.truncate(TOGETHER);
                self.after.extend(others.last().map(|last| (namespace, last.object.clone())));
            }
            round.extend(others);
        }
        round
    }

    /// Whether some are left for another round.
    pub fn goes_on(&self) -> bool {
        !self.after.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn write(kind: Kind, name: &str) -> Write {
        let object = ObjectRef { kind, name: name.to_owned() };
        Write { namespace: String::new(), object, uid: String::new(), status: json!({}) }
    }

    fn agents(numbers: std::ops::Range<usize>) -> Vec<Write> {
        numbers.map(|number| write(Kind::Agent, &format!("agent-{number:05}"))).collect()
    }

    fn names(writes: &[Write]) -> Vec<&str> {
        writes.iter().map(|write| write.object.name.as_str()).collect()
    }

    #[test]
    fn a_namespace_with_much_to_write_holds_no_other_up_and_comes_to_its_end() {
        let many = || ("many".to_owned(), agents(0..400));
        let mut sweep = Sweep::default();
        let first = sweep.round([many(), ("few".to_owned(), agents(900..903))]);
        assert_eq!((first.len(), sweep.goes_on()), (TOGETHER + 3, true));
        // What was written differs no more; but it may, as when nothing could be written.
        let rest: Vec<_> = std::iter::from_fn(|| sweep.goes_on().then(|| sweep.round([many()]))).take(10).flatten().collect();
        assert_eq!(names(&rest).len(), 400 - TOGETHER);
        assert_eq!(names(&[&first[..TOGETHER], &rest[..]].concat()), names(&agents(0..400)), "each once");
        assert!(!sweep.goes_on(), "it ends though nothing was written");
    }

    #[test]
    fn exchanges_come_in_every_round() {
        let all = || ("many".to_owned(), [agents(0..200), vec![write(Kind::Exchange, "house")]].concat());
        let mut sweep = Sweep::default();
        for _ in 0..2 {
            assert_eq!(sweep.round([all()]).first().map(|write| write.object.name.clone()), Some("house".to_owned()));
        }
    }

    #[test]
    fn a_namespace_that_is_gone_leaves_nothing_behind() {
        let mut sweep = Sweep::default();
        sweep.round([("many".to_owned(), agents(0..200))]);
        assert_eq!(sweep.round([]), []);
        assert!(!sweep.goes_on());
    }
}
