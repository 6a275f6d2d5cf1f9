//! Who asks the store: keys that were given, or keys for a while that the surroundings give and renew.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use sealift_crypto::Secret;
use tokio::sync::Mutex;

use crate::{Error, answer};

const ANSWER_BYTES_MAX: usize = 64 << 10;
// So long before they end new ones are asked for.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_mins(5);
const METADATA: &str = "http://169.254.169.254";

/// Where the keys come from.
pub enum Credentials {
    /// There are none: requests are not signed.
    Nobody,
    /// They were given.
    Fixed {
        /// Name of the key.
        access: String,
        /// The key.
        secret: Secret,
        /// The token that goes with keys for a while.
        session: Option<Secret>,
    },
    /// A token in a file is changed for keys (`AWS_WEB_IDENTITY_TOKEN_FILE`, as Kubernetes gives it).
    WebIdentity {
        /// The file.
        token_file: PathBuf,
        /// The role that is asked for.
        role: String,
        /// Where: `https://sts.REGION.amazonaws.com`, or another.
        endpoint: String,
    },
    /// The machine or container has a role (`AWS_CONTAINER_CREDENTIALS_FULL_URI`, else the metadata service).
    Machine {
        /// Address of the container's credentials.
        container: Option<String>,
        /// What is sent there.
        token: Option<Secret>,
    },
}

/// Keys at hand.
pub(crate) struct Keys {
    pub(crate) access: String,
    pub(crate) secret: Secret,
    pub(crate) session: Option<Secret>,
}

/// Keys for a while.
pub(crate) struct Temporary {
    keys: Arc<Keys>,
    until: Timestamp,
}

/// Has the keys and renews them.
pub(crate) struct Wallet {
    credentials: Credentials,
    fixed: Option<Arc<Keys>>,
    known: Mutex<Option<Temporary>>,
}

impl Wallet {
    /// Takes the credentials over.
    pub(crate) fn new(credentials: Credentials) -> Self {
        let (credentials, fixed) = match credentials {
            Credentials::Fixed { access, secret, session } => {
                (Credentials::Nobody, Some(Arc::new(Keys { access, secret, session })))
            }
            other => (other, None),
        };
        Self { credentials, fixed, known: Mutex::default() }
    }

    /// The keys; none if requests are not signed.
    pub(crate) async fn keys(&self, http: &reqwest::Client) -> Result<Option<Arc<Keys>>, Error> {
        if let Some(keys) = &self.fixed {
            return Ok(Some(Arc::clone(keys)));
        }
        if matches!(self.credentials, Credentials::Nobody) {
            return Ok(None);
        }
        let mut known = self.known.lock().await;
        let now = Timestamp::now();
        let is_fresh = |it: &Temporary| it.until.duration_since(now) > RENEWED_BEFORE;
        if let Some(temporary) = known.as_ref().filter(|it| is_fresh(it)) {
            return Ok(Some(Arc::clone(&temporary.keys)));
        }
        match self.renew(http).await {
            Ok(temporary) => {
                let keys = Arc::clone(&temporary.keys);
                *known = Some(temporary);
                Ok(Some(keys))
            }
            // The old ones may do until they end.
            Err(error) => match known.as_ref().filter(|it| it.until > now) {
                Some(temporary) => Ok(Some(Arc::clone(&temporary.keys))),
                None => Err(error),
            },
        }
    }

    async fn renew(&self, http: &reqwest::Client) -> Result<Temporary, Error> {
        match &self.credentials {
            Credentials::WebIdentity { token_file, role, endpoint } => {
                let token = tokio::fs::read_to_string(token_file).await.map_err(|error| {
                    Error::Setting(format!("`{}` cannot be read: {error}", token_file.display()))
                })?;
                let parameters = [
                    ("Action", "AssumeRoleWithWebIdentity"),
                    ("RoleArn", role),
                    ("RoleSessionName", "sealift"),
                    ("Version", "2011-06-15"),
                    ("WebIdentityToken", token.trim()),
                ];
                let encoded: Vec<String> = parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={}", crate::sign::encode(value, false)))
                    .collect();
                let request = http
                    .post(address(endpoint)?)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(encoded.join("&"));
                temporary_xml(&got(request).await?)
            }
            Credentials::Machine { container: Some(url), token } => {
                let mut request = http.get(address(url)?);
                if let Some(token) = token {
                    request = request.header("authorization", token.expose());
                }
                temporary_json(&got(request).await?)
            }
            _ => machine(http).await,
        }
    }
}

