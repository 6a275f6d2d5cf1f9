//! Tags of an upstream and what refers to its images: asked for once in a while, merged from pages, kept for an outage.

use std::time::Duration;

use sealift_mirror::{MirrorError, Period, UpstreamSettings};
use sealift_oci::{Descriptor, Digest, media_type};
use sealift_testkit::Faults;
use serde_json::json;

use crate::setting::{Setting, count, image, metric, mirror, push, route, send, setting};

fn no_ttl(upstream: &mut UpstreamSettings) {
    upstream.ttl = Period(Duration::ZERO);
    upstream.negative_ttl = Period(Duration::ZERO);
    upstream.pause = Period(Duration::ZERO);
}

/// A manifest that refers to the image; its digest.
fn attach(setting: &Setting, kind: &str, reference: Option<&str>) -> Digest {
    let host = setting.upstream.host();
    let subject = &setting.image.manifest;
    let empty = json!({ "mediaType": media_type::EMPTY, "digest": Digest::sha256(b"{}").to_string(), "size": 2 });
    let text = json!({
        "schemaVersion": 2,
        "mediaType": media_type::MANIFEST,
        "artifactType": kind,
        "config": empty,
        "layers": [],
        "subject": { "mediaType": media_type::MANIFEST, "digest": subject.digest().to_string(), "size": subject.size() },
    })
    .to_string();
    let digest = Digest::sha256(text.as_bytes());
    let name = reference.map_or_else(|| digest.to_string(), str::to_owned);
    let path = format!("/v2/team/app/manifests/{name}");
    assert_eq!(send("PUT", &host, &path, media_type::MANIFEST, text.as_bytes()).0, 201);
    digest
}

async fn tags(setting: &Setting) -> Result<(Vec<String>, Option<String>), MirrorError> {
    let listed = setting.mirror.tags(&setting.route).await?;
    Ok((listed.items.iter().map(ToString::to_string).collect(), listed.warning))
}

