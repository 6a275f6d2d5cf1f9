//! Policies and inputs that try to exhaust the judge, or to slip past it.

use std::fmt::Write;
use std::time::{Duration, Instant};

use sealift_model::Outcome;
use sealift_policy::{Error, Settings, Source, evaluate_with};
use serde_json::{Value, json};

use crate::{judge, judge_all, show};

// Whatever happens, it is a refusal.
#[track_caller]
fn check_refused(text: &str, expected: &str) {
    check_refused_within(Duration::from_mins(1), text, expected);
}

// A refusal, and soon.
#[track_caller]
fn check_stopped(text: &str) {
    let start = Instant::now();
    check_refused_within(Duration::from_millis(500), text, "time limit|did not end|larger than");
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
}

#[track_caller]
fn check_refused_within(time_max: Duration, text: &str, expected: &str) {
    let settings = Settings { time_max, ..Settings::default() };
    let result = evaluate_with(&settings, &[Source::new("p.rego", text)], &json!({}), &Value::Null);
    if let Ok(verdict) = &result {
        assert_eq!(verdict.outcome, Outcome::Fail);
    }
    let text = show(result);
    assert!(expected.split('|').any(|expected| text.contains(expected)), "{text}");
}

#[test]
fn endless_comprehension() {
    check_stopped(
        "package a\nr := numbers.range(1, 10000)\n\
         deny[msg] { c := count([1 | r[_] == r[_]; r[_] == r[_]; r[_] == r[_]]); msg := sprintf(\"%v\", [c]) }",
    );
}

#[test]
fn much_from_little() {
    let too_much = "larger than a policy may make";
    check_refused("package a\ndeny[x] { x := numbers.range(1, 1000000000000)[0] }", too_much);
    check_refused("package a\ndeny[x] { x := numbers.range(1, 1e300)[0] }", too_much);
    check_refused("package a\ndeny[x] { x := sprintf(\"%999999999d\", [1]) }", too_much);
    check_refused("package a\ndeny[x] { x := sprintf(\"%²d\", [1]) }", too_much);
    check_refused("package a\ndeny[x] { x := bits.lsh(1, 100000000000) }", too_much);
    let mut doubling = "package a\ndeny[x] { x0 := [1, 2]\n".to_owned();
    for step in 1..60 {
        writeln!(doubling, "x{step} := array.concat(x{0}, x{0})", step - 1).unwrap();
    }
    check_stopped(&format!("{doubling} x := count(x59) }}"));
    let mut doubling = "package a\ndeny[x] { x0 := \"aa\"\n".to_owned();
    for step in 1..60 {
        writeln!(doubling, "x{step} := concat(\"\", [x{0}, x{0}])", step - 1).unwrap();
    }
    check_stopped(&format!("{doubling} x := x59 }}"));
    let mut shared = "package a\ndeny[x] { x0 := [1, 2]\n".to_owned();
    for step in 1..60 {
        writeln!(shared, "x{step} := [x{0}, x{0}]", step - 1).unwrap();
    }
    check_stopped(&format!("{shared} x := json.marshal(x59) }}"));
    let mut squares = "package a\ndeny[x] { x0 := 123456789\n".to_owned();
    for step in 1..40 {
        writeln!(squares, "x{step} := x{0} * x{0}", step - 1).unwrap();
    }
    check_stopped(&format!("{squares} x := x39 }}"));
}