// The metadata service of EC2, version 2.
async fn machine(http: &reqwest::Client) -> Result<Temporary, Error> {
    let short = Duration::from_secs(5);
    let asked = http
        .put(address(&format!("{METADATA}/latest/api/token"))?)
        .header("x-aws-ec2-metadata-token-ttl-seconds", "300")
        .timeout(short);
    let token = got(asked).await.map_err(|error| {
        Error::Setting(format!(
            "there are no credentials for the store, and the machine gives none: {error}"
        ))
    })?;
    let path = "latest/meta-data/iam/security-credentials/";
    let ask = |url: String| -> Result<_, Error> {
        let request = http.get(address(&url)?).timeout(short);
        Ok(request.header("x-aws-ec2-metadata-token", token.as_slice()))
    };
    let role = got(ask(format!("{METADATA}/{path}"))?).await?;
    let role = String::from_utf8_lossy(&role).lines().next().unwrap_or_default().to_owned();
    temporary_json(
        &got(ask(format!("{METADATA}/{path}{}", crate::sign::encode(&role, false)))?).await?,
    )
}

fn address(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|_| Error::Setting(format!("`{text}` is no address")))
}

async fn got(request: reqwest::RequestBuilder) -> Result<Vec<u8>, Error> {
    let mut response = request.send().await.map_err(Error::http)?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(Error::http)? {
        if bytes.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Error::unavailable("the credentials are too long"));
        }
        bytes.extend_from_slice(&piece);
    }
    if !status.is_success() {
        let (code, message) = answer::failure(&bytes).unwrap_or_default();
        let reason = format!("no credentials were given: {code} {message}");
        return Err(Error::Refused { status: status.as_u16(), reason });
    }
    Ok(bytes)
}

/// Keys as the metadata service tells them.
pub(crate) fn temporary_json(bytes: &[u8]) -> Result<Temporary, Error> {
    let value: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|_| Error::unavailable("the credentials are not JSON"))?;
    let text = |name: &str| value.get(name).and_then(|it| it.as_str()).map(str::to_owned);
    temporary([text("AccessKeyId"), text("SecretAccessKey"), text("Token"), text("Expiration")])
}

/// Keys as the token service tells them.
pub(crate) fn temporary_xml(bytes: &[u8]) -> Result<Temporary, Error> {
    let text = |name| answer::value(bytes, name);
    temporary([
        text("AccessKeyId")?,
        text("SecretAccessKey")?,
        text("SessionToken")?,
        text("Expiration")?,
    ])
}

fn temporary([access, secret, session, until]: [Option<String>; 4]) -> Result<Temporary, Error> {
    let lacking = || Error::unavailable("the credentials lack a part");
    let (access, secret) = (access.ok_or_else(lacking)?, secret.ok_or_else(lacking)?.into());
    let until = until.and_then(|until| until.parse().ok()).ok_or_else(lacking)?;
    let session = session.map(Secret::from);
    Ok(Temporary { keys: Arc::new(Keys { access, secret, session }), until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_a_while() {
        let json = br#"{"Code":"Success","AccessKeyId":"a","SecretAccessKey":"b","Token":"c",
            "Expiration":"2030-01-01T00:00:00Z"}"#;
        let xml = b"<R><Result><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>\
            <SessionToken>c</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></Result></R>";
        for found in [temporary_json(json).unwrap(), temporary_xml(xml).unwrap()] {
            assert_eq!(found.keys.access, "a");
            assert_eq!(found.keys.session.as_ref().unwrap().expose(), b"c");
            assert_eq!(found.until.as_second(), 1_893_456_000);
        }
        for lacking in [&b"{}"[..], b"[]", b"{\"AccessKeyId\":1}", b"", b"\xff"] {
            assert!(temporary_json(lacking).is_err());
        }
        assert!(temporary_xml(b"<R><AccessKeyId>a</AccessKeyId></R>").is_err());
    }
}
