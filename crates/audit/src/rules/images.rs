//! The image that a container is made from.

use sealift_diagnostic::{Level, Rule};
use sealift_oci::Reference;

use super::{Check, Sink};
use crate::workload::{Source, Workload};

pub(super) const MUTABLE_TAG: Check = Check {
    rule: Rule {
        id: "SL2001",
        name: "mutable-tag",
        level: Level::Warning,
        aliases: &["KSV-0013", "CKV_K8S_14", "CIS-5.28"],
        why: "the next start may run another release, without a change to this file",
        fix: "name a release, such as `nginx:1.29.3`, and pin it with its digest",
        since: "0.1.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx:1.29.3\n",
        references: &[],
    },
    run: mutable_tag,
};

fn mutable_tag(workload: &Workload<'_>, sink: &mut Sink) {
    let Some((image, reference)) = unpinned(workload) else { return };
    let text = &image.value;
    match reference.tag() {
        None => sink.add(image.span, format!("image `{text}` has no tag, so it is `latest`")),
        Some("latest") => {
            sink.add(image.span, format!("the tag of `{text}` moves with every release"))
        }
        Some(_) => return,
    };
}

pub(super) const NO_DIGEST: Check = Check {
    rule: Rule {
        id: "SL2002",
        name: "no-digest",
        level: Level::Info,
        aliases: &["CKV_K8S_43"],
        why: "a tag can be moved to other bytes by whoever may push it; a digest cannot",
        fix: "add the digest: `name:tag@sha256:…`",
        since: "0.1.0",
        bad: "services:\n  web:\n    image: nginx:1.29.3\n",
        good: "services:\n  web:\n    image: nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
        references: &[],
    },
    run: |workload, sink| {
        // What runs has been chosen already, by its digest.
        if let Some((image, _)) = unpinned(workload).filter(|_| workload.source != Source::Running)
        {
            sink.add(image.span, format!("image `{}` is not pinned to a digest", image.value));
        }
    },
};

/// The image if it is a name without a digest.
fn unpinned<'w>(
    workload: &'w Workload<'_>,
) -> Option<(&'w crate::workload::Set<String>, Reference)> {
    let image = workload.image.as_ref()?;
    if image.value.contains('$') || image.value.starts_with("sha256:") {
        return None;
    }
    let reference = Reference::parse(&image.value).ok()?;
    reference.digest().is_none().then_some((image, reference))
}
