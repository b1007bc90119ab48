//! Finds and reads the files of cases.
//!
//! A suite is a folder of `*.json` files, at any depth, or a single file. Files and cases keep
//! their order: by path, then as written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::case::{Case, CaseFile};

/// A case and the file it stands in.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Path below the suite's folder.
    pub file: String,
    /// The case.
    pub case: Case,
}

/// Reads all cases below `path`.
pub fn load(path: &Path) -> Result<Vec<Loaded>> {
    let mut files = Vec::new();
    collect_files(path, &mut files)?;
    files.sort();
    ensure!(!files.is_empty(), "no *.json files in {}", path.display());
    let mut cases = Vec::new();
    for file in &files {
        let name = display_name(path, file);
        let read = read_file(file)?;
        cases.extend(read.cases.into_iter().map(|case| Loaded { file: name.clone(), case }));
    }
    Ok(cases)
}

fn collect_files(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("read {}", path.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", path.display()))?.path();
        if entry.is_dir() || entry.extension().is_some_and(|extension| extension == "json") {
            collect_files(&entry, files)?;
        }
    }
    Ok(())
}

fn display_name(root: &Path, file: &Path) -> String {
    let below = file.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty());
    below.unwrap_or(file).display().to_string()
}

fn read_file(path: &Path) -> Result<CaseFile> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("cases in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"file": "x.json", "cases": [{
        "id": "x/a", "name": "a", "kind": "query", "tier": "core", "tags": ["positive"],
        "statements": ["CREATE STREAM A (B INT) WITH (kafka_topic='a', value_format='JSON');"],
        "inputs": [{"topic": "a", "key": 1.10, "value": {"b": 4.60E18}, "timestamp": 5}],
        "outputs": []
    }]}"#;

    #[test]
    fn number_texts_survive_loading() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("query"))?;
        fs::write(dir.path().join("query/x.json"), FILE)?;
        let cases = load(dir.path())?;
        assert_eq!(cases[0].file, "query/x.json");
        let input = &cases[0].case.inputs[0];
        assert_eq!(input.key.to_string(), "1.10");
        assert!(input.value.to_string().starts_with(r#"{"b":4.60"#));
        assert_eq!(cases[0].case.outputs.as_ref().map(Vec::len), Some(0));
        Ok(())
    }

    #[test]
    fn an_empty_folder_is_an_error_that_names_it() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let error = load(dir.path()).expect_err("no cases");
        assert!(error.to_string().contains("no *.json files in"));
        Ok(())
    }
}
