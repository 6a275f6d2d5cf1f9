//! A depot with a gate, and images to put into it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use sealift_access::Principal;
use sealift_depot::{Children, Depot, Manifest, NewManifest, Put, Target};
use sealift_gate::record::{self, Examination};
use sealift_gate::{Environment, Failed, Gate, Herald, Settings};
use sealift_oci::{Digest, RepositoryName, Tag};
use sealift_registry::hooks::{
    Answer, Asked, Event, EventKind, Gate as _, Listener as _, RequestFacts,
};
use sealift_testkit::{LayerFile, TestImage, layer};
use tempfile::TempDir;
use tokio::sync::watch;

pub(crate) struct Yard {
    _folder: TempDir,
    pub(crate) depot: Depot,
    pub(crate) gate: Gate,
    pub(crate) herald: Arc<Herald>,
    stop: watch::Sender<bool>,
}

pub(crate) fn repository() -> RepositoryName {
    RepositoryName::parse("team/app").unwrap()
}

pub(crate) fn tag(text: &str) -> Target {
    Target::Tag(Tag::parse(text).unwrap())
}

/// The example's advisories: a package `demo` of Debian 12 is bad before version 2.
pub(crate) fn advisories(folder: &std::path::Path, severity: &str) -> PathBuf {
    let path = folder.join("advisories");
    std::fs::create_dir_all(&path).unwrap();
    let document = format!(
        r#"{{"schema_version":"1.7.0","id":"DEBIAN-CVE-2026-0001","modified":"2026-01-01T00:00:00Z",
        "upstream":["CVE-2026-0001"],"summary":"demo is broken",
        "severity":[{{"type":"CVSS_V3","score":"{severity}"}}],
        "affected":[{{"package":{{"ecosystem":"Debian:12","name":"demo"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"2.0"}}]}}]}}]}}"#
    );
    std::fs::write(path.join("DEBIAN-CVE-2026-0001.json"), document).unwrap();
    path
}

pub(crate) const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

/// An image of Debian with one package in a version.
pub(crate) fn image(version: &str, user: &str) -> TestImage {
    let status = format!(
        "Package: demo\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n\
         Maintainer: A <a@example.com>\nDescription: d\n\n"
    );
    let release = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
    let file =
        |path, content: &'static str| LayerFile { path, content: content.as_bytes(), mode: 0o644 };
    let files = [
        file("etc/os-release", release),
        LayerFile { path: "var/lib/dpkg/status", content: status.as_bytes(), mode: 0o644 },
    ];
    TestImage::new(vec![layer(&files)], |config| user.clone_into(&mut config.config.user))
}

impl Yard {
    pub(crate) fn new(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let depot = Depot::open_folder(
            &folder.path().join("registry"),
            &sealift_depot::Settings::default(),
        )
        .unwrap();
        Self::over(folder, depot, settings)
    }

    pub(crate) fn over(folder: TempDir, depot: Depot, settings: &Settings) -> Self {
        let environment = Environment {
            name: "registry.example:5000".to_owned(),
            store: sealift_store::Store::open(folder.path().join("gate")).unwrap(),
            network: sealift_pipeline::Network::new(sealift_client::Settings::default()),
            own_trust: None,
            client: sealift_client::Settings::default(),
            folder: folder.path().join("gate"),
            cancel: std::sync::atomic::AtomicBool::new(false),
            clock: Timestamp::now,
            daemons: sealift_pipeline::Daemons::default(),
        };
        let gate = Gate::new(depot.clone(), environment, settings).unwrap();
        let (herald, scribe) = gate.herald();
        let (stop, is_stopping) = watch::channel(false);
        // What fails is seen by what does not come.
        let failed: Failed = Arc::new(|_| {});
        let told = Arc::clone(&failed);
        tokio::spawn(scribe.run(move |error| told(error)));
        tokio::spawn(gate.clone().work(is_stopping, failed));
        Self { _folder: folder, depot, gate, herald: Arc::new(herald), stop }
    }

    /// Pushes an image as the registry does, and tells of it.
    pub(crate) async fn push(&self, image: &TestImage, name: &str) -> Put {
        for blob in image.layers.iter().map(Vec::as_slice).chain([image.config.bytes()]) {
            let (bytes, digest) = (Bytes::copy_from_slice(blob), Digest::sha256(blob));
            self.depot.put_blob(&repository(), bytes, &digest, "anna").await.unwrap();
        }
        let bytes = image.manifest.bytes();
        self.put(bytes, &image.descriptor().media_type, tag(name)).await
    }

    pub(crate) async fn put(&self, bytes: &[u8], media_type: &str, target: Target) -> Put {
        let new = NewManifest {
            target: target.clone(),
            tags: &[],
            media_type,
            bytes: Bytes::copy_from_slice(bytes),
            by: "anna",
            children: Children::Required,
        };
        let put = self.depot.put_manifest(&repository(), new).await.unwrap();
        let tag = match target {
            Target::Tag(tag) => Some(tag),
            Target::Digest(_) => None,
        };
        self.herald.tell(&event(EventKind::Pushed, tag, Some(put.digest.clone())));
        put
    }

    /// What the examination says, once it is there.
    pub(crate) async fn examined(&self, digest: &Digest) -> Examination {
        self.examined_as(digest, |_| true).await
    }

    pub(crate) async fn examined_as(
        &self,
        digest: &Digest,
        is_wanted: impl Fn(&Examination) -> bool,
    ) -> Examination {
        let begin = Instant::now();
        loop {
            let found = record::examination(&self.depot, &repository(), digest).await.unwrap();
            if let Some(found) = found.filter(&is_wanted) {
                return found;
            }
            assert!(begin.elapsed() < Duration::from_mins(2), "it was never examined");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn pull(&self, target: &Target, user: Option<&str>) -> Answer {
        let manifest: Arc<Manifest> =
            self.depot.manifest(&repository(), target).await.unwrap().unwrap();
        let principal = user.map_or(Principal::ANONYMOUS, Principal::user);
        self.gate
            .pull(Asked {
                principal: &principal,
                peer: peer(),
                repository: &repository(),
                target,
                manifest: &manifest,
                request_id: "1",
                now: Timestamp::now(),
            })
            .await
    }

    /// The gates that refuse.
    pub(crate) async fn refusals(&self, target: &Target) -> Vec<String> {
        match self.pull(target, Some("anna")).await {
            Answer::Refuse(refusal) => refusal.detail["reasons"]
                .as_array()
                .unwrap()
                .iter()
                .map(|reason| {
                    format!(
                        "{}: {}",
                        reason["gate"].as_str().unwrap(),
                        reason["message"].as_str().unwrap()
                    )
                })
                .collect(),
            Answer::Allow | Answer::Warn(_) => Vec::new(),
        }
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

pub(crate) fn peer() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1)
}

pub(crate) fn event(kind: EventKind, tag: Option<Tag>, digest: Option<Digest>) -> Event {
    Event {
        kind,
        repository: Some(repository()),
        from: None,
        tag: tag.map(|tag| tag.to_string()),
        digest,
        media_type: None,
        size: None,
        principal: Principal::user("anna"),
        peer: peer(),
        request_id: "r-1".to_owned(),
        request: RequestFacts::default(),
        time: Timestamp::now(),
        reason: None,
    }
}
