//! Each fault where it is, and silence where it is not.

use expect_test::{Expect, expect};
use sealift_diagnostic::{Tier, apply};
use sealift_shell::{Dialect, Fault, FaultKind, Settings, faults, parse};

fn found(text: &str, dialect: Dialect) -> Vec<Fault> {
    faults(&parse(text), &Settings { dialect, is_set: &|name| name == "SET" })
}

/// The faults of a script, and the script when all of them that can be are mended.
fn check(text: &str, expected: Expect) {
    let found = found(text, Dialect::Posix);
    let mut shown = String::new();
    for fault in &found {
        shown += &format!("{:?} {:?}\n", fault.kind, fault.span.text(text));
    }
    let fixes: Vec<_> =
        found.iter().filter_map(|it| it.fix.as_ref()).filter(|it| it.tier < Tier::Manual).collect();
    if !fixes.is_empty() {
        shown += &format!("→ {}\n", apply(text, &fixes).text);
    }
    expected.assert_eq(&shown);
}

#[track_caller]
fn silent(kind: FaultKind, dialect: Dialect, texts: &[&str]) {
    for text in texts {
        let hits: Vec<_> = found(text, dialect).into_iter().filter(|it| it.kind == kind).collect();
        assert!(hits.is_empty(), "{text}\n{hits:#?}");
    }
}

