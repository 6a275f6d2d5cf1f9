//! `policy lint`: what is wrong with a policy before it judges anything.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Engine;
use regorus::unstable::{
    AssignOp, BoolOp, Expr, Literal, Module, Query, Ref, Rule, RuleHead, Span,
};
use sealift_diagnostic::{Diagnostic, Rule as Words, closest};
use serde_json::Value as Json;

use crate::kind::{Part, Scope, constants, resolve};
use crate::lint_rules::{
    ALWAYS, NEVER, RULES, SHADOWED, UNKNOWN_FACT, UNUSED_IMPORT, UNUSED_RULE, V0_SYNTAX,
};
use crate::policies::{Loaded, Purpose, check};
use crate::rules::{package_of, rule_name};
use crate::shape::Shape;
use crate::walk::{Pending, names};
use crate::worker::Worker;
use crate::{Error, Settings, Source, wire};

/// What the linter says of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Linted {
    /// File of the policy.
    pub file: String,
    /// Findings in the order of the text.
    pub findings: Vec<Diagnostic>,
}

/// Looks at policies together: what one defines another may use. `given` are names of the input that the user adds to
/// the facts.
pub fn lint(
    settings: &Settings,
    sources: &[Source],
    given: &[String],
) -> Result<Vec<Linted>, Error> {
    check(settings, sources, &Json::Null)?;
    let (owned, texts, given) = (settings.clone(), sources.to_vec(), given.to_vec());
    let purpose = Purpose::Looking { with_coverage: false };
    let make = move || Loaded::new(&owned, &texts, Json::Null, &purpose);
    let worker = Worker::start(settings.time_max, make)?;
    let texts = sources.to_vec();
    worker.run(move |loaded| lint_all(loaded.engine.get_modules(), &texts, &given))
}

fn lint_all(modules: &[Ref<Module>], sources: &[Source], given: &[String]) -> Vec<Linted> {
    let used = used_names(modules);
    let shape = wire::shape();
    let mut all = Vec::new();
    for (module, source) in modules.iter().zip(sources) {
        let is_facts = speaks_of_facts(module, &shape);
        let mut linter = Linter {
            text: &source.text,
            shape: is_facts.then_some(&shape),
            given,
            findings: Vec::new(),
        };
        linter.syntax(source);
        linter.imports(module);
        linter.rules(module, &used);
        let mut findings = linter.findings;
        findings.sort_by_key(|finding| (finding.span.start, finding.rule.clone()));
        findings.dedup();
        all.push(Linted { file: source.file.clone(), findings });
    }
    all
}

// A policy on images speaks of at least one thing that only facts have.
fn speaks_of_facts(module: &Module, shape: &Shape) -> bool {
    let none = BTreeMap::new();
    let mut is_facts = false;
    for rule in &module.policy {
        let scope = Scope::of(rule, &module.imports, None, &none);
        let mut pending = Pending::of(rule);
        while let Some(expr) = pending.next() {
            let Some(path) = scope.input_path(expr) else { continue };
            let Some(Part::Name(first)) = path.first() else { continue };
            // These are Kubernetes', conftest's and trivy's.
            if ["kind", "apiVersion", "spec", "Stages"].contains(&first.as_str()) {
                return false;
            }
            is_facts |= shape.field(first).is_some();
        }
    }
    is_facts
}

// Every name that something speaks of, heads of rules not counted.
fn used_names(modules: &[Ref<Module>]) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for module in modules {
        for rule in &module.policy {
            let mut pending = Pending::within(rule);
            while let Some(expr) = pending.next() {
                match expr {
                    Expr::Var { span, .. } => used.insert(span.text().to_owned()),
                    Expr::RefDot { field: (span, _), .. } => used.insert(span.text().to_owned()),
                    Expr::String { span, .. } => {
                        used.insert(span.text().trim_matches('"').to_owned())
                    }
                    Expr::Call { fcn, .. } => {
                        used.extend(names(fcn));
                        false
                    }
                    _ => false,
                };
            }
            for replacement in pending.replacements {
                used.extend(names(replacement));
            }
        }
        used.extend(module.imports.iter().filter_map(|import| names(&import.refr).pop()));
    }
    used
}

