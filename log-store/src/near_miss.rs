//! Which of the known names did the user mean?

/// The known name closest to `found`, if it is close enough to be a slip of the hand.
pub(crate) fn near_miss<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let tolerance = (found.len() / 3).clamp(1, 3);
    known
        .map(|name| (distance(found, name), name))
        .filter(|(distance, _)| *distance <= tolerance)
        .min()
        .map(|(_, name)| name.to_owned())
}

/// Levenshtein's distance, ASCII case ignored, by one row of the matrix at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let known = ["orders", "clicks", "retention.ms"];
        assert_eq!(near_miss("order", known.into_iter()).as_deref(), Some("orders"));
        assert_eq!(near_miss("retention.sm", known.into_iter()).as_deref(), Some("retention.ms"));
        assert_eq!(near_miss("payments", known.into_iter()), None);
    }
}
