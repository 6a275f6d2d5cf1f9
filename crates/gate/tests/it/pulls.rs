//! What may be pulled, by whom, and what they are told.

use sealift_gate::Settings;
use sealift_oci::{Descriptor, Index, Platform, Raw, media_type};
use sealift_registry::hooks::Answer;

use crate::harness::{CRITICAL, Yard, advisories, image, tag};

const POLICY: &str = r#"package docker.image
deny[msg] { input.Config.User == ""; msg := "Container must not run as root" }
deny[msg] { input.image.tag == "latest"; input.environment == "production"; msg := "Latest tag not allowed in production" }
deny[msg] { input.image.registry != "registry.example:5000"; msg := "wrong registry" }
warn[msg] { not input.Config.Healthcheck; msg := "no health check" }
"#;

fn with_policy(folder: &std::path::Path) -> Settings {
    let path = folder.join("d6.rego");
    std::fs::write(&path, POLICY).unwrap();
    Settings {
        policies: vec![path],
        data: [("environment".to_owned(), "production".to_owned())].into(),
        bypass: vec!["scanner-*".to_owned()],
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_refuse_with_a_reason_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let yard = Yard::new(&with_policy(folder.path()));
    yard.push(&image("1.0", ""), "root").await;
    let good = image("1.0", "app");
    yard.push(&good, "1").await;
    yard.push(&good, "latest").await;
    let Answer::Refuse(refusal) = yard.pull(&tag("root"), Some("anna")).await else {
        panic!("it was given out")
    };
    assert_eq!(
        refusal.message,
        "the policy gate refuses it: Container must not run as root (d6.rego, rule `deny`); change the image so that the \
         rule is met, or ask for an exemption"
    );
    let Answer::Warn(warning) = yard.pull(&tag("1"), Some("anna")).await else {
        panic!("it was not given out")
    };
    assert_eq!(warning, "no health check");
    // The same image by a tag that the policy does not like, and by its digest.
    assert_eq!(
        yard.refusals(&tag("latest")).await,
        ["policy: Latest tag not allowed in production (d6.rego, rule `deny`)"]
    );
    let digest = sealift_depot::Target::Digest(good.manifest.digest().clone());
    assert!(yard.refusals(&digest).await.is_empty());
    // Auditors see everything, and nobody is one by a name like it.
    assert!(matches!(yard.pull(&tag("root"), Some("scanner-1")).await, Answer::Allow));
    assert!(matches!(yard.pull(&tag("root"), None).await, Answer::Refuse(_)));
    assert!(matches!(yard.pull(&tag("root"), Some("a-scanner-1")).await, Answer::Refuse(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_only_warns() {
    let folder = tempfile::tempdir().unwrap();
    let yard = Yard::new(&Settings { dry_run: true, ..with_policy(folder.path()) });
    yard.push(&image("1.0", ""), "root").await;
    let Answer::Warn(warning) = yard.pull(&tag("root"), Some("anna")).await else {
        panic!("a dry run refused, or said nothing")
    };
    assert!(warning.starts_with("it would be refused: the policy gate"), "{warning}");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_and_quarantine() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        advisories: Some(advisories(folder.path(), CRITICAL)),
        fail_on: Some("high".to_owned()),
        quarantine: true,
        ..Settings::default()
    };
    let yard = Yard::new(&settings);
    let bad = yard.push(&image("1.0", "app"), "bad").await.digest;
    let first = yard.refusals(&tag("bad")).await;
    // Whichever comes first, it is not given out.
    assert!(first[0].starts_with("quarantine: ") || first[0].starts_with("scan: "), "{first:?}");
    yard.examined(&bad).await;
    let begin = std::time::Instant::now();
    loop {
        let refusals = yard.refusals(&tag("bad")).await;
        if refusals[0].starts_with("scan: ") {
            assert!(refusals[0].contains("CVE-2026-0001"), "{refusals:?}");
            break;
        }
        assert!(begin.elapsed().as_secs() < 10, "{refusals:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let good = yard.push(&image("2.0", "app"), "good").await.digest;
    yard.examined(&good).await;
    let begin = std::time::Instant::now();
    while !yard.refusals(&tag("good")).await.is_empty() {
        assert!(begin.elapsed().as_secs() < 10);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_given_out_for_the_images_that_pass() {
    let folder = tempfile::tempdir().unwrap();
    let yard = Yard::new(&with_policy(folder.path()));
    let (bad, good) = (image("1.0", ""), image("1.0", "app"));
    yard.push(&bad, "a").await;
    yard.push(&good, "b").await;
    let entry = |image: &sealift_testkit::TestImage, architecture: &str| Descriptor {
        platform: Some(Platform {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            os_version: None,
            variant: None,
        }),
        ..image.descriptor()
    };
    let mixed = Raw::encode(Index::new(vec![entry(&bad, "arm64"), entry(&good, "amd64")]));
    yard.put(mixed.bytes(), media_type::INDEX, tag("mixed")).await;
    let only_bad = Raw::encode(Index::new(vec![entry(&bad, "arm64")]));
    yard.put(only_bad.bytes(), media_type::INDEX, tag("only-bad")).await;
    assert!(yard.refusals(&tag("mixed")).await.is_empty());
    assert_eq!(yard.refusals(&tag("only-bad")).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_never_come_into_force() {
    let folder = tempfile::tempdir().unwrap();
    let settings = with_policy(folder.path());
    let yard = Yard::new(&settings);
    yard.push(&image("1.0", ""), "root").await;
    std::fs::write(folder.path().join("d6.rego"), "package docker.image\ndeny[msg] {").unwrap();
    assert!(yard.gate.reload(&settings).is_err());
    assert_eq!(yard.refusals(&tag("root")).await.len(), 1);
    std::fs::write(
        folder.path().join("d6.rego"),
        "package docker.image\ndeny[msg] { input.os == \"plan9\"; msg := \"no\" }\n",
    )
    .unwrap();
    yard.gate.reload(&settings).unwrap();
    assert!(yard.refusals(&tag("root")).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_verdict_takes_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let yard = Yard::new(&with_policy(folder.path()));
    yard.push(&image("1.0", "app"), "1").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    yard.pull(&tag("1"), Some("anna")).await;
    let before = yard.gate.numbers().judging.count.load(std::sync::atomic::Ordering::Relaxed);
    for _ in 0..1000 {
        yard.pull(&tag("1"), Some("anna")).await;
    }
    let after = yard.gate.numbers().judging.count.load(std::sync::atomic::Ordering::Relaxed);
    // The examination may end in between and void what was known, once.
    assert!(after - before <= 1, "{before} {after}");
}
