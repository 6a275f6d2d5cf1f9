//! What strangers send to a server before they are known: forms, tokens, addresses; and the files that say who is.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use sealift_access::{
    Action, Gatekeeper, Grant, Issuer, LimitSettings, Parts, Passwords, Principal, RateSettings,
    Request, Rule, Rules, Thing, TokenKeys, TokenRequest, TokenRules, TokenSettings,
    WorkloadSettings, verify_token,
};
use sealift_crypto::SigningKey;
use sealift_depot::{Pattern, Settings, manifest_parts};
use sealift_registry::configuration::{Level, read as read_config};
use sealift_registry::trust::{Address, Form, FormFault, FormLimits};
use serde_json::json;

use crate::{parts, text};

const LIMITS: FormLimits =
    FormLimits { bytes: 1 << 16, parts: 8, file_bytes: 1 << 12, head_bytes: 512 };

type Files = Vec<(String, Vec<u8>)>;

fn read(kind: &str, body: &[u8], piece: usize) -> Result<Files, FormFault> {
    let mut form = Form::new(kind, LIMITS)?;
    for piece in body.chunks(piece) {
        form.feed(piece)?;
    }
    form.finish()
}

/// A form: how it comes in pieces makes no difference, and no limit is passed. The first line is the content type.
pub fn form(bytes: &[u8]) {
    let (kind, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 1..]),
        None => ("multipart/form-data; boundary=XX".to_owned(), bytes),
    };
    let whole = read(&kind, body, body.len().max(1));
    for piece in [1, 2, 7] {
        let pieces = read(&kind, body, piece);
        assert_eq!(whole.is_ok(), pieces.is_ok(), "pieces of {piece} make a difference");
        if let (Ok(whole), Ok(pieces)) = (&whole, pieces) {
            assert_eq!(*whole, pieces, "pieces of {piece} make other files");
        }
    }
    let Ok(files) = whole else { return };
    assert!(files.len() <= LIMITS.parts);
    for (name, content) in files {
        assert!(!name.is_empty() && !name.contains(char::is_control), "a name: {name:?}");
        assert!(content.len() <= LIMITS.file_bytes, "a file is larger than allowed");
    }
}

// Of a key that nobody has seen, so that no token can be signed with it.
fn keys() -> &'static TokenKeys {
    static KEYS: OnceLock<TokenKeys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = SigningKey::generate_p256().public().to_jwk().unwrap();
        TokenKeys::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap()
    })
}

fn gatekeeper() -> &'static Gatekeeper {
    static GATEKEEPER: OnceLock<Gatekeeper> = OnceLock::new();
    GATEKEEPER.get_or_init(|| {
        let key = SigningKey::generate_p256();
        let realm = Some("https://registry.example/token".to_owned());
        let settings = TokenSettings { enabled: true, realm, ..TokenSettings::default() };
        let issuer = Issuer::new(key, settings).unwrap();
        let rule = Rule::parse("anonymous=open/**:pull").unwrap();
        let rules = Rules::new(vec![rule]);
        let limits =
            LimitSettings { failed_logins: RateSettings::default(), ..LimitSettings::default() };
        Gatekeeper::new(Parts { issuer: Some(Arc::new(issuer)), rules, limits, ..Parts::default() })
    })
}

