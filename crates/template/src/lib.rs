//! Templates of the user's, over data as JSON has it: Go's text/template (<https://pkg.go.dev/text/template>) with the
//! functions of sprig (<https://masterminds.github.io/sprig/>) that trivy's and syft's users have, and Jinja.
//!
//! Entry point: [`Template`]. Of Go's language there are no methods and no complex numbers; of sprig's functions
//! those are missing that make keys or random texts, or ask the network. Everything is bounded: bytes, nesting, steps,
//! output, and what functions make.

mod dates;
mod evaluate;
mod functions;
mod jinja;
mod lists;
mod parse;
mod print;
mod texts;

use serde_json::Value;

/// Bytes of a template.
const TEMPLATE_BYTES_MAX: usize = 1 << 20;

/// A template that can be filled.
#[derive(Debug)]
pub struct Template(Language);

#[derive(Debug)]
enum Language {
    Go(parse::Parsed),
    Jinja(jinja::Jinja),
}

/// How much filling a template may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateLimits {
    /// Steps.
    pub steps_max: usize,
    /// Bytes of the document.
    pub output_bytes_max: usize,
    /// Bytes that functions may make, all in all.
    pub made_bytes_max: usize,
}

impl Default for TemplateLimits {
    fn default() -> Self {
        Self { steps_max: 20_000_000, output_bytes_max: 256 << 20, made_bytes_max: 1 << 30 }
    }
}

/// What a template sees besides its data.
pub struct Surroundings<'a> {
    /// What `now` is, in seconds since 1970.
    pub now_secs: i64,
    /// What `env` finds.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Functions without arguments, and what they give.
    pub constants: &'a [(&'static str, Value)],
    /// What a field is that is not there, by its name: Go's structs have a zero for each, its maps have nothing.
    pub zero: fn(&str) -> Value,
}

impl Default for Surroundings<'_> {
    fn default() -> Self {
        Self { now_secs: 0, variable: &|_| None, constants: &[], zero: |_| Value::Null }
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
    /// Reads a template in Go's language.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        check_length(text)?;
        Ok(Self(Language::Go(parse::parse(text)?)))
    }

    /// Reads a template in Jinja's language. The name of its file says what it makes: in `page.html.j2`, texts are
    /// escaped for HTML.
    pub fn parse_jinja(text: &str, file: &str) -> Result<Self, TemplateError> {
        check_length(text)?;
        Ok(Self(Language::Jinja(jinja::Jinja::parse(text, file)?)))
    }

    /// Reads a template in the language that the name of its file tells: Jinja for `.j2`, `.jinja` and `.jinja2`.
    pub fn parse_file(text: &str, file: &str) -> Result<Self, TemplateError> {
        let end = file.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        if ["j2", "jinja", "jinja2"].contains(&end.as_str()) {
            Self::parse_jinja(text, file)
        } else {
            Self::parse(text)
        }
    }

    /// True if it is in Jinja's language.
    pub fn is_jinja(&self) -> bool {
        matches!(self.0, Language::Jinja(_))
    }

    /// Fills it.
    pub fn fill(
        &self,
        data: &Value,
        surroundings: &Surroundings<'_>,
        limits: &TemplateLimits,
    ) -> Result<String, TemplateError> {
        match &self.0 {
            Language::Go(parsed) => evaluate::evaluate(parsed, data, surroundings, limits),
            Language::Jinja(jinja) => jinja.fill(data, surroundings, limits),
        }
    }
}

fn check_length(text: &str) -> Result<(), TemplateError> {
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("it has more than {TEMPLATE_BYTES_MAX} bytes");
        return Err(TemplateError::new(1, message));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
