//! Tests of policies, and trivy's own checks with theirs.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use sealift_policy::{Settings, Source, TrialOptions, TrialOutcome, Trials, run_tests};
use serde_json::Value;

fn run(texts: &[&str], options: &TrialOptions) -> Trials {
    let sources: Vec<Source> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| Source::new(format!("{number}.rego"), *text))
        .collect();
    run_tests(&Settings::default(), &sources, &Value::Null, options).unwrap()
}

#[track_caller]
fn check(texts: &[&str], options: &TrialOptions, expected: Expect) {
    let trials = run(texts, options);
    let mut shown = String::new();
    for it in &trials.tests {
        shown += &format!(
            "{}:{} {}.{} {:?} {:?}\n",
            it.file, it.line, it.package, it.name, it.outcome, it.prints
        );
    }
    for file in &trials.coverage {
        shown +=
            &format!("{} {:?} {:?} {:.0}\n", file.file, file.covered, file.missed, file.percent());
    }
    expected.assert_eq(&shown);
}

const POLICY: &str = "package a\n\ndeny[msg] {\n  input.x == 1\n  msg := \"x\"\n}\n\nwarn[msg] {\n  input.y == 2\n  msg := \"y\"\n}\n";

#[test]
fn outcomes() {
    let tests = "package a\n\
        test_good { deny[\"x\"] with input as {\"x\": 1} }\n\
        test_bad { deny[\"x\"] with input as {\"x\": 2} }\n\
        test_false = false\n\
        test_broken { to_number(\"x\") == 1 }\n\
        test_print { print(\"seen\", 1); false }\n\
        todo_test_later { false }\n\
        test_data { data.q == 1 with data.q as 1 }\n\
        test_clock { time.now_ns() == 5 with time.now_ns as 5 }\n";
    check(
        &[POLICY, tests],
        &TrialOptions::default(),
        expect![[r#"
            1.rego:2 a.test_good Passed []
            1.rego:3 a.test_bad Failed []
            1.rego:4 a.test_false Failed []
            1.rego:5 a.test_broken Broken("1.rego:5: could not parse string as number") []
            1.rego:6 a.test_print Failed ["1.rego:6: seen 1"]
            1.rego:7 a.todo_test_later Skipped []
            1.rego:8 a.test_data Passed []
            1.rego:9 a.test_clock Passed []
        "#]],
    );
}

#[test]
fn filter_and_coverage() {
    let tests = "package b\nimport data.a\ntest_a { count(a.deny) == 0 with input as {\"x\": 2} }\ntest_b { false }\n";
    let options = TrialOptions {
        filter: Some(regex::Regex::new(r"^b\.test_a$").unwrap()),
        with_coverage: true,
    };
    check(
        &[POLICY, tests],
        &options,
        expect![[r#"
        1.rego:3 b.test_a Passed []
        0.rego {4, 9} {3, 5, 8, 10} 33
    "#]],
    );
    assert!(run(&[POLICY, tests], &options).percent() < 100.0);
}

#[test]
fn an_endless_test_is_broken() {
    let text = "package a\nr := numbers.range(1, 10000)\n\
                test_x { count([1 | r[_] == r[_]; r[_] == r[_]; r[_] == r[_]]) == 0 }";
    let settings =
        Settings { time_max: std::time::Duration::from_millis(300), ..Settings::default() };
    let trials =
        run_tests(&settings, &[Source::new("a", text)], &Value::Null, &TrialOptions::default());
    assert!(matches!(trials.unwrap().tests[0].outcome, TrialOutcome::Broken(_)));
}

fn rego_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rego_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rego") {
            found.push(path);
        }
    }
}

// The folder has trivy-checks' `checks/docker` and `lib`.
#[test]
fn the_checks_of_trivy_for_dockerfiles_pass_their_own_tests() {
    let Some(folder) = std::env::var_os("SEALIFT_TRIVY_CHECKS") else {
        eprintln!("SKIPPED: SEALIFT_TRIVY_CHECKS names no folder with trivy's checks");
        return;
    };
    let mut files = Vec::new();
    for part in ["checks/docker", "lib"] {
        rego_files(&Path::new(&folder).join(part), &mut files);
    }
    let sources: Vec<Source> = files
        .iter()
        .map(|path| Source::new(path.display().to_string(), std::fs::read_to_string(path).unwrap()))
        .collect();
    let settings = Settings { time_max: std::time::Duration::from_mins(1), ..Settings::default() };
    let trials = run_tests(&settings, &sources, &Value::Null, &TrialOptions::default()).unwrap();
    let failures: Vec<String> = trials
        .failures()
        .map(|it| format!("{}.{}: {:?} {:?}", it.package, it.name, it.outcome, it.prints))
        .collect();
    eprintln!("{} of {} tests pass", trials.tests.len() - failures.len(), trials.tests.len());
    assert!(trials.tests.len() > 150, "{} tests", trials.tests.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