/// Requests to the token server, from somebody who has no password: the first line is `Authorization`, then the query or
/// the form. Nobody is let in, and nobody is given more than everybody may do.
pub fn token_request(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (authorization, rest) = text.split_once('\n').unwrap_or(("", text));
    let request = Request {
        authorization: (!authorization.is_empty()).then_some(authorization),
        peer: ([192, 0, 2, 1], 1234).into(),
        client_certificate: None,
        now: Timestamp::from_second(1_800_000_000).unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    if let Ok(found) = runtime.block_on(gatekeeper().identify(&request)) {
        assert_eq!(found, Principal::ANONYMOUS, "somebody came in");
    }
    for form in [None, Some(rest.as_bytes())] {
        let answer =
            runtime.block_on(gatekeeper().token(&TokenRequest { form, query: rest, request }));
        if answer.status != 200 {
            continue;
        }
        assert!(form.is_none() && answer.user.is_none(), "somebody came in by a form");
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let bearer = format!("Bearer {}", body["token"].as_str().unwrap());
        let asked = Request { authorization: Some(&bearer), ..request };
        let found = runtime.block_on(gatekeeper().identify(&asked)).unwrap();
        let is_open = |grant: &Grant| {
            grant.kind == "repository"
                && grant.name.starts_with("open/")
                && grant.actions == [Action::Pull]
        };
        assert!(found.grants.unwrap().iter().all(is_open), "more than everybody may do");
    }
}

/// Settings of access: rules, issuers, limits. Whatever is read as a rule can be held against a principal.
pub fn access_settings(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Vec<WorkloadSettings>>(bytes);
    let _ = serde_json::from_slice::<LimitSettings>(bytes);
    let Ok(rules) = serde_json::from_slice::<Rules>(bytes) else { return };
    for name in ["alice", "team/app", ""] {
        for action in Action::ALL {
            let _ = rules.decide(&Principal::user(name), action, Thing::Tag(name, name));
        }
    }
}

/// Tokens, key sets, passwords, rules and addresses. Nobody gets in by a token that was not signed.
pub fn access(bytes: &[u8]) {
    // Reading is all that is asked of them.
    let _ = Passwords::parse(bytes);
    let _ = TokenKeys::parse(bytes);
    let Some(text) = text(bytes) else { return };
    let rules = TokenRules { service: "trust".to_owned(), issuer: "auth".to_owned() };
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    assert!(verify_token(text, keys(), &rules, now).is_err(), "an unsigned token is believed");
    let _ = Rule::parse(text);
    if let Ok(address) = Address::parse(text)
        && let Some(gun) = address.gun()
    {
        let is_sound =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part != "_trust";
        assert!(gun.as_str().split('/').all(is_sound), "a repository: {gun}");
    }
}

/// A configuration; behind a separator variables, one a line. What is shown of it reads as the same once more.
pub fn config(bytes: &[u8]) {
    let parts = parts(bytes);
    let Some(file) = text(parts[0]) else { return };
    let variables = parts.get(1).and_then(|part| text(part)).unwrap_or_default();
    let variables: Vec<(String, String)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let reading = read_config(file, &variables);
    let is_refused = reading.findings.iter().any(|finding| finding.level == Level::Error);
    assert_eq!(reading.configuration.is_none(), is_refused, "an error and a configuration");
    for finding in &reading.findings {
        let line = finding.line("config.yml");
        assert!(!line.contains('\n'), "a finding of two lines: {line}");
    }
    let shown = reading.to_yaml();
    if reading.configuration.is_some() {
        assert_eq!(shown, read_config(&shown, &[]).to_yaml(), "what is shown reads as another");
    }
}

/// What a manifest is sent as, and the manifest. What is taken in is text, names no part twice, and no more than allowed.
pub fn manifest(bytes: &[u8]) {
    let parts = parts(bytes);
    let (Some(media_type), Some(manifest)) = (text(parts[0]), parts.get(1)) else { return };
    let settings =
        Settings { manifest_bytes_max: 1 << 14, children_max: 20, ..Settings::default() };
    // A pattern may be anything; it must end soon.
    if let Ok(pattern) = Pattern::parse(media_type) {
        assert!(pattern.matches(media_type), "it is not its own pattern");
    }
    let Ok(found) = manifest_parts(media_type, manifest, &settings) else { return };
    assert!(std::str::from_utf8(manifest).is_ok(), "the journal cannot hold it");
    let n_parts = found.blobs.len() + found.foreign.len() + found.manifests.len();
    assert!(n_parts <= settings.children_max, "{n_parts} parts");
    for digests in [&found.blobs, &found.foreign, &found.manifests] {
        assert!(digests.is_sorted_by(|left, right| left < right), "a part is named twice");
    }
    assert!(serde_json::from_str::<serde_json::Value>(&found.annotations).is_ok());
}
