//! Variables in values: `$NAME`, `${NAME}`, `${NAME:-default}`; `$$` is a dollar.

/// The text with defaults in place; a variable without one stays as it is.
pub(super) fn expand(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((inner, after)) = braced(rest) {
            match default(inner) {
                Some(default) => expanded.push_str(default),
                None => expanded.extend(["${", inner, "}"]),
            }
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    expanded
}

/// What stands in braces at the start, and what follows them.
fn braced(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{')?;
    let mut depth = 1_usize;
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inner[..at], &inner[at + 1..]));
        }
    }
    None
}

fn default(inner: &str) -> Option<&str> {
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let rest = &inner[end..];
    rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')).filter(|text| !text.contains('$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_take_the_place_of_variables() {
        for (text, expected) in [
            ("nginx:${TAG:-latest}", "nginx:latest"),
            ("${A-x}${B}$C", "x${B}$C"),
            ("a$$b", "a$b"),
            ("${A:?must be set}", "${A:?must be set}"),
            ("${A:-${B}}", "${A:-${B}}"),
            ("${", "${"),
            ("$", "$"),
        ] {
            assert_eq!(expand(text), expected, "{text}");
        }
    }
}
