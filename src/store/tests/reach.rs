//! All states that can be reached, breadth first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

/// States and the steps between them, by their numbers.
pub struct Reached<S> {
    pub states: Vec<S>,
    steps: Vec<Vec<usize>>,
}

/// Visits each state once. `check` looks at each, `next` tells what can come after.
pub fn reach<S: Clone + Eq + Hash>(first: S, check: impl Fn(&S), next: impl Fn(&S) -> Vec<S>) -> Reached<S> {
    let mut numbers = HashMap::from([(first.clone(), 0)]);
    let mut reached = Reached { states: vec![first], steps: Vec::new() };
    while let Some(state) = reached.states.get(reached.steps.len()).cloned() {
        check(&state);
        let mut steps = Vec::new();
        for after in next(&state) {
            let number = *numbers.entry(after.clone()).or_insert_with(|| {
                reached.states.push(after);
                reached.states.len() - 1
            });
            steps.push(number);
        }
        reached.steps.push(steps);
    }
    reached
}

impl<S> Reached<S> {
    /// The states from which none of those wanted can be reached.
    pub fn stuck(&self, wanted: impl Fn(&S) -> bool) -> Vec<&S> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.states.len()];
        for (from, steps) in self.steps.iter().enumerate() {
            for to in steps {
                before[*to].push(from);
            }
        }
        let mut waiting: VecDeque<usize> = (0..self.states.len()).filter(|number| wanted(&self.states[*number])).collect();
        let mut good: HashSet<usize> = waiting.iter().copied().collect();
        while let Some(number) = waiting.pop_front() {
            waiting.extend(before[number].iter().copied().filter(|from| good.insert(*from)));
        }
        (0..self.states.len()).filter(|number| !good.contains(number)).map(|number| &self.states[number]).collect()
    }
}
