//! How a finding can be mended, and the mending of a text.

use crate::Span;

/// How sure it is that a fix changes nothing but the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// What is built behaves the same, or is only smaller.
    Safe,
    /// It may behave differently: a person should look at it.
    Suggested,
    /// Never applied: shown as a patch, for a person to finish.
    Manual,
}

impl Tier {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Suggested => "suggested",
            Self::Manual => "manual",
        }
    }
}

/// One replacement of bytes; an empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

impl Edit {
    /// Put `text` in place of `span`.
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }

    /// Put `text` before the byte at `offset`.
    pub fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self { span: Span::at(offset), text: text.into() }
    }

    /// Take `span` away.
    pub fn delete(span: Span) -> Self {
        Self { span, text: String::new() }
    }
}

/// A file that a fix makes, or puts in place of one, beside the text that it mends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its path, relative to the build context.
    pub path: String,
    /// Its whole content.
    pub content: String,
}

/// How a finding can be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// How sure it is.
    pub tier: Tier,
    /// What it does, in one line in the imperative.
    pub title: String,
    /// The replacements: all of them or none.
    pub edits: Vec<Edit>,
    /// A file that it makes.
    pub file: Option<NewFile>,
}

impl Fix {
    /// A fix of some edits.
    pub fn new(tier: Tier, title: impl Into<String>, edits: Vec<Edit>) -> Self {
        Self { tier, title: title.into(), edits, file: None }
    }
}

/// A text after some of its fixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The text.
    pub text: String,
    /// Which of the fixes are in it, by their place in the list.
    pub applied: Vec<usize>,
}

/// Apply fixes in their order. One that touches bytes of an earlier one, or that does not fit the text, is left out:
/// whoever wants it lints the mended text again.
pub fn apply(text: &str, fixes: &[&Fix]) -> Mended {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut applied = Vec::new();
    for (index, fix) in fixes.iter().enumerate() {
        let fits = |edit: &Edit| {
            edit.span.start <= edit.span.end && text.get(edit.span.start..edit.span.end).is_some()
        };
        let mut own: Vec<&Edit> = fix.edits.iter().filter(|edit| !taken.contains(edit)).collect();
        own.sort_by_key(|edit| edit.span);
        let is_free = own.iter().all(|edit| fits(edit) && !taken.iter().any(|it| clash(it, edit)))
            && own.windows(2).all(|pair| !clash(pair[0], pair[1]));
        if is_free {
            taken.extend(own);
            applied.push(index);
        }
    }
    taken.sort_by_key(|edit| edit.span);
    let mut mended = String::with_capacity(text.len());
    let mut end = 0;
    for edit in taken {
        mended.push_str(&text[end..edit.span.start]);
        mended.push_str(&edit.text);
        end = edit.span.end;
    }
    mended.push_str(&text[end..]);
    Mended { text: mended, applied }
}

/// Whether two edits touch the same bytes, or insert at the same place.
fn clash(a: &Edit, b: &Edit) -> bool {
    if a.span == b.span {
        return true;
    }
    a.span.start < b.span.end && b.span.start < a.span.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, fixes: &[&[(usize, usize, &str)]], expected: &str, applied: &[usize]) {
        let fixes: Vec<Fix> = fixes
            .iter()
            .map(|edits| {
                let edits = edits
                    .iter()
                    .map(|(start, end, text)| Edit::replace(Span::new(*start, *end), *text));
                Fix::new(Tier::Safe, "mend it", edits.collect())
            })
            .collect();
        let mended = apply(text, &fixes.iter().collect::<Vec<_>>());
        assert_eq!((mended.text.as_str(), mended.applied.as_slice()), (expected, applied));
    }

    #[test]
    fn edits_are_applied_together_or_not_at_all() {
        check("abcdef", &[&[(0, 1, "A"), (4, 5, "")], &[(2, 2, "-")]], "Ab-cdf", &[0, 1]);
        check("abcdef", &[&[(0, 3, "X")], &[(2, 4, "Y"), (5, 6, "Z")]], "Xdef", &[0]);
        check("abcdef", &[&[(2, 2, "x")], &[(2, 2, "y")]], "abxcdef", &[0]);
        // The same edit for two findings is made once.
        check("abcdef", &[&[(0, 1, "")], &[(0, 1, ""), (5, 6, "")]], "bcde", &[0, 1]);
    }

    #[test]
    fn edits_that_do_not_fit_are_left_out() {
        check("aé", &[&[(2, 3, "x")], &[(0, 9, "")], &[(0, 1, "b")]], "bé", &[2]);
        check("abc", &[&[(0, 2, "x"), (1, 3, "y")]], "abc", &[]);
    }
}
