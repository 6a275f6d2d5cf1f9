//! Package URLs (package-url specification, PURL-SPECIFICATION.rst).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A package URL in its parts; `Display` gives the canonical text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Purl {
    /// Type, lower-case.
    pub kind: String,
    /// Namespace, parts joined by `/`.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// Qualifiers, sorted by key.
    pub qualifiers: BTreeMap<String, String>,
    /// Path below the package.
    pub subpath: Option<String>,
}

impl Purl {
    /// A purl of type and name.
    pub fn new(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
            version: None,
            qualifiers: BTreeMap::new(),
            subpath: None,
        }
    }

    /// Reads a text; `None` if it is no package URL.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("pkg:"));
        let rest = text.trim()[rest?.len()..].trim_start_matches('/');
        let (rest, subpath) = match rest.split_once('#') {
            Some((rest, subpath)) => (rest, Some(decoded_parts(subpath)?)),
            None => (rest, None),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut qualifiers = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=')?;
            qualifiers.insert(key.to_ascii_lowercase(), decoded(value)?);
        }
        qualifiers.retain(|_, value| !value.is_empty());
        let (kind, path) = rest.split_once('/')?;
        let is_type = |byte: u8| byte.is_ascii_alphanumeric() || b".+-".contains(&byte);
        if kind.is_empty() || !kind.bytes().all(is_type) {
            return None;
        }
        // An `@` before the last `/` belongs to a scope: `pkg:npm/@babel/core`.
        let path = path.trim_end_matches('/');
        let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
        let (path, version) = match path[name_start..].rfind('@') {
            Some(at) if at > 0 => {
                (&path[..name_start + at], Some(decoded(&path[name_start + at + 1..])?))
            }
            _ => (path, None),
        };
        let (namespace, name) = match path.rsplit_once('/') {
            Some((namespace, name)) => (Some(decoded_parts(namespace)?), name),
            None => (None, path),
        };
        let name = decoded(name)?;
        if name.is_empty() {
            return None;
        }
        Some(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: namespace.filter(|text| !text.is_empty()),
            name,
            version: version.filter(|text| !text.is_empty()),
            qualifiers,
            subpath: subpath.filter(|text| !text.is_empty()),
        })
    }
}

fn decoded_parts(text: &str) -> Option<String> {
    let parts: Option<Vec<String>> =
        text.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    Some(parts?.join("/"))
}

// Undoes percent-encoding; a lone `%` stands for itself.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = hex
            .filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match byte {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Purl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "pkg:{}", self.kind)?;
        if let Some(namespace) = &self.namespace {
            for part in namespace.split('/').filter(|part| !part.is_empty()) {
                write!(out, "/{}", Encoded(part))?;
            }
        }
        write!(out, "/{}", Encoded(&self.name))?;
        if let Some(version) = &self.version {
            write!(out, "@{}", Encoded(version))?;
        }
        let mut separator = '?';
        for (key, value) in self.qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
            write!(out, "{separator}{key}={}", Encoded(value))?;
            separator = '&';
        }
        if let Some(subpath) = &self.subpath {
            let parts: Vec<String> = subpath
                .split('/')
                .filter(|part| !matches!(*part, "" | "." | ".."))
                .map(|part| Encoded(part).to_string())
                .collect();
            write!(out, "#{}", parts.join("/"))?;
        }
        Ok(())
    }
}

// Percent-encoding: everything but unreserved characters and the colon.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
                write!(out, "{}", char::from(byte))?;
            } else {
                write!(out, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text() {
        let mut purl = Purl::new("deb", "libstdc++6");
        purl.namespace = Some("debian".to_owned());
        purl.version = Some("1:12.2.0-14+deb12u1".to_owned());
        purl.qualifiers.insert("distro".to_owned(), "debian-12".to_owned());
        purl.qualifiers.insert("arch".to_owned(), "amd64".to_owned());
        assert_eq!(
            purl.to_string(),
            "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12"
        );
    }

    #[test]
    fn parsing() {
        let check = |text: &str, canonical: Option<&str>| {
            assert_eq!(Purl::parse(text).map(|purl| purl.to_string()).as_deref(), canonical);
        };
        for same in [
            "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12",
            "pkg:npm/%40babel/core@7.0.0",
            "pkg:golang/github.com/a/b@v1.0.0#cmd/x",
            "pkg:pypi/flask",
            "pkg:oci/app@sha256:00?repository_url=a%2Fb",
        ] {
            check(same, Some(same));
        }
        check("PKG://PyPI/flask@2/?X=", Some("pkg:pypi/flask@2"));
        check("pkg:npm/@babel/core@7", Some("pkg:npm/%40babel/core@7"));
        check("pkg:npm/@babel/core", Some("pkg:npm/%40babel/core"));
        check("pkg:generic/a%zz", Some("pkg:generic/a%25zz"));
        for bad in
            ["", "pkg:", "pkg:a", "pkg:a/", "pkg:/a", "pkg:a/%ff", "pkg:ä/a", "http://a/b", "äää"]
        {
            check(bad, None);
        }
    }
}
