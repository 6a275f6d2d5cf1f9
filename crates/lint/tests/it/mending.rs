//! Mending whole files: idempotent, nothing else touched, nothing made worse.

use std::path::Path;

use sealift_diagnostic::{Fixed, Level, Tier, apply};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, fix, lint};

fn fixed(text: &str, tier: Tier) -> Fixed {
    fix(text, &Context::new(&Config::default()), &Limits::default(), tier)
}

/// What must hold of every text and tier.
#[track_caller]
fn check(name: &str, text: &str, tier: Tier) -> Fixed {
    let config = Config::default();
    let mended = fixed(text, tier);
    let ignore = mended.files.first().map(|file| file.content.as_str());
    let context = Context { dockerignore: ignore, ..Context::new(&config) };
    let again = fix(&mended.text, &context, &Limits::default(), tier);
    assert_eq!(again.text, mended.text, "{name}: mending again changes the text");
    assert!(again.files.is_empty(), "{name}: mending again makes files: {:?}", again.files);
    let before = parse(text, &Limits::default());
    let after = parse(&mended.text, &Limits::default());
    assert!(after.problems.len() <= before.problems.len(), "{name}: {:?}", after.problems);
    let count = |level: Level, findings: &[sealift_diagnostic::Diagnostic]| {
        findings.iter().filter(|finding| finding.level >= level).count()
    };
    let found = lint(&before, &Context::new(&config));
    for level in Level::ALL {
        assert!(
            count(level, &mended.left) <= count(level, &found),
            "{name}: more findings of {level} and above than before\n{}",
            mended.text
        );
    }
    mended
}

#[test]
fn other_bytes_stay() {
    let text = "\u{feff}# escape=`\r\n# a comment\r\nfrom  debian:12 `\r\n  as  base\r\n\r\nRUN <<EOF\r\n  echo   x\r\nEOF\r\n\
                EXPOSE  22   8080\r\n# last";
    let mended = check("bytes", text, Tier::Suggested);
    assert!(mended.applied.iter().any(|it| it.rule == "SL1008"));
    let port = fixed(text, Tier::Suggested).text;
    assert!(port.starts_with("\u{feff}# escape=`\r\n# a comment\r\n"), "{port}");
    assert!(port.contains("RUN <<EOF\r\n  echo   x\r\nEOF\r\n"), "{port}");
    assert!(port.ends_with("\r\n# last") && !port.replace("\r\n", "").contains('\n'), "{port}");
}

#[test]
fn hostile_texts_are_mended_in_bounded_time() {
    for unit in ["EXPOSE 22\n", "RUN sudo a\n", "RUN chmod 777 a\n", "ENV TOKEN=abcdefgh123\n"] {
        check("many", &format!("FROM a\n{}", unit.repeat(300)), Tier::Suggested);
    }
    for text in
        ["", "\n", "FROM", "FROM a \\", "FROM a\nEXPOSE 22 \\", "FROM a\nEXPOSE \\\n22\\\n\n 23"]
    {
        check("odd", text, Tier::Suggested);
    }
}

/// Over real Dockerfiles: the folder that `SEALIFT_DOCKERFILES` names.
#[test]
fn real_dockerfiles_are_mended() {
    let Some(folder) = std::env::var_os("SEALIFT_DOCKERFILES") else {
        eprintln!("SKIPPED: SEALIFT_DOCKERFILES names no folder of Dockerfiles");
        return;
    };
    let (mut files, mut applied, mut refused) = (0, 0, 0);
    let mut paths = Vec::new();
    let mut folders = vec![Path::new(&folder).to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|it| it == "go") {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    paths.sort();
    for path in paths {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let name = path.display().to_string();
        for tier in [Tier::Safe, Tier::Suggested] {
            let mended = check(&name, &text, tier);
            applied += mended.applied.len();
            refused += mended.refused.len();
            for refused in &mended.refused {
                eprintln!(
                    "{name}: {} {}: {}",
                    refused.fix.rule, refused.fix.title, refused.refusal
                );
            }
            // What is advised fits the text too.
            for fix in mended.left.iter().flat_map(|finding| &finding.fixes) {
                assert_eq!(apply(&mended.text, &[fix]).applied, [0], "{name}: {fix:?}");
            }
        }
        files += 1;
    }
    eprintln!("{files} files: {applied} fixes, {refused} left out");
    assert!(files > 0, "the folder has Dockerfiles");
}
