//! "Did you mean …": the known name that is most like a mistyped one.

/// The candidate with the fewest single-letter edits, of those that differ in at most a third of the letters.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&to) {
            let edits = (diagonal + usize::from(letter != *other)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, edits);
            left = edits;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_single_letter_edits() {
        for (from, to, edits) in [("", "", 0), ("zip", "zip", 0), ("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3)] {
            assert_eq!(distance(from, to), edits, "{from} → {to}");
        }
    }

    #[test]
    fn a_mistyped_name_finds_its_neighbour_and_a_strange_one_finds_none() {
        let known = ["contact.email", "contact.phone", "location.zip"];
        assert_eq!(nearest("contact.emial", known), Some("contact.email"));
        assert_eq!(nearest("location.zp", known), Some("location.zip"));
        assert_eq!(nearest("vehicle.make", known), None);
    }
}
