//! Configurations of gitleaks.

use sealift_secrets::{Config, ConfigError, Rules, Scanner};

fn read(text: &str) -> Result<Rules, ConfigError> {
    Rules::read(text, &mut |path| match path {
        "base.toml" => {
            Ok("[[rules]]\nid = 'base'\nregex = '''base_\\d+'''\nkeywords = ['base_']".to_owned())
        }
        "loop.toml" => Ok("[extend]\npath = 'loop.toml'".to_owned()),
        _ => Err("there is none".to_owned()),
    })
}

#[track_caller]
fn check(config: &str, path: &str, text: &str, expected: &[(&str, &str)]) {
    let rules = read(config).unwrap();
    let found = Scanner::new(Config { rules, ..Config::default() }).scan(path, text.as_bytes());
    let found: Vec<(&str, &str)> = found
        .secrets
        .iter()
        .map(|secret| (secret.rule.as_ref(), &text[secret.range.clone()]))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn rules() {
    let rule = "[[rules]]\nid = 'own'\nregex = '''own_([a-z0-9]+)'''\nkeywords = ['OWN_']\n";
    check(rule, "a", "x own_abc1", &[("own", "abc1")]);
    // Without `useDefault` ours are off.
    check(rule, "a", "postgres://me:hunter2@db/x", &[]);
    let both = format!("[extend]\nuseDefault = true\ndisabledRules = ['curl-auth-user']\n{rule}");
    check(
        &both,
        "a",
        "postgres://me:hunter2@db/x own_z1",
        &[("password-in-url", "hunter2"), ("own", "z1")],
    );
    check(&both, "a", "curl -u admin:s3cr3tw0rd https://x", &[]);
    let entropy = format!("{rule}entropy = 2.5\n");
    check(&entropy, "a", "own_aaaa own_a1b2c3d4", &[("own", "a1b2c3d4")]);
    let group = "[[rules]]\nid = 'g'\nregex = '''(a)(b)'''\nsecretGroup = 2\n";
    check(group, "a", "ab", &[("g", "b")]);
    let path = "[[rules]]\nid = 'p'\npath = '''\\.pem$'''\n";
    check(path, "x.pem", "ab", &[("p", "ab")]);
    check(path, "x.txt", "ab", &[]);
    check("[extend]\npath = 'base.toml'\n", "a", "base_12", &[("base", "base_12")]);
}

#[test]
fn allowlists() {
    let rule = "[[rules]]\nid = 'own'\nregex = '''own_([a-z0-9]+)'''\n";
    for (list, text, expected) in [
        ("[[rules.allowlists]]\nregexes = ['^abc']", "own_abc own_xyz", vec![("own", "xyz")]),
        ("[rules.allowlist]\nstopwords = ['BC']", "own_abc own_xyz", vec![("own", "xyz")]),
        ("[[rules.allowlists]]\nregexTarget = 'match'\nregexes = ['^own_a']", "own_abc", vec![]),
        (
            "[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['test']",
            "own_abc # test",
            vec![],
        ),
        ("[allowlist]\npaths = ['^a$']", "own_abc", vec![]),
        (
            "[[allowlists]]\ntargetRules = ['other']\npaths = ['^a$']",
            "own_abc",
            vec![("own", "abc")],
        ),
        ("[[allowlists]]\ntargetRules = ['own']\npaths = ['^a$']", "own_abc", vec![]),
        (
            "[[rules.allowlists]]\ncondition = 'AND'\npaths = ['^b$']\nregexes = ['abc']",
            "own_abc",
            vec![("own", "abc")],
        ),
        (
            "[[rules.allowlists]]\ncondition = 'AND'\npaths = ['^a$']\nregexes = ['abc']",
            "own_abc",
            vec![],
        ),
    ] {
        check(&format!("{rule}{list}\n"), "a", text, &expected);
    }
    // Of ours too, and a rule without a pattern adds to ours.
    let ours = "[extend]\nuseDefault = true\n[[rules]]\nid = 'password-in-url'\n[[rules.allowlists]]\nstopwords = ['hunter']\n";
    check(ours, "a", "postgres://me:hunter2@db/x", &[]);
}

#[test]
fn what_cannot_be_read_is_an_error_and_what_is_not_used_a_note() {
    for (text, expected) in [
        ("rules = 1", "it is no configuration of gitleaks"),
        ("[[rules]]\nregex = 'a'", "rule 1 has no id"),
        ("[[rules]]\nid = 'x'\nregex = '('", "a pattern of `x` cannot be read"),
        (
            "[[rules]]\nid = 'x'\n[[rules.allowlists]]\ncondition = 'XOR'",
            "`x` has `XOR` where `AND` or `OR` is meant",
        ),
        (
            "[extend]\npath = 'nowhere.toml'",
            "it extends `nowhere.toml`, which cannot be read: there is none",
        ),
        (
            "[extend]\npath = 'loop.toml'",
            "it extends `loop.toml`, which cannot be read: files extend each other",
        ),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let rules = read("[allowlist]\ncommits = ['a']\n[extend]\nurl = 'https://x'").unwrap();
    assert_eq!(rules.notes().len(), 2, "{:?}", rules.notes());
}

#[test]
fn a_whole_configuration_is_read() {
    let Ok(path) = std::env::var("SEALIFT_GITLEAKS_CONFIG") else {
        eprintln!("SKIPPED: SEALIFT_GITLEAKS_CONFIG names no file");
        return;
    };
    let rules = read(&std::fs::read_to_string(path).unwrap()).unwrap();
    let scanner = Scanner::new(Config { rules, ..Config::default() });
    let token = format!("ghp_{}", "9nbddeg8pe7o4wdfiinlfzdoh9oqjw9qj32i");
    let found = scanner.scan("a", format!("t = \"{token}\"").as_bytes());
    assert_eq!(found.secrets[0].rule, "github-pat");
}
