//! Telling others: events as CloudEvents 1.0 (structured JSON), signed as the Standard Webhooks specification has it,
//! kept in the depot until they arrived.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use sealift_client::Client;
use sealift_crypto::{Secret, hmac_sha256};
use sealift_depot::{Depot, Job};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::settings::{Webhook, fits};
use crate::{Error, Settings};

/// The queue of letters.
pub(crate) const QUEUE: &str = "webhook";
const LEASE: Duration = Duration::from_mins(2);
const ATTEMPTS_MAX: u64 = 16;
const FIRST_WAIT_SECS: i64 = 10;
const WAIT_SECS_MAX: i64 = 3600;

/// Somebody to tell, with the secret that was read.
pub(crate) struct Hook {
    settings: Webhook,
    secret: Option<Secret>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Hooks(Vec<Hook>);

#[derive(Serialize, Deserialize)]
struct Letter {
    url: String,
    event: Value,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// There was none to send.
    Idle,
    /// It arrived.
    Sent,
    /// It will be sent again.
    Again,
    /// It is given up.
    Dropped,
}

impl Hooks {
    pub(crate) fn read(settings: &Settings) -> Result<Self, Error> {
        let one = |hook: &Webhook| {
            let fault = |reason: String| Error::Setting {
                setting: format!("gate.webhooks: `{}`", hook.url),
                reason,
            };
            let secret = match &hook.secret_file {
                None => None,
                Some(path) => {
                    let text = std::fs::read(path).map_err(|error| {
                        fault(format!("its secret `{}` cannot be read: {error}", path.display()))
                    })?;
                    let text = text.trim_ascii();
                    if text.len() < 16 {
                        return Err(fault("its secret is shorter than 16 bytes".to_owned()));
                    }
                    Some(Secret::new(text.to_vec()))
                }
            };
            Ok(Hook { settings: hook.clone(), secret })
        };
        Ok(Self(settings.webhooks.iter().map(one).collect::<Result<_, Error>>()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts an event into the queue for whoever wants it. `kind` is as `manifest.pushed`.
    pub(crate) async fn post(
        &self,
        depot: &Depot,
        origin: &str,
        event: &Event<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        for (number, hook) in self.0.iter().enumerate() {
            if !hook.wants(event) {
                continue;
            }
            let document = json!({
                "specversion": "1.0",
                "id": event.id,
                "source": format!("https://{origin}/"),
                "type": format!("dev.sealift.registry.{}", event.kind),
                "subject": event.subject,
                "time": now.to_string(),
                "datacontenttype": "application/json",
                "data": event.data,
            });
            let letter = Letter { url: hook.settings.url.clone(), event: document };
            let bytes = serde_json::to_vec(&letter).unwrap_or_default();
            let key = format!("{}-{number}", event.id);
            depot.enqueue(QUEUE, &key, &bytes, now).await?;
        }
        Ok(())
    }

    /// Sends the letter that waits longest.
    pub(crate) async fn deliver(
        &self,
        depot: &Depot,
        client: &Client,
        now: Timestamp,
    ) -> Result<Delivery, Error> {
        let Some(job) = depot.claim(QUEUE, LEASE).await? else { return Ok(Delivery::Idle) };
        let Ok(letter) = serde_json::from_slice::<Letter>(&job.value) else {
            depot.finish_job(&job).await?;
            return Ok(Delivery::Dropped);
        };
        // Who is not in the settings any more is told nothing more.
        let Some(hook) = self.0.iter().find(|hook| hook.settings.url == letter.url) else {
            depot.finish_job(&job).await?;
            return Ok(Delivery::Dropped);
        };
        let body = serde_json::to_vec(&letter.event).unwrap_or_default();
        let headers = hook.headers(&job.key, &body, now);
        let status = client.notify(&letter.url, &headers, body).await;
        match status {
            Ok(status) if sealift_client::is_received(status) => {
                depot.finish_job(&job).await?;
                Ok(Delivery::Sent)
            }
            // It says that it wants no more.
            Ok(410) => {
                depot.finish_job(&job).await?;
                Ok(Delivery::Dropped)
            }
            _ => again(depot, &job, now).await,
        }
    }
}

async fn again(depot: &Depot, job: &Job, now: Timestamp) -> Result<Delivery, Error> {
    if job.attempt >= ATTEMPTS_MAX {
        depot.finish_job(job).await?;
        return Ok(Delivery::Dropped);
    }
    let wait = FIRST_WAIT_SECS << job.attempt.saturating_sub(1).min(16);
    let wait = SignedDuration::from_secs(wait.min(WAIT_SECS_MAX));
    depot.retry_job(job, now.checked_add(wait).unwrap_or(now)).await?;
    Ok(Delivery::Again)
}

/// Something that happened.
pub(crate) struct Event<'a> {
    pub(crate) id: String,
    pub(crate) kind: &'a str,
    pub(crate) repository: &'a str,
    pub(crate) subject: String,
    pub(crate) data: Value,
}

impl Hook {
    fn wants(&self, event: &Event<'_>) -> bool {
        let any = |patterns: &[String], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, text))
        };
        any(&self.settings.events, event.kind) && any(&self.settings.repositories, event.repository)
    }

    // Standard Webhooks, "Signature scheme": the id, the time and the body are signed together.
    fn headers(&self, id: &str, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
        let time = now.as_second().to_string();
        let mut headers = vec![
            ("content-type", "application/cloudevents+json; charset=utf-8".to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", time.clone()),
        ];
        if let Some(secret) = &self.secret {
            let parts = [id.as_bytes(), b".", time.as_bytes(), b".", body];
            let signature = STANDARD.encode(hmac_sha256(secret, &parts));
            headers.push(("webhook-signature", format!("v1,{signature}")));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the specification's own libraries.
    #[test]
    fn signatures() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let hook = Hook {
            settings: Webhook {
                url: "https://a.example/".to_owned(),
                secret_file: None,
                events: Vec::new(),
                repositories: Vec::new(),
            },
            secret: Some(Secret::new(secret)),
        };
        let now = Timestamp::from_second(1_614_265_330).unwrap();
        let headers = hook.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#, now);
        let signature = headers.iter().find(|(name, _)| *name == "webhook-signature");
        assert_eq!(signature.unwrap().1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
