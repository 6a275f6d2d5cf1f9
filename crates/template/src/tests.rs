//! Templates, and what comes of them.

use serde_json::{Value, json};

use super::*;

fn data() -> Value {
    json!({
        "artifacts": [
            {"name": "libc6", "version": "2.36", "type": "deb", "licenses": [{"value": "MIT"}, {"value": "ISC"}]},
            {"name": "flask", "version": "2.2", "type": "python", "licenses": []},
        ],
        "source": {"type": "image", "metadata": {"imageSize": 16_365_382, "tags": ["a:1", "b:2"]}},
        "empty": [],
        "odd": "<a & \"b\">",
    })
}

fn fill(template: &str) -> Result<String, TemplateError> {
    let limits =
        TemplateLimits { steps_max: 100_000, made_bytes_max: 8 << 20, ..Default::default() };
    let surroundings = Surroundings {
        now_secs: 1_600_000_000,
        variable: &|name| (name == "REGION").then(|| "eu".to_owned()),
        constants: &[("appVersion", Value::Bool(true))],
        zero: |_| Value::Null,
    };
    Template::parse(template)?.fill(&data(), &surroundings, &limits)
}

#[track_caller]
fn check(template: &str, expected: &str) {
    assert_eq!(fill(template).as_deref(), Ok(expected), "{template}");
}

#[track_caller]
fn fails(template: &str, expected: &str) {
    let error = fill(template).unwrap_err().to_string();
    assert!(error.contains(expected), "{template}: {error}");
}

#[test]
fn what_users_of_syft_write() {
    check(
        "\"Package\",\"Version\"\n{{- range .artifacts}}\n\"{{.name}}\",\"{{.version}}\"\n{{- end}}",
        "\"Package\",\"Version\"\n\"libc6\",\"2.36\"\n\"flask\",\"2.2\"",
    );
    // Names as before syft 1.0.
    check("{{range .Artifacts}}{{.Name}}@{{.Version}} {{end}}", "libc6@2.36 flask@2.2 ");
    check(
        "{{range $i, $a := .artifacts}}{{if $i}}, {{end}}{{$i}}={{$a.name}}{{end}}",
        "0=libc6, 1=flask",
    );
    check(
        "{{range .artifacts}}{{if eq .type \"deb\"}}D{{else if eq .type `python`}}P{{else}}?{{end}}{{end}}",
        "DP",
    );
    check(
        "{{range .artifacts}}{{.name}}:{{range .licenses}} {{.value}}{{else}} none{{end}};{{end}}",
        "libc6: MIT ISC;flask: none;",
    );
    check("{{len .artifacts}} {{.source.metadata.imageSize}}", "2 16365382");
    check(
        "{{printf \"%-8s|%5d|%q|%v|%05.1f\" \"ab\" 7 \"x\\n\" true 2.25}}",
        "ab      |    7|\"x\\n\"|true|002.2",
    );
    check("{{ .source.metadata.tags | join \", \" | upper }}", "A:1, B:2");
    check("{{index .source.metadata.tags 1}} {{index .source \"type\"}}", "b:2 image");
    check("{{(index .artifacts 0).name}}", "libc6");
    check("{{with .source.metadata}}{{len .tags}}{{end}}{{with .empty}}x{{else}}e{{end}}", "2e");
    check("{{range $i := 3}}{{$i}}{{end}}", "012");
    check("{{$n := 0}}{{range .artifacts}}{{$n = add $n 1}}{{end}}{{$n}}", "2");
    check(
        "{{range .artifacts}}{{range $.source.metadata.tags}}{{.}}{{break}}{{end}}{{continue}}x{{end}}",
        "a:1a:1",
    );
    check("{{/* nothing */}}a  {{- /* nothing */ -}}  b", "ab");
    check("{{if and (not .empty) (or .no .odd) (ne 1 2) (lt 1 2) (ge 2.5 2)}}y{{end}}", "y");
    check(
        "{{.no}} {{.no.such}} {{.empty}} {{.source.metadata}}",
        "<no value> <no value> [] map[imageSize:16365382 tags:[a:1 b:2]]",
    );
    check(
        "{{.odd | html}} {{.odd | toJson}}",
        "&lt;a &amp; &#34;b&#34;&gt; \"\\u003ca \\u0026 \\\"b\\\"\\u003e\"",
    );
    check(
        "{{default \"d\" .no}} {{.odd | trunc 2}} {{hasPrefix \"<\" .odd}} {{eq 1 2 1}}",
        "d <a true true",
    );
    check("{{print 1 2 \"a\" \"b\" 3}}{{println \"x\"}}", "1 2ab3x\n");
    check("{{range $k, $v := .source.metadata}}{{$k}},{{end}}", "imageSize,tags,");
    check("{{slice \"abcdef\" 1 3}} {{slice .artifacts 1 | len}}", "bc 1");
    check("{{\"é\" | printf \"%4s\"}} {{true}} {{nil}}", "   é true <no value>");
}

