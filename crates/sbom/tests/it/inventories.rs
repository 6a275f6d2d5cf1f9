//! Inventories to write documents of.

use sealift_model::{
    Confidence, Coverage, Distro, Evidence, FileCount, Hash, HashAlgorithm, Inventory, Layer,
    LayerRef, License, LicenseSource, Method, Note, Package, PackageId, PackageKind, Purl,
    Relation, RelationKind, Scope, SourcePackage, Supplier,
};
use sealift_oci::Digest;

fn package(kind: PackageKind, name: &str, version: Option<&str>) -> Package {
    let mut purl = Purl::new(kind.purl_type(), name);
    purl.version = version.map(str::to_owned);
    let layer = LayerRef { index: 0, diff_id: Digest::sha256(b"layer") };
    Package {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        purl,
        evidence: vec![Evidence {
            path: "/var/lib/dpkg/status".to_owned(),
            layer: Some(layer.clone()),
            method: Method::Database,
            confidence: Method::Database.confidence(),
        }],
        introduced_by: Some(layer),
        ..Package::new(kind, "")
    }
}

fn license(declared: &str, spdx: Option<&str>) -> License {
    License::declared(declared.to_owned(), spdx.map(str::to_owned))
}

pub(crate) fn needs(from: usize, to: usize) -> Relation {
    Relation { from: PackageId(from), kind: RelationKind::DependsOn, to: PackageId(to) }
}

pub(crate) fn debian_and_python() -> Inventory {
    let mut libc = package(PackageKind::Deb, "libc6", Some("2.36-9+deb12u9"));
    libc.purl.namespace = Some("debian".to_owned());
    libc.purl.qualifiers.insert("arch".to_owned(), "amd64".to_owned());
    libc.architecture = Some("amd64".to_owned());
    libc.source =
        Some(SourcePackage { name: "glibc".to_owned(), version: "2.36-9+deb12u9".to_owned() });
    libc.supplier = Some(Supplier::Organization(
        "GNU Libc Maintainers <debian-glibc@lists.debian.org>".to_owned(),
    ));
    libc.licenses = vec![
        license("LGPL-2.1+", Some("LGPL-2.1-or-later")),
        license("GPL-2+ with exception", None),
    ];
    libc.homepage = Some("https://www.gnu.org/software/libc/libc.html".to_owned());
    libc.summary = Some("GNU C Library: Shared libraries".to_owned());
    let mut python = package(PackageKind::Deb, "python3", Some("3.11.2-1+b1"));
    python.purl.namespace = Some("debian".to_owned());
    let mut flask = package(PackageKind::Python, "Flask", Some("2.2.2"));
    flask.purl.name = flask.name.to_lowercase();
    flask.supplier = Some(Supplier::Person("Armin Ronacher <armin@example.org>".to_owned()));
    flask.licenses = vec![license("BSD-3-Clause", Some("BSD-3-Clause"))];
    let mut owned = package(PackageKind::Python, "six", Some("1.16.0"));
    owned.owner = Some(PackageId(1));
    Inventory {
        distro: Some(Distro {
            id: "debian".to_owned(),
            version_id: Some("12".to_owned()),
            codename: Some("bookworm".to_owned()),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
            id_like: Vec::new(),
        }),
        packages: vec![libc, python, flask, owned],
        relations: vec![
            needs(1, 0),
            needs(2, 3),
            Relation { from: PackageId(3), kind: RelationKind::OwnedBy, to: PackageId(1) },
        ],
        notes: vec![Note {
            subject: "/usr/lib/x.dist-info/METADATA".to_owned(),
            message: "it has no name".to_owned(),
        }],
        ..Inventory::default()
    }
}

pub(crate) fn odd() -> Inventory {
    let mut texts = package(PackageKind::Python, "a b\n\u{1}ä\"<>", None);
    texts.homepage = Some("https://exa mple/ä".to_owned());
    texts.summary = Some("line\nline\u{7f}".to_owned());
    texts.supplier = Some(Supplier::Person("Ä (x), \"B\" <a@@b>".to_owned()));
    texts.licenses = vec![
        license("MIT OR my own", None),
        license("Some very\nlong text (c) 2020", None),
        license("x", Some("MIT OR Apache-2.0")),
        license("y", Some("GPL-2.0-or-later WITH Classpath-exception-2.0")),
    ];
    let mut compound = package(PackageKind::Python, "compound", Some("1"));
    compound.licenses = vec![
        license("x", Some("MIT OR (Apache-2.0 AND ISC)")),
        license("y", Some("GPL-2.0-only WITH Classpath-exception-2.0")),
        license("z", Some("GPL-2.0")),
    ];
    compound.homepage = Some("http://example.org/%C3%A4?a=b#c".to_owned());
    let nobody = Package {
        evidence: Vec::new(),
        introduced_by: None,
        supplier: Some(Supplier::Organization("  ".to_owned())),
        ..package(PackageKind::Deb, "nobody", Some(""))
    };
    let same = package(PackageKind::Python, "<text>same", Some("1"));
    let mut empty = package(PackageKind::Python, "", None);
    empty.licenses = vec![license("", None), license("unknown", Some("NOASSERTION"))];
    Inventory {
        distro: Some(Distro::default()),
        packages: vec![texts, compound, nobody, same.clone(), same.clone(), same, empty],
        relations: vec![
            needs(0, 1),
            needs(1, 0),
            needs(3, 3),
            needs(3, 99),
            needs(4, 5),
            needs(5, 4),
        ],
        notes: vec![Note { subject: "a\nb".to_owned(), message: "\u{0}".to_owned() }],
        ..Inventory::default()
    }
}

