//! The envelope, as distribution 2.8 and 3 write it.

use sealift_crypto::SealingKey;
use sealift_oci::{Descriptor, Index, Manifest, media_type};
use sealift_registry::hooks::{Event, EventKind};
use serde::Serialize;

/// Media type of an envelope.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.docker.distribution.events.v2+json";
/// What blobs count as.
pub(crate) const BLOB_TYPE: &str = "application/octet-stream";

/// Which registry tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its host and port.
    #[serde(rename = "addr", skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Of this run of the process.
    #[serde(rename = "instanceID", skip_serializing_if = "String::is_empty")]
    pub instance: String,
}

impl Source {
    /// A registry at an address, in a new run of its process.
    pub fn new(address: String) -> Self {
        Self { address, instance: uuid() }
    }
}

/// What happened, in distribution's words; `None` if it has none.
pub(crate) fn action(event: &Event) -> Option<&'static str> {
    match event.kind {
        EventKind::Pushed | EventKind::BlobPushed => Some("push"),
        EventKind::Pulled | EventKind::BlobPulled => Some("pull"),
        EventKind::Mounted => Some("mount"),
        EventKind::Deleted | EventKind::BlobDeleted => Some("delete"),
        // With a manifest go its tags, of which distribution says nothing.
        EventKind::TagDeleted if event.digest.is_none() => Some("delete"),
        EventKind::TagDeleted
        | EventKind::Denied
        | EventKind::Login
        | EventKind::Administered
        | EventKind::TrustChanged => None,
    }
}

/// The media type that an endpoint may ignore.
pub(crate) fn media_type_of(event: &Event) -> Option<&str> {
    match event.kind {
        EventKind::BlobPushed | EventKind::BlobPulled | EventKind::Mounted => Some(BLOB_TYPE),
        _ => event.media_type.as_deref(),
    }
}

/// What an envelope is made of besides the event.
pub(crate) struct Around<'a> {
    pub(crate) action: &'static str,
    /// `https://registry.example.com`; where it is not known, the request says it.
    pub(crate) host: Option<&'a str>,
    pub(crate) prefix: &'a str,
    pub(crate) is_https: bool,
    pub(crate) references: Vec<Descriptor>,
    pub(crate) source: &'a Source,
}

#[derive(Serialize)]
struct Envelope<'a> {
    events: [Written<'a>; 1],
}

#[derive(Serialize)]
struct Written<'a> {
    id: String,
    timestamp: String,
    action: &'a str,
    target: WrittenTarget<'a>,
    request: WrittenRequest<'a>,
    actor: WrittenActor<'a>,
    source: &'a Source,
}

// What is empty is left out, as Go does it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenTarget<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_repository: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [Descriptor],
}

#[derive(Serialize)]
struct WrittenRequest<'a> {
    id: &'a str,
    addr: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
    method: &'a str,
    useragent: &'a str,
}

#[derive(Serialize)]
struct WrittenActor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// The envelope of one event.
pub(crate) fn envelope(event: &Event, around: &Around<'_>) -> Vec<u8> {
    let is_deleted = around.action == "delete";
    let text = |value: &Option<_>| -> Option<String> {
        let value: &Option<sealift_registry::HeaderValue> = value;
        value.as_ref().and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let host = text(&event.request.host).unwrap_or_default();
    let agent = text(&event.request.agent).unwrap_or_default();
    let size = event.size.filter(|_| !is_deleted);
    let written = Written {
        id: uuid(),
        timestamp: event.time.to_string(),
        action: around.action,
        target: WrittenTarget {
            media_type: media_type_of(event).filter(|_| !is_deleted),
            digest: event.digest.as_ref().map(ToString::to_string),
            size,
            length: size,
            repository: event.repository.as_ref().map(sealift_oci::RepositoryName::as_str),
            from_repository: event.from.as_ref().map(sealift_oci::RepositoryName::as_str),
            url: if is_deleted { None } else { url(event, around, &host) },
            tag: event.tag.as_deref(),
            references: &around.references,
        },
        request: WrittenRequest {
            id: &event.request_id,
            addr: event.peer.to_string(),
            host: &host,
            method: event.request.method.as_str(),
            useragent: &agent,
        },
        actor: WrittenActor { name: event.principal.name.as_deref() },
        source: around.source,
    };
    serde_json::to_vec(&Envelope { events: [written] }).unwrap_or_default()
}

fn url(event: &Event, around: &Around<'_>, host: &str) -> Option<String> {
    let (repository, digest) = (event.repository.as_ref()?, event.digest.as_ref()?);
    let base = match around.host {
        Some(host) => host.to_owned(),
        None if host.is_empty() => return None,
        None => format!("{}://{host}", if around.is_https { "https" } else { "http" }),
    };
    let kind = match media_type_of(event) {
        Some(BLOB_TYPE) => "blobs",
        _ => "manifests",
    };
    let prefix = around.prefix;
    Some(format!("{base}{prefix}/v2/{repository}/{kind}/{digest}"))
}

/// What a manifest refers to, as distribution lists it: config and layers, or the manifests of an index.
pub(crate) fn references(kind: &str, bytes: &[u8]) -> Vec<Descriptor> {
    if media_type::is_index(kind) {
        return serde_json::from_slice::<Index>(bytes)
            .map(|index| index.manifests)
            .unwrap_or_default();
    }
    match serde_json::from_slice::<Manifest>(bytes) {
        Ok(manifest) => std::iter::once(manifest.config).chain(manifest.layers).collect(),
        Err(_) => Vec::new(),
    }
}

/// A random one (RFC 9562, §5.4).
pub(crate) fn uuid() -> String {
    let random = SealingKey::generate();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&random.expose()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_random_and_say_so() {
        let (one, other) = (uuid(), uuid());
        assert_ne!(one, other);
        assert_eq!((one.len(), &one[14..15]), (36, "4"));
        assert!(matches!(&one[19..20], "8" | "9" | "a" | "b"), "{one}");
    }

    #[test]
    fn what_a_manifest_refers_to() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let one = |kind: &str| format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":1}}"#);
        let image = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{},{}]}}"#,
            one("a"),
            one("b"),
            one("c")
        );
        let kinds = |kind: &str, text: &str| -> Vec<String> {
            references(kind, text.as_bytes()).into_iter().map(|found| found.media_type).collect()
        };
        assert_eq!(kinds(media_type::MANIFEST, &image), ["a", "b", "c"]);
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, one("d"));
        assert_eq!(kinds(media_type::INDEX, &index), ["d"]);
        assert!(kinds(media_type::MANIFEST, "{").is_empty());
    }
}