#[test]
fn wrong_templates() {
    fails("a\n{{range .x}}", "line 2");
    fails("{{end}}", "`end` without");
    fails("{{else}}", "`else` without");
    fails("{{if}}x{{end}}", "nothing");
    fails("{{.a", "never ends");
    fails("{{\"a}}", "never ends");
    fails("{{nosuch 1}}", "no function `nosuch`");
    fails("{{define \"x\"}}", "no `end`");
    fails("{{define x}}{{end}}", "name of a template");
    fails("{{define \"x\" .}}{{end}}", "a name only");
    fails("{{define \"x\"}}{{else}}{{end}}", "`else` without");
    fails("{{template \"x\"}}", "no template `x`");
    fails("{{range .artifacts}}{{block \"x\" .}}{{break}}{{end}}{{end}}", "outside");
    fails("{{\"\\xZZ\"}}", "escape");
    fails("{{regexMatch \"(\" \"a\"}}", "no regular expression");
    fails("{{fail \"so\"}}", "fail: so");
    fails("{{\"x\" | date \"2006\"}}", "no time");
    fails("{{fromJson \"{\"}}", "fromJson");
    fails("{{$x}}", "no variable `$x`");
    fails("{{break}}", "outside");
    fails("{{index .artifacts 9}}", "index");
    fails("{{index 1 2}}", "index");
    fails("{{len 3}}", "len");
    fails("{{printf \"%999999d\" 1}}", "width");
    fails("{{repeat 99999999 \"aaaaaaaa\"}}", "repeat");
    fails("{{1 2}}", "is no function");
    fails("{{.a | 1}}", "is no function");
    fails("{{#}}", "unexpected");
    fails("{{(}}", "`)`");
    fails("{{range 1.5}}x{{end}}", "range");
    fails("{{range 9999999}}x{{end}}", "range");
}

#[test]
fn templates_within_templates() {
    check(
        "{{define \"x\"}}<{{.}}>{{end}}{{template \"x\" 1}}{{template \"x\" .odd}}",
        "<1><<a & \"b\">>",
    );
    check("{{block \"x\" .artifacts}}{{len .}}{{end}}{{template \"x\" .empty}}", "20");
    check(
        "{{$a := 1}}{{define \"x\"}}{{$.name}}{{end}}{{range .artifacts}}{{template \"x\" .}}{{end}}{{$a}}",
        "libc6flask1",
    );
}

#[test]
fn what_users_of_sprig_write() {
    for (template, expected) in SPRIG {
        check(template, expected);
    }
}

#[test]
fn hostile_templates() {
    fails(&"{{if 1}}".repeat(200), "levels");
    fails(&format!("{{{{{}1{}}}}}", "(".repeat(200), ")".repeat(200)), "levels");
    let wide = "{{range $.artifacts}}".repeat(60) + &"{{end}}".repeat(60);
    fails(&wide, "steps");
    fails(&"x".repeat(TEMPLATE_BYTES_MAX + 1), "bytes");
    let long =
        format!("{{{{$s := \"{}\"}}}}", "a".repeat(1000)) + &"{{$s = print $s $s}}".repeat(40);
    fails(&long, "bytes");
    // Lists within lists, texts one after another, and templates that call themselves.
    let nested = "{{$x := list 1}}".to_owned() + &"{{$x = list $x $x}}".repeat(50);
    fails(&nested, "bytes");
    fails(&("{{$x := list 1}}".to_owned() + &"{{$x = list $x}}".repeat(80)), "deep");
    fails(&"{{$x := repeat 600000 \"a\"}}".repeat(30), "bytes");
    fails("{{define \"x\"}}{{template \"x\" .}}{{end}}{{template \"x\" .}}", "levels");
    fails("{{until 99999999}}", "numbers");
    fails("{{regexMatch \"(a{1000}){1000}\" \"a\"}}", "too large");
    let whole = "{{- range $i, $a := .artifacts -}}{{printf \"%s\" (index $a.licenses 0).value | upper}}{{else}}{{end}}{{/* x */}}";
    for end in 0..whole.len() {
        let _ = fill(&whole[..end]);
        let _ = fill(&whole[end..]);
    }
}

