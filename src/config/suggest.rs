//! "Did you mean ..?" for what was misspelt.

use strsim::levenshtein;

/// The candidate that is nearest to what was written, where one is near enough to be meant.
fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One slip in a short word, two from six letters on: more would suggest words that only look alike.
    let length = written.chars().count();
    let slips = if length < 6 { 1 } else { 2 };
    candidates
        .into_iter()
        // Also what keeps a word of a megabyte from being compared with every key.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= slips)
        .map(|candidate| {
            (
                levenshtein(&written.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The suggestion at the end of what is allowed, or nothing.
pub fn or_nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, candidates)
        .map(|candidate| format!(", did you mean \"{candidate}\"?"))
        .unwrap_or_default()
}

/// The suggestion as a part of an error, or nothing.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, candidates)
        .map(|candidate| format!("did you mean \"{candidate}\"? "))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let keys = ["confirmations", "jitter", "ttl", "off_url", "on_url"];
        assert_eq!(nearest("confirmation", keys), Some("confirmations"));
        assert_eq!(nearest("Jitter", keys), Some("jitter"));
        assert_eq!(nearest("tll", keys), Some("ttl"));
        assert_eq!(nearest("of_url", keys), Some("off_url"));
        assert_eq!(nearest("interval", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest(&"jitter".repeat(200_000), keys), None);
    }
}
