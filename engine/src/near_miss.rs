//! "Did you mean …?"

use strsim::osa_distance;

/// The candidate that a mistyped name was probably meant to be. Two letters that changed places
/// are one mistake.
pub fn near_miss<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let upper = name.to_uppercase();
    let limit = (upper.chars().count() / 3).max(1);
    let distances = candidates
        .into_iter()
        .map(|candidate| (osa_distance(&upper, &candidate.to_uppercase()), candidate));
    let (distance, candidate) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit).then_some(candidate)
}

/// The hint that names the near miss, or lists a few of the valid names.
pub fn hint<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = near_miss(name, candidates.clone()) {
        return Some(format!("did you mean {near}?"));
    }
    let some: Vec<&str> = candidates.into_iter().take(10).collect();
    (!some.is_empty()).then(|| format!("there are: {}", some.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name() {
        assert_eq!(near_miss("clickz", ["ORDERS", "CLICKS"]), Some("CLICKS"));
        assert_eq!(near_miss("pgae", ["NAME", "PAGE"]), Some("PAGE"));
        assert_eq!(near_miss("x", ["ORDERS", "CLICKS"]), None);
        assert_eq!(hint("x", ["A", "BCD"]).as_deref(), Some("did you mean A?"));
    }
}
