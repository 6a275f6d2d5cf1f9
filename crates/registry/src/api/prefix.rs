//! A path before all others, `/team/` for example: taken away from requests, and put before what answers point to.

use hyper::header::{self, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Uri};

/// What all paths begin with: nothing, or `/team`, without a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Of a path as the configuration has it: `/` or `/team/`.
    pub fn new(path: &str) -> Self {
        Self(path.trim_end_matches('/').to_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address without the prefix; `None` if it does not begin with it.
    pub(super) fn without(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path_and_query()?.as_str();
        let rest = path.strip_prefix(&self.0).filter(|rest| rest.starts_with('/'))?;
        Some(Uri::from(PathAndQuery::try_from(rest).ok()?))
    }

    /// Puts the prefix before the places that an answer names.
    pub(super) fn put_before(&self, headers: &mut HeaderMap) {
        for (name, start) in [(header::LOCATION, "/"), (header::LINK, "</")] {
            let Some(value) = headers.get(&name).and_then(|value| value.to_str().ok()) else {
                continue;
            };
            let Some(rest) = value.strip_prefix(start) else { continue };
            let lead = &start[..start.len() - 1];
            if let Ok(value) = HeaderValue::from_str(&format!("{lead}{}/{rest}", self.0)) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let prefix = Prefix::new("/team/a/");
        let check = |uri: &str| prefix.without(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(check("/team/a/v2/?n=1").as_deref(), Some("/v2/?n=1"));
        assert_eq!(check("/team/a/").as_deref(), Some("/"));
        for other in ["/team/a", "/team/ab/v2/", "/v2/", "/", "/v2/team/a/"] {
            assert_eq!(check(other), None, "{other}");
        }
        assert!(Prefix::new("/").is_empty());
    }

    #[test]
    fn places() {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_static("/v2/a"));
        headers.insert(header::LINK, HeaderValue::from_static("</v2/_catalog?n=1>; rel=\"next\""));
        Prefix::new("/x/").put_before(&mut headers);
        assert_eq!(headers[header::LOCATION], "/x/v2/a");
        assert_eq!(headers[header::LINK], "</x/v2/_catalog?n=1>; rel=\"next\"");
        headers.insert(header::LOCATION, HeaderValue::from_static("https://store/a"));
        Prefix::new("/x/").put_before(&mut headers);
        assert_eq!(headers[header::LOCATION], "https://store/a");
    }
}
