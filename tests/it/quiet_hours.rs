//! `docs/quiet-hours.md` has the hours that are kept.

use leadflow::geography::{Hours, quiet_hours};

use crate::sources::hold;

#[test]
fn the_document_has_the_hours_that_are_kept() {
    let row = |place: &str, hours: &Hours| {
        let Hours { statute, read, source, weekdays, saturday, sunday, holidays } = hours;
        let holidays = holidays.map_or_else(|| "as usual".to_owned(), |window| window.to_string());
        format!("| {place} | {weekdays} | {saturday} | {sunday} | {holidays} | {statute} | {read}: {source} |\n")
    };
    let mut table = "| where | Monday to Friday | Saturday | Sunday | holidays | law | read |\n|---|---|---|---|---|---|---|\n".to_owned();
    table += &row("everywhere", &quiet_hours().federal);
    table.extend(quiet_hours().states.iter().map(|state| row(&state.state, &state.hours)));
    hold("docs/quiet-hours.md", "windows", &table);
}
