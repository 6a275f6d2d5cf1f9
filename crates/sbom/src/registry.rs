//! Where packages and distributions have their pages: what a package URL means without saying it (purl-spec, the
//! default repository of each type).

use sealift_model::Package;

use crate::text;

/// A registry, and the page of a package there.
pub(crate) struct Registry {
    pub(crate) host: String,
    pub(crate) page: String,
}

/// The registry that a package comes from by its package URL.
pub(crate) fn of(package: &Package) -> Option<Registry> {
    let purl = &package.purl;
    if purl.name.is_empty() {
        return None;
    }
    if let Some(other) = purl.qualifiers.get("repository_url") {
        let address =
            if other.contains("://") { other.clone() } else { format!("https://{other}") };
        return registry(address);
    }
    let name = &purl.name;
    let path = match &purl.namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.clone(),
    };
    let page = match purl.kind.as_str() {
        "pypi" => format!("https://pypi.org/project/{name}/"),
        "npm" => format!("https://www.npmjs.com/package/{path}"),
        // A module without a host name, as `main` and `command-line-arguments`, is nobody's but its maker's.
        "golang" if path.split('/').next().is_some_and(|host| host.contains('.')) => {
            format!("https://pkg.go.dev/{path}")
        }
        "golang" if name == "stdlib" => "https://pkg.go.dev/std".to_owned(),
        "cargo" => format!("https://crates.io/crates/{name}"),
        "gem" => format!("https://rubygems.org/gems/{name}"),
        "maven" => format!("https://repo.maven.apache.org/maven2/{}", path.replace('.', "/")),
        "composer" => format!("https://packagist.org/packages/{path}"),
        "nuget" => format!("https://www.nuget.org/packages/{name}"),
        "hex" => format!("https://hex.pm/packages/{name}"),
        "pub" => format!("https://pub.dev/packages/{name}"),
        "cran" => format!("https://cran.r-project.org/package={name}"),
        "cpan" => format!("https://metacpan.org/dist/{name}"),
        "hackage" => format!("https://hackage.haskell.org/package/{name}"),
        "luarocks" => format!("https://luarocks.org/modules/{path}"),
        "cocoapods" => format!("https://cocoapods.org/pods/{name}"),
        "conan" => format!("https://conan.io/center/recipes/{name}"),
        "conda" => format!("https://anaconda.org/anaconda/{name}"),
        "opam" => format!("https://opam.ocaml.org/packages/{name}/"),
        "github" => format!("https://github.com/{path}"),
        "bitnami" => format!("https://github.com/bitnami/containers/tree/main/bitnami/{name}"),
        "deb" if purl.namespace.as_deref() == Some("debian") => {
            let source = package.source.as_ref().map_or(name, |source| &source.name);
            format!("https://tracker.debian.org/pkg/{source}")
        }
        _ => return None,
    };
    registry(page)
}

fn registry(page: String) -> Option<Registry> {
    let page = text::web_address(&page)?;
    let host = page.split('/').nth(2)?.trim_start_matches("www.").to_owned();
    Some(Registry { host, page })
}

/// The home page of a distribution, by its `ID`.
pub(crate) fn page_of_distro(id: &str) -> Option<&'static str> {
    Some(match id {
        "debian" => "https://www.debian.org/",
        "ubuntu" => "https://ubuntu.com/",
        "alpine" => "https://alpinelinux.org/",
        "fedora" => "https://fedoraproject.org/",
        "rhel" => "https://www.redhat.com/",
        "centos" => "https://www.centos.org/",
        "rocky" => "https://rockylinux.org/",
        "almalinux" => "https://almalinux.org/",
        "amzn" => "https://aws.amazon.com/amazon-linux-2/",
        "ol" => "https://www.oracle.com/linux/",
        "sles" | "sled" => "https://www.suse.com/",
        "opensuse-leap" | "opensuse-tumbleweed" => "https://www.opensuse.org/",
        "arch" => "https://archlinux.org/",
        "gentoo" => "https://www.gentoo.org/",
        "nixos" => "https://nixos.org/",
        "wolfi" | "chainguard" => "https://wolfi.dev/",
        "azurelinux" | "mariner" => "https://github.com/microsoft/azurelinux",
        "photon" => "https://vmware.github.io/photon/",
        "openwrt" => "https://openwrt.org/",
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use sealift_model::{PackageKind, Purl};

    use super::*;

    #[test]
    fn pages() {
        let check = |purl: &str, expected: Option<(&str, &str)>| {
            let mut package = Package::new(PackageKind::Other, "x");
            package.purl = Purl::parse(purl).unwrap();
            let found = of(&package).map(|registry| (registry.host, registry.page));
            let expected = expected.map(|(host, page)| (host.to_owned(), page.to_owned()));
            assert_eq!(found, expected, "{purl}");
        };
        check("pkg:pypi/flask@2", Some(("pypi.org", "https://pypi.org/project/flask/")));
        check(
            "pkg:npm/%40babel/core@7",
            Some(("npmjs.com", "https://www.npmjs.com/package/@babel/core")),
        );
        check("pkg:golang/main", None);
        check(
            "pkg:golang/golang.org/x/net",
            Some(("pkg.go.dev", "https://pkg.go.dev/golang.org/x/net")),
        );
        check(
            "pkg:pypi/own?repository_url=pypi.corp.example/simple",
            Some(("pypi.corp.example", "https://pypi.corp.example/simple")),
        );
        check("pkg:pypi/own?repository_url=no%20address", None);
        check("pkg:generic/openssl@3", None);
    }
}
