//! What is read of any object: its name, its conditions, and how it fares. Pure.

use serde::Serialize;
use serde_json::Value;

/// The string at a JSON pointer; empty when there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer; 0 when there is none.
pub fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// The items of the list at a JSON pointer.
pub fn items<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// A condition by its type.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, "/status/conditions").find(|condition| text(condition, "/type") == kind)
}

/// How an object fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub state: State,
    /// The condition that says so.
    pub condition: String,
    pub reason: String,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    /// All is well.
    Ready,
    /// Valid, and on its way.
    Pending,
    /// Somebody has to do something.
    Failing,
    /// Nobody has looked at it, or not at this generation.
    Unseen,
}

/// The conditions that are to be true, in the order in which they come to be.
const STEPS: [&str; 4] = ["Accepted", "ResolvedRefs", "Programmed", "Ready"];

/// How an object fares, by the first of its conditions that is not true.
pub fn standing(object: &Value) -> Standing {
    let observed = number(object, "/status/observedGeneration");
    let told = |state, condition: &str, reason: &str, message: &str| Standing {
        state,
        condition: condition.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    if observed < number(object, "/metadata/generation") || condition(object, "Ready").is_none() {
        return told(State::Unseen, "Ready", "NotSeen", "the operator has not looked at it yet");
    }
    for kind in STEPS {
        if let Some(found) = condition(object, kind).filter(|found| text(found, "/status") != "True") {
            let pending = matches!(text(found, "/reason"), "Pending" | "Progressing");
            let state = if pending { State::Pending } else { State::Failing };
            return told(state, kind, text(found, "/reason"), text(found, "/message"));
        }
    }
    told(State::Ready, "Ready", "Ready", "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(generation: i64, conditions: &[(&str, &str, &str)]) -> Value {
        let conditions: Vec<_> =
            conditions.iter().map(|(kind, status, reason)| json!({"type": kind, "status": status, "reason": reason})).collect();
        json!({"metadata": {"generation": generation}, "status": {"observedGeneration": 2, "conditions": conditions}})
    }

    #[test]
    fn the_first_step_that_fails_is_the_one_to_tell() {
        let failing = object(2, &[("Ready", "False", "Invalid"), ("Programmed", "False", "Invalid"), ("Accepted", "False", "Invalid")]);
        let seen = standing(&failing);
        assert_eq!((seen.state, seen.condition.as_str()), (State::Failing, "Accepted"));
        let pending = object(2, &[("Accepted", "True", "Accepted"), ("Programmed", "False", "Pending"), ("Ready", "False", "Progressing")]);
        assert_eq!(standing(&pending).state, State::Pending);
        assert_eq!(standing(&object(2, &[("Accepted", "True", "Accepted"), ("Ready", "True", "Ready")])).state, State::Ready);
    }

    #[test]
    fn a_change_that_nobody_has_looked_at_is_not_ready() {
        assert_eq!(standing(&object(3, &[("Ready", "True", "Ready")])).state, State::Unseen);
        assert_eq!(standing(&json!({"metadata": {"generation": 1}})).state, State::Unseen);
    }
}
