//! Traces of requests for a collector of OpenTelemetry: OTLP over HTTP in JSON, from a queue with a bound. A collector
//! that is slow or away costs spans, never requests.
//!
//! Follows <https://opentelemetry.io/docs/specs/otlp/> and <https://www.w3.org/TR/trace-context/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sealift_client::{Client, is_received};
use sealift_crypto::SealingKey;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};

const QUEUE_MAX: usize = 4096;
const BATCH_MAX: usize = 256;
const PAUSE: Duration = Duration::from_secs(2);
const POST_TIME: Duration = Duration::from_secs(10);

/// Where traces are sent.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceSettings {
    /// `https://host:4318` or `http://…`; traces are sent nowhere if it is empty.
    pub endpoint: String,
    /// Name of this server in traces.
    pub service: Option<String>,
    /// Sent along, as a collector wants it: `{Authorization: Bearer …}`.
    pub headers: BTreeMap<String, String>,
}

/// What ties a request to what caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    parent: Option<[u8; 8]>,
    span: [u8; 8],
    is_sampled: bool,
}

impl TraceContext {
    /// Of the `traceparent` of a request, or a new one.
    pub fn of(header: Option<&str>) -> Self {
        let random = SealingKey::generate();
        let random = random.expose();
        let mut own = Self { trace: [0; 16], parent: None, span: [0; 8], is_sampled: true };
        own.trace.copy_from_slice(&random[..16]);
        own.span.copy_from_slice(&random[16..24]);
        let Some((trace, parent, flags)) = header.and_then(parse) else { return own };
        Self { trace, parent: Some(parent), is_sampled: flags & 1 == 1, ..own }
    }

    /// Of a part of this request.
    pub(crate) fn part(&self) -> Self {
        Self { parent: Some(self.span), span: Self::of(None).span, ..*self }
    }

    /// For who is asked on behalf of this request, and for the answer.
    pub fn header(&self) -> String {
        let flags = u8::from(self.is_sampled);
        format!("00-{}-{}-{flags:02x}", hex(&self.trace), hex(&self.span))
    }
}

// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may have more behind it.
fn parse(header: &str) -> Option<([u8; 16], [u8; 8], u8)> {
    let mut parts = header.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let (trace, parent) = (bytes::<16>(trace)?, bytes::<8>(parent)?);
    let flags = bytes::<1>(flags)?[0];
    bytes::<1>(version)?;
    (trace != [0; 16] && parent != [0; 8]).then_some((trace, parent, flags))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != N * 2 || !text.bytes().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whose time a span is, as OTLP numbers it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SpanKind {
    /// A part of a request.
    Internal = 1,
    /// A request.
    Server = 2,
    /// What another server was asked for.
    Client = 3,
}

/// A request that was answered, or a part of one.
pub(crate) struct Span {
    pub(crate) context: TraceContext,
    pub(crate) kind: SpanKind,
    pub(crate) name: String,
    pub(crate) start_nanoseconds: i128,
    pub(crate) duration: Duration,
    pub(crate) attributes: Vec<(&'static str, Attribute)>,
    pub(crate) is_fault: bool,
}

/// What is said of a span.
pub(crate) enum Attribute {
    Text(String),
    Number(u64),
}

impl Span {
    fn to_json(&self) -> Value {
        let end = self.start_nanoseconds + i128::try_from(self.duration.as_nanos()).unwrap_or(0);
        let attributes = self.attributes.iter().map(|(key, value)| {
            let value = match value {
                Attribute::Text(text) => json!({ "stringValue": text }),
                // 64 bits are text in JSON (protobuf's JSON mapping).
                Attribute::Number(number) => json!({ "intValue": number.to_string() }),
            };
            json!({ "key": key, "value": value })
        });
        json!({
            "traceId": hex(&self.context.trace),
            "spanId": hex(&self.context.span),
            "parentSpanId": self.context.parent.map(|parent| hex(&parent)).unwrap_or_default(),
            "name": self.name,
            "kind": self.kind as u8,
            "startTimeUnixNano": self.start_nanoseconds.to_string(),
            "endTimeUnixNano": end.to_string(),
            "attributes": attributes.collect::<Vec<_>>(),
            "status": { "code": if self.is_fault { 2 } else { 0 } },
        })
    }
}

/// Takes spans and sends them.
#[derive(Clone)]
pub struct Tracer {
    queue: Sender<Span>,
    dropped: Arc<AtomicU64>,
}

impl Tracer {
    /// Begins to send by a client, on the runtime at hand. `None`: the address is none that is spoken to.
    pub fn start(settings: &TraceSettings, client: Client) -> Option<Self> {
        let url = address(&settings.endpoint)?;
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(settings.headers.clone());
        let service = settings.service.clone().unwrap_or_else(|| "sealift-registry".to_owned());
        let (queue, spans) = channel(QUEUE_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let collector = Collector { client, url, headers, service };
        tokio::spawn(send_all(spans, collector, Arc::clone(&dropped)));
        Some(Self { queue, dropped })
    }

    pub(crate) fn send(&self, span: Span) {
        if span.context.is_sampled && self.queue.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many spans were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

// `host:4318` of the scheme's own port, and `/v1/traces` unless it is written.
fn address(endpoint: &str) -> Option<String> {
    let (scheme, rest) = endpoint.split_once("://")?;
    let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
    let is_known = matches!(scheme, "http" | "https");
    if !is_known || host.is_empty() || endpoint.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return None;
    }
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = if has_port { host.to_owned() } else { format!("{host}:4318") };
    let base = base.trim_end_matches('/');
    let path = match base {
        "" => "v1/traces".to_owned(),
        base if base.ends_with("v1/traces") => base.to_owned(),
        base => format!("{base}/v1/traces"),
    };
    Some(format!("{scheme}://{host}/{path}"))
}

// Who takes traces.
struct Collector {
    client: Client,
    url: String,
    headers: Vec<(String, String)>,
    service: String,
}

async fn send_all(mut spans: Receiver<Span>, collector: Collector, dropped: Arc<AtomicU64>) {
    let mut batch = Vec::new();
    while spans.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let listed: Vec<Value> = batch.drain(..).map(|span| span.to_json()).collect();
        let n_spans = listed.len() as u64;
        let body = json!({ "resourceSpans": [{
            "resource": { "attributes": [
                { "key": "service.name", "value": { "stringValue": collector.service } },
            ] },
            "scopeSpans": [{ "scope": { "name": "sealift" }, "spans": listed }],
        }] });
        let Collector { client, url, headers, .. } = &collector;
        let posted = client.notify(url, headers, body.to_string().into_bytes());
        if !matches!(timeout(POST_TIME, posted).await, Ok(Ok(status)) if is_received(status)) {
            dropped.fetch_add(n_spans, Ordering::Relaxed);
        }
        // So that a few requests are one post.
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn contexts() {
        let context = TraceContext::of(Some(HEADER));
        assert!(context.header().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert!(context.header().ends_with("-01") && context.header() != HEADER);
        assert!(TraceContext::of(Some(&HEADER.replace("-01", "-00"))).header().ends_with("-00"));
        let later = HEADER.replace("00-4", "01-4") + "-more";
        assert!(TraceContext::of(Some(&later)).header().contains("4bf92f3577b34da6"));
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e47é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn spans_reach_a_collector() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let headers = BTreeMap::from([("X-Team".to_owned(), "a".to_owned())]);
        let settings = TraceSettings { endpoint, headers, ..TraceSettings::default() };
        let client = Client::new(sealift_client::Settings::default()).unwrap();
        let tracer = Tracer::start(&settings, client).unwrap();
        let request = TraceContext::of(Some(HEADER));
        let span = |context, kind, name: &str| Span {
            context,
            kind,
            name: name.to_owned(),
            start_nanoseconds: 1_000,
            duration: Duration::from_nanos(5),
            attributes: vec![
                ("url.path", Attribute::Text("/v2/a/manifests/b".to_owned())),
                ("http.response.status_code", Attribute::Number(200)),
            ],
            is_fault: false,
        };
        tracer.send(span(request, SpanKind::Server, "GET manifest"));
        tracer.send(span(request.part(), SpanKind::Internal, "gate"));
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = tokio::io::BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
        let mut headers = Vec::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            if let Some(found) = line.strip_prefix("content-length: ") {
                length = found.trim().parse().unwrap();
            }
            headers.push(line.clone());
        }
        assert!(headers.contains(&"x-team: a\r\n".to_owned()), "{headers:?}");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let spans = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
        let (span, part) = (&spans[0], &spans[1]);
        assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((&part["traceId"], &part["parentSpanId"]), (&span["traceId"], &span["spanId"]));
        assert_ne!(part["spanId"], span["spanId"]);
        assert_eq!((&span["kind"], &part["kind"]), (&json!(2), &json!(1)));
        assert_eq!(span["attributes"][1]["value"], json!({ "intValue": "200" }));
        assert_eq!(
            (&span["parentSpanId"], &span["endTimeUnixNano"]),
            (&json!("00f067aa0ba902b7"), &json!("1005"))
        );
        assert_eq!(tracer.dropped(), 0);
    }

    #[test]
    fn addresses_of_collectors() {
        for (endpoint, expected) in [
            ("http://c", Some("http://c:4318/v1/traces")),
            ("https://c:443/", Some("https://c:443/v1/traces")),
            ("https://c/otlp", Some("https://c:4318/otlp/v1/traces")),
            ("https://c/v1/traces", Some("https://c:4318/v1/traces")),
            ("http://[::1]", Some("http://[::1]:4318/v1/traces")),
            ("", None),
            ("c:4318", None),
            ("ftp://c", None),
            ("http://a b", None),
            ("http://", None),
        ] {
            assert_eq!(address(endpoint).as_deref(), expected, "{endpoint}");
        }
    }
}
