//! Pages of `docs/` that are made of definitions are up to date. `UPDATE_GOLDENFILES=1` makes
//! them anew.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use engine::function::Functions;

#[test]
fn the_page_of_functions_is_up_to_date() -> Result<()> {
    check("functions.md", &Functions::builtin().reference())
}

#[test]
fn the_page_of_properties_is_up_to_date() -> Result<()> {
    check("properties.md", &engine::properties_reference())
}

fn check(name: &str, expected: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if env::var_os("UPDATE_GOLDENFILES").is_some() {
        fs::write(&path, expected).with_context(|| format!("write {}", path.display()))?;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).position(|(found, made)| found != made);
    let line = differs.unwrap_or_else(|| found.lines().count().min(expected.lines().count())) + 1;
    ensure!(
        found == expected,
        "docs/{name} is out of date from line {line} on: make it with UPDATE_GOLDENFILES=1"
    );
    Ok(())
}
