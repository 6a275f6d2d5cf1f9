//! Volumes of a service: `[SOURCE:]TARGET[:MODE]`, or a mapping.

use std::collections::BTreeSet;

use sealift_diagnostic::Span;

use super::service::Service;
use super::variables::expand;
use crate::workload::Mount;
use crate::yaml::View;

pub(super) fn mounts(service: &Service<'_>) -> Vec<Mount> {
    let items = service.items("volumes").into_iter();
    let mounts = items.filter_map(|(item, span)| match item.text() {
        Some(text) => short(&expand(text), span),
        None => long(item, span),
    });
    // Of two with the same target the nearest counts.
    let mut targets = BTreeSet::new();
    mounts.filter(|mount| targets.insert(mount.target.clone())).collect()
}

fn short(text: &str, span: Span) -> Option<Mount> {
    let mut parts = text.split(':');
    let first = parts.next()?;
    let Some(target) = parts.next() else {
        return Some(mount("", first, "", span));
    };
    // What is no path is the name of a volume.
    let source = if first.starts_with(['/', '.', '~', '$']) { first } else { "" };
    Some(mount(source, target, parts.next().unwrap_or(""), span))
}

fn mount(source: &str, target: &str, modes: &str, span: Span) -> Mount {
    let modes: Vec<&str> = modes.split(',').collect();
    let propagation = modes.iter().find(|mode| {
        matches!(**mode, "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate")
    });
    Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        is_read_only: modes.contains(&"ro"),
        propagation: propagation.map(|&mode| mode.to_owned()).unwrap_or_default(),
        span,
    }
}

fn long(item: View<'_>, span: Span) -> Option<Mount> {
    let is_bind = item.word("type").is_none_or(|kind| kind == "bind");
    let source = item.word("source").map(expand).filter(|_| is_bind).unwrap_or_default();
    let propagation = item.find(&["bind", "propagation"]).and_then(View::text);
    Some(Mount {
        source,
        target: expand(item.word("target")?),
        is_read_only: item.get("read_only").and_then(View::truth) == Some(true),
        propagation: propagation.unwrap_or_default().to_owned(),
        span,
    })
}
