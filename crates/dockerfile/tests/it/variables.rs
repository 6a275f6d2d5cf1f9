//! Expansion of variables.

use sealift_dockerfile::variables::{
    Error, Options, Quotes, expand, expand_heredoc, expand_with, expand_words, references,
};

fn lookup(name: &str) -> Option<String> {
    let value = match name {
        "A" => "alpha",
        "E" => "",
        "P" => "/usr/local/lib/lib.so.1",
        "S" => " two  words ",
        "Q" => "\"q\" $A",
        "L" => "a\nb",
        "X" => "foo\\bar*",
        "ключ" => "ok",
        _ => return None,
    };
    Some(value.to_owned())
}

#[track_caller]
fn check(word: &str, expected: Result<&str, &str>) {
    let found = expand(word, &lookup, '\\').map_err(|error| error.to_string());
    assert_eq!(found.as_deref().map_err(String::as_str), expected, "{word}");
}

#[test]
fn names() {
    check("$A/${A}x$Ax", Ok("alpha/alphax"));
    check("$", Ok("$"));
    check("a$.b$ c", Ok("a$.b$ c"));
    check("$1x$@y", Ok("xy"));
    check("$ключ", Ok("ok"));
    check("$Q", Ok("\"q\" $A"));
    check("${}", Err("`${` is not followed by a name"));
    check("${", Err("a `{` has no partner"));
    check("${A", Err("a `{` has no partner"));
    check("${A!x}", Err("`!` is no modifier of a variable"));
    check("${A:!x}", Err("`:!` is no modifier of a variable"));
}

#[test]
fn quotes_and_escapes() {
    check("'$A'\"$A\"\\$A", Ok("$Aalpha$A"));
    check(r#""a\"b\$c\\d\e""#, Ok(r#"a"b$c\d\e"#));
    check(r"a\ b\", Ok("a b"));
    check("'a", Err("a `'` has no partner"));
    check("\"a", Err("a `\"` has no partner"));
    assert_eq!(expand(r"c:\dir`$A", &lookup, '`').unwrap(), r"c:\dir$A");
    assert_eq!(expand_heredoc("'$A' \"\\$A\" \\n", &lookup).unwrap(), "'alpha' \"$A\" n");
}

#[test]
fn defaults_and_requirements() {
    check("${A:-x}${A-x}", Ok("alphaalpha"));
    check("${N:-x}${N-y}", Ok("xy"));
    check("${E:-x}[${E-x}]", Ok("x[]"));
    check("${A:+x}${A+y}${N:+x}${N+x}", Ok("xy"));
    check("[${E:+x}${E+x}]", Ok("[x]"));
    check("${N:-${M:-\"$A b\"}}", Ok("alpha b"));
    check("${N:?}", Err("variable `N`: it is not allowed to be unset"));
    check("${E:?}", Err("variable `E`: it is not allowed to be empty"));
    check("[${E?}]", Ok("[]"));
    check("${N?set $A}", Err("variable `N`: set alpha"));
    assert_eq!(
        expand("${N?}", &lookup, '\\').unwrap_err().hint().unwrap(),
        "set it with `--build-arg N=…` or `ENV N=…`"
    );
}

#[test]
fn patterns() {
    check("${P#*/}", Ok("usr/local/lib/lib.so.1"));
    check("${P##*/}", Ok("lib.so.1"));
    check("${P%/*}", Ok("/usr/local/lib"));
    check("${P%%/*}", Ok(""));
    check("${P%.?}", Ok("/usr/local/lib/lib.so"));
    check("${P#nothing}", Ok("/usr/local/lib/lib.so.1"));
    check("${P/lib/LIB}", Ok("/usr/local/LIB/lib.so.1"));
    check("${P//lib/LIB}", Ok("/usr/local/LIB/LIB.so.1"));
    check("${P//\\//:}", Ok(":usr:local:lib:lib.so.1"));
    check("${P//l*b/x}", Ok("/usr/x.so.1"));
    check("${A//a/}", Ok("lph"));
    check("${A/*/x}", Ok("x"));
    check("${A/#a/x}", Ok("alpha"));
    check("${N#x}${N/a/b}", Ok(""));
    check("${X%\\*}", Ok("foo\\bar"));
    check("${X/\\\\/-}", Ok("foo-bar*"));
    check("${L/a*b/x}", Ok("a\nb"));
    check("${P#\\a}", Err("`\\a` is no pattern"));
    check("${A/x}", Err("a `/` has no partner"));
}

#[test]
fn words_split_after_expansion() {
    let words = |text: &str| expand_words(text, &lookup, '\\').unwrap();
    assert_eq!(words("a$S b \"$S\" c\\ d ''"), ["a", "two", "words", "b", " two  words ", "c d"]);
    assert!(words("$E ''").is_empty());
}

#[test]
fn names_that_are_used() {
    let names: Vec<String> =
        references("$A ${B:-$C} '$D' ${E/x/$F} \\$G", '\\').into_iter().collect();
    assert_eq!(names, ["A", "B", "C", "E", "F"]);
    let options = Options { escape: '\\', quotes: Quotes::Remove, keep_unset: true };
    let found = expand_with("$N ${N:-x} ${M} $A ${K%.c}", &lookup, options).unwrap();
    assert_eq!(found.text, "$N ${N:-x} ${M} alpha ${K%.c}");
    assert_eq!(found.unmatched.into_iter().collect::<Vec<_>>(), ["K", "M", "N"]);
}

#[test]
fn work_depth_and_output_are_bounded() {
    let deep = format!("{}x{}", "${N:-".repeat(10_000), "}".repeat(10_000));
    assert_eq!(expand(&deep, &lookup, '\\'), Err(Error::TooDeep));
    let long = |name: &str| (name == "B").then(|| "x".repeat(1 << 19));
    assert_eq!(expand("$B$B$B", &long, '\\'), Err(Error::TooLong));
    assert_eq!(expand("${B//x/$B}", &long, '\\'), Err(Error::TooLong));
    assert_eq!(expand("${B//*x*x*x*y/z}", &long, '\\'), Err(Error::TooLong));
    assert_eq!(expand("\"$B$B$B\"", &long, '\\'), Err(Error::TooLong));
}
