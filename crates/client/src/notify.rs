//! Telling another server something, or looking whether it is there: at an address that an administrator wrote down.

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, Url};

use crate::{Client, Error};

impl Client {
    /// Posts a document once, without credentials, and follows nothing. The status is the answer; its body is not read.
    pub async fn notify(
        &self,
        url: &str,
        headers: &[(impl AsRef<str>, String)],
        body: Vec<u8>,
    ) -> Result<u16, Error> {
        let (request, host) = self.addressed(Method::POST, url, headers)?;
        answered(request.body(body), &host).await
    }

    /// Looks at an address once, without credentials, and follows nothing. The status is the answer.
    pub async fn look(
        &self,
        url: &str,
        headers: &[(impl AsRef<str>, String)],
    ) -> Result<u16, Error> {
        let (request, host) = self.addressed(Method::HEAD, url, headers)?;
        answered(request, &host).await
    }

    fn addressed(
        &self,
        method: Method,
        url: &str,
        headers: &[(impl AsRef<str>, String)],
    ) -> Result<(RequestBuilder, String), Error> {
        let protocol =
            |reason: &str| Error::Protocol { host: url.to_owned(), reason: reason.to_owned() };
        let parsed = Url::parse(url).map_err(|_| protocol("it is not a URL"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(protocol("it is neither HTTP nor HTTPS"));
        }
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let mut request = self.inner.http.request(method, parsed);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_ref().as_bytes())
                .map_err(|_| protocol("a header cannot have this name"))?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| protocol("a header cannot have this value"))?;
            request = request.header(name, value);
        }
        Ok((request, host))
    }
}

async fn answered(request: RequestBuilder, host: &str) -> Result<u16, Error> {
    let response = request.send().await.map_err(|error| crate::http::unreachable(host, &error))?;
    Ok(response.status().as_u16())
}

/// Whether a status says that a document arrived.
pub fn is_received(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_success())
}
