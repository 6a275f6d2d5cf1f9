//! `some x` that stands behind other statements, put in front of them.
//!
//! The interpreter declares the variables of a late `some` once for every turn of the loops before it, and takes the
//! second time for a mistake. Where in a query the declaration stands means nothing else: a use before it is an error.

use regorus::unstable::{Literal, Module, Query, Span};

use crate::walk::Pending;

/// The text with its late declarations in front, and with what `growth` adds; nothing if there is nothing to change.
/// Lines stay what they are.
pub(crate) fn hoisted(module: &Module, text: &str, growth: &[Edit]) -> Option<String> {
    let mut edits = growth.to_vec();
    for rule in &module.policy {
        let mut pending = Pending::of(rule);
        while pending.next().is_some() {}
        for query in &pending.met {
            late(query, text, &mut edits);
        }
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort();
    let (mut out, mut at) = (String::new(), 0);
    for (start, end, new) in edits {
        out.push_str(text.get(at..start)?);
        out.push_str(&new);
        at = end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// A stretch of the text, and what takes its place.
pub(crate) type Edit = (usize, usize, String);

fn late(query: &Query, text: &str, edits: &mut Vec<Edit>) {
    let Some(first) = query.stmts.first() else { return };
    let is_declaration = |literal: &Literal| matches!(literal, Literal::SomeVars { .. });
    let leading = query.stmts.iter().take_while(|it| is_declaration(&it.literal)).count();
    let mut names: Vec<&str> = Vec::new();
    for statement in query.stmts.iter().skip(leading) {
        let Literal::SomeVars { vars, .. } = &statement.literal else { continue };
        let (Some(start), Some(last)) = (offset(&statement.span), vars.last()) else { continue };
        let Some(end) = usize::try_from(last.end).ok() else { continue };
        let Some(declaration) = text.get(start..end) else { continue };
        names.extend(vars.iter().map(Span::text));
        // A statement has to remain, and the places of what follows too.
        let rest = declaration.chars().skip("true".len());
        let blank: String = rest.map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        edits.push((start, end, format!("true{blank}")));
    }
    if let (false, Some(start)) = (names.is_empty(), offset(&first.span)) {
        edits.push((start, start, format!("some {}; ", names.join(", "))));
    }
}

fn offset(span: &Span) -> Option<usize> {
    usize::try_from(span.start).ok()
}

#[cfg(test)]
mod tests {
    use regorus::Engine;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let mut engine = Engine::new();
        engine.add_policy("p".to_owned(), text.to_owned()).unwrap();
        assert_eq!(hoisted(&engine.get_modules()[0], text, &[]).as_deref(), expected);
    }

    #[test]
    fn declarations() {
        check("package a\np if { some x; input[x] }", None);
        check("package a\np if { some x in input }", None);
        check(
            "package a\np if {\n\ty := input[_]\n\tsome x,\n\t\tz\n\ty[x] == z\n}",
            Some("package a\np if {\n\tsome x, z; y := input[_]\n\ttrue   \n   \n\ty[x] == z\n}"),
        );
        check(
            "package a\np := [y | y := input[_]; some x; y[x]]",
            Some("package a\np := [y | some x; y := input[_]; true  ; y[x]]"),
        );
    }
}