#[test]
fn guarded_functions_still_work() {
    let text = r#"package a
deny[x] { x := sprintf("%d %s %v %.1f", [1, "a", [1, 2], 2.5]) }
deny[x] { x := concat(",", ["b", "c"]) }
deny[x] { x := sprintf("%v", [numbers.range(3, 1)]) }
deny[x] { x := sprintf("%v", [numbers.range_step(0, 10, 5)]) }
deny[x] { x := sprintf("%v", [array.concat([1], [2])]) }
deny[x] { x := replace("aXb", "X", "-") }
deny[x] { x := regex.replace("a12b", "[0-9]+", "-") }
deny[x] { x := strings.replace_n({"a": "1", "b": "2"}, "abc") }
deny[x] { x := json.marshal({"a": bits.lsh(1, 4)}) }
deny[x] { sprintf("out %v", ["parameter"], x) }
"#;
    expect_test::expect![[r#"
        fail
        Deny a.deny (p.rego): 1 a [1, 2] 2.5
        Deny a.deny (p.rego): 12c
        Deny a.deny (p.rego): [0, 5, 10]
        Deny a.deny (p.rego): [1, 2]
        Deny a.deny (p.rego): [3, 2, 1]
        Deny a.deny (p.rego): a-b
        Deny a.deny (p.rego): b,c
        Deny a.deny (p.rego): out parameter
        Deny a.deny (p.rego): {"a":16}
    "#]]
    .assert_eq(&show(judge(text, &json!({}))));
}

#[test]
fn hostile_texts() {
    let deep =
        format!("package a\ndeny[x] {{ x := {}1{} }}", "[".repeat(100_000), "]".repeat(100_000));
    let mut lines = "package a\ndeny[x] { x := ".to_owned();
    lines += &"[\n".repeat(9_000);
    let recursive =
        "package a\ndeny[x] { x := f(1) }\nf(x) = y { y := g(x) }\ng(x) = y { y := f(x) }";
    let cyclic = "package a\ndeny[x] { allow; x := \"\" }\nallow { count(deny) == 0 }";
    for text in
        [&deep, &lines, recursive, cyclic, "package a\ndeny[\u{0}", "\u{feff}package a", "package"]
    {
        check_refused(text, "");
    }
    let noise: String =
        (0..20_000_u32).filter_map(|n| char::from_u32(n * 7919 % 0x11_0000)).collect();
    check_refused(&noise, "cannot be read");
    check_refused(&"# x\n".repeat(30_000), "cannot be read");
    check_refused(&"#".repeat(2 << 20), "cannot be read");
}

#[test]
fn long_chains_do_not_fill_the_stack() {
    let settings = Settings { time_max: Duration::from_mins(1), ..Settings::default() };
    let check = |text: &str| {
        let sources = [Source::new("p.rego", text)];
        let verdict = evaluate_with(&settings, &sources, &json!({}), &Value::Null).unwrap();
        assert_eq!(verdict.violations[0].message, "1");
    };
    let mut functions = "package a\nf0(x) = x\n".to_owned();
    let mut rules = "package a\nr0 = 1\n".to_owned();
    for step in 1..=1000 {
        let before = step - 1;
        writeln!(functions, "f{step}(x) = y {{ y := f{before}(x) }}").unwrap();
        writeln!(rules, "r{step} = y {{ y := r{before} }}").unwrap();
    }
    check(&format!("{rules}deny[x] {{ x := sprintf(\"%v\", [r1000]) }}"));
    check(&format!("{functions}deny[x] {{ x := sprintf(\"%v\", [f1000(1)]) }}"));
    let many = "deny[x] { x := [1, 2, 3, 4, 5, 6, 7, 8, 9][0] }\n".repeat(4000);
    check_refused(&format!("package a\n{many}"), "more than 50000");
}

#[test]
fn deep_nesting() {
    // The parser takes twice the time for each level.
    let nested = |depth: usize| {
        format!(
            "package a\ndeny[x] {{ y := {}1{}; x := \"{{[\" }}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert_eq!(judge(&nested(13), &json!({})).unwrap().violations.len(), 1);
    check_refused(&nested(14), "line 2, column 29: brackets are nested more than 14 deep");
    check_refused(&nested(100_000), "nested more than 14 deep");
}

#[test]
fn limits_of_number_and_size() {
    let policy = Source::new("p.rego", "package a\ndeny[\"x\"] { true }");
    let many = vec![policy.clone(); 1025];
    assert_eq!(judge_all(&many, &json!({})), Err(Error::TooMany { count: 1025, limit: 1024 }));
    let settings = Settings { input_bytes_max: 100, ..Settings::default() };
    let large = json!({"x": "x".repeat(200)});
    for (input, data) in [(&large, &Value::Null), (&Value::Null, &large)] {
        let result = evaluate_with(&settings, std::slice::from_ref(&policy), input, data);
        assert!(
            matches!(result, Err(Error::TooLarge { bytes: 208, limit: 100, .. })),
            "{result:?}"
        );
    }
}

#[test]
fn many_messages_are_cut() {
    let text = "package a\ndeny[x] { n := numbers.range(1, 5000)[_]; x := sprintf(\"%d\", [n]) }";
    let verdict = judge(text, &json!({})).unwrap();
    assert_eq!(verdict.violations.len(), 1001);
    assert_eq!(verdict.violations[1000].message, "and 4000 more of `deny`");
}

#[test]
fn an_odd_input_is_no_pass() {
    let text = "package a\ndefault allow = false\nallow { input.x == 1 }";
    for input in [Value::Null, json!([]), json!("x"), json!(1.5)] {
        assert_eq!(judge(text, &input).unwrap().outcome, Outcome::Fail);
    }
}

#[test]
fn many_calls_share_one_budget() {
    // Each is small enough by itself; together they would fill the memory.
    let texts = [
        "[concat(\"\", [big, sprintf(\"%d\", [i])]) | i := numbers.range(1, 500)[_]]",
        "[sprintf(\"%s%d\", [big, i]) | i := numbers.range(1, 500)[_]]",
        "[split(big, \"  \") | i := numbers.range(1, 500)[_]]",
        "[replace(big, \"a\", sprintf(\"%d\", [i])) | i := numbers.range(1, 500)[_]]",
        "[json.unmarshal(concat(\"\", [\"\\\"\", big, \"\\\"\"])) | i := numbers.range(1, 500)[_]]",
        "[array.concat(many, [i]) | i := numbers.range(1, 500)[_]]",
    ];
    for text in texts {
        check_refused_within(
            Duration::from_secs(20),
            &format!(
                "package a\nmany := numbers.range(1, 30000)\nsome_text := sprintf(\"%999d\", [1])\n\
                 big := concat(\"\", [some_text | numbers.range(1, 2000)[_]])\n\
                 deny[x] {{ x := count({text}) }}"
            ),
            "larger than a policy may make",
        );
    }
}

// In a process of its own: what others take does not count.
#[test]
fn comprehensions_cannot_fill_the_memory() {
    const RUNS: &str = "SEALIFT_TEST_COMPREHENSIONS";
    if std::env::var_os(RUNS).is_none() {
        let own = std::env::current_exe().unwrap();
        let mut child = std::process::Command::new(own);
        child.args(["--exact", "hostile::comprehensions_cannot_fill_the_memory", "--nocapture"]);
        let output = child.env(RUNS, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let row = "1,".repeat(200);
    for made in [
        "[[i, j] | i := r[_]; j := r[_]]".to_owned(),
        "{[i, j] | i := r[_]; j := r[_]}".to_owned(),
        "{[i, j]: j | i := r[_]; j := r[_]}".to_owned(),
        format!("[[i, j, [{row}0]] | i := r[_]; j := r[_]]"),
        format!("[x | r[_]; r[_]; x := {{\"a\": [{row}0]}}]"),
    ] {
        let text =
            format!("package a\nr := numbers.range(1, 30000)\ndeny[x] {{ x := count({made}) }}");
        check_refused(&text, "larger than a policy may make");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kibibytes < 512 << 10, "{kibibytes} KiB");
}

#[test]
fn patterns_that_explode() {
    for pattern in ["(a{1000}){1000}", "((((a{100}){100}){100}){100})"] {
        check_refused(
            &format!("package a\ndeny[x] {{ regex.match(`{pattern}`, \"a\"); x := \"\" }}"),
            "",
        );
    }
    // No backtracking: this is a matter of milliseconds.
    let text = "package a\ndeny[x] { regex.match(`^(a+)+$`, concat(\"\", [s, \"b\"])); x := \"\" }\ns := concat(\"\", [\"a\" | numbers.range(1, 5000)[_]])";
    assert_eq!(judge(text, &json!({})).unwrap().outcome, Outcome::Pass);
    let long = format!(
        "package a\ndeny[x] {{ regex.match(\"{}\", \"a\"); x := \"\" }}",
        "a".repeat(20_000)
    );
    check_refused(&long, "larger than a policy may make");
    check_refused("package a\ndeny[x] { x := count(net.cidr_expand(\"10.0.0.0/8\")) }", "larger");
}