async fn referrers(setting: &Setting) -> Result<(Vec<Descriptor>, Option<String>), MirrorError> {
    let subject = setting.image.manifest.digest();
    let listed = setting.mirror.referrers(&setting.route, subject).await?;
    Ok((listed.items, listed.warning))
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_those_of_the_upstream() {
    let setting = setting(|_| {});
    push(&setting.upstream.host(), "team/app", "2", &image(2));
    assert_eq!(tags(&setting).await.unwrap(), (vec!["1".to_owned(), "2".to_owned()], None));
    push(&setting.upstream.host(), "team/app", "3", &image(3));
    // For as long as a tag is good, the list is.
    assert_eq!(tags(&setting).await.unwrap().0.len(), 2);
    assert_eq!(count(&setting.upstream, "/tags/list"), 1);
    assert_eq!(setting.metric("answers_total kind=\"list\",result=\"hit\""), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_survive_an_outage_and_a_restart() {
    let setting = setting(no_ttl);
    let attached = attach(&setting, "application/spdx+json", None);
    assert_eq!(tags(&setting).await.unwrap().0, ["1"]);
    assert_eq!(referrers(&setting).await.unwrap().0[0].digest, attached);
    let faults = Faults { refuse: Some((503, Vec::new())), ..Faults::default() };
    setting.upstream.set_faults(faults.clone());
    let (items, warning) = tags(&setting).await.unwrap();
    let warning = warning.unwrap();
    assert!(items == ["1"] && warning.contains("it answered 503"), "{warning}");
    let (items, warning) = referrers(&setting).await.unwrap();
    assert_eq!((&items[0].digest, warning.is_some()), (&attached, true));
    assert_eq!(items[0].artifact_type.as_deref(), Some("application/spdx+json"));
    // Never asked for before, it is not there; it is not nothing either.
    let other = route(&setting.mirror, "up/team/other");
    let error = setting.mirror.tags(&other).await.unwrap_err();
    assert!(matches!(error, MirrorError::Unavailable { .. }), "{error}");
    assert!(metric(&setting.mirror, "answers_total kind=\"list\",result=\"stale\"") >= 2);
    let Setting { upstream, mirror: first, folder, image, .. } = setting;
    drop(first);
    let again = loop {
        // The storage is closed when the last task has let it go.
        let opened = sealift_depot::Depot::open_folder(
            &folder.path().join("data"),
            &sealift_depot::Settings::default(),
        );
        if opened.map(drop).is_ok() {
            break mirror(&folder, &format!("http://{}", upstream.host()), no_ttl);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let listed = again.referrers(&route(&again, "up/team/app"), image.manifest.digest()).await;
    assert_eq!(listed.unwrap().items[0].digest, attached);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_without_the_list_keeps_it_under_a_tag() {
    let setting = setting(no_ttl);
    setting.upstream.set_faults(Faults { no_referrers: true, ..Faults::default() });
    assert_eq!(referrers(&setting).await.unwrap(), (Vec::new(), None));
    let attached = attach(&setting, "application/x", None);
    let mut entry = Descriptor::new(media_type::MANIFEST, attached.clone(), 1);
    entry.artifact_type = Some("application/x".to_owned());
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [entry] });
    let tag = setting.image.manifest.digest().to_string().replace(':', "-");
    let path = format!("/v2/team/app/manifests/{tag}");
    let host = setting.upstream.host();
    assert_eq!(send("PUT", &host, &path, media_type::INDEX, index.to_string().as_bytes()).0, 201);
    let (items, _) = referrers(&setting).await.unwrap();
    assert_eq!(items, [entry]);
    // What is listed can be had.
    assert!(setting.digest(&attached).await.unwrap().manifest.subject.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_is_none() {
    let setting = setting(no_ttl);
    // A page of a proxy in between, for example.
    let faults = Faults {
        refuse: Some((200, vec![("Content-Type", "text/html".to_owned())])),
        ..Faults::default()
    };
    setting.upstream.set_faults(faults);
    let error = tags(&setting).await.unwrap_err();
    assert!(matches!(error, MirrorError::Wrong { .. }), "{error}");
    let error = referrers(&setting).await;
    assert!(matches!(error, Ok((ref items, _)) if items.is_empty()) || error.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_upstream_says_of_its_limit_is_told() {
    let setting = setting(no_ttl);
    let limit = |n: &str| Faults {
        headers: vec![("RateLimit-Remaining", n.to_owned())],
        ..Faults::default()
    };
    setting.upstream.set_faults(limit("76;w=21600"));
    setting.tag("1").await.unwrap();
    assert_eq!(setting.metric("remaining_requests"), 76);
    setting.upstream.set_faults(limit("0;w=21600"));
    setting.tag("1").await.unwrap();
    setting.upstream.clear_log();
    // From now on nothing is asked, and the copy is served.
    assert!(setting.tag("1").await.unwrap().warning.is_some());
    assert_eq!(setting.upstream.log(), Vec::<String>::new());
    assert_eq!(setting.metric("remaining_requests"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_come_from_dockers_configuration() {
    let upstream = sealift_testkit::Registry::start(
        sealift_testkit::Access::Basic("anna", "geheim"),
        Faults::default(),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let host = upstream.host();
    // `anna:geheim`
    let text = json!({ "auths": { &*host: { "auth": "YW5uYTpnZWhlaW0=" } } }).to_string();
    std::fs::write(&path, text).unwrap();
    let found = mirror(&folder, &format!("http://{host}"), |upstream| {
        upstream.docker_config = Some(path.clone());
    });
    let listed = found.tags(&route(&found, "up/team/app")).await;
    assert!(
        matches!(listed, Ok(ref listed) if listed.items.is_empty())
            || matches!(listed, Err(MirrorError::NotFound { .. })),
        "{listed:?}"
    );
    let missing = UpstreamSettings {
        url: format!("http://{host}"),
        docker_config: Some(folder.path().join("none.json")),
        ..UpstreamSettings::default()
    };
    let settings = sealift_mirror::Settings { upstreams: vec![missing] };
    let other = tempfile::tempdir().unwrap();
    let depot =
        sealift_depot::Depot::open_folder(other.path(), &sealift_depot::Settings::default())
            .unwrap();
    let error = sealift_mirror::Mirror::open(&settings, depot, &other.path().join("coming"));
    assert!(error.err().unwrap().to_string().contains("there is no file"));
}
