//! Jinja, by minijinja: the same data, limits and functions of the surroundings.

use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

use super::{Surroundings, TemplateError, TemplateLimits};

const NAME: &str = "template";
const DEPTH_MAX: usize = 100;

/// A template in Jinja's language.
#[derive(Debug)]
pub(super) struct Jinja {
    text: String,
    is_markup: bool,
}

impl Jinja {
    pub(super) fn parse(text: &str, file: &str) -> Result<Self, TemplateError> {
        // Of `page.html.j2` it is `html` that counts.
        let stem = file.rsplit_once('.').map_or("", |(stem, _)| stem).to_ascii_lowercase();
        let is_markup = [".html", ".htm", ".xml"].iter().any(|end| stem.ends_with(end));
        let jinja = Self { text: text.to_owned(), is_markup };
        jinja.environment()?;
        Ok(jinja)
    }

    fn environment(&self) -> Result<Environment<'_>, TemplateError> {
        let is_markup = self.is_markup;
        let mut environment = Environment::new();
        environment.set_recursion_limit(DEPTH_MAX);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_keep_trailing_newline(true);
        environment.set_auto_escape_callback(move |_| {
            if is_markup { AutoEscape::Html } else { AutoEscape::None }
        });
        environment.add_template(NAME, &self.text).map_err(|error| wrong(&error))?;
        Ok(environment)
    }

    pub(super) fn fill(
        &self,
        data: &Value,
        surroundings: &Surroundings<'_>,
        limits: &TemplateLimits,
    ) -> Result<String, TemplateError> {
        let mut environment = self.environment()?;
        environment.set_fuel(Some(u64::try_from(limits.steps_max).unwrap_or(u64::MAX)));
        for (name, value) in surroundings.constants {
            environment.add_global(*name, minijinja::Value::from_serialize(value));
        }
        let template = environment.get_template(NAME).map_err(|error| wrong(&error))?;
        let mut output = Bounded { bytes: Vec::new(), bytes_max: limits.output_bytes_max };
        let written = template.render_captured_to(data, &mut output);
        written.map_err(|error| {
            if output.bytes_max == 0 {
                let message =
                    format!("the result is longer than {} bytes", limits.output_bytes_max);
                return TemplateError::new(error.line().unwrap_or(1), message);
            }
            wrong(&error)
        })?;
        Ok(String::from_utf8_lossy(&output.bytes).into_owned())
    }
}

// Its message, and those of what caused it.
fn wrong(error: &minijinja::Error) -> TemplateError {
    let mut message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        message.push_str(": ");
        message.push_str(&inner.to_string());
        cause = inner.source();
    }
    TemplateError::new(error.line().unwrap_or(1), message)
}

// Takes so many bytes and no more; the limit is 0 once it was met.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.bytes_max {
            self.bytes_max = 0;
            return Err(io::Error::other("it is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
