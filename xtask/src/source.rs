//! What a file may not have: too many lines, too long functions, leftovers.

use std::path::{Path, PathBuf};

use anyhow::Context;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const CRATE_LINES_MAX: usize = 8_000;

/// Put together here so that this file does not find itself.
const LEFTOVERS: [(&str, &str); 6] = [
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("#[ign", "ore"),
    ("#![ign", "ore"),
    ("FIX", "ME"),
];

/// Checks every Rust file of the workspace.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in crates(root)? {
        let mut lines = 0;
        for path in rust_files(&folder)? {
            let text =
                std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            lines += text.lines().count();
            check_file(&name, &text, &mut problems);
            if path.starts_with(folder.join("src")) && !is_module(&path)? {
                problems.push(format!("{name}: no module declares it, so nothing compiles it"));
            }
        }
        if lines > CRATE_LINES_MAX * 2 {
            problems
                .push(format!("{}: {lines} lines with tests; split the crate", folder.display()));
        }
    }
    for path in rust_files(&root.join("tests"))? {
        let text = std::fs::read_to_string(&path)?;
        check_file(&path.strip_prefix(root)?.display().to_string(), &text, &mut problems);
    }
    Ok(problems)
}

fn check_file(name: &str, text: &str, problems: &mut Vec<String>) {
    let count = text.lines().count();
    if count > FILE_LINES_MAX {
        problems.push(format!(
            "{name}: {count} lines, more than {FILE_LINES_MAX}; one file is one idea"
        ));
    }
    if !text.starts_with("//!") && !name.ends_with("build.rs") {
        problems.push(format!("{name}: does not begin with `//!`"));
    }
    for (number, line) in text.lines().enumerate() {
        for (head, tail) in LEFTOVERS {
            if line.contains(&format!("{head}{tail}")) {
                problems.push(format!("{name}:{}: `{head}{tail}`", number + 1));
            }
        }
        let is_unsafe = line.contains("unsafe {")
            || line.contains("unsafe fn")
            || line.contains("allow(unsafe_code");
        // Running confined programs, and mapping the database.
        let may = ["crates/sandbox/", "crates/database/src/map.rs", "xtask/"];
        if is_unsafe && !may.iter().any(|place| name.starts_with(place)) {
            problems.push(format!("{name}:{}: unsafe where it may not be", number + 1));
        }
    }
    for (start, length) in functions(text) {
        if length > FUNCTION_LINES_MAX {
            problems.push(format!(
                "{name}:{start}: a function of {length} lines, more than {FUNCTION_LINES_MAX}"
            ));
        }
    }
}

// Whether the file beside or above it says `mod NAME`.
fn is_module(path: &Path) -> anyhow::Result<bool> {
    let (Some(stem), Some(folder)) = (path.file_stem().and_then(|it| it.to_str()), path.parent())
    else {
        return Ok(true);
    };
    // A `mod.rs` is named after its folder.
    let (name, folder) = match stem {
        "lib" | "main" => return Ok(true),
        "mod" => match (folder.file_name().and_then(|it| it.to_str()), folder.parent()) {
            (Some(name), Some(above)) => (name, above),
            _ => return Ok(true),
        },
        _ => (stem, folder),
    };
    let parents = [
        folder.join("lib.rs"),
        folder.join("main.rs"),
        folder.join("mod.rs"),
        folder.with_extension("rs"),
    ];
    let declaration = format!("mod {name}");
    for parent in parents.iter().filter(|parent| parent.is_file()) {
        let text = std::fs::read_to_string(parent)?;
        let declares =
            |line: &str| line.trim_end().trim_end_matches([';', '{', ' ']).ends_with(&declaration);
        if text.lines().any(declares) {
            return Ok(true);
        }
    }
    Ok(false)
}

// rustfmt puts the closing brace at the indentation of `fn`, which makes this exact for formatted files.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let words = trimmed.split('(').next().unwrap_or_default();
        // A field or an argument may have a function as its type.
        let is_type = words.contains(": fn");
        if is_type || !words.split(' ').any(|word| word == "fn") || trimmed.starts_with("//") {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - trimmed.len()]);
        let end = lines[start..].iter().position(|line| *line == closing);
        let semicolon = lines[start..].iter().position(|line| line.ends_with(';'));
        // A function without a body ends before any brace of its indentation.
        if let Some(end) = end
            && (semicolon.is_none_or(|place| place > 0) || end == 0)
        {
            found.push((start + 1, end + 1));
        }
    }
    found
}

fn crates(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = vec![root.join("xtask")];
    for entry in std::fs::read_dir(root.join("crates"))? {
        folders.push(entry?.path());
    }
    folders.sort();
    Ok(folders)
}

fn rust_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_functions() {
        let text = "impl A {\n    fn a() {\n        b();\n    }\n    fn c();\n}\nfn d(\n    e: u8,\n) {\n}\n";
        assert_eq!(functions(text), [(2, 3), (7, 4)]);
    }

    #[test]
    fn finds_what_does_not_belong() {
        let long = format!("//! x\nfn a() {{\n{}}}\n", "    b();\n".repeat(80));
        let leftover = format!("//! x\nfn a() {{ to{}!() }}\n", "do");
        let expected = format!("`to{}!(`", "do");
        for (text, expected) in [
            (long.as_str(), "a function of 82 lines"),
            (leftover.as_str(), expected.as_str()),
            ("fn a() {}\n", "does not begin"),
        ] {
            let mut problems = Vec::new();
            check_file("crates/a/src/lib.rs", text, &mut problems);
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?}");
        }
    }
}
