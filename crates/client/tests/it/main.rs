//! The client against the registry of the test kit.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealift_client::{Client, DockerConfig, Error, Mirror, Pushed, Question, Settings};
use sealift_image::BlobSource;
use sealift_oci::{Descriptor, Digest, Manifest, Raw, Reference, media_type};
use sealift_testkit::{Access, Faults, Registry, TestImage, layer};

/// An image as a source of blobs.
struct Blobs(TestImage);

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, sealift_image::Error> {
        let found = self.0.blobs().find(|blob| descriptor.digest.matches(blob));
        Ok(Box::new(Cursor::new(found.expect("only known blobs are asked for").to_vec())))
    }
}

fn image() -> TestImage {
    let content = vec![7; 700_000];
    let file = sealift_testkit::LayerFile { path: "data", content: &content, mode: 0o644 };
    TestImage::new(vec![layer(&[file])], |_| {})
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn client(registry: &Registry, credential: Option<&str>) -> Client {
    client_with(Settings {
        docker_config: docker_config(registry, credential),
        ..Settings::default()
    })
}

fn client_with(settings: Settings) -> Client {
    Client::new(settings).unwrap()
}

fn docker_config(registry: &Registry, credential: Option<&str>) -> DockerConfig {
    let auths = credential.map_or(String::new(), |credential| {
        format!(r#""{}":{{"auth":"{}"}}"#, registry.host(), STANDARD.encode(credential))
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, format!(r#"{{"auths":{{{auths}}}}}"#)).unwrap();
    DockerConfig::read(&path).unwrap()
}

fn reference(registry: &Registry, rest: &str) -> Reference {
    Reference::parse(&format!("{}/{rest}", registry.host())).unwrap()
}

async fn push(client: &Client, to: &Reference, image: &TestImage) -> Result<Vec<Pushed>, Error> {
    let source: Arc<dyn BlobSource> = Arc::new(Blobs(image.clone()));
    let manifest = image.manifest.value();
    let mut results = Vec::new();
    for descriptor in manifest.layers.iter().chain([&manifest.config]) {
        results.push(client.push_blob(to, descriptor, &source, None).await?);
    }
    client.push_manifest(to, media_type::MANIFEST, image.manifest.bytes()).await?;
    Ok(results)
}

async fn pull_layer(
    client: &Client,
    from: &Reference,
    image: &TestImage,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    client.blob(from, &image.manifest.value().layers[0], &mut bytes).await?;
    Ok(bytes)
}

#[test]
fn pushes_and_pulls() {
    let registry = Registry::start(Access::Open, Faults::default());
    let (client, image, name) =
        (client(&registry, None), image(), reference(&registry, "team/app:1"));
    block_on(async {
        assert_eq!(push(&client, &name, &image).await.unwrap(), [Pushed::Uploaded; 2]);
        assert_eq!(push(&client, &name, &image).await.unwrap(), [Pushed::Present; 2]);
        let (descriptor, bytes) = client.manifest(&name).await.unwrap();
        assert_eq!(descriptor, image.descriptor());
        assert_eq!(bytes, image.manifest.bytes());
        assert_eq!(pull_layer(&client, &name, &image).await.unwrap(), image.layers[0]);
        assert_eq!(client.tags(&name).await.unwrap(), ["1"]);
    });
}

#[test]
fn only_known_token_servers_are_asked() {
    let registry = Registry::start(Access::Bearer("alice", "secret"), Faults::default());
    // The registry of the test kit is its own token server, so another one has to be asked by another name.
    let other = format!("localhost:{}", registry.host().rsplit(':').next().unwrap());
    let ask = |hosts: &[&str]| {
        let client = client_with(Settings {
            docker_config: docker_config(&registry, Some("alice:secret")),
            plain_http: [other.clone()].into(),
            token_hosts: Some(hosts.iter().map(|host| (*host).to_owned()).collect()),
            ..Settings::default()
        });
        let question =
            Question { host: &other, repository: "a", rest: "manifests/1", ..Question::default() };
        block_on(client.ask(&question)).map(|answer| answer.status())
    };
    let error = ask(&[]).unwrap_err().to_string();
    assert!(error.contains("not one that may be asked"), "{error}");
    assert_eq!(registry.log(), ["GET /v2/a/manifests/1"]);
    assert_eq!(ask(&[&registry.host()]).unwrap(), 404);
}

#[test]
fn one_question_has_one_answer() {
    let registry = Registry::start(Access::Open, Faults::default());
    let (client, image, name) = (client(&registry, None), image(), reference(&registry, "a:1"));
    block_on(async {
        push(&client, &name, &image).await.unwrap();
        let (host, blob) = (registry.host(), &image.manifest.value().layers[0]);
        let rest = format!("blobs/{}", blob.digest);
        registry.clear_log();
        let mut question =
            Question { host: &host, repository: "a", rest: &rest, from: 10, ..Question::default() };
        let answer = client.ask(&question).await.unwrap();
        assert_eq!((answer.status(), answer.length()), (206, Some(blob.size - 10)));
        assert_eq!(answer.bytes("blob", 1 << 20).await.unwrap(), image.layers[0][10..]);
        let state = format!("\"{}\"", image.manifest.digest());
        question = Question { rest: "manifests/1", known: Some(&state), from: 0, ..question };
        assert_eq!(client.ask(&question).await.unwrap().status(), 304);
        let refuse = Some((429, vec![("Retry-After", "7".to_owned())]));
        registry.set_faults(Faults { refuse, ..Faults::default() });
        let answer = client.ask(&question).await.unwrap();
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("7")));
        assert_eq!(registry.log().len(), 3);
    });
}

#[test]
fn mounts_from_another_repository() {
    let registry = Registry::start(Access::Open, Faults::default());
    let (client, image) = (client(&registry, None), image());
    block_on(async {
        push(&client, &reference(&registry, "a:1"), &image).await.unwrap();
        // The test registry keeps one pool of blobs, so a HEAD finds what another repository pushed.
        let source: Arc<dyn BlobSource> = Arc::new(Blobs(image.clone()));
        let pushed = client
            .push_blob(
                &reference(&registry, "b:1"),
                &image.manifest.value().layers[0],
                &source,
                Some("a"),
            )
            .await
            .unwrap();
        assert_eq!(pushed, Pushed::Present);
    });
}

#[test]
fn basic_and_bearer_authentication() {
    for access in [Access::Basic("alice", "secret"), Access::Bearer("alice", "secret")] {
        let registry = Registry::start(access.clone(), Faults::default());
        let name = reference(&registry, "app:1");
        block_on(async {
            push(&client(&registry, Some("alice:secret")), &name, &image()).await.unwrap();
            for credential in [None, Some("alice:wrong")] {
                let error =
                    push(&client(&registry, credential), &name, &image()).await.unwrap_err();
                assert!(
                    matches!(error, Error::Unauthorized { .. }),
                    "{access:?} {credential:?}: {error}"
                );
                assert!(error.hint().unwrap().contains("docker login"));
            }
        });
    }
}

#[test]
fn credentials_are_not_sent_to_another_host() {
    let other = Registry::start(Access::Open, Faults::default());
    let redirect = Some(format!("http://{}", other.host()));
    let registry = Registry::start(
        Access::Basic("alice", "secret"),
        Faults { redirect_blobs_to: redirect, ..Faults::default() },
    );
    let image = image();
    block_on(async {
        push(&client(&other, None), &reference(&other, "app:1"), &image).await.unwrap();
        let client = client(&registry, Some("alice:secret"));
        let name = reference(&registry, "app:1");
        push(&client, &name, &image).await.unwrap();
        assert_eq!(pull_layer(&client, &name, &image).await.unwrap(), image.layers[0]);
    });
    let reads = other.authorizations();
    assert!(reads.iter().any(|(path, _)| path.contains("/blobs/sha256:")));
    assert!(reads.iter().all(|(_, authorization)| authorization.is_none()));
}

#[test]
fn takes_up_a_broken_download() {
    let faults = Faults { cut_blob_after: Some(100_000), ..Faults::default() };
    let registry = Registry::start(Access::Open, faults);
    let (client, image, name) = (client(&registry, None), image(), reference(&registry, "app:1"));
    block_on(async {
        push(&client, &name, &image).await.unwrap();
        assert_eq!(pull_layer(&client, &name, &image).await.unwrap(), image.layers[0]);
    });
}

#[test]
fn tries_again_when_the_registry_is_busy() {
    let registry = Registry::start(Access::Open, Faults { unavailable: 2, ..Faults::default() });
    let name = reference(&registry, "app:1");
    block_on(async {
        let error = client(&registry, None).manifest(&name).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
    });
}

#[test]
fn other_bytes_are_refused() {
    let registry = Registry::start(Access::Open, Faults { alter_blobs: true, ..Faults::default() });
    let (client, image, name) = (client(&registry, None), image(), reference(&registry, "app:1"));
    block_on(async {
        push(&client, &name, &image).await.unwrap();
        let error = pull_layer(&client, &name, &image).await.unwrap_err();
        assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");

        registry
            .alter_manifest("app", &image.manifest.digest().to_string(), |bytes| bytes.push(b' '));
        let error = client.manifest(&name.at_digest(image.manifest.digest())).await.unwrap_err();
        assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");

        let mut small = image.manifest.value().layers[0].clone();
        small.size -= 1;
        let error = client.blob(&name, &small, &mut Vec::new()).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    });
}

#[test]
fn a_document_that_is_manifest_and_index_is_refused() {
    let registry = Registry::start(Access::Open, Faults::default());
    let (client, name) = (client(&registry, None), reference(&registry, "app:1"));
    let both = br#"{"schemaVersion":2,"manifests":[],"layers":[]}"#;
    block_on(async {
        client.push_manifest(&name, media_type::INDEX, both).await.unwrap();
        let error = client.manifest(&name).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
    });
}

#[test]
fn referrers_by_list_and_by_tag() {
    for no_referrers in [false, true] {
        let registry = Registry::start(Access::Open, Faults { no_referrers, ..Faults::default() });
        let (client, image, name) =
            (client(&registry, None), image(), reference(&registry, "app:1"));
        let artifact = |kind: &str| {
            let empty = Descriptor::new(media_type::EMPTY, Digest::sha256(b"{}"), 2);
            let mut manifest = Manifest::new(empty, Vec::new());
            manifest.artifact_type = Some(kind.to_owned());
            manifest.subject = Some(image.descriptor());
            Raw::encode(manifest)
        };
        block_on(async {
            push(&client, &name, &image).await.unwrap();
            for kind in ["application/a", "application/b", "application/a"] {
                client.push_referrer(&name, &artifact(kind)).await.unwrap();
            }
            let found = client.referrers(&name, image.manifest.digest()).await.unwrap();
            let mut kinds: Vec<_> =
                found.iter().filter_map(|entry| entry.artifact_type.as_deref()).collect();
            kinds.sort_unstable();
            assert_eq!(kinds, ["application/a", "application/b"], "no_referrers: {no_referrers}");
        });
    }
}

#[test]
fn a_mirror_is_asked_first_and_the_registry_when_it_does_not_help() {
    let mirror = Registry::start(Access::Open, Faults::default());
    let image = image();
    let mirrors = vec![
        Mirror { host: "127.0.0.1:1".to_owned(), prefix: None },
        Mirror { host: mirror.host(), prefix: Some("hub".to_owned()) },
    ];
    let settings = Settings {
        mirrors: [("docker.io".to_owned(), mirrors)].into_iter().collect(),
        plain_http: ["127.0.0.1:1".to_owned()].into_iter().collect(),
        ..Settings::default()
    };
    block_on(async {
        push(&client(&mirror, None), &reference(&mirror, "hub/library/python:3"), &image)
            .await
            .unwrap();
        let client = client_with(settings);
        let python = Reference::parse("python:3").unwrap();
        assert_eq!(client.manifest(&python).await.unwrap().0, image.descriptor());
    });
}

#[test]
fn a_host_that_is_not_there_is_named() {
    let name = Reference::parse("127.0.0.1:1/app:1").unwrap();
    let error = block_on(client_with(Settings::default()).manifest(&name)).unwrap_err();
    assert!(matches!(&error, Error::Unreachable { host, .. } if host == "127.0.0.1:1"), "{error}");
    let missing = Path::new("/nowhere/ca.pem").to_owned();
    let settings = Settings { ca_bundle: Some(missing), ..Settings::default() };
    assert!(matches!(Client::new(settings), Err(Error::CaBundle { .. })));
}

#[test]
fn downloads_within_a_limit() {
    let registry = Registry::start(Access::Open, Faults { unavailable: 1, ..Faults::default() });
    let client = client(&registry, None);
    let base = format!("http://{}", registry.host());
    block_on(async {
        assert_eq!(client.download(&format!("{base}/v2/"), 10).await.unwrap().unwrap(), b"{}");
        assert_eq!(client.download(&format!("{base}/nothing"), 10).await.unwrap(), None);
        let error = client.download(&format!("{base}/v2/"), 1).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    });
}
