//! Manifests, tags, referrers, quotas and what may not change.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test says by panic what is wrong, and its numbers are small"
)]

use sealift_depot::{
    Children, Error, Immutable, NewManifest, Pattern, Quota, Rules, Settings, Sparse, Target,
};
use sealift_oci::{Digest, media_type};

use crate::common::{
    by_tag, index_text, manifest_text, name, push_blob, push_image, put, settings, tag, yard,
    yard_with,
};

#[tokio::test]
async fn by_tag_and_digest() {
    let yard = yard();
    let (depot, app) = (&yard.depot, name("team/app"));
    assert!(matches!(depot.tags(&app, None, 10).await, Err(Error::NameUnknown)));
    let one = push_image(depot, &app, "1", "one").await;
    assert!(one.is_new);
    assert_eq!(one.tags, [(tag("1"), None)]);
    let found = depot.manifest(&app, &by_tag("1")).await.unwrap().unwrap();
    assert_eq!(found.digest, one.digest);
    assert_eq!(found.media_type, media_type::MANIFEST);
    assert_eq!(found.pushed_by, "alice");
    let two = push_image(depot, &app, "1", "two").await;
    assert_eq!(two.tags, [(tag("1"), Some(one.digest.clone()))]);
    let found = depot.manifest(&app, &by_tag("1")).await.unwrap().unwrap();
    assert_eq!(found.digest, two.digest, "memory was told of the change");
    let found = depot.manifest(&app, &Target::Digest(one.digest.clone())).await.unwrap().unwrap();
    assert_eq!(found.digest, one.digest);
    assert!(depot.manifest(&name("other"), &by_tag("1")).await.unwrap().is_none());
    push_image(depot, &app, "0", "one").await;
    push_image(depot, &app, "2", "one").await;
    let page = depot.tags(&app, None, 2).await.unwrap();
    assert_eq!((page.items, page.more), (vec![tag("0"), tag("1")], true));
    let page = depot.tags(&app, Some("1"), 2).await.unwrap();
    assert_eq!((page.items, page.more), (vec![tag("2")], false));
    assert_eq!(depot.repositories(None, 10).await.unwrap().items, std::slice::from_ref(&app));
    let removed = depot.delete_manifest(&app, &one.digest, "alice").await.unwrap();
    assert_eq!(removed, [tag("0"), tag("2")]);
    assert!(depot.manifest(&app, &by_tag("0")).await.unwrap().is_none());
    assert!(depot.manifest(&app, &Target::Digest(one.digest.clone())).await.unwrap().is_none());
    let again = depot.delete_manifest(&app, &one.digest, "alice").await;
    assert!(matches!(again, Err(Error::ManifestUnknown)));
    depot.delete_tag(&app, &tag("1"), "alice").await.unwrap();
    assert!(depot.manifest(&app, &by_tag("1")).await.unwrap().is_none());
    assert!(depot.manifest(&app, &Target::Digest(two.digest)).await.unwrap().is_some());
}

#[tokio::test]
async fn all_parts_must_be_here() {
    let yard = yard();
    let (depot, app, other) = (&yard.depot, name("app"), name("other"));
    push_blob(depot, &other, b"config").await;
    let text = manifest_text(b"config", &[], "");
    let refused = put(depot, &app, by_tag("1"), text.clone()).await;
    let Err(Error::ManifestBlobUnknown { digests }) = refused else { panic!("{refused:?}") };
    assert_eq!(digests, [Digest::sha256(b"config")], "another repository's blob is not ours");
    assert!(depot.manifest(&app, &by_tag("1")).await.unwrap().is_none());
    depot.mount(&app, &other, &Digest::sha256(b"config")).await.unwrap();
    let image = put(depot, &app, by_tag("1"), text.clone()).await.unwrap();
    let absent = Digest::sha256(b"absent");
    let index = put(depot, &app, by_tag("2"), index_text(&[&image.digest, &absent])).await;
    let Err(Error::ManifestBlobUnknown { digests }) = index else { panic!("{index:?}") };
    assert_eq!(digests, std::slice::from_ref(&absent));
    put(depot, &app, by_tag("2"), index_text(&[&image.digest])).await.unwrap();
    let refused = depot.delete_manifest(&app, &image.digest, "alice").await;
    assert!(matches!(refused, Err(Error::Referenced)), "an index needs it");
    let refused = depot.delete_blob(&app, &Digest::sha256(b"config")).await;
    assert!(matches!(refused, Err(Error::Referenced)));
    let mirrored = NewManifest {
        target: by_tag("1"),
        tags: &[],
        media_type: media_type::INDEX,
        bytes: index_text(&[&absent]),
        by: "mirror",
        children: Children::Optional,
    };
    depot.put_manifest(&name("mirror"), mirrored).await.unwrap();
    let wrong = put(depot, &app, Target::Digest(absent), text).await;
    assert!(matches!(wrong, Err(Error::DigestWrong { .. })));
}

