//! Lists in pages: how many are asked for, after which, and where the next page is.

use super::query::{Query, encoded};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Comes after this one.
    pub after: Option<&'a str>,
    /// Holds so many at most.
    pub limit: usize,
}

/// The page that a query asks for; `most` is what one page may hold. The fault is the number that is none.
///
/// `is_strict`: more than `most` is refused, as distribution does it for its catalog, where a client that asks for 2^63
/// would get fewer without being told. Tags come with a link to the rest instead.
pub fn asked(query: &Query, most: usize, is_strict: bool) -> Result<Asked<'_>, &str> {
    let after = query.get("last").filter(|last| !last.is_empty());
    let limit = match query.get("n") {
        None | Some("") => most,
        Some(text) => {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            // A number that is too long to be read is too large.
            let wanted = text.parse().unwrap_or(usize::MAX);
            if !is_number || (is_strict && wanted > most) {
                return Err(text);
            }
            wanted.min(most)
        }
    };
    Ok(Asked { after, limit })
}

/// The `Link` header to what follows `last`.
pub fn link(path: &str, last: &str, limit: usize, others: &[(&str, &str)]) -> String {
    let mut link = format!("<{path}?last={}&n={limit}", encoded(last));
    for (name, value) in others {
        link.extend(["&", name, "=", &encoded(value)]);
    }
    link + ">; rel=\"next\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let read = |text: &str, is_strict| {
            let query = Query::parse(text);
            let asked = asked(&query, 1000, is_strict).ok()?;
            Some((asked.after.map(str::to_owned), asked.limit))
        };
        let none = || None::<String>;
        for (text, expected) in [
            ("", Some((none(), 1000))),
            ("n=", Some((none(), 1000))),
            ("n=0", Some((none(), 0))),
            ("n=10&last=a%2Fb", Some((Some("a/b".to_owned()), 10))),
            ("n=-1", None),
            ("n=+1", None),
            ("n=x", None),
            ("n=1.5", None),
        ] {
            assert_eq!(read(text, false), expected, "{text}");
            assert_eq!(read(text, true), expected, "{text}");
        }
        for text in ["n=1001", "n=9223372036854775808", "n=99999999999999999999999"] {
            assert_eq!(read(text, false), Some((none(), 1000)), "{text}");
            assert_eq!(read(text, true), None, "{text}");
        }
        assert_eq!(
            link("/v2/_catalog", "a/b", 1, &[]),
            "</v2/_catalog?last=a%2Fb&n=1>; rel=\"next\""
        );
    }
}