#[test]
fn unquoted_variables() {
    check(
        "a $x b${y}c \"$z\" >$f; export A=$x",
        expect![[r#"
        UnquotedVariable "$x"
        UnquotedVariable "${y}"
        UnquotedVariable "$f"
        UnquotedVariable "$x"
        → a "$x" b"${y}"c "$z" >"$f"; export A="$x"
    "#]],
    );
    check(
        "apt-get install $DEPS $x; mv $flags a",
        expect![[r#"
        UnquotedVariable "$DEPS"
        UnquotedVariable "$x"
        UnquotedVariable "$flags"
    "#]],
    );
    check(
        "x=a; if b; then x=c; fi; d $x; x='e f'; d $x",
        expect![[r#"
        UnquotedVariable "$x"
        → x=a; if b; then x=c; fi; d $x; x='e f'; d "$x"
    "#]],
    );
    check(
        "case $a in b) x=1;; *) x=2;; esac; c $x; case $a in b) y=1;; esac; c $y",
        expect![[r#"
        UnquotedVariable "$y"
        → case $a in b) x=1;; *) x=2;; esac; c $x; case $a in b) y=1;; esac; c "$y"
    "#]],
    );
    check("case $a in b) x=1;; *) exit 1;; esac; c $x", expect![]);
    check(
        "(x=a); b $x; c | y=d; e $y; f || z=g; h $z",
        expect![[r#"
        UnquotedVariable "$x"
        UnquotedVariable "$y"
        UnquotedVariable "$z"
        → (x=a); b "$x"; c | y=d; e "$y"; f || z=g; h "$z"
    "#]],
    );
    check(
        "x=a; while b; do c $x; x=\"$(d)\"; done",
        expect![[r#"
        UnquotedVariable "$x"
        → x=a; while b; do c "$x"; x="$(d)"; done
    "#]],
    );
    check(
        "for x in a b; do c $x; done; for y in a $z; do c $y; done",
        expect![[r#"
        UnquotedVariable "$y"
        → for x in a b; do c $x; done; for y in a $z; do c "$y"; done
    "#]],
    );
    check(
        "read -r x; a $x; cat <<E\n$y $(b $z)\nE\n",
        expect![[r#"
        UnquotedVariable "$x"
        UnquotedVariable "$z"
        → read -r x; a "$x"; cat <<E
        $y $(b "$z")
        E

    "#]],
    );
}

#[test]
fn variables_that_need_no_quotes() {
    silent(
        FaultKind::UnquotedVariable,
        Dialect::Posix,
        &[
            "a $SET $? $# $$ ${#x} ${x:+\"$y\"}; b=$c; case $d in $e) ;; esac",
            "$x a; for y in $z; do :; done; x=1; a $x",
            "x=1 && y=2 && a $x $y",
            "a $((x + $y)); x=$((1 + 1)); b $x",
            "x=a || exit 1; b $x; y=\"$x\"; b $y",
        ],
    );
    silent(FaultKind::UnquotedVariable, Dialect::Bash, &["export A=$x; [[ -n $y ]]; local b=$c"]);
}

#[test]
fn unquoted_substitutions() {
    check(
        "make -j$(nproc); rm $(find a); b \"$(c)\" `d`",
        expect![[r#"
        UnquotedSubstitution "$(nproc)"
        UnquotedSubstitution "$(find a)"
        UnquotedSubstitution "`d`"
        Backquotes "`d`"
        → make -j"$(nproc)"; rm $(find a); b "$(c)" $(d)
    "#]],
    );
    silent(
        FaultKind::UnquotedSubstitution,
        Dialect::Posix,
        &["x=$(a); for y in $(b); do :; done; c $(seq 1 2)", "$(a) b; case $(c) in d) ;; esac"],
    );
}

#[test]
fn quotes() {
    check(
        "echo 'a $b' '${c}' \"'$d'\"; x='`e`'; sed 's/$a/b/' '$d'",
        expect![[r#"
        SingleQuotes "'a $b'"
        SingleQuotes "'${c}'"
        SingleQuotes "'`e`'"
    "#]],
    );
    check(
        "echo \\u \\\\ \\n; \\ls; echo $(echo a); echo \"`date`\"",
        expect![[r#"
        PlainEscape "\\u"
        UnquotedSubstitution "$(echo a)"
        UselessEcho "$(echo a)"
        Backquotes "`date`"
        → echo \u \\ \n; \ls; echo $(echo a); echo "$(date)"
    "#]],
    );
    check(
        "f() { a $@ \"b$@\" \"$@\" \"${@}\"; }",
        expect![[r#"
        UnquotedArguments "$@"
        JoinedArguments "$@"
        → f() { a "$@" "b$@" "$@" "${@}"; }
    "#]],
    );
    silent(
        FaultKind::SingleQuotes,
        Dialect::Posix,
        &[
            "awk '{ print $1 }'; sh -c 'echo $a'; sed '$d'; find a -exec sh -c 'b $1' \\;",
            "dpkg-query -f '${Package}'; PS1='$a'; echo 'a$' x; jq '$a'; perl -e '$b'",
        ],
    );
}

#[test]
fn loops() {
    check(
        "for x in a; do b; done; for x in \"$c\"; do d; done; for x in $(ls); do e; done",
        expect![[r#"
            LoopOnce "a"
            LoopOnce "\"$c\""
            LoopOverNames "$(ls)"
        "#]],
    );
    silent(
        FaultKind::LoopOnce,
        Dialect::Posix,
        &[
            "for x in *.c; do a; done; for x in $b; do c; done; for x in \"$@\"; do d; done",
            "for x; do y; done",
        ],
    );
}

#[test]
fn commands() {
    check(
        "cd /a; b; cd c && d; cd ..; cd",
        expect![[r#"
        UncheckedFolder "cd /a"
        FolderAndBack "cd"
        UncheckedFolder "cd"
        → cd /a || exit 1; b; cd c && d; cd ..; cd || exit 1
    "#]],
    );
    check(
        "rm -rf \"$x/\" $y/* /a/$z /usr/$w \"${v:?}/\"; rm -r \"$SET\"/*",
        expect![[r#"
        RemoveRoot "\"$x/\""
        UnquotedVariable "$y"
        RemoveRoot "$y/*"
        UnquotedVariable "$z"
        RemoveRoot "/usr/$w"
        UnquotedVariable "$w"
        RemoveRoot "\"$SET\"/*"
        → rm -rf "${x:?}/" "${y:?}"/* /a/"$z" /usr/"${w:?}" "${v:?}/"; rm -r "${SET:?}"/*
    "#]],
    );
    check(
        "export A=$(b); readonly C=\"$(d)\"; export E=1 F=`g`; x && export H=\"$(i)\"",
        expect![[r#"
            HiddenStatus "A=$(b)"
            UnquotedSubstitution "$(b)"
            HiddenStatus "C=\"$(d)\""
            HiddenStatus "F=`g`"
            UnquotedSubstitution "`g`"
            Backquotes "`g`"
            HiddenStatus "H=\"$(i)\""
            → A=$(b); export A; C="$(d)"; readonly C; export E=1 F=$(g); x && H="$(i)" && export H
        "#]],
    );
    check(
        "set -e; ! a; b && ! c; if ! d; then e; fi; ( ! f ); ! g",
        expect![[r#"
        UselessNegation "! a"
        → set -e; a && exit 1; b && ! c; if ! d; then e; fi; ( ! f ); ! g
    "#]],
    );
    silent(
        FaultKind::UncheckedFolder,
        Dialect::Posix,
        &[
            "set -eux; cd a; b",
            "cd a || exit; if cd b; then c; fi",
            "f() { cd a; }; cd a && b || c",
            "cd /; cd ../..",
        ],
    );
}

#[test]
fn tools() {
    check(
        "egrep a b | fgrep c; find a -exec b >c \\;; find a | xargs b",
        expect![[r#"
        OldGrep "egrep"
        OldGrep "fgrep"
        FindRedirection ">c"
        FindXargs "find a"
        → grep -E a b | grep -F c; find a -exec b >c \;; find a | xargs b
    "#]],
    );
    check(
        "echo 'a\\tb' \"\\n\" c\\n; read x; mkdir -pm 700 a/b; rm *.c -- *.d; echo *",
        expect![[r#"
        EchoEscape "'a\\tb'"
        EchoEscape "\"\\n\""
        ReadBackslash "read"
        FolderMode "mkdir"
        PatternAsOption "*.c"
        → echo 'a\tb' "\n" c\n; read -r x; mkdir -pm 700 a/b; rm ./*.c -- *.d; echo *
    "#]],
    );
    check(
        "[ a -a b ]; [ a = b -a c = d ]; a; if [ $? -ne 0 ]; then b; fi; a && b || c; a && b || echo d",
        expect![[r#"
            TestAndOr "-a"
            StatusLater "$?"
            AndOr "c"
        "#]],
    );
}

#[test]
fn what_sh_does_not_have() {
    check(
        "[[ a ]]; [ a == b ]; a=(b); echo ${a[0]} ${b^^} ${c//d/e} {f,g} $'h' <(i) &>j <<<k",
        expect![[r#"
            BashTest "[["
            BashTest "=="
            BashArray "a=(b)"
            UnquotedVariable "${a[0]}"
            BashArray "${a[0]}"
            UnquotedVariable "${b^^}"
            BashExpansion "${b^^}"
            UnquotedVariable "${c//d/e}"
            BashExpansion "${c//d/e}"
            BashExpansion "{"
            BashExpansion "$'h'"
            BashRedirection "<(i)"
            BashRedirection "&>j"
            BashRedirection "<<<k"
            → [[ a ]]; [ a = b ]; a=(b); echo "${a[0]}" "${b^^}" "${c//d/e}" {f,g} $'h' <(i) &>j <<<k
        "#]],
    );
    check(
        "source a; local b; declare c; function d { e; }; ((f++)); for ((;;)); do g; done; echo -e h; set -eo pipefail",
        expect![[r#"
            BashCommand "source"
            BashCommand "local"
            BashCommand "declare"
            BashCommand "function"
            BashArithmetic "(("
            BashArithmetic "for ((;;)); do g; done"
            EchoFlags "-e"
            Pipefail "pipefail"
            → . a; local b; declare c; function d { e; }; ((f++)); for ((;;)); do g; done; echo -e h; set -eo pipefail
        "#]],
    );
    let text = "[[ a ]]; a=(b); local c; set -o pipefail; echo -e d; echo ${e//f/g}; source h";
    for (dialect, expected) in [
        (Dialect::Bash, expect!["${e//f/g}"]),
        (Dialect::Busybox, expect!["a=(b) ${e//f/g}"]),
        (Dialect::Dash, expect!["[[ a=(b) pipefail ${e//f/g} ${e//f/g} source"]),
    ] {
        let shown: Vec<_> =
            found(text, dialect).iter().map(|it| it.span.text(text).to_owned()).collect();
        expected.assert_eq(&shown.join(" "));
    }
}

/// Faults of deep and long scripts take time that grows with the length.
#[test]
fn time_grows_with_the_length() {
    for unit in [
        "x=a; b $x; ",
        "a && ",
        "for x in a; do b=$x; ",
        "if a; then b=c; fi; ",
        "$(x=$y) ",
        "export A=$(b) ",
        "a | ",
    ] {
        sealift_testkit::check_scaling(unit, 5_000, |count| {
            let script = unit.repeat(count);
            let parsed = parse(&script);
            faults(&parsed, &Settings { dialect: Dialect::Posix, is_set: &|_| false });
        });
    }
}

#[test]
fn lists() {
    check(
        "cat /a | grep b; cat \"$x\" | while read -r y; do z; done",
        expect![[r#"
        UselessCat "cat /a"
        UselessCat "cat \"$x\""
    "#]],
    );
    let cats = [
        "cat a b | c",
        "cat | c",
        "cat -n a | c",
        "cat a* | c",
        "cat $x | c",
        "cat {a,b} | c",
        "cat a",
        "cat <a | c",
        "cat a 2>/dev/null | c",
        "cat a && b | c",
    ];
    silent(FaultKind::UselessCat, Dialect::Posix, &cats);
    check(
        "cd a; b; cd ..; c",
        expect![[r#"
        UncheckedFolder "cd a"
        FolderAndBack "cd"
        → cd a || exit 1; b; cd ..; c
    "#]],
    );
    let folders = [
        "set -e; cd a; b; cd ..",
        "cd ..; a",
        "cd a && b && cd ..",
        "(cd a; b); cd ..",
        "cd a; cd b; c",
        "cd ..; cd ..",
    ];
    silent(FaultKind::FolderAndBack, Dialect::Posix, &folders);
    check(
        "a >> f; b >> f; c >> f; d >> g",
        expect![[r#"
        ManyAppends "a >> f"
    "#]],
    );
    let appends = [
        "a >> f; b >> f",
        "a >> f; b >> g; c >> f",
        "a > f; b >> f; c >> f",
        "a >> f && b >> f && c >> f",
        "a >> f; b >> f; c >> f 2>> g",
        "a >> f & b >> f & c >> f &",
    ];
    silent(FaultKind::ManyAppends, Dialect::Posix, &appends);
}
