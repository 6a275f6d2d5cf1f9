//! docs/labs.md: a row says which tests prove it, and these are there.

use std::path::Path;

use anyhow::Context;

/// Checks the table of the labs.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join("docs/labs.md")).context("docs/labs.md")?;
    let mut problems = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, id, _job, place, _] = cells.as_slice() else { continue };
        let is_id = id.len() >= 2
            && id.as_bytes()[0].is_ascii_uppercase()
            && id[1..].parse::<u32>().is_ok();
        if !is_id || *place == "not yet" {
            continue;
        }
        let wanted = format!("fn {}_", id.to_ascii_lowercase());
        for path in place.split(", ").map(|path| path.trim_matches('`')) {
            match std::fs::read_to_string(root.join(path)) {
                Ok(source) if source.contains(&wanted) => {}
                Ok(_) => problems.push(format!(
                    "docs/labs.md: {id}: `{path}` has no test whose name begins with `{wanted}`"
                )),
                Err(_) => problems.push(format!("docs/labs.md: {id}: there is no `{path}`")),
            }
        }
    }
    Ok(problems)
}
