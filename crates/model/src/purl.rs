//! Package URLs (package-url specification, PURL-SPECIFICATION.rst).

use std::collections::BTreeMap;
use std::fmt;

/// A package URL in its parts; `Display` gives the canonical text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
}
