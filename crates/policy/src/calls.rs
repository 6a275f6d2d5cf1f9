//! Functions that call themselves, which Rego forbids and the interpreter does not notice before its stack is full.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{
    Expr, Literal, LiteralStmt, Module, Parser, Query, Ref, Rule, RuleAssign, RuleHead,
};

type Path = Vec<String>;

/// The functions that call themselves, by whatever detour: name and line of each.
pub(crate) fn recursive_functions(modules: &[Ref<Module>]) -> Vec<(String, u32)> {
    let mut lines: BTreeMap<Path, u32> = BTreeMap::new();
    let mut calls: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
    for module in modules {
        let package = names(&module.package.refr);
        for rule in &module.policy {
            let Rule::Spec { span, head: RuleHead::Func { refr, .. }, .. } = rule.as_ref() else {
                continue;
            };
            let function = [package.clone(), names(refr)].concat();
            lines.entry(function.clone()).or_insert(span.line);
            calls.entry(function).or_default().extend(called(module, &package, rule));
        }
    }
    // What remains when everything that calls nothing, or that nothing calls, is taken away again and again.
    loop {
        let targets: BTreeSet<Path> = calls.values().flatten().cloned().collect();
        let known: BTreeSet<Path> = calls
            .iter()
            .filter(|(function, callees)| !callees.is_empty() && targets.contains(*function))
            .map(|(function, _)| function.clone())
            .collect();
        let before = calls.len();
        calls.retain(|function, _| known.contains(function));
        for callees in calls.values_mut() {
            callees.retain(|callee| known.contains(callee));
        }
        if calls.len() == before {
            break;
        }
    }
    calls.keys().map(|function| (function.join("."), lines[function])).collect()
}

// Every path that a call in the rule may mean.
fn called(module: &Module, package: &[String], rule: &Rule) -> BTreeSet<Path> {
    let mut found = BTreeSet::new();
    let mut add = |refr: &Ref<Expr>| {
        let path = names(refr);
        let Some((first, rest)) = path.split_first() else { return };
        found.insert([package, &path].concat());
        if first == "data" {
            found.insert(rest.to_vec());
        }
        for import in &module.imports {
            let target = names(&import.refr);
            let alias = import.r#as.as_ref().map(|alias| alias.text().to_owned());
            if alias.as_ref().or(target.last()) == Some(first) && target.len() > 1 {
                found.insert([&target[1..], rest].concat());
            }
        }
    };
    let mut pending = Pending::default();
    pending.rule(rule);
    while let Some(expr) = pending.next() {
        if let Expr::Call { fcn, .. } = expr {
            add(fcn);
        }
    }
    // `with f as g` makes calls of `f` calls of `g`.
    for replacement in pending.replacements {
        add(replacement);
    }
    found
}

fn names(refr: &Ref<Expr>) -> Path {
    Parser::get_path_ref_components(refr)
        .map(|spans| spans.iter().map(|span| span.text().to_owned()).collect())
        .unwrap_or_default()
}

// Expressions that are still to be looked at. A list, not recursion: a reference may be thousands of parts long.
#[derive(Default)]
struct Pending<'a> {
    expressions: Vec<&'a Ref<Expr>>,
    queries: Vec<&'a Ref<Query>>,
    replacements: Vec<&'a Ref<Expr>>,
}

impl<'a> Pending<'a> {
    fn next(&mut self) -> Option<&'a Expr> {
        while let Some(query) = self.queries.pop() {
            for statement in &query.stmts {
                self.statement(statement);
            }
        }
        let expr = self.expressions.pop()?.as_ref();
        self.children(expr);
        Some(expr)
    }

    fn rule(&mut self, rule: &'a Rule) {
        let Rule::Spec { head, bodies, .. } = rule else { return };
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.expressions.push(refr);
                self.assign(assign.as_ref());
            }
            RuleHead::Set { refr, key, .. } => {
                self.expressions.push(refr);
                self.expressions.extend(key);
            }
            RuleHead::Func { args, assign, .. } => {
                self.expressions.extend(args);
                self.assign(assign.as_ref());
            }
        }
        for body in bodies {
            self.assign(body.assign.as_ref());
            self.queries.push(&body.query);
        }
    }

    fn assign(&mut self, assign: Option<&'a RuleAssign>) {
        self.expressions.extend(assign.map(|assign| &assign.value));
    }

    fn statement(&mut self, statement: &'a LiteralStmt) {
        for modifier in &statement.with_mods {
            self.expressions.push(&modifier.r#as);
            self.replacements.push(&modifier.r#as);
        }
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                self.expressions.extend(key);
                self.expressions.extend([value, collection]);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                self.expressions.push(expr);
            }
            Literal::Every { domain, query, .. } => {
                self.expressions.push(domain);
                self.queries.push(query);
            }
        }
    }

    fn children(&mut self, expr: &'a Expr) {
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Var { .. } => {}
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.expressions.extend(items),
            Expr::Object { fields, .. } => {
                self.expressions.extend(fields.iter().flat_map(|(_, key, value)| [key, value]));
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expressions.push(term);
                self.queries.push(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.expressions.extend([key, value]);
                self.queries.push(query);
            }
            Expr::Call { params, .. } => self.expressions.extend(params),
            Expr::UnaryExpr { expr, .. } => self.expressions.push(expr),
            Expr::RefDot { refr, .. } => self.expressions.push(refr),
            Expr::RefBrack { refr, index, .. } => self.expressions.extend([refr, index]),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.expressions.extend([lhs, rhs]),
            Expr::Membership { key, value, collection, .. } => {
                self.expressions.extend(key);
                self.expressions.extend([value, collection]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn check(text: &str, expected: &[&str]) {
        let mut engine = regorus::Engine::new();
        crate::source::load(&mut engine, &Source::new("p", text)).unwrap();
        let found = recursive_functions(engine.get_modules());
        let functions: Vec<&str> = found.iter().map(|(function, _)| function.as_str()).collect();
        assert_eq!(functions, expected, "{text}");
    }

    #[test]
    fn recursion() {
        check("package a\nf(x) { g(x) }\ng(x) { x == 1 }", &[]);
        check("package a\nf(x) { f(x) }", &["a.f"]);
        check(
            "package a\nf(x) = y { y := [1 | g(x)] }\ng(x) { f(x) }\nh(x) { g(x) }",
            &["a.f", "a.g"],
        );
        check("package a\nf(x) { data.a.f(x) }", &["a.f"]);
        check("package a\nimport data.a as b\nf(x) { b.f(x) }", &["a.f"]);
        check("package a\nf(x) { data.b.f(x) }", &[]);
        check("package a\nf(x) = 1 { x == 1 } else = 2 { f(x) }", &["a.f"]);
        check("package a\nf(x) { g(x) with g as f }\ng(x) { x }", &["a.f"]);
        check("package a\nf(x) { not f(x) }", &["a.f"]);
        check("package a\nf(x) { some y in [1]; f(y) }", &["a.f"]);
    }
}
