//! Package URLs of the packages of distributions (package-url, PURL-TYPES).

use sealift_model::{Distro, PackageKind, Purl};

/// What a package URL of a distribution's package is made of.
pub(crate) struct Parts<'a> {
    pub(crate) kind: PackageKind,
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
    pub(crate) architecture: Option<&'a str>,
    pub(crate) distro: Option<&'a Distro>,
    /// What the namespace is if the image does not say which distribution it is.
    pub(crate) namespace: Option<&'a str>,
    /// The source, if it is called something else.
    pub(crate) upstream: Option<&'a str>,
}

/// The package URL.
pub(crate) fn purl(parts: &Parts<'_>) -> Purl {
    let mut purl = Purl::new(parts.kind.purl_type(), parts.name);
    purl.namespace = parts.distro.map(namespace).or(parts.namespace).map(str::to_owned);
    purl.version = parts.version.map(str::to_owned);
    let distro = parts.distro.map(|distro| {
        let release = distro.version_id.as_ref().or(distro.codename.as_ref());
        release.map_or(distro.id.clone(), |release| format!("{}-{release}", distro.id))
    });
    let qualifiers = [
        ("arch", parts.architecture.map(str::to_owned)),
        ("distro", distro),
        ("upstream", parts.upstream.map(str::to_owned)),
    ];
    for (key, value) in qualifiers {
        if let Some(value) = value {
            purl.qualifiers.insert(key.to_owned(), value);
        }
    }
    purl
}

// The vendor where that is another word than the distribution's id.
fn namespace(distro: &Distro) -> &str {
    match distro.id.as_str() {
        "rhel" => "redhat",
        id if id.starts_with("opensuse") => "opensuse",
        id => id,
    }
}
