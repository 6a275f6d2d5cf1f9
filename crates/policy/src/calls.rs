//! Functions that call themselves, which Rego forbids and the interpreter does not notice before its stack is full.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Ref, Rule, RuleHead};

use crate::walk::{Pending, names};

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
    let mut pending = Pending::of(rule);
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
