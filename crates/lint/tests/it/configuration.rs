//! What the user can choose, in the configuration and in the file.

use expect_test::expect;
use sealift_diagnostic::{Diagnostic, Level};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, Group, lint, rule};

fn rules(source: &str, config: &Config) -> Vec<String> {
    findings(source, config)
        .into_iter()
        .filter_map(|finding| Some(finding.rule?.into_owned()))
        .collect()
}

fn findings(source: &str, config: &Config) -> Vec<Diagnostic> {
    let context = Context { dockerignore: Some(""), ..Context::new(config) };
    lint(&parse(source, &Limits::default()), &context)
}

fn ignoring(names: &[&str]) -> Config {
    Config { ignore: names.iter().map(|&name| name.to_owned()).collect(), ..Config::default() }
}

const SOURCE: &str = "FROM debian\nUSER root\nCMD [\"x\"]\n";

#[test]
fn rules_can_be_ignored_by_any_of_their_names() {
    assert_eq!(rules(SOURCE, &Config::default()), ["SL4008", "SL2001", "SL2002", "SL1011"]);
    for name in ["SL2001", "sl2001", "mutable-tag", "DL3007", "dl3006", "CKV_DOCKER_7", "DS-0001"] {
        assert_eq!(rules(SOURCE, &ignoring(&[name])), ["SL4008", "SL2002", "SL1011"], "{name}");
    }
}

#[test]
fn names_that_no_rule_has_are_refused() {
    assert!(ignoring(&["DL3007", "no-user"]).check().is_ok());
    let error = ignoring(&["mutabel-tag"]).check().unwrap_err();
    assert_eq!(error.to_string(), "there is no rule `mutabel-tag`");
    assert_eq!(error.hint().unwrap(), "did you mean `mutable-tag`?");
}

#[test]
fn levels_and_the_gate() {
    let mut config = Config::default();
    let found = findings(SOURCE, &config);
    let failed: Vec<_> =
        config.failures(&found).into_iter().filter_map(|it| it.rule.as_deref()).collect();
    assert_eq!(failed, ["SL1011"]);
    config.fail_on = Level::Warning;
    assert_eq!(config.failures(&found).len(), 3);
    config.levels.insert("DL3002".to_owned(), Level::Info);
    config.levels.insert("no-digest".to_owned(), Level::Error);
    let found = findings(SOURCE, &config);
    let levels: Vec<_> = found.iter().map(|finding| finding.level).collect();
    assert_eq!(levels, [Level::Warning, Level::Warning, Level::Error, Level::Info]);
}

#[test]
fn comments_in_the_file() {
    let config = Config::default();
    let all = rules(SOURCE, &config);
    for (comment, silenced) in [
        ("# sealift: ignore=SL2001", &["SL2001"][..]),
        ("# sealift: ignore=SL2001, no-digest because it is a test", &["SL2001", "SL2002"]),
        ("# hadolint ignore=DL3006,DL3057", &["SL2001", "SL4008"]),
        ("# trivy:ignore:DS-0001", &["SL2001"]),
        ("# hadolint global ignore=DL3002", &["SL1011"]),
        ("# sealift: ignore-file=SL1011,SL2002", &["SL1011", "SL2002"]),
        ("# checkov:skip=CKV_DOCKER_8: it must", &["SL1011"]),
        ("# ignore=SL2001", &[]),
    ] {
        let expected: Vec<&String> =
            all.iter().filter(|rule| !silenced.contains(&rule.as_str())).collect();
        let found = rules(&format!("{comment}\n{SOURCE}"), &config);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{comment}");
    }
    let inside = "FROM debian:12\nRUN x \\\n  # sealift: ignore=SL1010\n  && sudo y\nRUN sudo z\n";
    let found = findings(inside, &config);
    assert_eq!(found.iter().filter(|it| it.rule.as_deref() == Some("SL1010")).count(), 1);
}

#[test]
fn check_directive() {
    let config = Config::default();
    let source = "FROM a:1 as b\nENV API_KEY=x\nUSER 9\nHEALTHCHECK NONE\n";
    assert_eq!(rules(source, &config), ["SL2002", "SL3021", "SL1001"]);
    assert_eq!(
        rules(&format!("# check=skip=FromAsCasing\n{source}"), &config),
        ["SL2002", "SL1001"]
    );
    assert_eq!(rules(&format!("# check=skip=all;error=true\n{source}"), &config), ["SL2002"]);
    assert_eq!(
        rules(&format!("# check=error=true\n{source}"), &config),
        ["SL2002", "SL3021", "SL1001"]
    );
}

#[test]
fn syntax_errors_cannot_be_ignored() {
    assert_eq!(
        rules(
            "# sealift: ignore-file=SL0001\nFROM\nUSER 9\nHEALTHCHECK NONE\n",
            &ignoring(&["syntax-error"])
        ),
        ["SL0001"]
    );
}

#[test]
fn the_table_serves_the_documentation() {
    assert!(sealift_lint::rules().count() > 55);
    let known = rule("DL3008").unwrap();
    expect![[r#"Reproducibility SL2003 unpinned-apt info ["DL3008"] — each build may get other versions — write `package=version`, or pin the archive with a snapshot"#]].assert_eq(&format!(
        "{} {} {} {} {:?} — {} — {}",
        Group::of(known).title(),
        known.id,
        known.name,
        known.level,
        known.aliases,
        known.why,
        known.fix
    ));
}