#[tokio::test]
async fn nesting_and_number_have_limits() {
    let yard = yard_with(&Settings { sparse: Sparse::Indexes, ..settings() });
    let (depot, app) = (&yard.depot, name("app"));
    let many: Vec<_> =
        (0..10_000_u32).map(|number| Digest::sha256(&number.to_be_bytes())).collect();
    let many: Vec<_> = many.iter().collect();
    put(depot, &app, by_tag("many"), index_text(&many)).await.unwrap();
    let extra = Digest::sha256(b"extra");
    let refused =
        put(depot, &app, by_tag("many"), index_text(&[many, vec![&extra]].concat())).await;
    assert!(matches!(refused, Err(Error::ManifestInvalid { .. })));
    let mut last = put(depot, &app, by_tag("deep"), index_text(&[])).await.unwrap().digest;
    for depth in 2..=8 {
        let next = put(depot, &app, by_tag("deep"), index_text(&[&last])).await;
        last = next.unwrap_or_else(|error| panic!("{depth}: {error}")).digest;
    }
    let refused = put(depot, &app, by_tag("deep"), index_text(&[&last])).await;
    assert!(matches!(refused, Err(Error::ManifestInvalid { .. })), "{refused:?}");
    let large = manifest_text(b"c", &[], &format!(r#","x":"{}""#, "y".repeat(4 << 20)));
    assert!(matches!(put(depot, &app, by_tag("large"), large).await, Err(Error::TooLarge { .. })));
}

#[tokio::test]
async fn referrers_by_subject() {
    let yard = yard();
    let (depot, app) = (&yard.depot, name("app"));
    let image = push_image(depot, &app, "1", "one").await.digest;
    push_blob(depot, &app, b"{}").await;
    let mut digests = Vec::new();
    for kind in ["a/sbom", "a/signature", "a/sbom"] {
        let rest = format!(
            r#","artifactType":"{kind}","annotations":{{"n":"{}"}},"subject":{{"mediaType":"x/y","digest":"{image}","size":1}}"#,
            digests.len()
        );
        let bytes = manifest_text(b"{}", &[], &rest);
        let target = Target::Digest(Digest::sha256(&bytes));
        let put = put(depot, &app, target, bytes).await.unwrap();
        assert_eq!(put.subject, Some(image.clone()));
        digests.push(put.digest);
    }
    let all = depot.referrers(&app, &image, None, None, 2).await.unwrap();
    assert!(all.more);
    let last = all.items[1].descriptor.digest.clone();
    let rest = depot.referrers(&app, &image, None, Some(&last), 2).await.unwrap();
    assert_eq!((rest.items.len(), rest.more), (1, false));
    let sboms = depot.referrers(&app, &image, Some("a/sbom"), None, 10).await.unwrap();
    assert_eq!(sboms.items.len(), 2);
    assert_eq!(sboms.items[0].descriptor.artifact_type.as_deref(), Some("a/sbom"));
    assert!(sboms.items[0].descriptor.annotations.contains_key("n"));
    depot.delete_manifest(&app, &digests[0], "alice").await.unwrap();
    let sboms = depot.referrers(&app, &image, Some("a/sbom"), None, 10).await.unwrap();
    assert_eq!(sboms.items.len(), 1);
}

#[tokio::test]
async fn immutable_tags_and_quotas() {
    let yard = yard();
    let (depot, app) = (&yard.depot, name("team/app"));
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    let rules = Rules {
        immutable: vec![Immutable {
            repositories: pattern("team/*"),
            tags: Pattern::all(),
            except: vec![pattern("dev-*")],
        }],
        quotas: vec![Quota {
            repositories: pattern("small/**"),
            bytes: Some(1000),
            tags: Some(1),
            manifests: None,
            repository_count: Some(1),
        }],
        retention: Vec::new(),
    };
    depot.set_rules(rules);
    let one = push_image(depot, &app, "latest", "one").await;
    push_image(depot, &app, "latest", "one").await;
    push_image(depot, &app, "dev-1", "one").await;
    push_image(depot, &app, "dev-1", "two").await;
    let text = manifest_text(b"config two", &[b"layer two"], "");
    let refused = put(depot, &app, by_tag("latest"), text).await;
    assert!(matches!(refused, Err(Error::Immutable { .. })), "`latest` is no exception");
    let refused = depot.delete_tag(&app, &tag("latest"), "alice").await;
    assert!(matches!(refused, Err(Error::Immutable { .. })));
    let refused = depot.delete_manifest(&app, &one.digest, "alice").await;
    assert!(matches!(refused, Err(Error::Immutable { .. })));
    let small = name("small/app");
    push_image(depot, &small, "1", "one").await;
    let text = manifest_text(b"config one", &[b"layer one"], "");
    let refused = put(depot, &small, by_tag("2"), text).await;
    assert!(matches!(refused, Err(Error::Quota { unit: "tags", .. })), "{refused:?}");
    let bytes = bytes::Bytes::from(vec![0; 1000]);
    let refused = depot.put_blob(&small, bytes.clone(), &Digest::sha256(&bytes), "alice").await;
    assert!(matches!(refused, Err(Error::Quota { unit: "bytes", .. })), "{refused:?}");
    let bytes = bytes::Bytes::from_static(b"x");
    let other = name("small/other");
    let refused = depot.put_blob(&other, bytes.clone(), &Digest::sha256(&bytes), "alice").await;
    assert!(matches!(refused, Err(Error::Quota { unit: "repositories", .. })), "{refused:?}");
}
