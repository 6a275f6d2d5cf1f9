//! One question, one answer: what a server that stands before a registry wants of it. Nothing is asked twice, nothing is
//! waited for, and every answer comes back as it is, but for a challenge, which is met, and redirections, which are
//! followed.

use bytes::Bytes;
use reqwest::header::{ACCEPT, HeaderValue, IF_NONE_MATCH, RANGE};
use reqwest::{Method, Response};

use crate::auth::Action;
use crate::http::{Body, Request, read_body, refused, unreachable};
use crate::pull::MANIFEST_TYPES;
use crate::{Client, Endpoint, Error};

/// A question to a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question<'a> {
    /// Host and port of the registry.
    pub host: &'a str,
    /// The repository.
    pub repository: &'a str,
    /// What of it, `manifests/latest`.
    pub rest: &'a str,
    /// Only what stands before the body.
    pub head_only: bool,
    /// The state that is at hand: it does not come again if it has not changed.
    pub known: Option<&'a str>,
    /// The first byte that is wanted.
    pub from: u64,
}

/// What a registry answered.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    host: String,
}

impl Client {
    /// Asks a registry once.
    pub async fn ask(&self, question: &Question<'_>) -> Result<Answer, Error> {
        let endpoint = Endpoint {
            host: question.host.to_owned(),
            repository: question.repository.to_owned(),
            account: question.host.to_owned(),
        };
        let mut headers = Vec::new();
        if question.rest.starts_with("manifests/") {
            headers.extend(MANIFEST_TYPES.map(|kind| (ACCEPT, HeaderValue::from_static(kind))));
        }
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| Error::Protocol {
                host: question.host.to_owned(),
                reason: "what it calls a state cannot be sent back to it".to_owned(),
            })
        };
        if let Some(known) = question.known {
            headers.push((IF_NONE_MATCH, value(known)?));
        }
        if question.from > 0 {
            headers.push((RANGE, value(&format!("bytes={}-", question.from))?));
        }
        let request = Request {
            method: if question.head_only { Method::HEAD } else { Method::GET },
            target: endpoint.path(question.rest),
            headers,
            body: Body::Empty,
            action: Action::Pull,
        };
        let url = self.url_of(&endpoint, &request.target).await?;
        let response = self.send_authenticated(&endpoint, &request, url).await?;
        Ok(Answer { response, host: endpoint.host })
    }
}

impl Answer {
    /// The status of HTTP.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header, if it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// How many bytes the body has, if the registry says it.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The next bytes of the body; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.response.chunk().await.map_err(|error| unreachable(&self.host, &error))
    }

    /// The whole body, which `what` names in an error.
    pub async fn bytes(self, what: &str, bytes_max: u64) -> Result<Vec<u8>, Error> {
        read_body(self.response, &self.host, what, bytes_max).await
    }

    /// The error that an answer is which is not the one hoped for.
    pub async fn refusal(self, what: &str) -> Error {
        refused(self.response, &self.host, "GET", what).await
    }
}
