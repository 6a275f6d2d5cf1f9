//! Remarks that allow a secret on their line: ours and those of other scanners.

use std::ops::Range;

use memchr::memmem;

// Lines of generated files may have megabytes.
const LINE_BYTES_MAX: usize = 4096;

/// Words that allow what is on their line; behind those with `true` rules may be named.
const REMARKS: [(&[u8], bool); 4] = [
    (b"sealift:allow", true),
    (b"gitleaks:allow", false),
    (b"trivy:ignore", true),
    (b"pragma: allowlist secret", false),
];

/// Whether a remark on a line of the secret allows it.
pub(crate) fn is_allowed(text: &[u8], secret: &Range<usize>, rule: &str) -> bool {
    let first = line(text, secret.start);
    let last = line(text, secret.end);
    [first, last].into_iter().any(|line| {
        REMARKS.iter().any(|(word, names_rules)| {
            memmem::find(&text[line.clone()], word).is_some_and(|at| {
                let behind = &text[line.start + at + word.len()..line.end];
                !*names_rules || names(behind, rule)
            })
        })
    })
}

// `=rule,rule` or `:rule`; nothing names all.
fn names(behind: &[u8], rule: &str) -> bool {
    let Some((b'=' | b':', list)) = behind.split_first() else { return true };
    let end = list.iter().position(u8::is_ascii_whitespace).unwrap_or(list.len());
    list[..end]
        .split(|byte| *byte == b',')
        .any(|name| name == rule.as_bytes() || matches!(name, b"secret" | b"secrets" | b"*"))
}

/// The line around a place, or what is near of a very long one.
pub(crate) fn line(text: &[u8], at: usize) -> Range<usize> {
    let at = at.min(text.len());
    let least = at.saturating_sub(LINE_BYTES_MAX);
    let most = text.len().min(at + LINE_BYTES_MAX);
    let start =
        memchr::memrchr(b'\n', &text[least..at]).map_or(least, |newline| least + newline + 1);
    let end = memchr::memchr(b'\n', &text[at..most]).map_or(most, |newline| at + newline);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks() {
        let check = |text: &str, expected: bool| {
            let at = text.find("SECRET").unwrap();
            assert_eq!(is_allowed(text.as_bytes(), &(at..at + 6), "aws"), expected, "{text}");
        };
        check("a = SECRET # gitleaks:allow", true);
        check("a = SECRET // sealift:allow why", true);
        check("a = SECRET # sealift:allow=aws,jwt", true);
        check("a = SECRET # sealift:allow=jwt", false);
        check("a = SECRET # trivy:ignore:secret", true);
        check("# gitleaks:allow\na = SECRET", false);
        check("a = SECRET\n# gitleaks:allow", false);
        check(&format!("gitleaks:allow {} SECRET", "x".repeat(10_000)), false);
    }
}
