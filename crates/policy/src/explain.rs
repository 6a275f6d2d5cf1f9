//! `policy explain`: which definition of which rule fired, and where the others stopped.
//!
//! Of each definition, ever longer beginnings of its body are judged as rules of their own in the same package. The
//! first that does not hold ends with the statement at which the definition stopped.

use regorus::unstable::{Module, Query, Ref, Rule, RuleHead, Span};
use regorus::{Engine, Value};
use serde_json::Value as Json;

use crate::judge::Judgement;
use crate::kind::{Part, Scope};
use crate::place::shorten;
use crate::policies::{Loaded, Policies, check_size};
use crate::rules::{interpreter_path, package_of, rule_name};
use crate::source;
use crate::walk::{Pending, names};
use crate::{Error, Source};

const STATEMENTS_MAX: usize = 2000;
const VALUE_CHARS_MAX: usize = 200;
const STEP: &str = "sealift_step";

/// Why a rule fired or did not.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// Rego package.
    pub package: String,
    /// Rule.
    pub rule: String,
    /// What it says; empty if it did not fire.
    pub messages: Vec<String>,
    /// Its definitions, in the order of the files.
    pub definitions: Vec<Definition>,
}

/// One definition of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Whether its conditions hold; `None` if that could not be told.
    pub holds: Option<bool>,
    /// The statement that did not hold: line and text.
    pub stopped_at: Option<(u32, String)>,
    /// What of the input decided: path and value; `None` if it is not there.
    pub inputs: Vec<(String, Option<String>)>,
}

impl Policies {
    /// Explains what the policies say of an input.
    pub fn explain(&self, input: &Json) -> Result<(Judgement, Vec<Explained>), Error> {
        check_size("input", input, self.input_bytes_max)?;
        let judgement = self.judge(input)?;
        let (input, said) = (input.clone(), judgement.clone());
        let explained = self.worker.run(move |loaded| loaded.explain(&input, &said))??;
        Ok((judgement, explained))
    }
}

impl Loaded {
    fn explain(&mut self, input: &Json, judgement: &Judgement) -> Result<Vec<Explained>, Error> {
        self.begin(input.clone())?;
        let mut budget = STATEMENTS_MAX;
        let modules: Vec<Ref<Module>> = self.engine.get_modules().clone();
        let mut all = Vec::new();
        for known in self.rules.known.clone().iter() {
            let messages = judgement.verdict.violations.iter().chain(&judgement.excepted);
            let is_own = |it: &&sealift_model::Violation| {
                it.package == known.package && it.rule == known.name
            };
            let messages = messages.filter(is_own).map(|it| it.message.clone()).collect();
            let mut definitions = Vec::new();
            for (file, module) in self.files.iter().zip(&modules) {
                let package = package_of(module).unwrap_or_default();
                if package.join(".") != known.package {
                    continue;
                }
                for rule in &module.policy {
                    if rule_name(rule).as_deref() != Some(known.name.as_str()) {
                        continue;
                    }
                    let place = (file.as_str(), module, package.as_slice());
                    definitions.extend(self.definitions(place, rule, input, &mut budget));
                }
            }
            let (package, rule) = (known.package.clone(), known.name.clone());
            all.push(Explained { package, rule, messages, definitions });
        }
        Ok(all)
    }

    fn definitions(
        &self,
        (file, module, package): (&str, &Ref<Module>, &[String]),
        rule: &Ref<Rule>,
        input: &Json,
        budget: &mut usize,
    ) -> Vec<Definition> {
        let Rule::Spec { head, bodies, .. } = rule.as_ref() else { return Vec::new() };
        if matches!(head, RuleHead::Func { .. }) {
            return Vec::new();
        }
        let nothing = std::collections::BTreeMap::new();
        let scope = Scope::of(rule, &module.imports, None, &nothing);
        let mut definitions = Vec::new();
        for body in bodies.iter().filter(|body| !body.is_else) {
            let query = body.query.as_ref();
            let mut definition = Definition {
                file: file.to_owned(),
                line: rule.span().line,
                holds: Some(true),
                stopped_at: None,
                inputs: Vec::new(),
            };
            let prelude = prelude(module, package);
            let mut last = 0;
            for count in 1..=query.stmts.len() {
                *budget = budget.saturating_sub(1);
                let held =
                    if *budget == 0 { None } else { self.holds(&prelude, query, count, package) };
                match held {
                    // A beginning may need a variable that a later statement binds; the whole body does not.
                    None if count < query.stmts.len() => {}
                    Some(true) => {}
                    None => definition.holds = None,
                    Some(false) => {
                        let statement = &query.stmts[count - 1];
                        definition.holds = Some(false);
                        definition.stopped_at =
                            Some((statement.span.line, shorten(whole(&statement.span), 300)));
                        last = count;
                        break;
                    }
                }
            }
            let decisive = match last {
                0 => &query.stmts[..],
                count => &query.stmts[count - 1..count],
            };
            let mut lone = Vec::new();
            for statement in decisive {
                let mut pending = Pending::statement_of(statement);
                while let Some(expr) = pending.next() {
                    if let Some(path) = scope.input_path(expr).filter(|path| !path.is_empty()) {
                        lone.push(path);
                    }
                }
            }
            definition.inputs = values(lone, input);
            definitions.push(definition);
        }
        definitions
    }

