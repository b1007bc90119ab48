//! Counts verdicts and writes them down: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;

use super::case::Must;
use super::load::Loaded;
use super::verdict::Verdict;

/// A case with its verdict.
pub type Judged<'a> = (&'a Loaded, &'a Verdict);

/// Passed out of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, passed: bool) {
        self.passed += usize::from(passed);
        self.all += 1;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.all {
            0 => f.pad("-"),
            all => f.pad(&format!("{}/{all}", self.passed)),
        }
    }
}

/// The numbers of a group of cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    succeed: Count,
    refuse: Count,
    /// Of the refusals, how many say what the original says.
    messages: Count,
}

impl Tally {
    fn add(&mut self, (loaded, verdict): Judged<'_>) {
        match loaded.case.must() {
            Must::Succeed => self.succeed.add(verdict.passed),
            Must::Refuse => {
                self.refuse.add(verdict.passed);
                self.messages.add(verdict.refusal.as_ref().is_some_and(|refusal| refusal.hit));
            }
        }
    }
}

/// The tables: by file, by tag, by tier with its kinds, and in all.
pub fn tables(judged: &[Judged<'_>]) -> String {
    let by_file = tally(judged, |loaded| vec![loaded.file.clone()]);
    let by_tag = tally(judged, |loaded| loaded.case.tags.clone());
    let by_tier = tally(judged, |loaded| {
        let (tier, kind) = (&loaded.case.tier, loaded.case.kind.word());
        vec![tier.clone(), format!("{tier}, {kind}")]
    });
    let all = tally(judged, |_| vec!["all".to_owned()]);
    let mut out = String::new();
    for (title, groups) in [("file", by_file), ("tag", by_tag), ("tier", by_tier), ("", all)] {
        write_table(&mut out, title, &groups);
    }
    write_overlap(&mut out, judged);
    out
}

fn tally(
    judged: &[Judged<'_>],
    groups_of: impl Fn(&Loaded) -> Vec<String>,
) -> BTreeMap<String, Tally> {
    let mut groups = BTreeMap::<String, Tally>::new();
    for &(loaded, verdict) in judged {
        for group in groups_of(loaded) {
            groups.entry(group).or_default().add((loaded, verdict));
        }
    }
    groups
}

fn write_table(out: &mut String, title: &str, groups: &BTreeMap<String, Tally>) {
    let width = groups.keys().map(String::len).max().unwrap_or_default().max(title.len());
    let (succeed, refuse, messages) = ("must succeed", "must be refused", "message hits");
    let _ = writeln!(out, "{title:width$}  {succeed:>12}  {refuse:>15}  {messages:>12}");
    for (group, tally) in groups {
        let Tally { succeed, refuse, messages } = tally;
        let _ = writeln!(out, "{group:width$}  {succeed:>12}  {refuse:>15}  {messages:>12}");
    }
    out.push('\n');
}

/// How close the messages of refusals are that do not hit.
fn write_overlap(out: &mut String, judged: &[Judged<'_>]) {
    let refusals = judged.iter().filter_map(|(_, verdict)| verdict.refusal.as_ref());
    let missed: Vec<f64> = refusals.filter(|r| !r.hit).map(|refusal| refusal.overlap).collect();
    if !missed.is_empty() {
        let mean = 100.0 * missed.iter().sum::<f64>() / missed.len() as f64;
        let count = missed.len();
        let _ = writeln!(
            out,
            "{count} refusals in other words share {mean:.0} % of the expected words"
        );
    }
}

/// The failures with their reasons, one a line.
pub fn failures(judged: &[Judged<'_>]) -> String {
    let mut out = String::new();
    for (loaded, verdict) in judged.iter().filter(|(_, verdict)| !verdict.passed) {
        let why = verdict.why.split_whitespace().collect::<Vec<_>>().join(" ");
        let must = loaded.case.must().word();
        let _ = writeln!(out, "{} (must {must}): {why}", loaded.case.id);
    }
    out
}

#[derive(Serialize)]
struct JsonReport<'a> {
    cases: Vec<JsonCase<'a>>,
}

#[derive(Serialize)]
struct JsonCase<'a> {
    id: &'a str,
    tier: &'a str,
    kind: &'static str,
    must: &'static str,
    passed: bool,
    why: &'a str,
}

/// The verdicts as JSON.
pub fn json(judged: &[Judged<'_>]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&JsonReport { cases: judged.iter().map(json_case).collect() })
}

fn json_case<'a>(&(loaded, verdict): &Judged<'a>) -> JsonCase<'a> {
    JsonCase {
        id: &loaded.case.id,
        tier: &loaded.case.tier,
        kind: loaded.case.kind.word(),
        must: loaded.case.must().word(),
        passed: verdict.passed,
        why: &verdict.why,
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal::Refusal;
    use super::*;

    fn loaded(id: &str, error: &str) -> Loaded {
        let text = format!(
            r#"{{"id": "{id}", "kind": "query", "tier": "core", "tags": ["t"],
                "statements": [], "expect_error": {error}}}"#
        );
        let case = serde_json::from_str(&text).expect("a case");
        Loaded { file: "query/x.json".into(), case }
    }

    #[test]
    fn both_kinds_are_counted_apart() {
        let refuse = loaded("b", r#"{"phase": "statement", "message": "no"}"#);
        let refusal = Refusal { message: "no!".into(), hit: true, overlap: 1.0 };
        let refused = Verdict::of(Ok(Some(refusal)));
        let succeed = loaded("a", "null");
        let failed = Verdict::failed("record 0:\n  wrong");
        let judged = [(&succeed, &failed), (&refuse, &refused)];
        let expected = "           must succeed  must be refused  message hits\n";
        assert!(tables(&judged).lines().any(|line| line.trim() == expected.trim()));
        assert!(tables(&judged).contains("all           0/1              1/1           1/1"));
        let of_kind = "core, query           0/1              1/1           1/1";
        assert!(tables(&judged).contains(of_kind));
        assert_eq!(failures(&judged), "a (must succeed): record 0: wrong\n");
        let json: serde_json::Value =
            serde_json::from_str(&json(&judged).expect("JSON")).expect("JSON");
        assert_eq!(json["cases"][1]["must"], "refuse");
        assert_eq!(json["cases"][0]["passed"], false);
    }
}
