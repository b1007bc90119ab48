//! Runs the golden scripts below `golden/`. `UPDATE_GOLDENFILES=1` records their output anew.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tests::golden::{refusals, run_file};

#[tokio::test]
async fn scripts_give_their_recorded_output() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut scripts = Vec::new();
    collect(&root, &mut scripts)?;
    scripts.sort();
    ensure!(!scripts.is_empty(), "no *.test files in {}", root.display());
    let update = std::env::var_os("UPDATE_GOLDENFILES").is_some();
    let mut report = String::new();
    for script in &scripts {
        match run_file(script, update).await {
            Ok(failures) => report.extend(failures.iter().map(|failure| format!("{failure}\n"))),
            Err(error) => report.push_str(&format!("{error:#}\n")),
        }
    }
    ensure!(report.is_empty(), "{report}");
    Ok(())
}

fn collect(dir: &Path, scripts: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, scripts)?;
        } else if path.extension().is_some_and(|extension| extension == "test") {
            scripts.push(path);
        }
    }
    Ok(())
}

/// Every class of error has a script of its own below `golden/errors`, which shows errors of that
/// class and of no other.
#[tokio::test]
async fn every_class_of_error_is_shown() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/errors");
    let syntax = sql::ErrorCode::ALL.map(|code| code.to_string());
    let meaning = engine::Code::ALL.map(|code| code.to_string());
    for class in [&syntax[..], &meaning[..]].concat() {
        let script = root.join(format!("{}.test", class.replace(' ', "_")));
        let shown = refusals(&script).await.with_context(|| class.clone())?;
        let others = shown.iter().filter(|shown| shown.as_deref() != Some(class.as_str()));
        let others: Vec<_> = others.collect();
        ensure!(others.is_empty(), "{} shows errors of {others:?}", script.display());
        ensure!(!shown.is_empty(), "{} shows no error", script.display());
    }
    Ok(())
}