fn jinja(text: &str, limits: &TemplateLimits) -> Result<String, TemplateError> {
    let surroundings =
        Surroundings { constants: &[("appVersion", Value::Bool(true))], ..Default::default() };
    Template::parse_file(text, "x.html.j2")?.fill(&data(), &surroundings, limits)
}

#[test]
fn jinja_templates() {
    let text = "{% for it in artifacts %}{{ it.name }}{{ ', ' if not loop.last }}{% endfor %} {{ odd }} {{ none.such }}{{ appVersion }}";
    let expected = "libc6, flask &lt;a &amp; &quot;b&quot;&gt; True";
    assert_eq!(jinja(text, &TemplateLimits::default()).as_deref(), Ok(expected));
    let limits = TemplateLimits { steps_max: 1000, output_bytes_max: 100, ..Default::default() };
    let fails = |text: &str, expected: &str| {
        let error = jinja(text, &limits).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    fails("a\n{{", "line 2");
    fails("{% for i in range(5000) %}{% endfor %}", "fuel");
    fails("{{ 'a' * 101 }}", "longer than 100 bytes");
    fails("{{ x | nosuch }}", "nosuch");
    fails(&"{% if 1 %}".repeat(300), "line 1");
}

// As sprig answers; the exceptions are in docs/templates.md.
const SPRIG: &[(&str, &str)] = &[
    (
        "{{substr 0 3 \"abcdef\"}}{{substr 3 -1 \"abcdef\"}}{{substr -1 2 \"abcdef\"}}{{substr 0 1 \"é\"}}",
        "abcdefab",
    ),
    (
        "{{trunc 3 \"abcdef\"}} {{trunc -3 \"abcdef\"}} {{abbrev 5 \"hello world\"}}",
        "abc def he...",
    ),
    (
        "{{\"hello world\" | title}} {{untitle \"Hello\"}} {{initials \"First Try\"}} {{swapcase \"aB\"}}",
        "Hello World hello FT Ab",
    ),
    (
        "{{snakecase \"FirstName\"}} {{kebabcase \"FirstName\"}} {{camelcase \"http_server\"}}",
        "first_name first-name HttpServer",
    ),
    ("{{wrap 9 \"aaa bbb ccc ddd\"}}|{{wrapWith 3 \"/\" \"ab cd\"}}", "aaa bbb\nccc ddd|ab/cd"),
    (
        "{{trimAll \"$\" \"$5.00\"}} {{trimSuffix \"-\" \"a-\"}} {{nospace \"a b c\"}} {{cat \"a\" 1 \"b\"}}",
        "5.00 a abc a 1 b",
    ),
    (
        "{{quote \"a\" 1}} {{squote \"a\"}} {{plural \"one\" \"many\" 2}} {{repeat 3 \"ab\"}}",
        "\"a\" \"1\" 'a' many ababab",
    ),
    ("{{indent 2 \"a\\nb\"}}|{{nindent 1 \"c\"}}", "  a\n  b|\n c"),
    (
        "{{(split \"$\" \"a$b\")._1}} {{(splitn \"$\" 2 \"a$b$c\")._1}} {{splitList \",\" \"a,b\" | len}}",
        "b b$c 2",
    ),
    ("{{sha1sum \"x\"}}", "11f6ad8ec52a2984abaafd7c3b516503785c2072"),
    (
        "{{sha256sum \"x\" | trunc 16}} {{b64enc \"hi\"}} {{b64dec \"aGk=\"}}",
        "2d711642b726b044 aGk= hi",
    ),
    (
        "{{regexFindAll \"[0-9]\" \"1a2b3\" -1}} {{regexFindAll \"[0-9]\" \"1a2b3\" 2 | len}}",
        "[1 2 3] 2",
    ),
    (
        "{{regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\"}} {{regexReplaceAllLiteral \"a(x*)b\" \"-ab-\" \"${1}\"}}",
        "-W-xxW- -${1}-",
    ),
    (
        "{{regexSplit \"z+\" \"pizza\" -1}} {{regexMatch \"^a\" \"ab\"}} {{regexFind \"b+\" \"abbc\"}}|{{regexFind \"x\" \"a\"}}",
        "[pi a] true bb|",
    ),
    (
        "{{add 1 2 3}} {{sub 5 2}} {{mul 2 3}} {{div 7 2}} {{mod 7 2}} {{max 1 3 2}} {{min 2 1}} {{add1 1}}",
        "6 3 6 3 1 3 1 2",
    ),
    (
        "{{round 123.5555 3}} {{floor 1.9}} {{ceil 1.1}} {{divf 1 4}} {{int \"7\"}} {{atoi \"8\"}}",
        "123.556 1 2 0.25 7 8",
    ),
    ("{{until 3}} {{untilStep 0 6 2}} {{seq 3}} {{seq 2 -1}}", "[0 1 2] [0 2 4] 1 2 3 2 1 0 -1"),
    (
        "{{list 1 2 | first}} {{rest (list 1 2 3)}} {{initial (list 1 2 3)}} {{last (list 1 2)}} {{reverse (list 1 2)}}",
        "1 [2 3] [1 2] 2 [2 1]",
    ),
    (
        "{{append (list 1) 2}} {{prepend (list 1) 0}} {{concat (list 1) (list 2)}} {{without (list 1 2 1) 1}} {{has 2 (list 1 2)}}",
        "[1 2] [0 1] [1 2] [2] true",
    ),
    (
        "{{uniq (list 1 1 2)}} {{compact (list 0 \"\" 3)}} {{sortAlpha (list \"b\" \"a\")}} {{chunk 2 (list 1 2 3)}}",
        "[1 2] [3] [a b] [[1 2] [3]]",
    ),
    (
        "{{$d := dict \"a\" 1}}{{$_ := set $d \"b\" 2}}{{$d.b}}{{$_ := unset $d \"a\"}} {{keys $d}} {{get $d \"b\"}}{{get $d \"x\"}}",
        "2 [b] 2",
    ),
    (
        "{{pick (dict \"a\" 1 \"b\" 2) \"a\"}} {{omit (dict \"a\" 1 \"b\" 2) \"a\"}} {{merge (dict \"a\" 1) (dict \"a\" 2 \"b\" 3)}}",
        "map[a:1] map[b:2] map[a:1 b:3]",
    ),
    (
        "{{dig \"a\" \"b\" \"none\" (dict \"a\" (dict \"b\" 1))}} {{dig \"x\" \"none\" (dict)}} {{hasKey (dict \"a\" 1) \"a\"}} {{values (dict \"a\" 1)}}",
        "1 none true [1]",
    ),
    (
        "{{ternary \"a\" \"b\" true}} {{true | ternary \"a\" \"b\"}} {{coalesce 0 \"\" \"x\"}} {{all 1 0}} {{any 1 0}} {{empty \"\"}}",
        "a a x false true true",
    ),
    (
        "{{kindOf 1}} {{kindOf \"a\"}} {{kindOf (list)}} {{kindIs \"map\" (dict)}} {{(fromJson \"{\\\"a\\\":[1]}\").a}}",
        "int string slice true [1]",
    ),
    (
        "{{base \"/a/b.c\"}} {{dir \"/a/b.c\"}} {{ext \"/a/b.c\"}} {{isAbs \"a\"}}",
        "b.c /a .c false",
    ),
    ("{{env \"REGION\"}} {{expandenv \"<$REGION/${REGION}>\"}}{{env \"HOME\"}}", "eu <eu/eu>"),
    (
        "{{escapeXML \"<a b='\\\"'>&\\n\"}} {{endWithPeriod \"a\"}}{{endWithPeriod \"b.\"}} {{appVersion}} {{sourceID \"nvd\"}}",
        "&lt;a b=&#39;&#34;&#39;&gt;&amp;&#xA; a.b. true nvd",
    ),
    ("{{now}}", "2020-09-13 12:26:40 +0000 UTC"),
    (
        "{{now | date \"Mon, 02 Jan 06 3:04pm MST Z07:00 -0700 2006-1-2 002 .000\"}}",
        "Sun, 13 Sep 20 12:26pm UTC Z +0000 2020-9-13 257 .000",
    ),
    (
        "{{now | date \"15:04:05.999999999Z07:00\"}} {{date \"January Monday\" 0}} {{htmlDate \"2024-02-03T04:05:06Z\"}}",
        "12:26:40Z January Thursday 2024-02-03",
    ),
    (
        "{{now | unixEpoch}} {{ago 1599990000}} {{now | dateModify \"-1h30m\" | date \"15:04\"}} {{duration 95}}",
        "1600000000 2h46m40s 10:56 1m35s",
    ),
    ("{{\"\\u00e9\\x41\"}}{{list | len}}{{tuple 1 | len}}{{float64 \"1.5\"}}", "éA011.5"),
];
