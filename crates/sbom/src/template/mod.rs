//! Documents by a template of the user's: the part of Go's text/template (<https://pkg.go.dev/text/template>) that
//! syft's users write, over the same data as syft's JSON.
//!
//! Supported: `range` (with `else`, `break`, `continue`), `if`, `else if`, `else`, `with`, `end`, comments, `{{-` and
//! `-}}`, variables, fields, parentheses, pipes, and the functions in [`functions`]. Not supported: `define`,
//! `template`, `block`, methods, complex numbers, characters. Everything is bounded: bytes, nesting, steps, output.

mod evaluate;
mod functions;
mod parse;
mod print;

use sealift_model::Inventory;

use crate::{Subject, syft};

/// Bytes of a template.
pub(crate) const TEMPLATE_BYTES_MAX: usize = 1 << 20;

/// A template that can be filled.
#[derive(Debug)]
pub struct Template {
    nodes: Vec<parse::Node>,
}

/// How much filling a template may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateLimits {
    /// Steps.
    pub steps_max: usize,
    /// Bytes of the document.
    pub output_bytes_max: usize,
}

impl Default for TemplateLimits {
    fn default() -> Self {
        Self { steps_max: 20_000_000, output_bytes_max: 256 << 20 }
    }
}

/// Why a template cannot be read or filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the template: {message}")]
pub struct TemplateError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl TemplateError {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > TEMPLATE_BYTES_MAX {
            let message = format!("it has more than {TEMPLATE_BYTES_MAX} bytes");
            return Err(TemplateError::new(1, message));
        }
        Ok(Self { nodes: parse::parse(text)? })
    }

    /// Fills it.
    pub fn encode(
        &self,
        inventory: &Inventory,
        subject: &Subject,
    ) -> Result<String, TemplateError> {
        self.encode_within(inventory, subject, &TemplateLimits::default())
    }

    /// Fills it within other limits than the usual ones.
    pub fn encode_within(
        &self,
        inventory: &Inventory,
        subject: &Subject,
        limits: &TemplateLimits,
    ) -> Result<String, TemplateError> {
        evaluate::evaluate(&self.nodes, &syft::document(inventory, subject), limits)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
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
        let limits = TemplateLimits { steps_max: 100_000, ..TemplateLimits::default() };
        evaluate::evaluate(&Template::parse(template)?.nodes, &data(), &limits)
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
        check(
            "{{with .source.metadata}}{{len .tags}}{{end}}{{with .empty}}x{{else}}e{{end}}",
            "2e",
        );
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
            "&lt;a &amp; &#34;b&#34;&gt; \"<a & \\\"b\\\">\"",
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
        fails("{{define \"x\"}}{{end}}", "`define` is not supported");
        fails("{{template \"x\"}}", "`template` is not supported");
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
        fails("{{range 3}}x{{end}}", "range");
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
        fails(&long, "long");
        let whole = "{{- range $i, $a := .artifacts -}}{{printf \"%s\" (index $a.licenses 0).value | upper}}{{else}}{{end}}{{/* x */}}";
        for end in 0..whole.len() {
            let _ = fill(&whole[..end]);
            let _ = fill(&whole[end..]);
        }
    }
}
