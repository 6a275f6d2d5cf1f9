//! From nodes and data to text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::functions::{self, World, is_true};
use super::parse::{Node, Parsed, Pipeline, Term};
use super::print::shown;
use super::{Surroundings, TemplateError, TemplateLimits};

// Blocks within blocks, also by way of other templates.
const DEPTH_MAX: usize = 200;
// `range` over a number.
const COUNT_MAX: u64 = 1_000_000;

/// Fills a template.
pub(super) fn evaluate(
    parsed: &Parsed,
    data: &Value,
    surroundings: &Surroundings<'_>,
    limits: &TemplateLimits,
) -> Result<String, TemplateError> {
    let mut filling = Filling {
        named: &parsed.named,
        root: Cow::Borrowed(data),
        limits,
        world: World::new(surroundings, limits.made_bytes_max),
        variables: Vec::new(),
        steps: 0,
        depth: 0,
        output: String::new(),
    };
    match filling.run(&parsed.nodes, &Cow::Borrowed(data))? {
        Flow::On => Ok(filling.output),
        Flow::Break(line) | Flow::Continue(line) => Err(outside(line)),
    }
}

fn outside(line: usize) -> TemplateError {
    TemplateError::new(line, "`break` and `continue` are not allowed outside of `range`")
}

enum Flow {
    On,
    Break(usize),
    Continue(usize),
}

type Data<'a> = Cow<'a, Value>;

struct Filling<'a> {
    named: &'a BTreeMap<String, Vec<Node>>,
    root: Data<'a>,
    limits: &'a TemplateLimits,
    world: World<'a>,
    variables: Vec<(String, Data<'a>)>,
    steps: usize,
    depth: usize,
    output: String,
}

impl<'a> Filling<'a> {
    fn run(&mut self, nodes: &[Node], dot: &Data<'a>) -> Result<Flow, TemplateError> {
        let known = self.variables.len();
        self.depth += 1;
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.step(node, dot)?;
            if !matches!(flow, Flow::On) {
                break;
            }
        }
        self.depth -= 1;
        self.variables.truncate(known);
        Ok(flow)
    }

    // Another template sees its data only, and no variable.
    fn call(
        &mut self,
        line: usize,
        name: &str,
        with: Option<&Pipeline>,
        dot: &Data<'a>,
    ) -> Result<Flow, TemplateError> {
        self.count(line)?;
        if self.depth >= DEPTH_MAX {
            return Err(TemplateError::new(line, format!("more than {DEPTH_MAX} levels")));
        }
        let nodes = self.named.get(name).ok_or_else(|| {
            let name: String = name.chars().take(40).collect();
            TemplateError::new(line, format!("there is no template `{name}`"))
        })?;
        let data = match with {
            Some(with) => self.pipeline(with, dot)?,
            None => Cow::Owned(Value::Null),
        };
        let variables = std::mem::take(&mut self.variables);
        let root = std::mem::replace(&mut self.root, data.clone());
        let flow = self.run(nodes, &data)?;
        self.root = root;
        self.variables = variables;
        match flow {
            Flow::On => Ok(Flow::On),
            Flow::Break(line) | Flow::Continue(line) => Err(outside(line)),
        }
    }

    fn step(&mut self, node: &Node, dot: &Data<'a>) -> Result<Flow, TemplateError> {
        match node {
            Node::Text(text) => self.write(1, text)?,
            Node::Output(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variable.is_none() {
                    let text = shown(&value);
                    self.write(pipeline.line, &text)?;
                }
            }
            Node::If { branches, otherwise } => {
                let known = self.variables.len();
                let mut chosen = otherwise;
                for (condition, body) in branches {
                    if is_true(&*self.pipeline(condition, dot)?) {
                        chosen = body;
                        break;
                    }
                }
                let flow = self.run(chosen, dot)?;
                self.variables.truncate(known);
                return Ok(flow);
            }
            Node::With { with, body, otherwise } => {
                let known = self.variables.len();
                let value = self.pipeline(with, dot)?;
                let flow = if is_true(&value) {
                    self.run(body, &value)?
                } else {
                    self.run(otherwise, dot)?
                };
                self.variables.truncate(known);
                return Ok(flow);
            }
            Node::Range { key, value, over, body, otherwise } => {
                let names = (key.as_deref(), value.as_deref());
                return self.range(names, over, body, otherwise, dot);
            }
            Node::Call { line, name, with } => {
                return self.call(*line, name, with.as_ref(), dot);
            }
            Node::Break(line) => return Ok(Flow::Break(*line)),
            Node::Continue(line) => return Ok(Flow::Continue(*line)),
        }
        Ok(Flow::On)
    }

    fn range(
        &mut self,
        (key, value): (Option<&str>, Option<&str>),
        over: &Pipeline,
        body: &[Node],
        otherwise: &[Node],
        dot: &Data<'a>,
    ) -> Result<Flow, TemplateError> {
        let entries = entries(self.pipeline(over, dot)?).ok_or_else(|| {
            TemplateError::new(over.line, "range: this is neither a list nor a map, nor a count")
        })?;
        if entries.is_empty() {
            return self.run(otherwise, dot);
        }
        for (name, item) in entries {
            self.count(over.line)?;
            let known = self.variables.len();
            if let Some(key) = key {
                self.variables.push((key.to_owned(), Cow::Owned(name)));
            }
            if let Some(value) = value {
                self.variables.push((value.to_owned(), item.clone()));
            }
            let flow = self.run(body, &item)?;
            self.variables.truncate(known);
            if matches!(flow, Flow::Break(_)) {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn count(&mut self, line: usize) -> Result<(), TemplateError> {
        self.steps += 1;
        if self.steps > self.limits.steps_max {
            return Err(TemplateError::new(
                line,
                format!("more than {} steps", self.limits.steps_max),
            ));
        }
        Ok(())
    }

    fn write(&mut self, line: usize, text: &str) -> Result<(), TemplateError> {
        self.count(line)?;
        if self.output.len() + text.len() > self.limits.output_bytes_max {
            let limit = self.limits.output_bytes_max;
            let message = format!("the result is longer than {limit} bytes");
            return Err(TemplateError::new(line, message));
        }
        self.output.push_str(text);
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Data<'a>) -> Result<Data<'a>, TemplateError> {
        let mut last: Option<Data<'a>> = None;
        for command in &pipeline.commands {
            self.count(pipeline.line)?;
            last = Some(self.command(command, last, pipeline.line, dot)?);
        }
        let value = last.unwrap_or(Cow::Owned(Value::Null));
        match &pipeline.variable {
            Some((name, true)) => self.variables.push((name.clone(), value.clone())),
            Some((name, false)) => {
                let known = self.variable(name);
                let Some((_, known)) = known else { return Err(no_variable(pipeline.line, name)) };
                known.clone_from(&value);
            }
            None => {}
        }
        Ok(value)
    }

    fn command(
        &mut self,
        terms: &[Term],
        piped: Option<Data<'a>>,
        line: usize,
        dot: &Data<'a>,
    ) -> Result<Data<'a>, TemplateError> {
        let (first, rest) = terms.split_first().expect("empty commands were refused");
        let Term::Function(name) = first else {
            if !rest.is_empty() || piped.is_some() {
                return Err(TemplateError::new(line, "what has arguments here is no function"));
            }
            return self.term(first, line, dot);
        };
        let mut arguments = Vec::new();
        for term in rest {
            arguments.push(self.term(term, line, dot)?);
        }
        arguments.extend(piped);
        let called = functions::call(name, arguments, &mut self.world);
        let value = called.map_err(|message| TemplateError::new(line, message))?;
        // In sprig, these change the map itself.
        if let ("set" | "unset", Some(Term::Variable(variable, fields))) =
            (name.as_str(), rest.first())
            && fields.is_empty()
            && let Some((_, known)) = self.variable(variable)
        {
            known.clone_from(&value);
        }
        Ok(value)
    }

    fn variable(&mut self, name: &str) -> Option<&mut (String, Data<'a>)> {
        self.variables.iter_mut().rev().find(|(known, _)| known == name)
    }

    fn term(
        &mut self,
        term: &Term,
        line: usize,
        dot: &Data<'a>,
    ) -> Result<Data<'a>, TemplateError> {
        let (value, fields) = match term {
            Term::Dot(fields) => (dot.clone(), fields),
            Term::Variable(name, fields) if name.is_empty() => (self.root.clone(), fields),
            Term::Variable(name, fields) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let (_, value) = known.ok_or_else(|| no_variable(line, name))?;
                (value.clone(), fields)
            }
            Term::Group(pipeline, fields) => (self.pipeline(pipeline, dot)?, fields),
            Term::Literal(value) => return Ok(Cow::Owned(value.clone())),
            Term::Function(name) => {
                let called = functions::call(name, Vec::new(), &mut self.world);
                return called.map_err(|message| TemplateError::new(line, message));
            }
        };
        let zero = self.world.surroundings.zero;
        Ok(fields.iter().fold(value, |value, name| match field(value, name) {
            value if value.is_null() => Cow::Owned(zero(name)),
            value => value,
        }))
    }
}

