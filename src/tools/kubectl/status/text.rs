//! One screen for people, at most 100 letters wide. Pure.

use jiff::{SignedDuration, Timestamp};

use super::parts::{Circuit, Crowd, Named};
use super::view::View;
use crate::tools::kubectl::circuit::{story, tone as circuit_tone};
use crate::tools::kubectl::object::{Standing, State, text as field};
use crate::tools::kubectl::page::{Columns, Paint, Tone, age, count, span, wrapped};

/// Letters of a line.
const WIDTH: usize = 100;
/// Lines that one part of the screen takes at most.
const LINES: usize = 12;

/// The screen.
pub fn text(view: &View, now: Timestamp, paint: Paint) -> String {
    let mut screen = Screen { paint, now, out: String::new() };
    screen.head(view);
    screen.components(view);
    screen.queue(view);
    screen.sources(view);
    screen.named("POLICIES", &view.policies);
    screen.endpoints(&view.endpoints);
    screen.crowd("AGENTS", "agent", &view.agents);
    screen.crowd("BUYERS", "buyer", &view.buyers);
    screen.operator(view);
    for note in &view.notes {
        screen.note(note);
    }
    screen.out
}

struct Screen {
    paint: Paint,
    now: Timestamp,
    out: String,
}

impl Screen {
    fn head(&mut self, view: &View) {
        let (tone, state) = word(&view.standing);
        let name = self.paint.word(Tone::Heading, &format!("Exchange {}/{}", view.namespace, view.exchange));
        let made = match age(&view.created, self.now) {
            age if age.is_empty() => String::new(),
            age => format!(", {age} old"),
        };
        self.line(&format!("{name}  {}{made}", self.paint.word(tone, state)));
        for each in view.conditions.iter().filter(|each| each.status != "True" || each.kind == "Stalled") {
            self.fault(tone, &each.kind, &format!("{}, {}: {}", each.status, each.reason, each.message));
        }
        if view.standing.state == State::Unseen {
            self.fault(Tone::Waiting, &view.exchange, &view.standing.message);
        }
    }

    fn components(&mut self, view: &View) {
        self.heading("COMPONENTS");
        let mut columns = Columns::default();
        for each in &view.components {
            let tone = if each.ready < each.desired { Tone::Bad } else { Tone::Good };
            let rules = each.revision.as_ref().map(|revision| format!("revision {revision}")).unwrap_or_default();
            columns.row([(Tone::Plain, &each.name), (tone, &format!("{}/{} ready", each.ready, each.desired)), (Tone::Faint, &rules)]);
        }
        self.put(&columns);
        for fault in view.components.iter().flat_map(|each| &each.faults) {
            let restarts = if fault.restarts > 0 {
                format!(" ({})", count(usize::try_from(fault.restarts).unwrap_or_default(), "restart"))
            } else {
                String::new()
            };
            self.fault(Tone::Bad, &fault.pod, &format!("{}{restarts}", fault.why));
        }
    }

    fn queue(&mut self, view: &View) {
        let Some(queue) = &view.queue else { return };
        self.heading("LEADS");
        let mut told = format!("{} waiting", queue.depth);
        if queue.depth > 0.0 {
            told.push_str(&format!(", the oldest for {}", seconds(queue.oldest_seconds)));
        }
        told.push_str(&format!("; {} in delivery; {} unmatched", queue.in_flight, queue.unmatched));
        if let Some(spooled) = queue.spooled {
            told.push_str(&format!("; {spooled} spooled"));
            if spooled > 0.0 {
                told.push_str(&format!(", the oldest for {}", seconds(queue.spool_oldest_seconds.unwrap_or_default())));
            }
        }
        self.line(&format!("  {told}"));
    }

    fn sources(&mut self, view: &View) {
        self.heading("SOURCES");
        self.listed(&view.sources, |source, columns| {
            let (tone, state) = word(&source.standing);
            columns.row([(Tone::Plain, &source.name), (tone, state), (Tone::Plain, &source.url)]);
        });
        self.faults(view.sources.iter().map(|source| (source.name.as_str(), &source.standing)));
    }

    fn named(&mut self, heading: &str, all: &[Named]) {
        self.heading(heading);
        self.listed(all, |each, columns| {
            let (tone, state) = word(&each.standing);
            columns.row([(Tone::Plain, &each.name), (tone, state)]);
        });
        self.faults(all.iter().map(|each| (each.name.as_str(), &each.standing)));
    }

    fn endpoints(&mut self, all: &[Circuit]) {
        self.heading("ENDPOINTS");
        let now = self.now;
        // Those in trouble first: they must not be among those that are left out.
        let mut sorted: Vec<_> = all.iter().collect();
        sorted.sort_by_key(|each| (circuit(each, now).0 == Tone::Good, each.seen.endpoint.clone()));
        self.listed(&sorted, |each, columns| {
            let (tone, state, more) = circuit(each, now);
            let (standing_tone, standing) = word(&each.standing);
            columns.row([(Tone::Plain, &each.seen.endpoint), (standing_tone, standing), (tone, &state), (Tone::Plain, &more)]);
        });
        self.faults(all.iter().map(|each| (each.seen.endpoint.as_str(), &each.standing)));
    }

