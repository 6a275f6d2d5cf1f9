//! Odd and huge scripts: no panic, no hang, time that grows with the length and no faster.

use sealift_shell::{ProblemKind, parse};

use crate::outline::outline;

#[test]
fn odd_text_is_harmless() {
    const PIECES: [&str; 48] = [
        "\\", "'", "\"", "$(", "`", "${", ">", "|", "&&", "a\\", "\"$(", "ä$ö", "((", "))", "(",
        ")", "$((", "$[", "<<", "<<<", "<(", "[[", "]]", "{", "}", "if", "then", "fi", "for", "in",
        "do", "done", "case", "esac", ";;", "!", "function", "a=(", "b[", "\n", " ", "\0", "\r\n",
        "#", "~", "@(", "é", "${#",
    ];
    for first in PIECES {
        for second in PIECES {
            for third in [" ", "\n", "x", "ü", "\"", "}", ")", "`", "'"] {
                for text in [
                    format!("{first}{second}{third}"),
                    format!("a {first} {second} {third} b"),
                    format!("\"{first}{second}{third}"),
                ] {
                    outline(&parse(&text));
                }
            }
        }
    }
}

#[test]
fn deep_nesting_is_told() {
    for unit in [
        "$(",
        "(",
        "{ ",
        "\"$(",
        "${a:-",
        "if ",
        "`a $(",
        "<(",
        "f() ",
        "case a in a) ",
        "((",
        "$((",
    ] {
        let script = unit.repeat(100_000);
        let parsed = parse(&script);
        assert!(
            parsed.problems.iter().any(|it| it.kind == ProblemKind::TooDeep),
            "{unit} {:?}",
            parsed.problems.first()
        );
    }
}

/// A script of twice the length takes no more than about twice the time.
#[test]
fn time_grows_with_the_length() {
    for unit in [
        "$(a) `b` ",
        "a | b; ",
        "a='",
        "\"",
        "'",
        "`",
        "$((a) ",
        "((a);",
        "[",
        "{",
        "${a:-'",
        "<<A ",
        "cat <<A\n",
        "a[",
        "x() ",
        "@(",
        "for ((;",
        "\\",
        "$[",
        "(a) ",
        "case a in ",
        "\n",
        "if a; then ",
        ")",
        ";;",
        "é",
        "~",
        "{a,",
    ] {
        sealift_testkit::check_scaling(unit, 20_000, |count| {
            parse(&unit.repeat(count));
        });
    }
}