struct Linter<'a> {
    text: &'a str,
    shape: Option<&'a Shape>,
    given: &'a [String],
    findings: Vec<Diagnostic>,
}

impl Linter<'_> {
    fn add(&mut self, rule: &Words, span: &Span, message: String) -> &mut Diagnostic {
        let place = self.place(span);
        let finding = Diagnostic::new(rule.level, place, message)
            .with_rule(rule.id)
            .with_why(rule.why)
            .with_help(rule.fix);
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    // The interpreter may have read the text with an import or a declaration more: the line is the same, the column
    // need not be.
    fn place(&self, span: &Span) -> sealift_diagnostic::Span {
        let number = usize::try_from(span.line).unwrap_or(1).max(1);
        let mut start = 0;
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            if index + 1 == number {
                let word = span.text().lines().next().unwrap_or_default();
                let column = usize::try_from(span.col).unwrap_or(1).saturating_sub(1);
                let exact =
                    line.get(column..).filter(|rest| rest.starts_with(word)).map(|_| column);
                let content = line.trim_end();
                return match exact.or_else(|| line.find(word)) {
                    Some(at) => sealift_diagnostic::Span::new(start + at, start + at + word.len()),
                    None => sealift_diagnostic::Span::new(start, start + content.len()),
                };
            }
            start += line.len();
        }
        sealift_diagnostic::Span::at(self.text.len())
    }

    fn syntax(&mut self, source: &Source) {
        let mut engine = Engine::new();
        if engine.add_policy(source.file.clone(), source.text.clone()).is_ok() {
            return;
        }
        let start = self.text.find("package").unwrap_or(0);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |end| start + end);
        let message = "this is Rego v0: OPA 1.0 reads it with `--v0-compatible` only".to_owned();
        let finding =
            Diagnostic::new(V0_SYNTAX.level, sealift_diagnostic::Span::new(start, end), message);
        let finding =
            finding.with_rule(V0_SYNTAX.id).with_why(V0_SYNTAX.why).with_help(V0_SYNTAX.fix);
        self.findings.push(finding);
    }

    fn imports(&mut self, module: &Module) {
        let mut used = BTreeSet::new();
        for rule in &module.policy {
            let mut pending = Pending::of(rule);
            while let Some(expr) = pending.next() {
                match expr {
                    Expr::Var { span, .. } => drop(used.insert(span.text().to_owned())),
                    Expr::Call { fcn, .. } => used.extend(names(fcn).into_iter().next()),
                    _ => {}
                }
            }
            for modifier in pending.met.iter().flat_map(|query| &query.stmts) {
                for with in &modifier.with_mods {
                    used.extend(names(&with.refr).into_iter().next());
                }
            }
            let roots = pending.replacements.iter().filter_map(|it| names(it).into_iter().next());
            used.extend(roots);
        }
        for import in &module.imports {
            let path = names(&import.refr);
            if path.first().is_none_or(|root| root != "data" && root != "input") {
                continue;
            }
            let alias = import.r#as.as_ref().map(|alias| alias.text().to_owned());
            let Some(name) = alias.or_else(|| path.last().cloned()) else { continue };
            if !used.contains(&name) {
                let message = format!("the import `{name}` is used nowhere");
                self.add(&UNUSED_IMPORT, &import.span, message);
            }
        }
    }

    fn rules(&mut self, module: &Module, used: &BTreeSet<String>) {
        let constants = constants(module);
        let imported: BTreeSet<String> = module
            .imports
            .iter()
            .filter_map(|import| match &import.r#as {
                Some(alias) => Some(alias.text().to_owned()),
                None => names(&import.refr).pop(),
            })
            .collect();
        let own: BTreeSet<String> =
            module.policy.iter().filter_map(|rule| rule_name(rule)).collect();
        let package = package_of(module).unwrap_or_default();
        let is_library = package.first().is_some_and(|first| first == "lib");
        for rule in &module.policy {
            let scope = Scope::of(rule, &module.imports, self.shape, &constants);
            let name = head_name(rule);
            if !is_library && !is_known(&name) && !used.contains(&name) {
                let message = format!("nothing uses `{name}`, and it is no rule that judges");
                self.add(&UNUSED_RULE, rule.span(), message);
            }
            self.shadows(rule, &own, &imported);
            let mut pending = Pending::of(rule);
            while let Some(expr) = pending.next() {
                self.fact(expr, &scope);
                if let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr {
                    // The longest path says it all.
                    pending.forget(refr);
                }
            }
            let outer = outer_queries(rule);
            for query in pending.met {
                let whose =
                    outer.iter().any(|it| std::ptr::eq(*it, query)).then_some(name.as_str());
                self.conditions(query, &scope, whose);
            }
        }
    }

    fn fact(&mut self, expr: &Expr, scope: &Scope<'_>) {
        let (Some(shape), Some(path)) = (self.shape, scope.input_path(expr)) else { return };
        let Err(Some((before, name))) = resolve(shape, &path) else { return };
        let Shape::Object(fields) = before else {
            let message = format!(
                "`{}` is {}, which has no `{name}`",
                part_text(&path, &name),
                before.words()
            );
            self.add(&UNKNOWN_FACT, expr.span(), message);
            return;
        };
        if self.given.contains(&name) && path.first() == Some(&Part::Name(name.clone())) {
            return;
        }
        let message = format!("no fact is called `{name}`");
        let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let meant = closest(&name, known.iter().copied()).map(str::to_owned);
        let finding = self.add(&UNKNOWN_FACT, expr.span(), message);
        finding.help = Some(match meant {
            Some(meant) => format!("did you mean `{meant}`?").into(),
            None => format!("there are: {}", known.join(", ")).into(),
        });
    }

    fn shadows(&mut self, rule: &Rule, own: &BTreeSet<String>, imported: &BTreeSet<String>) {
        let mut local: Vec<Span> = Vec::new();
        if let Rule::Spec { head: RuleHead::Func { args, .. }, .. } = rule {
            local.extend(args.iter().filter_map(|argument| match argument.as_ref() {
                Expr::Var { span, .. } => Some(span.clone()),
                _ => None,
            }));
        }
        let mut pending = Pending::of(rule);
        while let Some(expr) = pending.next() {
            if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr
                && let Expr::Var { span, .. } = lhs.as_ref()
            {
                local.push(span.clone());
            }
        }
        for span in local {
            let name = span.text();
            let what = match name {
                "input" | "data" => "the document",
                _ if imported.contains(name) => "the import",
                _ if own.contains(name) => "the rule",
                _ => continue,
            };
            let message = format!("the variable `{name}` hides {what} `{name}`");
            self.add(&SHADOWED, &span, message);
        }
    }

    fn conditions(&mut self, query: &Query, scope: &Scope<'_>, rule: Option<&str>) {
        for statement in &query.stmts {
            let (expr, is_negated) = match &statement.literal {
                Literal::Expr { expr, .. } => (expr, false),
                Literal::NotExpr { expr, .. } => (expr, true),
                _ => continue,
            };
            let Some((fate, why)) = fate(expr, scope) else { continue };
            let is_never = (fate == Fate::Never) != is_negated;
            let (words, what) = match (is_never, rule) {
                (true, Some(rule)) => {
                    (&NEVER, format!("this definition of `{rule}` can never fire"))
                }
                (true, None) => (&NEVER, "this condition can never hold".to_owned()),
                (false, _) => (&ALWAYS, "this condition always holds".to_owned()),
            };
            self.add(words, expr.span(), format!("{what}: {why}"));
        }
    }
}

