//! What a user names: an image, a folder, an archive, a document.

use std::fmt;
use std::path::PathBuf;

use sealift_oci::Reference;

use crate::{Error, Result};

/// What a user names. A prefix says where it is; without one it is looked for in the store, then in Docker, then in
/// the registry. What begins with `.` or `/` is a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// No prefix.
    Any(Reference),
    /// `store:`, the local store.
    Store(Reference),
    /// `registry:`, also `docker://` as skopeo writes it.
    Registry(Reference),
    /// `oci-dir:PATH[:NAME]`, also `oci:`; an OCI layout.
    OciDir {
        /// The folder.
        path: PathBuf,
        /// Name in its index.
        name: Option<String>,
    },
    /// `oci-archive:PATH[:NAME]`, a tar of an OCI layout.
    OciArchive {
        /// The archive.
        path: PathBuf,
        /// Name in its index.
        name: Option<String>,
    },
    /// `docker-archive:PATH[:NAME]`, what `docker save` writes.
    DockerArchive {
        /// The archive.
        path: PathBuf,
        /// Name in its manifest.
        name: Option<String>,
    },
    /// `docker:`, the Docker daemon.
    Docker(Reference),
    /// `podman:`, Podman's service.
    Podman(Reference),
    /// `containerd:`, a containerd daemon.
    Containerd(Reference),
    /// `dir:PATH`, files as they lie there.
    Dir(PathBuf),
    /// `rootfs:PATH`, a tar of a root file system.
    Rootfs(PathBuf),
    /// `sbom:PATH`, a document about an image.
    Sbom(PathBuf),
    /// `./PATH[:NAME]` or `/PATH[:NAME]`: what lies there says what it is, see [`crate::detect`].
    Path {
        /// The file or folder.
        path: PathBuf,
        /// Name of an image in it.
        name: Option<String>,
    },
}

impl Target {
    /// Reads what a user wrote. A path ends at its first colon.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((prefix, rest)) = text.split_once(':') else { return any(text) };
        let needs_rest = |what: &str| {
            if rest.is_empty() {
                let reason = format!("there is no {what} after `{prefix}:`");
                return Err(Error::Target { text: text.to_owned(), reason, hint: None });
            }
            Ok(())
        };
        let reference = || {
            needs_rest("reference")?;
            Ok::<_, Error>(Reference::parse(rest)?)
        };
        let path = || {
            needs_rest("path")?;
            Ok::<_, Error>(PathBuf::from(rest))
        };
        let named_path = || {
            let (path, name) = match rest.split_once(':') {
                Some((path, name)) => (path, Some(name).filter(|name| !name.is_empty())),
                None => (rest, None),
            };
            if path.is_empty() {
                needs_rest("path")?;
                let reason = format!("there is no path after `{prefix}:`");
                return Err(Error::Target { text: text.to_owned(), reason, hint: None });
            }
            Ok::<_, Error>((PathBuf::from(path), name.map(str::to_owned)))
        };
        Ok(match prefix {
            "store" => Self::Store(reference()?),
            "docker" if rest.starts_with("//") => Self::Registry(Reference::parse(&rest[2..])?),
            "registry" => Self::Registry(reference()?),
            "docker" => Self::Docker(reference()?),
            "podman" => Self::Podman(reference()?),
            "containerd" => Self::Containerd(reference()?),
            "oci-dir" | "oci" => {
                let (path, name) = named_path()?;
                Self::OciDir { path, name }
            }
            "oci-archive" => {
                let (path, name) = named_path()?;
                Self::OciArchive { path, name }
            }
            "docker-archive" => {
                let (path, name) = named_path()?;
                Self::DockerArchive { path, name }
            }
            "dir" => Self::Dir(path()?),
            "rootfs" => Self::Rootfs(path()?),
            "sbom" => Self::Sbom(path()?),
            _ => return any(text),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, path, name) = match self {
            Self::Any(reference) => return out.write_str(&bare(reference)),
            Self::Store(reference) => return write!(out, "store:{}", reference.familiar()),
            Self::Registry(reference) => return write!(out, "registry:{}", reference.familiar()),
            Self::Docker(reference) => return write!(out, "docker:{}", reference.familiar()),
            Self::Podman(reference) => return write!(out, "podman:{}", reference.familiar()),
            Self::Containerd(reference) => {
                return write!(out, "containerd:{}", reference.familiar());
            }
            Self::OciDir { path, name } => ("oci-dir", path, name),
            Self::OciArchive { path, name } => ("oci-archive", path, name),
            Self::DockerArchive { path, name } => ("docker-archive", path, name),
            Self::Dir(path) => ("dir", path, &None),
            Self::Rootfs(path) => ("rootfs", path, &None),
            Self::Sbom(path) => ("sbom", path, &None),
            Self::Path { path, name } => {
                out.write_str(&path.to_string_lossy())?;
                return name.iter().try_for_each(|name| write!(out, ":{name}"));
            }
        };
        write!(out, "{prefix}:{}", path.display())?;
        match name {
            Some(name) => write!(out, ":{name}"),
            None => Ok(()),
        }
    }
}

