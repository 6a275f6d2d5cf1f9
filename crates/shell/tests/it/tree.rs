//! Each construct gives its tree.

use expect_test::{Expect, expect};
use sealift_shell::parse;

use crate::outline::outline;

fn check(text: &str, expected: Expect) {
    let script = parse(text);
    assert!(script.problems.is_empty(), "{text}\n{:#?}", script.problems);
    expected.assert_eq(&outline(&script));
}

#[test]
fn lists_and_pipelines() {
    check(
        "a && b c || ! d; e & f | g |& h\n\n# comment\ni",
        expect!["a && b c || ! d; e &; f | g | h; i"],
    );
    check(
        "a; { b; c; } >f; (d; e) 2>&1 | f",
        expect!["a; group(b; c) <> f>; subshell(d; e) <2>& 1> | f"],
    );
    check("a &&\n  b |\n c # x && y", expect!["a && b | c"]);
    check("a \\\n b; c\\\nd", expect![[r#"a b; c\d"#]]);
    check("set -ex; ! x; if ! y; then z; fi;", expect!["set -ex; ! x; if(! y → z)"]);
}

#[test]
fn constructs() {
    check("if a; then b; elif c\nthen d; else e; fi", expect!["if(a → b)(c → d)else(e)"]);
    check(
        "for x in a \"$b\" *.c; do echo $x; done",
        expect![[r#"for(x in a "${b}" glob(*).c → echo ${x})"#]],
    );
    check("for x; do y; done; for x\ndo y; done", expect!["for(x in all → y); for(x in all → y)"]);
    check(
        "for ((i=0; i<$n; i++)); do y; done; select x in a b; do c; done",
        expect!["for((i=0; i<${n}; i++) → y); select(x in a b → c)"],
    );
    check(
        "while read -r x; do y; done < f; until a; do b; done",
        expect!["while(read -r x → y) << f>; until(a → b)"],
    );
    check(
        "case \"$x\" in a|b) c ;; (*.d) e; f;; *) ;& esac",
        expect![[r#"case("${x}" [a b → c;;] [glob(*).d → e; f;;] [glob(*) → ;&])"#]],
    );
    check("case x in a) b; esac; case x in esac", expect!["case(x [a → b]); case(x)"]);
    check(
        "f() { a; }; function g { b; }; function h() ( c )",
        expect!["function(f group(a)); function(g group(b)); function(h subshell(c))"],
    );
    check(
        "[[ -n $x && ( $y == a* || $z =~ ^(a|b)$ ) ]]; (( i++ ))",
        expect!["test(-n ${x} && ( ${y} == aglob(*) || ${z} =~ ^(a|b)$ )); arithmetic( i++ )"],
    );
    check("( (a); b ); ((a) | b)", expect!["subshell(subshell(a); b); subshell(subshell(a) | b)"]);
    check("echo if then fi; done=1 do", expect!["echo if then fi; done=1 do"]);
}

#[test]
fn words() {
    check(
        r#"a 'b c' "d $e ${f} \" \n" g\ h $'i\'' $"j" k"#,
        expect![[r#"a 'b c' "d ${e} ${f  } \" \n" g\ h $'i\'' "j" k"#]],
    );
    check(
        "$a $1 $@ $? $$ ${a} ${#a} ${!a} ${a[1]} ${#} ${#a[@]}",
        expect!["${a} ${1} ${@} ${?} ${$} ${a  } ${#a  } ${!a  } ${a[1]  } ${#  } ${#a[@]  }"],
    );
    check(
        "${a:-b c} ${a#*/} ${a%%.*} ${a//x/y} ${a:1:2} ${a^^} ${a:?'no a'} \"${a:-\"b\"}\"",
        expect![[
            r#"${a :- b c} ${a # */} ${a %% .*} ${a // x/y} ${a : 1:2} ${a ^^ } ${a :? 'no a'} "${a :- "b"}""#
        ]],
    );
    check(
        "$(a | b) `c d` $((1 + $x)) $[1+2] \"$(e \"$f\")\" $( (g) )",
        expect![[r#"$(a | b) `c d` $((1 + ${x})) $((1+2)) "$(e "${f}")" $(subshell(g))"#]],
    );
    check(
        "*.c a?b [a-z]x ~ ~me/x a~ {a,b} {1..3} {} a[ ] [!]x]",
        expect![
            "glob(*).c aglob(?)b glob([a-z])x tilde(~) tilde(~me)/x a~ brace{a,b} brace{1..3} {} a[ ] glob([!]x])"
        ],
    );
    check(
        "diff <(a) >(b); c @(a|b)*",
        expect!["diff process(a) process(b); c glob(@(a|b))glob(*)"],
    );
    check("$ a$ \"$\" '' \"\" a#b", expect![[r#"$ a$ "$" '' "" a#b"#]]);
}

#[test]
fn assignments() {
    check("a=b c=$d e= f", expect!["a=b c=${d} e= f"]);
    check(
        "a=(b \"c d\" $e) b+=x c[1]=y PATH=~/bin:~me/bin",
        expect![[r#"a=(b "c d" ${e}) b+=x c[]=y PATH=tilde(~)/bin:tilde(~me)/bin"#]],
    );
    check(
        "export A=1 B=(c d); declare -a x=(1 2); local y=$(z)",
        expect!["export A=1 B=(c d); declare -a x=(1 2); local y=$(z)"],
    );
}

#[test]
fn redirections() {
    check(
        "a <b >c >>d 2>&1 2>/dev/null <&- >|e <>f &>g &>>h <<<i {j}>k",
        expect![
            "a << b> <> c> <>> d> <2>& 1> <2> /dev/null> <<& -> <>| e> <<> f> <&> g> <&>> h> <<<< i> <{j}> k>"
        ],
    );
    check(
        "a 2>b 3 > c; echo 2 >d; echo a2>e",
        expect!["a 3 <2> b> <> c>; echo 2 <> d>; echo a2 <> e>"],
    );
    check("cat <<EOF >f", expect!["cat <<< EOF> <> f> heredoc(EOF none )"]);
    check(
        "cat <<A <<-'B' && c\n$x `y`\nA\n\t$z\n\tB\nd",
        expect![[
            r#"cat <<< A> <<<- 'B'> && c; d heredoc(A "$x `y`\n" ${x}`y`) heredoc(B "\t$z\n" )"#
        ]],
    );
    check("x=$(cat <<E\nbody\nE\n) y", expect![[r#"x=$(cat <<< E>) y heredoc(E "body\n" )"#]]);
}

#[test]
fn spans_lie_in_the_text() {
    let text = "a 'b' && if c; then d \"$e\" >f; fi";
    let script = parse(text);
    let chain = &script.body[0].chain;
    assert_eq!(chain.span().text(text), text);
    let commands: Vec<&str> =
        chain.pipelines().flat_map(|it| &it.commands).map(|it| it.span.text(text)).collect();
    assert_eq!(commands, ["a 'b'", "if c; then d \"$e\" >f; fi"]);
}
