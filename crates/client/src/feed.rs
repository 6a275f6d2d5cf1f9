//! Files of feeds, brought up to date: asked for only if they have changed (RFC 9110 §13), and continued where a
//! transfer broke off (RFC 9110 §14).

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode, Url};

use crate::http::{TRIES_MAX, backoff, is_loopback, origin_of, refused, retry_wait, unreachable};
use crate::{Client, Error};

// A newest state is often a link to the one of today.
const REDIRECTS_MAX: usize = 3;

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is as it was.
    Unchanged,
    /// It came whole; what tells this state of it from others, if its host says so.
    Complete(Option<String>),
}

/// A file that comes in parts.
#[derive(Debug)]
pub struct Part<'a> {
    /// What has come of it.
    pub file: &'a mut File,
    /// Which state of the file that is of; nothing is continued without one.
    pub state: Option<String>,
}

struct Wanted<'a> {
    url: Url,
    host: String,
    known: Option<&'a str>,
    bytes_max: u64,
}

// Why it did not come, and how long to wait if it may the next time.
type Failure = (Error, Option<Duration>);

impl Client {
    /// Brings a file up to date. `known` tells the state of it that is at hand. What a transfer that broke off left in
    /// `part` is continued. Nothing is taken from another host than the one that was asked, wherever that one points.
    pub async fn fetch(
        &self,
        url: &str,
        known: Option<&str>,
        part: &mut Part<'_>,
        bytes_max: u64,
    ) -> Result<Fetched, Error> {
        let url = self.feed_url(url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let wanted = Wanted { url, host, known, bytes_max };
        for try_number in 1.. {
            match self.fetch_once(&wanted, part, try_number).await {
                Ok(fetched) => return Ok(fetched),
                Err((_, Some(wait))) if try_number < TRIES_MAX => tokio::time::sleep(wait).await,
                Err((error, _)) => return Err(error),
            }
        }
        unreachable!("the last try returns")
    }

    pub(crate) fn feed_url(&self, text: &str) -> Result<Url, Error> {
        let protocol = |reason: String| Error::Protocol { host: text.to_owned(), reason };
        let url = Url::parse(text).map_err(|error| protocol(format!("not a URL: {error}")))?;
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let plain = &self.inner.settings.plain_http;
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(host) || plain.contains(host) || plain.contains(&with_port) => {
                Ok(url)
            }
            "http" => Err(protocol(
                "plain HTTP can be changed on its way; name the host with `--plain-http` if you trust it".to_owned(),
            )),
            other => Err(protocol(format!("`{other}` is neither http nor https"))),
        }
    }

    async fn fetch_once(
        &self,
        wanted: &Wanted<'_>,
        part: &mut Part<'_>,
        try_number: u32,
    ) -> Result<Fetched, Failure> {
        let local = |source| (local(wanted, source), None);
        let there = part.file.seek(SeekFrom::End(0)).map_err(local)?;
        let mut url = wanted.url.clone();
        let mut response = self.ask_feed(wanted, &url, part, there, try_number).await?;
        for _ in 0..REDIRECTS_MAX {
            let Some(next) = next_at_same_host(&url, &response) else { break };
            url = next;
            response = self.ask_feed(wanted, &url, part, there, try_number).await?;
        }
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        if status.is_redirection() {
            return Err((elsewhere(wanted, &url, &response), None));
        }
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            // What is there is not the beginning of it: once more, from the start.
            part.file.set_len(0).map_err(local)?;
            part.state = None;
            let again = Error::Protocol {
                host: wanted.host.clone(),
                reason: "it refuses to continue a transfer".to_owned(),
            };
            return Err((again, Some(Duration::ZERO)));
        }
        if !status.is_success() {
            let wait = retry_wait(&response, try_number);
            return Err((refused(response, &wanted.host, "GET", wanted.url.as_str()).await, wait));
        }
        if status != StatusCode::PARTIAL_CONTENT {
            part.file.set_len(0).map_err(local)?;
        }
        check_kind(wanted, response.headers()).map_err(|error| (error, None))?;
        part.state = state_of(response.headers());
        self::receive(wanted, part, response, try_number).await?;
        Ok(Fetched::Complete(part.state.clone()))
    }

    async fn ask_feed(
        &self,
        wanted: &Wanted<'_>,
        url: &Url,
        part: &Part<'_>,
        there: u64,
        try_number: u32,
    ) -> Result<Response, Failure> {
        let request = self.inner.http.get(url.clone());
        let request = match (&part.state, wanted.known) {
            (Some(state), _) if there > 0 => request
                .header("Range", format!("bytes={there}-"))
                .header("If-Range", state.as_str()),
            (_, Some(state)) if is_tag(state) => request.header("If-None-Match", state),
            (_, Some(state)) => request.header("If-Modified-Since", state),
            (_, None) => request,
        };
        request.send().await.map_err(|error| passing(wanted, &error, try_number))
    }
}

fn next_at_same_host(url: &Url, response: &Response) -> Option<Url> {
    let location =
        response.headers().get("location").filter(|_| response.status().is_redirection());
    let next = url.join(location?.to_str().ok()?).ok()?;
    (origin_of(&next) == origin_of(url)).then_some(next)
}

async fn receive(
    wanted: &Wanted<'_>,
    part: &mut Part<'_>,
    mut response: Response,
    try_number: u32,
) -> Result<(), Failure> {
    let local = |source| (local(wanted, source), None);
    let mut count = part.file.seek(SeekFrom::End(0)).map_err(local)?;
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| passing(wanted, &error, try_number))? else {
            return part.file.flush().map_err(local);
        };
        count += chunk.len() as u64;
        if count > wanted.bytes_max {
            part.file.set_len(0).map_err(local)?;
            let (host, what) = (wanted.host.clone(), wanted.url.to_string());
            return Err((Error::TooLarge { host, what, limit: wanted.bytes_max }, None));
        }
        part.file.write_all(&chunk).map_err(local)?;
    }
}

fn passing(wanted: &Wanted<'_>, error: &reqwest::Error, try_number: u32) -> Failure {
    let error = unreachable(&wanted.host, error);
    let wait = error.may_pass().then(|| backoff(try_number));
    (error, wait)
}

fn local(wanted: &Wanted<'_>, source: std::io::Error) -> Error {
    Error::Local { action: "write", what: wanted.url.to_string(), source }
}

fn elsewhere(wanted: &Wanted<'_>, url: &Url, response: &Response) -> Error {
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let location = location.unwrap_or_default();
    let is_same = next_at_same_host(url, response).is_some();
    Error::Redirect {
        host: wanted.host.clone(),
        location: location.chars().take(200).collect(),
        reason: if is_same {
            "there are too many redirections"
        } else {
            "a feed is not taken from another host"
        },
    }
}

// A page for people, of a proxy or of a portal, is no feed.
fn check_kind(wanted: &Wanted<'_>, headers: &HeaderMap) -> Result<(), Error> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html")) {
        return Err(Error::Protocol {
            host: wanted.host.clone(),
            reason: format!("it answers `{}` with a web page", wanted.url),
        });
    }
    Ok(())
}

// A strong tag, or else the date; a weak tag says that bytes may differ.
fn state_of(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    text("etag").filter(|tag| !tag.starts_with("W/")).or_else(|| text("last-modified"))
}

fn is_tag(state: &str) -> bool {
    state.starts_with('"')
}
