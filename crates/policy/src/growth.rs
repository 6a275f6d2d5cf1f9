//! What comprehensions make is counted.
//!
//! The interpreter limits time, and the guards what functions make; a comprehension over the product of two lists would
//! fill the memory before its time is over. So the head of each is wrapped in a function that hands it on and spends
//! what one turn may have made: the head itself, and the collections that are written out within. That is known when the
//! text is read; the function needs no look at the value. Lines stay what they are.

use regorus::unstable::{Expr, Module, Query, Ref, Span};

use crate::hoist::Edit;
use crate::walk::Pending;

/// The function, which no policy may call by itself.
pub(crate) const FUNCTION: &str = "sealift.made";
/// Bytes of one element of a collection, with what the interpreter keeps around it.
const ELEMENT_BYTES: usize = 128;
/// Bytes of one item of a collection that is written out.
const ITEM_BYTES: usize = 64;

/// Insertions into the text of a module: where, and what.
pub(crate) fn counted(module: &Module, text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    for rule in &module.policy {
        let mut pending = Pending::of(rule);
        while let Some(expr) = pending.next() {
            let found = match expr {
                Expr::ArrayCompr { span, term, query, .. }
                | Expr::SetCompr { span, term, query, .. } => {
                    head(text, span, None, query).map(|range| (range, cost(&[term], query)))
                }
                Expr::ObjectCompr { span, key, value, query, .. } => {
                    let range = head(text, span, Some((key.span(), value.span())), query);
                    range.map(|range| (range, cost(&[key, value], query)))
                }
                _ => None,
            };
            let Some(((start, end), cost)) = found else { continue };
            edits.push((start, start, format!("{FUNCTION}(")));
            edits.push((end, end, format!(", {cost})")));
        }
    }
    edits
}

/// What one turn may make: its element, and every collection that is written out in it.
fn cost(heads: &[&Ref<Expr>], query: &Query) -> usize {
    let mut pending = Pending::default();
    for head in heads {
        pending.expression(head);
    }
    for statement in &query.stmts {
        pending.add(statement);
    }
    let mut items = 0_usize;
    while let Some(expr) = pending.next() {
        items += match expr {
            Expr::Array { items, .. } | Expr::Set { items, .. } => 1 + items.len(),
            Expr::Object { fields, .. } => 1 + 2 * fields.len(),
            _ => 0,
        };
    }
    ELEMENT_BYTES + ITEM_BYTES * items
}

/// From the bracket, or the colon of an object's, to the bar before the query.
fn head(
    text: &str,
    whole: &Span,
    object: Option<(&Span, &Span)>,
    query: &Query,
) -> Option<(usize, usize)> {
    let open = offset(whole.start)?;
    if !matches!(text.as_bytes().get(open), Some(b'[' | b'{')) {
        return None;
    }
    let first = offset(query.stmts.first()?.span.start)?;
    let start = match object {
        None => open + 1,
        Some((key, value)) => {
            let (mut from, to) = (offset(key.end)?, offset(value.start)?);
            // The place of a text ends before its quote.
            if matches!(text.as_bytes().get(from), Some(b'"' | b'`')) {
                from += 1;
            }
            let between = text.get(from..to)?;
            from + code(between).find(':')? + 1
        }
    };
    // Between the bar and the query there is nothing but blanks, brackets and comments.
    let before = code(text.get(start..first)?);
    let end = start + before.rfind('|')?;
    Some((start, end))
}

/// The text with its comments blank; texts in quotes are no part of what this is asked for, or end before it.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut is_comment, mut quote) = (false, None);
    let mut is_escaped = false;
    for c in text.chars() {
        match (c, quote) {
            ('\n', _) => is_comment = false,
            ('#', None) => is_comment = true,
            ('"' | '`', None) if !is_comment => quote = Some(c),
            (c, Some(open)) if c == open && !is_escaped => quote = None,
            _ => {}
        }
        is_escaped = c == '\\' && quote == Some('"') && !is_escaped;
        if (is_comment || quote.is_some()) && c != '\n' {
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}

fn offset(place: u32) -> Option<usize> {
    usize::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use regorus::Engine;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut engine = Engine::new();
        engine.add_policy("p".to_owned(), text.to_owned()).unwrap();
        let mut edits = counted(&engine.get_modules()[0], text);
        edits.sort();
        let (mut out, mut at) = (String::new(), 0);
        for (start, _, new) in edits {
            out.push_str(&text[at..start]);
            out.push_str(&new);
            at = start;
        }
        out.push_str(&text[at..]);
        let out = out.replace(FUNCTION, "made");
        assert_eq!(out, expected);
        // It is a text still.
        Engine::new().add_policy("p".to_owned(), out).unwrap();
    }

    #[test]
    fn heads_are_wrapped() {
        check(
            "package a\np := [x | x := input[_]]",
            "package a\np := [made(x , 128)| x := input[_]]",
        );
        check(
            "package a\np := {[x, (y)] | x := input[_]; y := x}",
            "package a\np := {made([x, (y)] , 320)| x := input[_]; y := x}",
        );
        check(
            "package a\np := {(k): ({\"a\": v}) | some k, v in input}",
            "package a\np := {(k):made( ({\"a\": v}) , 320)| some k, v in input}",
        );
        check(
            "package a\np := {\"|: # `\": \"|\" | # a | b\n  input.x}",
            "package a\np := {\"|: # `\":made( \"|\" , 128)| # a | b\n  input.x}",
        );
        check(
            "package a\np := [[y | y := x[_]] | x := input[_]]",
            "package a\np := [made([made(y , 128)| y := x[_]] , 128)| x := input[_]]",
        );
        check("package a\np if { [1, 2][_] }", "package a\np if { [1, 2][_] }");
    }
}
