//! What is no shell is told, with its place; the rest is still read.

use expect_test::{Expect, expect};
use sealift_shell::parse;

use crate::outline::outline;

fn check(text: &str, expected: Expect) {
    let script = parse(text);
    let mut shown = outline(&script) + "\n";
    for problem in &script.problems {
        shown += &format!("{:?} {}\n", problem.span.text(text), problem.kind);
    }
    expected.assert_eq(&shown);
}

#[test]
fn quotes_and_brackets_that_never_close() {
    check(
        "echo 'a; b",
        expect![[r#"
        echo 'a; b'
        "'" this `'` is never closed
    "#]],
    );
    check(
        "echo \"a; $b",
        expect![[r#"
        echo "a; ${b}"
        "\"" this `"` is never closed
    "#]],
    );
    check(
        "echo `a; b",
        expect![[r#"
        echo `a; b`
        "`" this ``` is never closed
    "#]],
    );
    check(
        "echo $(a; b",
        expect![[r#"
        echo $(a; b)
        "$(" this `$(` is never closed
    "#]],
    );
    check(
        "echo ${a; b",
        expect![[r#"
        echo ${a  ; b}
        "${" this `${` is never closed
    "#]],
    );
    check(
        "(a; b",
        expect![[r#"
        subshell(a; b)
        "(" this `(` is never closed
    "#]],
    );
    check(
        "{ a; b",
        expect![[r#"
        group(a; b)
        "{" `}` is missing
    "#]],
    );
    check(
        "[[ a; b",
        expect![[r#"
        test(a); b
        "[[" `]]` is missing
    "#]],
    );
}

#[test]
fn constructs_without_their_words() {
    check(
        "if a; b; fi",
        expect![[r#"
        if(a; b → )
        "if" `then` is missing
    "#]],
    );
    check(
        "if a; then b",
        expect![[r#"
        if(a → b)
        "if" `fi` is missing
    "#]],
    );
    check(
        "for x in a; echo; done; c",
        expect![[r#"
        for(x in a → echo); c
        "for" `do` is missing
    "#]],
    );
    check(
        "while a; do b",
        expect![[r#"
        while(a → b)
        "while" `done` is missing
    "#]],
    );
    check(
        "case x in a b) c;; esac",
        expect![[r#"
        case(x [a → b] [ → c;;])
        "a " `)` is missing
    "#]],
    );
    check(
        "for 1 in a; do b; done",
        expect![[r#"
        for(1 in a → b)
        "for" `a name` is missing
    "#]],
    );
}

#[test]
fn what_belongs_nowhere() {
    check(
        "a; fi; b",
        expect![[r#"
        a; missing; b
        "fi" the shell does not expect this here
        ";" a command is missing
    "#]],
    );
    check(
        "a ) b",
        expect![[r#"
        a; b
        ")" the shell does not expect this here
    "#]],
    );
    check(
        "a && ; b",
        expect![[r#"
        a && missing; b
        ";" a command is missing
    "#]],
    );
    check(
        "a | | b",
        expect![[r#"
        a | missing | b
        "|" a command is missing
    "#]],
    );
    check(
        "foo (bar) baz",
        expect![[r#"
        foo; baz
        "(bar" the shell does not expect this here
        ")" the shell does not expect this here
    "#]],
    );
    check(
        "; a;; b",
        expect![[r#"
        missing; a; b
        ";" a command is missing
        ";;" the shell does not expect this here
    "#]],
    );
    check(
        "a >",
        expect![[r#"
        a <> >
        ">" `a file` is missing
    "#]],
    );
    check(
        "echo ${} ${a b} ${a.b}",
        expect![[r#"
        echo ${  } ${a   b} ${a  .b}
        "${}" this is no expansion that a shell knows
        "${a b}" this is no expansion that a shell knows
        "${a.b}" this is no expansion that a shell knows
    "#]],
    );
    check(
        "cat <<E\nx\n",
        expect![[r#"
        cat <<< E> heredoc(E "x\n" )
        "x\n" no line ends this heredoc
    "#]],
    );
}