fn no_variable(line: usize, name: &str) -> TemplateError {
    TemplateError::new(line, format!("there is no variable `${name}`"))
}

// A field by its name, or by its name as syft had it before 1.0: `.Artifacts`, `.PURL`.
fn field<'a>(value: Data<'a>, name: &str) -> Data<'a> {
    let nothing = || Cow::Owned(Value::Null);
    let key = match &*value {
        Value::Object(map) if map.contains_key(name) => name.to_owned(),
        Value::Object(map) => match map.keys().find(|key| key.eq_ignore_ascii_case(name)) {
            Some(key) => key.clone(),
            None => return nothing(),
        },
        _ => return nothing(),
    };
    match value {
        Cow::Borrowed(value) => value.get(&key).map_or_else(nothing, Cow::Borrowed),
        Cow::Owned(mut value) => {
            value.get_mut(&key).map_or_else(nothing, |it| Cow::Owned(it.take()))
        }
    }
}

// Keys and items; `None` for what is neither list nor map. Nothing has no items.
fn entries(value: Data<'_>) -> Option<Vec<(Value, Data<'_>)>> {
    Some(match value {
        Cow::Borrowed(Value::Array(list)) => {
            list.iter().enumerate().map(|(n, it)| (Value::from(n), Cow::Borrowed(it))).collect()
        }
        Cow::Owned(Value::Array(list)) => {
            list.into_iter().enumerate().map(|(n, it)| (Value::from(n), Cow::Owned(it))).collect()
        }
        Cow::Borrowed(Value::Object(map)) => {
            map.iter().map(|(key, it)| (Value::from(key.clone()), Cow::Borrowed(it))).collect()
        }
        Cow::Owned(Value::Object(map)) => {
            map.into_iter().map(|(key, it)| (Value::from(key), Cow::Owned(it))).collect()
        }
        value if value.is_null() => Vec::new(),
        value if value.is_u64() => {
            let count = value.as_u64().filter(|count| *count <= COUNT_MAX)?;
            (0..count).map(|n| (Value::from(n), Cow::Owned(Value::from(n)))).collect()
        }
        _ => return None,
    })
}