fn part_text(path: &[Part], until: &str) -> String {
    let mut text = "input".to_owned();
    for part in path {
        match part {
            Part::Name(name) if name == until => break,
            Part::Name(name) => text.extend([".", name]),
            Part::Item => text.push_str("[_]"),
        }
    }
    text
}

fn head_name(rule: &Rule) -> String {
    let refr = match rule {
        Rule::Spec {
            head:
                RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        }
        | Rule::Default { refr, .. } => refr,
    };
    let mut expr: &Expr = refr;
    loop {
        match expr {
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => expr = refr,
            _ => return expr.span().text().to_owned(),
        }
    }
}

// Rules that somebody outside calls.
fn is_known(name: &str) -> bool {
    let base = name.split('_').next().unwrap_or_default();
    ["deny", "violation", "warn", "allow", "exception", "test", "todo"].contains(&base)
        || name.starts_with("__")
        || name == "main"
}

fn outer_queries(rule: &Rule) -> Vec<&Query> {
    match rule {
        Rule::Spec { bodies, .. } => bodies.iter().map(|body| body.query.as_ref()).collect(),
        Rule::Default { .. } => Vec::new(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Never,
    Always,
}

// What a condition comes to whatever the input is, and why.
fn fate(expr: &Expr, scope: &Scope<'_>) -> Option<(Fate, String)> {
    match expr {
        Expr::Bool { span, .. } if span.text() == "false" => {
            Some((Fate::Never, "it is `false`".to_owned()))
        }
        Expr::BoolExpr { op, lhs, rhs, .. } => compared(Some(op), lhs, rhs, scope),
        Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => compared(None, lhs, rhs, scope),
        Expr::Membership { value, collection, .. } => {
            let kind = scope.kind(value)?;
            let items = scope.items(collection)?;
            (!items.contains(&kind)).then(|| {
                let why =
                    format!("{} (`{}`) is sought among other values", kind.name(), short(value));
                (Fate::Never, why)
            })
        }
        _ => None,
    }
}

fn compared(
    op: Option<&BoolOp>,
    lhs: &Expr,
    rhs: &Expr,
    scope: &Scope<'_>,
) -> Option<(Fate, String)> {
    let (left, right) = (scope.kind(lhs)?, scope.kind(rhs)?);
    let is_constant =
        |expr: &Expr| matches!(expr, Expr::String { .. } | Expr::Number { .. } | Expr::Bool { .. });
    if left != right {
        let why = format!(
            "{} (`{}`) is compared with {} (`{}`)",
            left.name(),
            short(lhs),
            right.name(),
            short(rhs)
        );
        return match op {
            None | Some(BoolOp::Eq) => Some((Fate::Never, why)),
            Some(BoolOp::Ne) => Some((Fate::Always, why)),
            // Rego has an order between values of different kinds.
            Some(BoolOp::Lt | BoolOp::Le) if left < right => Some((Fate::Always, why)),
            Some(BoolOp::Gt | BoolOp::Ge) if left > right => Some((Fate::Always, why)),
            Some(_) => Some((Fate::Never, why)),
        };
    }
    if !(is_constant(lhs) && is_constant(rhs)) {
        return None;
    }
    let is_same = lhs.span().text() == rhs.span().text();
    match (op, is_same) {
        (None | Some(BoolOp::Eq), true) | (Some(BoolOp::Ne), false) => {
            Some((Fate::Always, "two constants are compared".to_owned()))
        }
        (None | Some(BoolOp::Eq), false) | (Some(BoolOp::Ne), true) => {
            Some((Fate::Never, "two constants are compared".to_owned()))
        }
        _ => None,
    }
}

fn short(expr: &Expr) -> String {
    let text = crate::place::shorten(expr.span().text(), 60).replace('\n', " ");
    // The place of a text lies between its quotes.
    if matches!(expr, Expr::String { .. }) { format!("\"{text}\"") } else { text }
}

/// A rule of `policy lint` by its id or name.
pub fn lint_rule(name: &str) -> Option<&'static Words> {
    RULES.iter().copied().find(|rule| rule.is_called(name))
}