    fn crowd(&mut self, heading: &str, one: &str, crowd: &Crowd) {
        self.heading(heading);
        match (crowd.total, crowd.others.len()) {
            (total, 0) => self.line(&format!("  {}", count(total, one))),
            (total, others) => self.line(&format!("  {}, {others} not ready", count(total, one))),
        }
        self.faults(crowd.others.iter().map(|each| (each.name.as_str(), &each.standing)));
    }

    fn operator(&mut self, view: &View) {
        self.heading("OPERATOR");
        let operator = &view.operator;
        let told = match (&operator.leader, &operator.why_not) {
            (Some(leader), _) => format!("{leader} leads, said so {}s ago", operator.renewed_seconds.unwrap_or_default().max(0)),
            (None, why) => self.paint.word(Tone::Waiting, why.as_deref().unwrap_or("nobody leads")),
        };
        self.line(&format!("  {told}"));
    }

    /// Rows of at most so many things.
    fn listed<T>(&mut self, all: &[T], row: impl Fn(&T, &mut Columns)) {
        let mut columns = Columns::default();
        if all.is_empty() {
            columns.row([(Tone::Faint, "none")]);
        }
        all.iter().take(LINES).for_each(|each| row(each, &mut columns));
        self.put(&columns);
        self.left_out(all.len());
    }

    fn left_out(&mut self, all: usize) {
        if all > LINES {
            self.line(&format!("  … and {} more: -o json has all", all - LINES));
        }
    }

    /// Why those that are not ready are not.
    fn faults<'a>(&mut self, all: impl Iterator<Item = (&'a str, &'a Standing)>) {
        let not_ready: Vec<_> = all.filter(|(_, standing)| standing.state != State::Ready).collect();
        for (name, standing) in not_ready.iter().take(LINES) {
            let tone = if standing.state == State::Failing { Tone::Bad } else { Tone::Waiting };
            self.fault(tone, name, &format!("{} is not true, {}: {}", standing.condition, standing.reason, standing.message));
        }
        self.left_out(not_ready.len());
    }

    fn fault(&mut self, tone: Tone, name: &str, why: &str) {
        let mark = self.paint.word(tone, "!");
        for (at, line) in wrapped(&format!("{name}: {why}"), WIDTH - 6).iter().enumerate() {
            let begin = if at == 0 { format!("  {mark} ") } else { "      ".to_owned() };
            self.line(&format!("{begin}{line}"));
        }
    }

    fn note(&mut self, note: &str) {
        let mark = self.paint.word(Tone::Waiting, "!");
        for (at, line) in wrapped(note, WIDTH - 2).iter().enumerate() {
            self.line(&format!("{} {line}", if at == 0 { mark.as_str() } else { " " }));
        }
    }

    fn heading(&mut self, heading: &str) {
        let heading = self.paint.word(Tone::Heading, heading);
        self.line(&heading);
    }

    fn put(&mut self, columns: &Columns) {
        columns.write(self.paint, WIDTH, &mut self.out);
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }
}

fn word(standing: &Standing) -> (Tone, &'static str) {
    match standing.state {
        State::Ready => (Tone::Good, "Ready"),
        State::Pending => (Tone::Waiting, "Pending"),
        State::Failing => (Tone::Bad, "NotReady"),
        State::Unseen => (Tone::Waiting, "NotSeen"),
    }
}

fn seconds(seconds: f64) -> String {
    span(SignedDuration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// An endpoint's circuit in a word, and what there is to add. The routers of now count for more than status, which tells of the last change.
fn circuit(each: &Circuit, now: Timestamp) -> (Tone, String, String) {
    if each.seen.mode != "Auto" {
        return (circuit_tone(&each.seen.mode), each.seen.mode.to_lowercase(), format!("spec.circuit is {}", each.seen.mode));
    }
    let mut states: Vec<&str> = each.seen.routers.values().map(String::as_str).filter(|state| !matches!(*state, "?" | "unknown")).collect();
    states.sort_unstable();
    states.dedup();
    let status = each.seen.status.as_ref();
    let state = match states[..] {
        [] => status.map_or_else(|| "untold".to_owned(), |status| field(status, "/state").to_lowercase()),
        _ => states.join("/"),
    };
    let tone = states.iter().map(|state| circuit_tone(state)).find(|tone| *tone != Tone::Good).unwrap_or_else(|| circuit_tone(&state));
    let more = match status {
        Some(status) if tone != Tone::Good => story(status, now),
        _ => String::new(),
    };
    (tone, state, more)
}
