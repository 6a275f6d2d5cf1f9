//! Docker's `config.json`: stored credentials and credential helpers.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::Error;

const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The parts of Docker's `config.json` that concern registries.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, StoredAuth>,
    #[serde(default, rename = "credHelpers")]
    credential_helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    credentials_store: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
struct StoredAuth {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default, rename = "identitytoken")]
    identity_token: Option<String>,
}

impl std::fmt::Debug for StoredAuth {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("StoredAuth(…)")
    }
}

/// What a registry is shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Name and password.
    Password {
        /// Name.
        username: String,
        /// Password.
        password: String,
    },
    /// An OAuth2 refresh token.
    IdentityToken(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Credential(…)")
    }
}

impl DockerConfig {
    /// Reads a `config.json`; a file that is not there means no credentials.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let fail = |reason: String| Error::DockerConfig { path: path.to_owned(), reason };
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| fail(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(fail(error.to_string())),
        }
    }

    /// Takes in a credential for a host.
    pub fn insert(&mut self, host: &str, credential: Credential) {
        let key = if host == "registry-1.docker.io" { HUB_KEY } else { host };
        let mut stored = StoredAuth::default();
        match credential {
            Credential::Password { username, password } => {
                (stored.username, stored.password) = (Some(username), Some(password));
            }
            Credential::IdentityToken(token) => stored.identity_token = Some(token),
        }
        self.auths.insert(key.to_owned(), stored);
    }

    /// The credential for a host, if there is one.
    pub(crate) fn credential(&self, host: &str) -> Result<Option<Credential>, Error> {
        let key = if host == "registry-1.docker.io" { HUB_KEY } else { host };
        let helper = self.credential_helpers.get(key).or(self.credentials_store.as_ref());
        if let Some(helper) = helper
            && let Some(credential) = ask_helper(helper, key)?
        {
            return Ok(Some(credential));
        }
        let stored = self.auths.get(key).or_else(|| {
            self.auths.iter().find(|(name, _)| host_of(name) == host).map(|(_, stored)| stored)
        });
        stored.map_or(Ok(None), |stored| decode(stored, host))
    }
}

// Older files have `https://host/v1/` as key.
fn host_of(key: &str) -> &str {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    rest.split('/').next().unwrap_or(rest)
}

fn decode(stored: &StoredAuth, host: &str) -> Result<Option<Credential>, Error> {
    if let Some(token) = stored.identity_token.as_ref().filter(|token| !token.is_empty()) {
        return Ok(Some(Credential::IdentityToken(token.clone())));
    }
    if let (Some(username), Some(password)) = (&stored.username, &stored.password) {
        return Ok(Some(Credential::Password {
            username: username.clone(),
            password: password.clone(),
        }));
    }
    let Some(auth) = stored.auth.as_ref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
    let text = STANDARD.decode(auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().and_then(|text| text.split_once(':')) {
        Some((username, password)) => Ok(Some(Credential::Password {
            username: username.to_owned(),
            // Docker pads with NUL bytes.
            password: password.trim_end_matches('\0').to_owned(),
        })),
        None => Err(Error::StoredCredential { host: host.to_owned() }),
    }
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

// The protocol of docker-credential-helpers: `get`, the server on stdin, JSON on stdout.
fn ask_helper(helper: &str, server: &str) -> Result<Option<Credential>, Error> {
    let is_name = helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let fail = |reason: String| Error::CredentialHelper { helper: helper.to_owned(), reason };
    if !is_name || helper.is_empty() {
        return Err(fail("the name has characters that no program's name has".to_owned()));
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| fail(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input may still answer.
        let _ = stdin.write_all(server.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| fail(error.to_string()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        return if text.contains("credentials not found") {
            Ok(None)
        } else {
            Err(fail(format!("it answered `{}`", text.trim())))
        };
    }
    let answer: HelperAnswer =
        serde_json::from_slice(&output.stdout).map_err(|error| fail(error.to_string()))?;
    Ok(Some(match answer.username.as_str() {
        "<token>" => Credential::IdentityToken(answer.secret),
        _ => Credential::Password { username: answer.username, password: answer.secret },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, host: &str) -> Result<Option<Credential>, Error> {
        serde_json::from_str::<DockerConfig>(json).unwrap().credential(host)
    }

    fn password(username: &str, password: &str) -> Credential {
        Credential::Password { username: username.to_owned(), password: password.to_owned() }
    }

    #[test]
    fn reads_stored_credentials() {
        // alice:secret
        let json = r#"{"auths":{"localhost:5000":{"auth":"YWxpY2U6c2VjcmV0"},
            "https://index.docker.io/v1/":{"auth":"Ym9iOng="},"https://old.host/v1/":{"auth":"YTpi"}}}"#;
        assert_eq!(check(json, "localhost:5000").unwrap(), Some(password("alice", "secret")));
        assert_eq!(check(json, "registry-1.docker.io").unwrap(), Some(password("bob", "x")));
        assert_eq!(check(json, "old.host").unwrap(), Some(password("a", "b")));
        assert_eq!(check(json, "localhost:5001").unwrap(), None);
    }

    #[test]
    fn a_damaged_credential_is_an_error() {
        let json = r#"{"auths":{"h.x":{"auth":"!!"}}}"#;
        assert!(matches!(check(json, "h.x"), Err(Error::StoredCredential { .. })));
        let json = r#"{"credsStore":"../../bin/sh"}"#;
        assert!(matches!(check(json, "h.x"), Err(Error::CredentialHelper { .. })));
    }
}
