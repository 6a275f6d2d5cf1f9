//! Manifests: tags that grow old, upstreams that are down.

use std::time::Duration;

use sealift_mirror::{MirrorError, Period, UpstreamSettings};
use sealift_oci::{Digest, RepositoryName};
use sealift_testkit::{Access, Faults, Registry};

use crate::setting::{count, image, push, setting, shared};

fn no_ttl(upstream: &mut UpstreamSettings) {
    upstream.ttl = Period(Duration::ZERO);
    upstream.pause = Period(Duration::ZERO);
}

fn refusing(status: u16, headers: &[(&'static str, &str)]) -> Faults {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Faults { refuse: Some((status, headers)), ..Faults::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_tag_is_not_asked_for_again() {
    let setting = shared(setting(|_| {}));
    let mut pulls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let setting = std::sync::Arc::clone(&setting);
        pulls.spawn(async move { setting.tag("1").await });
    }
    while let Some(pulled) = pulls.join_next().await {
        let mirrored = pulled.unwrap().unwrap();
        assert_eq!(mirrored.manifest.bytes, setting.image.manifest.bytes());
        assert_eq!(mirrored.warning, None);
    }
    setting.tag("1").await.unwrap();
    setting.digest(setting.image.manifest.digest()).await.unwrap();
    assert_eq!(setting.upstream.log(), ["GET /v2/team/app/manifests/1"]);
    assert_eq!(setting.metric("answers_total kind=\"manifest\",result=\"hit\""), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_tag_is_compared() {
    let setting = setting(no_ttl);
    setting.tag("1").await.unwrap();
    setting.tag("1").await.unwrap();
    let log = setting.upstream.log();
    assert_eq!(log, ["GET /v2/team/app/manifests/1", "HEAD /v2/team/app/manifests/1"]);
    // It moves.
    let newer = image(2);
    push(&setting.upstream.host(), "team/app", "1", &newer);
    setting.upstream.clear_log();
    assert_eq!(setting.tag("1").await.unwrap().manifest.digest, *newer.manifest.digest());
    let by_digest = format!("GET /v2/team/app/manifests/{}", newer.manifest.digest());
    assert_eq!(setting.upstream.log(), ["HEAD /v2/team/app/manifests/1", &by_digest]);
    // It goes back: nothing is fetched that is here.
    push(&setting.upstream.host(), "team/app", "1", &setting.image);
    setting.upstream.clear_log();
    assert_eq!(setting.tag("1").await.unwrap().manifest.digest, *setting.image.manifest.digest());
    assert_eq!(setting.upstream.log(), ["HEAD /v2/team/app/manifests/1"]);
    // An upstream that does not say digests sends it again.
    setting.upstream.set_faults(Faults { no_digest_headers: true, ..Faults::default() });
    push(&setting.upstream.host(), "team/app", "1", &newer);
    assert_eq!(setting.tag("1").await.unwrap().manifest.digest, *newer.manifest.digest());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_in_trouble_is_covered() {
    let setting = setting(no_ttl);
    setting.tag("1").await.unwrap();
    for faults in [refusing(500, &[]), refusing(503, &[]), refusing(429, &[("Retry-After", "0")])] {
        setting.upstream.set_faults(faults);
        let stale = setting.tag("1").await.unwrap();
        assert_eq!(stale.manifest.digest, *setting.image.manifest.digest());
        let warning = stale.warning.unwrap();
        assert!(warning.contains("the copy was confirmed 0 s ago"), "{warning}");
        // What is not here is not said to be missing.
        let error = setting.tag("2").await.unwrap_err();
        assert!(matches!(error.status().0, 502 | 503), "{error}");
    }
    assert_eq!(setting.metric("answers_total kind=\"tag\",result=\"stale\""), 3);
    setting.upstream.set_faults(Faults::default());
    assert_eq!(setting.tag("1").await.unwrap().warning, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_upstream_is_heeded() {
    let setting = setting(|upstream| upstream.ttl = Period(Duration::ZERO));
    setting.tag("1").await.unwrap();
    setting.upstream.set_faults(refusing(429, &[("Retry-After", "60")]));
    for _ in 0..5 {
        assert!(setting.tag("1").await.unwrap().warning.is_some());
    }
    let error = setting.tag("2").await.unwrap_err();
    assert_eq!(error.status().0, 503);
    assert!(error.retry_after().unwrap() > Duration::from_secs(50));
    // It was asked once and told to wait.
    assert_eq!(setting.upstream.log().len(), 2);
    assert!(setting.metric("held_off_total") >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_used_up_is_not_tried() {
    let setting = setting(|upstream| upstream.ttl = Period(Duration::ZERO));
    let headers = vec![("ratelimit-remaining", "0;w=21600".to_owned())];
    setting.upstream.set_faults(Faults { headers, ..Faults::default() });
    setting.tag("1").await.unwrap();
    assert!(setting.tag("1").await.unwrap().warning.unwrap().contains("used up"));
    assert_eq!(setting.upstream.log().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_old_is_too_old() {
    let setting = setting(|upstream| {
        no_ttl(upstream);
        upstream.stale = Period(Duration::from_millis(30));
    });
    setting.tag("1").await.unwrap();
    setting.upstream.set_faults(refusing(500, &[]));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(setting.tag("1").await, Err(MirrorError::Unavailable { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_and_gone_are_no_outages() {
    let setting = setting(no_ttl);
    setting.tag("1").await.unwrap();
    setting.upstream.set_faults(refusing(403, &[]));
    assert!(matches!(setting.tag("1").await, Err(MirrorError::Denied { .. })));
    setting.upstream.set_faults(refusing(404, &[]));
    for _ in 0..3 {
        assert_eq!(setting.tag("1").await.unwrap_err().status().0, 404);
    }
    assert_eq!(setting.metric("answers_total kind=\"tag\",result=\"negative\""), 2);
    // By its digest it is still here.
    setting.digest(setting.image.manifest.digest()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_manifest_is_refused() {
    let setting = setting(|_| {});
    let digest = setting.image.manifest.digest().clone();
    setting.upstream.alter_manifest("team/app", &digest.to_string(), |bytes| bytes.push(b' '));
    setting.upstream.set_faults(Faults { no_digest_headers: true, ..Faults::default() });
    let error = setting.digest(&digest).await.unwrap_err();
    assert_eq!(error.status().0, 502, "{error}");
    assert_eq!(setting.metric("mismatches_total"), 1);
    setting.upstream.alter_manifest("team/app", "1", |bytes| *bytes = b"<html>".to_vec());
    assert!(setting.tag("1").await.unwrap_err().to_string().contains("no manifest"));
    assert!(setting.digest(&Digest::sha256(b"<html>")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_shown_to_the_upstream_alone() {
    let upstream = Registry::start(Access::Basic("alice", "secret"), Faults::default());
    let other = Registry::start(Access::Open, Faults::default());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}", upstream.host());
    let mirror = crate::setting::mirror(&folder, &url, |upstream| {
        upstream.username = Some("alice".to_owned());
        upstream.password = Some(sealift_mirror::Password("secret".to_owned()));
    });
    let route = crate::setting::route(&mirror, "up/a");
    let target = |tag: &str| sealift_depot::Target::Tag(sealift_oci::Tag::parse(tag).unwrap());
    let error = mirror.manifest(&route, &target("1")).await.unwrap_err();
    assert_eq!(error.status().0, 404, "{error}");
    assert!(upstream.authorizations().last().unwrap().1.is_some());
    let redirect = Some((307, vec![("Location", format!("http://{}/elsewhere", other.host()))]));
    upstream.set_faults(Faults { refuse: redirect, ..Faults::default() });
    mirror.manifest(&route, &target("2")).await.unwrap_err();
    assert_eq!(other.authorizations(), [("/elsewhere".to_owned(), None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_of_one_server() {
    let setting = setting(|upstream| upstream.namespaces = vec!["registry.example".to_owned()]);
    let name = |text: &str| RepositoryName::parse(text).unwrap();
    assert!(setting.mirror.route(&name("team/app"), None).is_none());
    let route = setting.mirror.route(&name("team/app"), Some("registry.example")).unwrap();
    assert_eq!(route.repository().as_str(), "up/team/app");
    assert!(!route.accepts_pushes());
    assert_eq!(count(&setting.upstream, ""), 0);
}
