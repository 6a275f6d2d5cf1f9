//! Ways to this crate's parsers for `sealift-corpus`. Not an interface: nothing else may use it.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use sealift_oci::{Digest, Platform};

use crate::index::{Candidate, Index, IndexText, Priority};
use crate::lay::{Unpacked, lay};
use crate::port::port;
use crate::release::Release;
use crate::resolve::{Wanted, resolve};
use crate::tree::Spool;
use crate::{Database, PackageRequest, Source, deb, system};

/// Reads a release file and finds its indices.
pub fn release(text: &str) {
    let Ok(release) = Release::parse(text, "seed") else { return };
    let source = Source {
        url: "http://seed".to_owned(),
        suites: vec!["stable".to_owned()],
        components: vec!["main".to_owned()],
        keyring: String::new(),
    };
    let _ = release.check("seed", "stable", Timestamp::UNIX_EPOCH, Some(release.date));
    release.expired(Timestamp::UNIX_EPOCH);
    let _ = release.indices(&source, "amd64", "seed");
}

/// Reads an index and resolves its first package.
pub fn packages(text: &str) {
    let texts = [IndexText { text, what: "seed", suite: 0 }];
    let Ok(index) = Index::parse(&texts, "amd64") else { return };
    let first = index.candidates.first().map(|candidate| PackageRequest {
        name: candidate.name.to_owned(),
        version: Some(candidate.version.to_owned()),
    });
    let packages: Vec<PackageRequest> = first.into_iter().collect();
    let exclude = BTreeSet::new();
    let architecture = "amd64";
    let wanted = Wanted {
        packages: &packages,
        exclude: &exclude,
        recommends: true,
        essential: true,
        architecture,
    };
    if let Ok(resolution) = resolve(&index, &wanted) {
        assert!(resolution.candidates.iter().all(|place| *place < index.candidates.len()));
    }
}

/// Unpacks package `seed` 1 and makes an image's files of it; contents go to a temporary file in a folder.
pub fn package(bytes: &[u8], folder: &Path) {
    let candidate = candidate(bytes);
    let port = port(&Platform {
        architecture: "amd64".to_owned(),
        os: "linux".to_owned(),
        os_version: None,
        variant: None,
    })
    .expect("amd64 is a port");
    let spool = Spool::create(folder).expect("the folder takes a temporary file");
    let Ok(deb) = deb::read(bytes, &candidate, &spool, &|_| true) else { return };
    let mut packages = [Unpacked { candidate, deb }];
    let Ok(mut tree) = lay(&mut packages, port.architecture) else { return };
    system::complete(&mut tree);
    system::accounts::add_accounts(&mut tree, &[]);
    system::certificates::add_certificates(&mut tree);
    system::linker_cache::add_linker_cache(&mut tree, port.abi, port.multiarch);
    system::database::add_database(&mut tree, &packages, Some(Database::StatusDirectory));
}

fn candidate(bytes: &[u8]) -> Candidate<'static> {
    Candidate {
        name: "seed",
        version: "1",
        architecture: "amd64",
        essential: false,
        priority: Priority::Optional,
        depends: "",
        pre_depends: "",
        recommends: "",
        conflicts: "",
        breaks: "",
        provides: "",
        filename: "seed.deb",
        size: bytes.len() as u64,
        digest: Digest::sha256(bytes),
        suite: 0,
    }
}
