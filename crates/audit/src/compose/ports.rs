//! Ports of a service: `[ADDRESS:][HOST:]CONTAINER[/PROTOCOL]`, or a mapping.

use std::collections::BTreeSet;

use sealift_diagnostic::Span;

use super::service::Service;
use super::variables::expand;
use crate::workload::Port;
use crate::yaml::View;

pub(super) fn ports(service: &Service<'_>) -> Vec<Port> {
    ports_with_protocols(service).into_iter().map(|(port, _)| port).collect()
}

/// The ports, and whether each is one of UDP; of those that are the same the nearest counts.
pub(super) fn ports_with_protocols(service: &Service<'_>) -> Vec<(Port, bool)> {
    let items = service.items("ports").into_iter();
    let ports = items.filter_map(|(item, span)| match item.text() {
        Some(text) => Some((short(&expand(text), span)?, text.ends_with("/udp"))),
        None => Some((long(item, span)?, item.word("protocol") == Some("udp"))),
    });
    let mut known = BTreeSet::new();
    let mut is_new = |(port, is_udp): &(Port, bool)| {
        known.insert((port.address.clone(), port.host, port.container, *is_udp))
    };
    ports.filter(|it| is_new(it)).collect()
}

fn short(text: &str, span: Span) -> Option<Port> {
    let text = text.split('/').next()?;
    let (rest, container) = text.rsplit_once(':').unwrap_or(("", text));
    let (address, host) = split_address(rest);
    Some(Port {
        address: address.to_owned(),
        host: range(host).unwrap_or((0, 0)),
        container: range(container)?,
        span,
    })
}

/// `127.0.0.1:8080`, `[::1]:8080`, `8080`, and an address with an empty port.
pub(super) fn split_address(text: &str) -> (&str, &str) {
    match text.rsplit_once(':') {
        Some((address, port)) => (address, port),
        None if text.contains('.') => (text, ""),
        None => ("", text),
    }
}

fn long(item: View<'_>, span: Span) -> Option<Port> {
    let container = range(&expand(item.word("target")?))?;
    let published = item.word("published").map(expand).unwrap_or_default();
    Some(Port {
        address: item.word("host_ip").map(expand).unwrap_or_default(),
        host: range(&published).unwrap_or((0, 0)),
        container,
        span,
    })
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (low <= high).then_some((low, high))
}
