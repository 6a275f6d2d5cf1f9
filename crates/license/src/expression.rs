//! Expressions of names in any ecosystem's words: `and`, `or`, parentheses, and commas as Debian uses them.

use spdx::Expression;

/// Longest expression that is read.
pub(crate) const BYTES_MAX: usize = 2000;

/// Reads an expression; `term` gives the SPDX expression of a name, which may have several words.
/// `or` binds weaker than `and`.
pub(crate) fn read(text: &str, term: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut out: Vec<String> = Vec::new();
    let mut name: Vec<&str> = Vec::new();
    for word in spaced.split_whitespace() {
        let operator = match word {
            "(" | ")" => word,
            "&" => "AND",
            "|" | "||" => "OR",
            _ if word.eq_ignore_ascii_case("and") => "AND",
            // Who may take one or both may take one.
            _ if word.eq_ignore_ascii_case("or") || word.eq_ignore_ascii_case("and/or") => "OR",
            _ => {
                name.push(word);
                continue;
            }
        };
        close(&mut out, &mut name, term)?;
        out.push(operator.to_owned());
    }
    close(&mut out, &mut name, term)?;
    let is_single = out.len() == 1;
    let parts: Vec<String> =
        out.into_iter().map(|part| if is_single { part } else { wrap(part) }).collect();
    valid(&parts.join(" ").replace("( ", "(").replace(" )", ")"))
}

/// Reads an expression of Debian's copyright format 1.0, in which a comma before an operator makes that bind weaker
/// than everything without one.
pub(crate) fn read_debian(text: &str, term: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let (mut start, mut operator) = (0, "");
    let mut whole: Option<String> = None;
    for at in 1..=words.len() {
        let is_operator =
            |word: &str| word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or");
        let is_end = at == words.len();
        let is_split = is_end || words[at - 1].ends_with(',') && is_operator(words[at]);
        if !is_split || at <= start {
            continue;
        }
        let part = words[start..at].join(" ");
        let part = read(part.trim_end_matches(','), term)?;
        whole = Some(match whole {
            Some(whole) => format!("{} {} {}", wrap(whole), operator.to_uppercase(), wrap(part)),
            None => part,
        });
        if !is_end {
            (start, operator) = (at + 1, words[at]);
        }
    }
    if start >= words.len() {
        return None;
    }
    valid(&whole?)
}

fn close(
    out: &mut Vec<String>,
    name: &mut Vec<&str>,
    term: &dyn Fn(&str) -> Option<String>,
) -> Option<()> {
    if !name.is_empty() {
        out.push(term(&name.join(" "))?);
        name.clear();
    }
    Some(())
}

// In parentheses, if it is more than one licence.
fn wrap(expression: String) -> String {
    let is_simple = !expression.contains(" AND ") && !expression.contains(" OR ");
    let is_wrapped =
        expression.starts_with('(') && expression.find(')') == Some(expression.len() - 1);
    if is_simple || is_wrapped { expression } else { format!("({expression})") }
}

/// The text, if it is an SPDX expression.
pub(crate) fn valid(expression: &str) -> Option<String> {
    if expression.len() > BYTES_MAX {
        return None;
    }
    let is_none = ["NOASSERTION", "NONE"].iter().any(|word| expression.eq_ignore_ascii_case(word));
    // Where a document is that another's licence is in, is not known here.
    if is_none || expression.contains("DocumentRef-") {
        return None;
    }
    Expression::parse(expression).ok()?;
    Some(expression.to_owned())
}
