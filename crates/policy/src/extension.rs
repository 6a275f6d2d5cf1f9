//! Functions that policies expect and the interpreter lacks: OPA's, and those with which conftest and trivy call
//! their policies. What would reach out of the policy (the network, the process) is refused in plain words.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::Md5;
use regorus::Value;
use regorus::unstable::BUILTINS;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::{document, network, shell};

pub(crate) type Function = fn(&[Value]) -> Result<Value, String>;

/// Name, number of arguments, function.
pub(crate) const FUNCTIONS: [(&str, u8, Function); 38] = [
    ("crypto.md5", 1, |it| hash::<Md5>(it)),
    ("crypto.sha1", 1, |it| hash::<Sha1>(it)),
    ("crypto.sha256", 1, |it| hash::<Sha256>(it)),
    ("crypto.hmac.md5", 2, |it| keyed_hash::<Md5>(it)),
    ("crypto.hmac.sha1", 2, |it| keyed_hash::<Sha1>(it)),
    ("crypto.hmac.sha256", 2, |it| keyed_hash::<Sha256>(it)),
    ("crypto.hmac.sha512", 2, |it| keyed_hash::<Sha512>(it)),
    ("crypto.hmac.equal", 2, |it| Ok(Value::from(text(it, 0)? == text(it, 1)?))),
    ("io.jwt.decode", 1, jwt_decode),
    ("any", 1, any),
    ("all", 1, all),
    ("re_match", 2, |it| builtin("regex.match", it)),
    ("net.cidr_overlap", 2, |it| builtin("net.cidr_contains", it)),
    ("net.cidr_intersects", 2, network::intersects),
    ("net.cidr_merge", 1, network::merge),
    ("net.cidr_contains_matches", 2, network::contains_matches),
    ("array.flatten", 1, flatten),
    ("object.subset", 2, subset),
    ("cidr.is_public", 1, network::is_public),
    ("cidr.count_addresses", 1, network::count_addresses),
    ("yaml.unmarshal", 1, yaml_unmarshal),
    ("yaml.is_valid", 1, |it| Ok(Value::from(yaml_unmarshal(it).is_ok()))),
    ("parse_config", 2, parse_config),
    ("result.new", 2, result_new),
    ("sh.parse_commands", 1, parse_commands),
    ("squealer.scan_string", 1, scan_string),
    ("isManaged", 1, |it| Ok(is_managed(it))),
    ("http.send", 1, |_| refused("http.send", "the network")),
    ("net.lookup_ip_addr", 1, |_| refused("net.lookup_ip_addr", "the network")),
    ("opa.runtime", 0, |_| refused("opa.runtime", "the process")),
    ("parse_config_file", 1, |_| refused("parse_config_file", "the file system; use `--data`")),
    ("parse_combined_config_files", 1, |_| {
        refused("parse_combined_config_files", "the file system; use `--combine`")
    }),
    ("io.jwt.verify_hs256", 2, |_| unchecked("io.jwt.verify_hs256")),
    ("io.jwt.verify_rs256", 2, |_| unchecked("io.jwt.verify_rs256")),
    ("io.jwt.verify_es256", 2, |_| unchecked("io.jwt.verify_es256")),
    ("io.jwt.decode_verify", 2, |_| unchecked("io.jwt.decode_verify")),
    ("crypto.x509.parse_certificates", 1, |_| unchecked("crypto.x509.parse_certificates")),
    ("rego.metadata.rule", 0, |_| unchecked("rego.metadata.rule")),
];

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self(why)
    }
}

/// The text at a place among arguments.
pub(crate) fn text(arguments: &[Value], at: usize) -> Result<&str, String> {
    match arguments.get(at) {
        Some(Value::String(text)) => Ok(text),
        other => Err(format!("argument {} must be a text, not {}", at + 1, kind(other))),
    }
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Undefined) => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a truth value",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(_)) => "an array",
        Some(Value::Set(_)) => "a set",
        Some(Value::Object(_)) => "an object",
    }
}

/// The items of an array or a set.
pub(crate) fn items(value: Option<&Value>) -> Result<Vec<&Value>, String> {
    match value {
        Some(Value::Array(array)) => Ok(array.iter().collect()),
        Some(Value::Set(set)) => Ok(set.iter().collect()),
        other => Err(format!("an array or a set is wanted, not {}", kind(other))),
    }
}

fn refused(name: &str, what: &str) -> Result<Value, String> {
    Err(format!("`{name}` is refused: a policy sees its input and its data, not {what}"))
}

fn unchecked(name: &str) -> Result<Value, String> {
    Err(format!("`{name}` is not available here"))
}

