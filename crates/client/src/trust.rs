//! The HTTP of notary servers: documents fetched, uploads sent, keys of the server asked for.
//!
//! Docker's rules: the name of a repository stands in the path as it is, with `/` and `:`; the credential is that of the
//! registry in the repository's name, whatever the server's own name is; the scope of a token is the whole name.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::auth::Action;
use crate::http::{Body, Request, read_body, refused};
use crate::{Client, Endpoint, Error};

const KEY_BYTES_MAX: u64 = 64 << 10;
const ERROR_BYTES_MAX: u64 = 64 << 10;

/// A repository of trust data on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRepository {
    /// `https` or `http`, if the user said it.
    pub scheme: Option<&'static str>,
    /// Host and port of the server.
    pub host: String,
    /// What stands before `/v2/` in every path; it begins with `/` or is empty.
    pub prefix: String,
    /// The name: registry and repository.
    pub name: String,
    /// The registry whose credential is shown.
    pub account: String,
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustUpload {
    /// All of it is published.
    Published,
    /// Somebody else published first.
    Outdated,
}

#[derive(Deserialize)]
struct Answer {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: Value,
}

impl TrustRepository {
    fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: self.host.clone(),
            repository: self.name.clone(),
            account: self.account.clone(),
        }
    }

    fn target(&self, rest: &str) -> String {
        let path = format!("{}/v2/{}/_trust/tuf/{rest}", self.prefix, self.name);
        match self.scheme {
            Some(scheme) => format!("{scheme}://{}{path}", self.host),
            None => path,
        }
    }
}

fn request<'a>(method: Method, target: String, action: Action) -> Request<'a> {
    Request { method, target, headers: Vec::new(), body: Body::Empty, action }
}

impl Client {
    /// A document, by its name below `_trust/tuf/`; `None` if the server has none of that name.
    pub async fn trust_document(
        &self,
        repository: &TrustRepository,
        name: &str,
        bytes_max: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let endpoint = repository.endpoint();
        let request = request(Method::GET, repository.target(name), Action::Pull);
        let response = self.send(&endpoint, request).await?;
        match response.status() {
            StatusCode::OK => read_body(response, &endpoint.host, name, bytes_max).await.map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(refused(response, &endpoint.host, "GET", name).await),
        }
    }

    /// The public key with which the server signs a role; it makes one if it has none, or always if a new one is wanted.
    pub async fn trust_key(
        &self,
        repository: &TrustRepository,
        role: &str,
        is_new: bool,
    ) -> Result<Vec<u8>, Error> {
        let endpoint = repository.endpoint();
        let name = format!("{role}.key");
        let (method, action) =
            if is_new { (Method::POST, Action::Everything) } else { (Method::GET, Action::Push) };
        let word = method.to_string();
        let response =
            self.send(&endpoint, request(method, repository.target(&name), action)).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(response, &endpoint.host, &word, &name).await);
        }
        read_body(response, &endpoint.host, &name, KEY_BYTES_MAX).await
    }

    /// Publishes documents, each with the name of its role: all of them or none.
    pub async fn trust_upload(
        &self,
        repository: &TrustRepository,
        documents: &[(String, Vec<u8>)],
    ) -> Result<TrustUpload, Error> {
        let endpoint = repository.endpoint();
        let protocol = |reason: String| Error::Protocol { host: endpoint.host.clone(), reason };
        let boundary = boundary(documents);
        let body = form(documents, &boundary);
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
            .map_err(|error| protocol(error.to_string()))?;
        let mut request = request(Method::POST, repository.target(""), Action::Push);
        request.headers = vec![(CONTENT_TYPE, kind)];
        request.body = Body::Bytes(&body);
        let response = self.send(&endpoint, request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(TrustUpload::Published);
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(refused(response, &endpoint.host, "POST", &repository.name).await);
        }
        let answer = read_body(response, &endpoint.host, "error", ERROR_BYTES_MAX).await?;
        let entries = serde_json::from_slice::<Answer>(&answer).map_or(Vec::new(), |a| a.errors);
        if entries.iter().any(|entry| entry.code == "VERSION") {
            return Ok(TrustUpload::Outdated);
        }
        let message = match entries.first() {
            Some(entry) => describe(entry),
            None => status.canonical_reason().unwrap_or("no reason given").to_owned(),
        };
        let request = format!("POST {}", repository.name);
        Err(Error::Refused { host: endpoint.host, status: status.as_u16(), request, message })
    }

    /// Deletes all trust data of a repository.
    pub async fn trust_delete(&self, repository: &TrustRepository) -> Result<(), Error> {
        let endpoint = repository.endpoint();
        let request = request(Method::DELETE, repository.target(""), Action::Everything);
        let response = self.send(&endpoint, request).await?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(refused(response, &endpoint.host, "DELETE", &repository.name).await)
    }
}

// Notary's own words lie in the detail of what it refuses.
fn describe(entry: &Entry) -> String {
    let detail = match (entry.detail["Name"].as_str(), entry.detail["Error"]["Msg"].as_str()) {
        (Some(name), Some(message)) => format!(" ({name}: {message})"),
        (Some(name), None) => format!(" ({name})"),
        _ => String::new(),
    };
    let text = format!("{} {}{detail}", entry.code, entry.message);
    text.chars().filter(|character| !character.is_control()).take(400).collect()
}

// A line that no document has in it.
fn boundary(documents: &[(String, Vec<u8>)]) -> String {
    let has = |text: &str| {
        let text = text.as_bytes();
        documents.iter().any(|(_, bytes)| bytes.windows(text.len()).any(|window| window == text))
    };
    let candidate = |number: u32| format!("sealift-part-{number:08x}");
    (0..=u32::MAX).map(candidate).find(|text| !has(text)).expect("documents are finite")
}

fn form(documents: &[(String, Vec<u8>)], boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (role, bytes) in documents {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{role}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(scheme: Option<&'static str>) -> TrustRepository {
        TrustRepository {
            scheme,
            host: "notary.x:4443".to_owned(),
            prefix: String::new(),
            name: "localhost:5443/team/app".to_owned(),
            account: "localhost:5443".to_owned(),
        }
    }

    #[test]
    fn names_stand_in_paths_as_they_are() {
        let path = "/v2/localhost:5443/team/app/_trust/tuf/targets/releases.json";
        assert_eq!(repository(None).target("targets/releases.json"), path);
        let url = repository(Some("http")).target("targets/releases.json");
        let parsed = reqwest::Url::parse(&url).unwrap();
        assert_eq!(parsed.as_str(), format!("http://notary.x:4443{path}"));
    }

    #[test]
    fn a_form_keeps_its_parts_apart() {
        let documents = vec![
            ("targets/releases".to_owned(), b"{\"a\":\"sealift-part-00000000\"}".to_vec()),
            ("root".to_owned(), b"{}".to_vec()),
        ];
        let boundary = boundary(&documents);
        assert_eq!(boundary, "sealift-part-00000001");
        let text = String::from_utf8(form(&documents, &boundary)).unwrap();
        assert!(text.contains("name=\"files\"; filename=\"targets/releases\"\r\n"), "{text}");
        assert!(text.ends_with("\r\n{}\r\n--sealift-part-00000001--\r\n"), "{text}");
    }
}