    // Whether the first statements of a body hold together; nothing if they make no rule.
    fn holds(
        &self,
        prelude: &Prelude,
        query: &Query,
        count: usize,
        package: &[String],
    ) -> Option<bool> {
        let statements: Vec<&str> =
            query.stmts[..count].iter().map(|statement| whole(&statement.span)).collect();
        let body = statements.join("\n");
        let text = if prelude.is_v0 {
            format!("{}\n{STEP} {{\n{body}\n}}\n", prelude.text)
        } else {
            format!("{}\n{STEP} if {{\n{body}\n}}\n", prelude.text)
        };
        let mut engine: Engine = self.engine.clone();
        source::load(&mut engine, &Source::new(STEP, text)).ok()?;
        let path = interpreter_path(package, STEP, STEP).ok()?;
        match engine.eval_rule(path).ok()? {
            Value::Undefined | Value::Bool(false) => Some(false),
            _ => Some(true),
        }
    }
}

// The place of a text lies between its quotes, so that a statement that ends with one lacks the last quote.
fn whole(span: &Span) -> &str {
    let text = span.text();
    for quote in ['"', '`'] {
        let is_open = text.replace("\\\\", "").replace("\\\"", "").matches(quote).count() % 2 == 1;
        let (start, end) = (usize::try_from(span.start), usize::try_from(span.end));
        if let (true, Ok(start), Ok(end)) = (is_open, start, end)
            && let Some(longer) = span.source.contents().get(start..end + 1)
            && longer.ends_with(quote)
        {
            return longer;
        }
    }
    text
}

// What stands before the rules of a module.
struct Prelude {
    text: String,
    is_v0: bool,
}

fn prelude(module: &Module, package: &[String]) -> Prelude {
    let mut text = format!("package {}\n", dotted(package));
    for import in &module.imports {
        let alias = import.r#as.as_ref().map(|alias| format!(" as {}", alias.text()));
        let line =
            format!("import {}{}\n", dotted(&names(&import.refr)), alias.unwrap_or_default());
        text.push_str(&line);
    }
    let whole = module.package.span.source.contents().clone();
    let is_v0 = Engine::new().add_policy(STEP.to_owned(), whole).is_err();
    Prelude { text, is_v0 }
}

fn dotted(parts: &[String]) -> String {
    let mut path = String::new();
    for part in parts {
        let is_name = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !part.starts_with(|first: char| first.is_ascii_digit());
        match (path.is_empty(), is_name) {
            (true, _) => path.push_str(part),
            (false, true) => path.extend([".", part]),
            (false, false) => path.extend(["[\"", part, "\"]"]),
        }
    }
    path
}

// The longest known beginning of each path, once.
fn values(paths: Vec<Vec<Part>>, input: &Json) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for path in paths {
        let (mut text, mut value) = ("input".to_owned(), Some(input));
        for part in &path {
            let Part::Name(name) = part else { break };
            text.extend([".", name]);
            value = value.and_then(|value| value.get(name));
        }
        let shown = value.map(|value| shorten(&value.to_string(), VALUE_CHARS_MAX));
        // A path that only leads to a longer one says nothing more.
        if found.iter().any(|(known, _)| known.starts_with(&text)) {
            continue;
        }
        found.retain(|(known, _)| !text.starts_with(&format!("{known}.")));
        found.push((text, shown));
    }
    found
}