pub(crate) fn every_license() -> Inventory {
    let ids = spdx::identifiers::LICENSES.iter().map(|known| known.name);
    let mut packages = Vec::new();
    for (number, id) in ids.filter(|id| *id != "NOASSERTION").enumerate() {
        let mut package = package(PackageKind::Python, &format!("p{number}"), Some("1"));
        package.licenses = vec![license(id, Some(id))];
        packages.push(package);
    }
    assert!(packages.len() > 600);
    Inventory { packages, ..Inventory::default() }
}

/// Everything that the model knows.
pub(crate) fn rich() -> Inventory {
    let layers: Vec<Layer> = (0..11)
        .map(|place: u64| Layer {
            digest: Digest::sha256(format!("blob {place}").as_bytes()),
            diff_id: Digest::sha256(format!("layer {place}").as_bytes()),
            size_bytes: 1000 + place,
            instruction: (place != 3).then(|| format!("RUN x={place} && a=b; c # {place}")),
            unread: (place == 4).then(|| "not the blob that its digest names".to_owned()),
        })
        .collect();
    let layer = |index: usize| LayerRef { index, diff_id: layers[index].diff_id.clone() };
    let mut curl = package(PackageKind::Deb, "curl", Some("7.88.1-10"));
    curl.introduced_by = Some(layer(10));
    curl.evidence = vec![
        Evidence {
            path: "/var/lib/dpkg/status".to_owned(),
            layer: Some(layer(10)),
            method: Method::Database,
            confidence: Confidence::High,
        },
        Evidence {
            path: "/usr/bin/curl".to_owned(),
            layer: Some(layer(2)),
            method: Method::Signature,
            confidence: Confidence::Low,
        },
        Evidence {
            path: "/opt/cu;rl=1".to_owned(),
            layer: None,
            method: Method::FileName,
            confidence: Confidence::Low,
        },
    ];
    curl.cpes = vec![
        "cpe:2.3:a:haxx:curl:7.88.1:*:*:*:*:*:*:*".to_owned(),
        r"cpe:2.3:a:curl:curl:7.88.1-10\+b1:*:*:*:*:*:*:*".to_owned(),
    ];
    curl.hashes = vec![
        Hash { algorithm: HashAlgorithm::Md5, hex: "0".repeat(32) },
        Hash { algorithm: HashAlgorithm::Sha512, hex: "0a".repeat(64) },
    ];
    curl.download_url = Some("https://deb.example.org/curl_7.88.1-10_amd64.deb".to_owned());
    curl.copyright = Some("1996-2023, Daniel Stenberg\n2020, <others> & co".to_owned());
    curl.licenses = vec![
        license("curl", Some("curl")),
        License { source: LicenseSource::Detected, ..license("ISC", Some("ISC")) },
    ];
    let mut source = package(PackageKind::Deb, "nghttp2", Some("1.52.0-1"));
    source.scope = Scope::BuiltFrom;
    let mut named = package(PackageKind::Npm, "left-pad", Some("1.3.0"));
    named.scope = Scope::Declared;
    let mut inner = package(PackageKind::Npm, "inner", Some("1.0.0"));
    inner.scope = Scope::Embedded;
    let mut data = package(PackageKind::Npm, "test-data", Some("1.0.0"));
    data.scope = Scope::TestData;
    let count = |files, bytes| FileCount { files, bytes };
    Inventory {
        packages: vec![curl, source, inner, named, data],
        relations: vec![
            Relation { from: PackageId(0), kind: RelationKind::BuiltFrom, to: PackageId(1) },
            needs(2, 3),
        ],
        layers,
        coverage: Some(Coverage {
            owned: count(10, 1000),
            explained: count(2, 30),
            unowned: count(1, 4),
            unowned_files: Vec::new(),
        }),
        ..Inventory::default()
    }
}