// Without a prefix. `docker.io/library/registry:2` as people write it would be image `2` of a registry.
fn bare(reference: &Reference) -> String {
    let familiar = reference.familiar();
    match Target::parse(&familiar) {
        Ok(Target::Any(again)) if again == *reference => familiar,
        _ => reference.to_string(),
    }
}

fn any(text: &str) -> Result<Target> {
    if text.starts_with(['.', '/']) {
        let (path, name) = match text.split_once(':') {
            Some((path, name)) => (path, Some(name.to_owned()).filter(|name| !name.is_empty())),
            None => (text, None),
        };
        return Ok(Target::Path { path: PathBuf::from(path), name });
    }
    if text.starts_with('~') {
        return Err(Error::Target {
            text: text.to_owned(),
            reason: "it looks like a path, but `~` is for the shell to replace".to_owned(),
            hint: Some("write the path from `/` or `./` on".to_owned()),
        });
    }
    Ok(Target::Any(Reference::parse(text)?))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&match Target::parse(text) {
            Ok(target) => {
                let shown = target.to_string();
                assert_eq!(Target::parse(&shown).unwrap(), target, "{shown}");
                let debug = format!("{target:?}");
                format!("{} {shown}", debug.split(['(', ' ']).next().unwrap_or_default())
            }
            Err(error) => format!("{error} / {}", error.hint().unwrap_or_default()),
        });
    }

    #[test]
    fn prefixes() {
        check("debian:12", expect!["Any debian:12"]);
        check("localhost:5000/app:1", expect!["Any localhost:5000/app:1"]);
        check("library/registry:2", expect!["Any docker.io/library/registry:2"]);
        check("docker.io/docker", expect!["Any docker"]);
        check("store:app:1", expect!["Store store:app:1"]);
        check("registry:corp.example/app", expect!["Registry registry:corp.example/app"]);
        check("docker://debian:12", expect!["Registry registry:debian:12"]);
        check("docker:debian", expect!["Docker docker:debian"]);
        check("podman:debian", expect!["Podman podman:debian"]);
        check("containerd:debian:12", expect!["Containerd containerd:debian:12"]);
        check("oci-dir:out:app:1", expect!["OciDir oci-dir:out:app:1"]);
        check("oci:out", expect!["OciDir oci-dir:out"]);
        check("oci-archive:/tmp/a.tar", expect!["OciArchive oci-archive:/tmp/a.tar"]);
        check("docker-archive:a.tar:app:1", expect!["DockerArchive docker-archive:a.tar:app:1"]);
        check("dir:.", expect!["Dir dir:."]);
        check("sbom:a.json", expect!["Sbom sbom:a.json"]);
        check("rootfs:a.tar.gz", expect!["Rootfs rootfs:a.tar.gz"]);
        check("./app", expect!["Path ./app"]);
        check("../app.tar:app:1", expect!["Path ../app.tar:app:1"]);
        check("/tmp/app.json", expect!["Path /tmp/app.json"]);
    }

    #[test]
    fn refusals() {
        check("", expect!["`` is not an image reference: the repository is empty / "]);
        check("dir:", expect!["`dir:` names no image: there is no path after `dir:` / "]);
        check(
            "oci-dir::x",
            expect!["`oci-dir::x` names no image: there is no path after `oci-dir:` / "],
        );
        check(
            "store:",
            expect!["`store:` names no image: there is no reference after `store:` / "],
        );
        check(
            "~/app",
            expect![
                "`~/app` names no image: it looks like a path, but `~` is for the shell to replace / write the path from `/` or `./` on"
            ],
        );
    }
}
