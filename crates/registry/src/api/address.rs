//! Addresses of the distribution interface. The name of a repository has slashes and stands in the middle of a path, so
//! that a path is read from its right end.

use sealift_oci::{Digest, RepositoryName, Tag};

use super::query::decoded;

/// What a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `/v2/`: is somebody there, and who may come in.
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/NAME/tags/list`
    Tags(RepositoryName),
    /// `/v2/NAME/manifests/TAG`
    Tag(RepositoryName, Tag),
    /// `/v2/NAME/manifests/DIGEST`
    Manifest(RepositoryName, Digest),
    /// `/v2/NAME/blobs/DIGEST`
    Blob(RepositoryName, Digest),
    /// `/v2/NAME/blobs/uploads/`
    Uploads(RepositoryName),
    /// `/v2/NAME/blobs/uploads/ID`
    Upload(RepositoryName, String),
    /// `/v2/NAME/referrers/DIGEST`
    Referrers(RepositoryName, Digest),
}

/// Why a path means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressFault {
    /// There is no such place.
    Unknown,
    /// What stands in the place of a repository is not the name of one.
    Name(String),
    /// What stands in the place of a digest is none.
    Digest(String),
    /// What stands in the place of a tag or a digest is neither.
    Reference(String),
}

impl Address {
    /// Reads the path of a request.
    pub fn parse(path: &str) -> Result<Self, AddressFault> {
        let rest = path.strip_prefix("/v2/").ok_or(AddressFault::Unknown)?;
        match rest {
            "" => return Ok(Self::Base),
            "_catalog" => return Ok(Self::Catalog),
            _ => {}
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return name_of(name).map(Self::Tags);
        }
        let (front, last) = rest.rsplit_once('/').ok_or(AddressFault::Unknown)?;
        // Only the last part may need escapes; a slash that hides in one is no slash.
        let last = decoded(last)
            .filter(|last| !last.contains('/'))
            .ok_or_else(|| AddressFault::Reference(last.to_owned()))?;
        if let Some(name) = front.strip_suffix("/blobs/uploads") {
            let name = name_of(name)?;
            return Ok(if last.is_empty() {
                Self::Uploads(name)
            } else {
                Self::Upload(name, last)
            });
        }
        if let Some(name) = front.strip_suffix("/manifests") {
            return reference(name_of(name)?, last);
        }
        if let Some(name) = front.strip_suffix("/blobs") {
            let name = name_of(name)?;
            // Without its slash, as some clients have it.
            if last == "uploads" {
                return Ok(Self::Uploads(name));
            }
            return digest(last).map(|digest| Self::Blob(name, digest));
        }
        if let Some(name) = front.strip_suffix("/referrers") {
            let name = name_of(name)?;
            return digest(last).map(|digest| Self::Referrers(name, digest));
        }
        Err(AddressFault::Unknown)
    }

    /// The repository that it is about, if it is about one.
    pub fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Base | Self::Catalog => None,
            Self::Tags(name)
            | Self::Tag(name, _)
            | Self::Manifest(name, _)
            | Self::Blob(name, _)
            | Self::Uploads(name)
            | Self::Upload(name, _)
            | Self::Referrers(name, _) => Some(name),
        }
    }
}

fn name_of(text: &str) -> Result<RepositoryName, AddressFault> {
    let fault = || AddressFault::Name(text.to_owned());
    // `//` after `/v2` would be an empty name.
    RepositoryName::parse(text).map_err(|_| fault())
}

fn digest(text: String) -> Result<Digest, AddressFault> {
    text.parse().map_err(|_| AddressFault::Digest(text))
}

fn reference(name: RepositoryName, text: String) -> Result<Address, AddressFault> {
    // No tag has a colon.
    if text.contains(':') {
        return digest(text).map(|digest| Address::Manifest(name, digest));
    }
    Tag::parse(&text).map(|tag| Address::Tag(name, tag)).map_err(|_| AddressFault::Reference(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn name(text: &str) -> RepositoryName {
        RepositoryName::parse(text).unwrap()
    }

    fn parsed_digest() -> Digest {
        DIGEST.parse().unwrap()
    }

    #[test]
    fn addresses() {
        let app = || name("team/app");
        let escaped = DIGEST.replace(':', "%3A");
        for (path, expected) in [
            ("/v2/", Address::Base),
            ("/v2/_catalog", Address::Catalog),
            ("/v2/team/app/tags/list", Address::Tags(app())),
            ("/v2/team/app/manifests/1.0", Address::Tag(app(), Tag::parse("1.0").unwrap())),
            (
                &format!("/v2/team/app/manifests/{DIGEST}"),
                Address::Manifest(app(), parsed_digest()),
            ),
            (
                &format!("/v2/team/app/manifests/{escaped}"),
                Address::Manifest(app(), parsed_digest()),
            ),
            (&format!("/v2/team/app/blobs/{DIGEST}"), Address::Blob(app(), parsed_digest())),
            ("/v2/team/app/blobs/uploads/", Address::Uploads(app())),
            ("/v2/team/app/blobs/uploads", Address::Uploads(app())),
            ("/v2/team/app/blobs/uploads/x-1", Address::Upload(app(), "x-1".to_owned())),
            (
                &format!("/v2/team/app/referrers/{DIGEST}"),
                Address::Referrers(app(), parsed_digest()),
            ),
            // Names that look like parts of an address.
            ("/v2/tags/list/tags/list", Address::Tags(name("tags/list"))),
            (
                "/v2/a/blobs/uploads/manifests/latest",
                Address::Tag(name("a/blobs/uploads"), Tag::parse("latest").unwrap()),
            ),
            (
                "/v2/a/manifests/manifests/b",
                Address::Tag(name("a/manifests"), Tag::parse("b").unwrap()),
            ),
        ] {
            assert_eq!(Address::parse(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn refused() {
        let name = |text: &str| AddressFault::Name(text.to_owned());
        let long = "a/".repeat(200) + "a";
        let tag = "a".repeat(300);
        for (path, fault) in [
            ("", AddressFault::Unknown),
            ("/v2", AddressFault::Unknown),
            ("/v1/search", AddressFault::Unknown),
            ("/v2/app", AddressFault::Unknown),
            ("/v2/app/", AddressFault::Unknown),
            ("/v2/app/other/x", AddressFault::Unknown),
            ("/v2//tags/list", name("")),
            ("/v2/UPPER/x/tags/list", name("UPPER/x")),
            ("/v2/x/../../etc/manifests/a", name("x/../../etc")),
            ("/v2/x%2Fy/manifests/a", name("x%2Fy")),
            ("/v2/a//b/manifests/a", name("a//b")),
            ("/v2/a/manifests/%2e%2e", AddressFault::Reference("..".to_owned())),
            ("/v2/a/manifests/a%2Fb", AddressFault::Reference("a%2Fb".to_owned())),
            ("/v2/a/manifests/a%00", AddressFault::Reference("a\0".to_owned())),
            ("/v2/a/manifests/", AddressFault::Reference(String::new())),
            ("/v2/a/manifests/sha256:ab", AddressFault::Digest("sha256:ab".to_owned())),
            ("/v2/a/blobs/latest", AddressFault::Digest("latest".to_owned())),
            ("/v2/a/referrers/latest", AddressFault::Digest("latest".to_owned())),
            (&format!("/v2/{long}/tags/list"), name(&long)),
            (&format!("/v2/a/manifests/{tag}"), AddressFault::Reference(tag.clone())),
        ] {
            assert_eq!(Address::parse(path), Err(fault), "{path}");
        }
    }
}
