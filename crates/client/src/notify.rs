//! Telling another server something: a document posted to an address that an administrator wrote down.

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};

use crate::{Client, Error};

impl Client {
    /// Posts a document once, without credentials, and follows nothing. The status is the answer; its body is not read.
    pub async fn notify(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<u16, Error> {
        let protocol =
            |reason: &str| Error::Protocol { host: url.to_owned(), reason: reason.to_owned() };
        let parsed = Url::parse(url).map_err(|_| protocol("it is not a URL"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(protocol("it is neither HTTP nor HTTPS"));
        }
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let mut request = self.inner.http.post(parsed).body(body);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| protocol("a header cannot have this value"))?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let response =
            request.send().await.map_err(|error| crate::http::unreachable(&host, &error))?;
        Ok(response.status().as_u16())
    }
}

/// Whether a status says that a document arrived.
pub fn is_received(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_success())
}