fn builtin(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let (function, _) = BUILTINS.get(name).copied().ok_or_else(|| format!("no `{name}`"))?;
    let fail = |error: String| crate::place::Place::parse(&error).message;
    let source = regorus::Source::from_contents(name.to_owned(), name.to_owned())
        .map_err(|error| fail(error.to_string()))?;
    let span = regorus::unstable::Span { source, line: 1, col: 1, start: 0, end: 0 };
    let place = |_| {
        regorus::unstable::Ref::new(regorus::unstable::Expr::Null {
            span: span.clone(),
            value: Value::Null,
            eidx: 0,
        })
    };
    let places: Vec<_> = arguments.iter().map(place).collect();
    function(&span, &places, arguments, true).map_err(|error| fail(error.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

fn hash<D: Digest>(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(hex(&D::digest(text(arguments, 0)?.as_bytes()))))
}

// RFC 2104; all of these hashes but SHA-512 work on blocks of 64 bytes.
fn keyed_hash<D: Digest>(arguments: &[Value]) -> Result<Value, String> {
    let (message, key) = (text(arguments, 0)?.as_bytes(), text(arguments, 1)?.as_bytes());
    let block = if <D as Digest>::output_size() > 32 { 128 } else { 64 };
    let mut padded = if key.len() > block { D::digest(key).to_vec() } else { key.to_vec() };
    padded.resize(block, 0);
    let mixed = |with: u8| padded.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = D::new().chain_update(mixed(0x36)).chain_update(message).finalize();
    let outer = D::new().chain_update(mixed(0x5c)).chain_update(inner).finalize();
    Ok(Value::from(hex(&outer)))
}

// Header, payload and signature, none of them verified.
fn jwt_decode(arguments: &[Value]) -> Result<Value, String> {
    let token = text(arguments, 0)?;
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err("a JSON web token has three parts".to_owned());
    };
    let decoded = |part: &str| -> Result<Value, String> {
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string())?;
        let json: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        Ok(Value::from(json))
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|error| error.to_string())?;
    Ok(Value::from(vec![decoded(header)?, decoded(payload)?, Value::from(hex(&signature))]))
}

fn any(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(items(arguments.first())?.contains(&&Value::Bool(true))))
}

fn all(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(items(arguments.first())?.iter().all(|item| **item == Value::Bool(true))))
}

fn flatten(arguments: &[Value]) -> Result<Value, String> {
    let mut flat = Vec::new();
    for item in items(arguments.first())? {
        match item {
            Value::Array(inner) => flat.extend(inner.iter().cloned()),
            other => flat.push(other.clone()),
        }
    }
    Ok(Value::from(flat))
}

// The interpreter's own stumbles over an empty array.
fn subset(arguments: &[Value]) -> Result<Value, String> {
    match arguments {
        [Value::Array(_), Value::Array(part)] if part.is_empty() => Ok(Value::Bool(true)),
        _ => builtin("object.subset", arguments),
    }
}

fn yaml_unmarshal(arguments: &[Value]) -> Result<Value, String> {
    document::read(document::Kind::Yaml, "text", text(arguments, 0)?)
        .map(Value::from)
        .map_err(|error| error.to_string())
}

fn parse_config(arguments: &[Value]) -> Result<Value, String> {
    let name = text(arguments, 0)?;
    let kind =
        document::Kind::parse(name).ok_or_else(|| format!("no parser is called `{name}`"))?;
    document::read(kind, "text", text(arguments, 1)?)
        .map(Value::from)
        .map_err(|error| error.to_string())
}

// trivy's results: a message, and where it comes from if the second argument knows.
fn result_new(arguments: &[Value]) -> Result<Value, String> {
    let mut fields = std::collections::BTreeMap::new();
    fields.insert(Value::from("msg"), Value::from(text(arguments, 0)?));
    let cause = arguments.get(1).unwrap_or(&Value::Null);
    let metadata = field(cause, "__defsec_metadata").unwrap_or(cause);
    let names = [
        ("filepath", ["filepath", "Path"]),
        ("startline", ["startline", "StartLine"]),
        ("endline", ["endline", "EndLine"]),
        ("resource", ["resource", "Resource"]),
    ];
    for (name, sources) in names {
        if let Some(value) = sources.iter().find_map(|source| field(metadata, source)) {
            fields.insert(Value::from(name), value.clone());
        }
    }
    Ok(Value::from(fields))
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object().ok()?.get(&Value::from(name))
}

fn parse_commands(arguments: &[Value]) -> Result<Value, String> {
    let commands = shell::commands(text(arguments, 0)?)?;
    let words = |command: Vec<String>| {
        Value::from(command.into_iter().map(Value::from).collect::<Vec<Value>>())
    };
    Ok(Value::from(commands.into_iter().map(words).collect::<Vec<Value>>()))
}

// trivy's search for secrets: an assignment of a text to a name that speaks of a secret.
fn scan_string(arguments: &[Value]) -> Result<Value, String> {
    let lower = text(arguments, 0)?.to_ascii_lowercase();
    const NAMES: [&str; 7] =
        ["password", "passwd", "secret", "token", "apikey", "api_key", "access_key"];
    let is_assigned = |name: &str| {
        lower.match_indices(name).any(|(at, found)| {
            let rest = lower[at + found.len()..].trim_start_matches(|c: char| {
                c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '\'' | ' ')
            });
            let value = rest.strip_prefix([':', '=']).unwrap_or_default();
            let value = value.trim_start_matches(['\\', '"', '\'', ' ']);
            let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\');
            !value.starts_with('$') && value.chars().take_while(|c| is_plain(*c)).count() >= 8
        })
    };
    let is_found =
        NAMES.iter().any(|name| is_assigned(name)) || lower.contains("-----begin private key");
    let fields = std::collections::BTreeMap::from([(
        Value::from("transgressionFound"),
        Value::from(is_found),
    )]);
    Ok(Value::from(fields))
}

fn is_managed(arguments: &[Value]) -> Value {
    let metadata = arguments.first().and_then(|value| field(value, "__defsec_metadata"));
    let managed = metadata.and_then(|metadata| field(metadata, "managed"));
    managed.cloned().unwrap_or(Value::Bool(false))
}
