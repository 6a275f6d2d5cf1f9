//! An upstream with an image, and a mirror before it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use sealift_depot::{Depot, Target};
use sealift_mirror::{
    Mirror, MirrorError, Mirrored, MirroredBlob, Period, Route, Settings, UpstreamSettings,
};
use sealift_oci::{Descriptor, Digest, RepositoryName, Tag, media_type};
use sealift_testkit::{Access, Faults, LayerFile, Registry, TestImage, layer};
use tempfile::TempDir;

/// What a test works with.
pub(crate) struct Setting {
    pub(crate) upstream: Registry,
    pub(crate) mirror: Mirror,
    pub(crate) route: Route,
    pub(crate) image: TestImage,
    pub(crate) folder: TempDir,
}

/// An upstream with an image `team/app:1` whose layer does not compress.
pub(crate) fn setting(change: impl FnOnce(&mut UpstreamSettings)) -> Setting {
    let upstream = Registry::start(Access::Open, Faults::default());
    let image = image(1);
    push(&upstream.host(), "team/app", "1", &image);
    upstream.clear_log();
    let folder = tempfile::tempdir().unwrap();
    let mirror = mirror(&folder, &format!("http://{}", upstream.host()), change);
    let route = route(&mirror, "up/team/app");
    Setting { upstream, mirror, route, image, folder }
}

pub(crate) fn mirror(
    folder: &TempDir,
    url: &str,
    change: impl FnOnce(&mut UpstreamSettings),
) -> Mirror {
    let mut upstream = UpstreamSettings {
        prefix: "up".to_owned(),
        url: url.to_owned(),
        timeout: Period(Duration::from_secs(2)),
        pause: Period(Duration::from_millis(100)),
        ..UpstreamSettings::default()
    };
    change(&mut upstream);
    let settings = Settings { upstreams: vec![upstream] };
    Mirror::open(&settings, depot(folder), &folder.path().join("coming")).unwrap()
}

fn depot(folder: &TempDir) -> Depot {
    let settings = sealift_depot::Settings { reserve_bytes: 0, ..Default::default() };
    Depot::open_folder(&folder.path().join("data"), &settings).unwrap()
}

pub(crate) fn route(mirror: &Mirror, name: &str) -> Route {
    mirror.route(&RepositoryName::parse(name).unwrap(), None).unwrap()
}

/// An image of some megabytes that is another for each seed.
pub(crate) fn image(seed: u32) -> TestImage {
    let mut state = seed;
    let content: Vec<u8> = std::iter::repeat_with(|| {
        // Xorshift: nothing that compresses.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    })
    .take(3 << 20)
    .collect();
    TestImage::new(
        vec![layer(&[LayerFile { path: "data", content: &content, mode: 0o644 }])],
        |_| {},
    )
}

/// Puts an image into a registry, with nothing of ours.
pub(crate) fn push(host: &str, repository: &str, tag: &str, image: &TestImage) {
    for blob in image.blobs() {
        let digest = Digest::sha256(blob);
        let (status, location) =
            send("POST", host, &format!("/v2/{repository}/blobs/uploads/"), "", &[]);
        assert_eq!(status, 202);
        let location = location.unwrap();
        let path = location.strip_prefix(&format!("http://{host}")).unwrap_or(&location);
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}digest={digest}");
        assert_eq!(send("PUT", host, &path, "application/octet-stream", blob).0, 201);
    }
    let path = format!("/v2/{repository}/manifests/{tag}");
    assert_eq!(send("PUT", host, &path, media_type::MANIFEST, image.manifest.bytes()).0, 201);
}

// One request on a connection of its own: status and Location.
pub(crate) fn send(
    method: &str,
    host: &str,
    path: &str,
    kind: &str,
    body: &[u8],
) -> (u16, Option<String>) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let location = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    });
    (status, location)
}

impl Setting {
    pub(crate) fn layer(&self) -> &Descriptor {
        &self.image.manifest.value().layers[0]
    }

    pub(crate) async fn tag(&self, tag: &str) -> Result<Mirrored, MirrorError> {
        let target = Target::Tag(Tag::parse(tag).unwrap());
        self.mirror.manifest(&self.route, &target).await
    }

    pub(crate) async fn digest(&self, digest: &Digest) -> Result<Mirrored, MirrorError> {
        self.mirror.manifest(&self.route, &Target::Digest(digest.clone())).await
    }

    pub(crate) async fn open(&self) -> Result<MirroredBlob, MirrorError> {
        self.mirror.blob(&self.route, &self.layer().digest).await
    }

    /// The layer, by the mirror, while it comes.
    pub(crate) async fn pull(&self) -> Result<Vec<u8>, String> {
        match self.open().await.map_err(|error| error.to_string())? {
            MirroredBlob::Kept(blob) => {
                assert_eq!(blob.size, self.layer().size);
                Ok(self.image.layers[0].clone())
            }
            MirroredBlob::Coming(coming) => {
                let mut body = coming.read(0..u64::MAX);
                let mut bytes = Vec::new();
                while let Some(piece) = body.next().await {
                    let piece: Bytes =
                        piece.map_err(|error| format!("{} bytes, then {error}", bytes.len()))?;
                    bytes.extend_from_slice(&piece);
                }
                Ok(bytes)
            }
        }
    }

    /// Waits until the layer is in the storage.
    pub(crate) async fn kept(&self) -> bool {
        for _ in 0..200 {
            if matches!(self.open().await, Ok(MirroredBlob::Kept(_))) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    pub(crate) fn metric(&self, line: &str) -> u64 {
        metric(&self.mirror, line)
    }
}

/// The value of a metric of the upstream `up`.
pub(crate) fn metric(mirror: &Mirror, line: &str) -> u64 {
    let text = mirror.metrics();
    let start = match line.split_once(' ') {
        Some((name, labels)) => format!("sealift_mirror_{name}{{upstream=\"up\",{labels}}} "),
        None => format!("sealift_mirror_{line}{{upstream=\"up\"}} "),
    };
    let found = text.lines().find_map(|line| line.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("no `{start}` in {text}")).parse().unwrap()
}

/// Requests to an upstream whose lines have this in them.
pub(crate) fn count(upstream: &Registry, part: &str) -> usize {
    upstream.log().iter().filter(|line| line.contains(part)).count()
}

pub(crate) fn shared<T>(value: T) -> Arc<T> {
    Arc::new(value)
}
