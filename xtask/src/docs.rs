//! The reference pages under docs/, written by the binary itself from its own tables.

use std::path::Path;

use crate::graph::cargo;

const PAGES: [(&str, &str); 5] = [
    ("catalogers", "docs/catalogers.md"),
    ("commands", "docs/commands.md"),
    ("configuration", "docs/configuration.md"),
    ("facts", "docs/facts.md"),
    ("rules", "docs/rules.md"),
];

/// Writes every page.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    for (page, path) in PAGES {
        std::fs::write(root.join(path), generate(root, page)?)?;
        eprintln!("wrote {path}");
    }
    Ok(())
}

/// Checks that every page is what would be written now.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for (page, path) in PAGES {
        let present = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        if present != generate(root, page)? {
            problems.push(format!("{path} is not fresh; run `cargo xtask docs`"));
        }
    }
    Ok(problems)
}

fn generate(root: &Path, page: &str) -> anyhow::Result<String> {
    cargo(root, &["run", "--quiet", "-p", "sealift", "--", "reference", page])
}
