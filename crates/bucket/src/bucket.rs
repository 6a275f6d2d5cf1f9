//! A bucket, and what can be done with its objects.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};

use crate::credentials::Wallet;
use crate::reading::ObjectBody;
use crate::sending::{Request, error_of, short_body};
use crate::{Encryption, Error, Settings, answer};

/// All parts of a large object but the last have at least so many bytes.
pub const PART_BYTES_MIN: usize = 5 << 20;
/// A large object has at most so many parts.
pub const PARTS_MAX: u32 = 10_000;

const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// A bucket. Cheap to copy.
#[derive(Clone)]
pub struct Bucket(pub(crate) Arc<Inner>);

/// What copies share.
pub struct Inner {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) prefix: String,
    pub(crate) region: String,
    pub(crate) wallet: Wallet,
    // What goes with each new object.
    new: Vec<(&'static str, String)>,
}

/// Names of objects, in the order of their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The names, without the prefix.
    pub names: Vec<String>,
    /// Whether there are more.
    pub more: bool,
}

impl std::ops::Deref for Bucket {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Bucket {
    /// A bucket with these settings. Nothing is asked yet.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let client = sealift_client::Settings {
            ca_bundle: settings.ca_bundle.clone(),
            ..sealift_client::Settings::default()
        };
        let tls = sealift_client::tls_config(&client)
            .map_err(|error| Error::Setting(error.to_string()))?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WAIT)
            .read_timeout(settings.patience)
            .build()
            .map_err(Error::http)?;
        let mut new = Vec::new();
        match &settings.encryption {
            None => {}
            Some(Encryption::Aes256) => {
                new.push(("x-amz-server-side-encryption", "AES256".to_owned()));
            }
            Some(Encryption::Kms(key)) => {
                new.push(("x-amz-server-side-encryption", "aws:kms".to_owned()));
                new.push(("x-amz-server-side-encryption-aws-kms-key-id", key.clone()));
            }
        }
        if let Some(class) = &settings.storage_class {
            new.push(("x-amz-storage-class", class.clone()));
        }
        let prefix = settings.prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let (base, region) = (base(&settings)?, settings.region);
        let wallet = Wallet::new(settings.credentials);
        Ok(Self(Arc::new(Inner { http, base, prefix, region, wallet, new })))
    }

    /// Writes a whole object.
    pub async fn put(&self, name: &str, body: Bytes) -> Result<(), Error> {
        let headers = self.new.clone();
        self.send(&Request { headers, body, ..Request::new(Method::PUT, name) }).await.map(drop)
    }

    /// Begins a large object and tells the name of the upload.
    pub async fn begin(&self, name: &str) -> Result<String, Error> {
        let (headers, query) = (self.new.clone(), &[("uploads", "")]);
        let request = Request { query, headers, ..Request::new(Method::POST, name) };
        let body = short_body(self.send(&request).await?).await?;
        answer::value(&body, "UploadId")?
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Error::unavailable("it named no upload"))
    }

    /// Writes a part, numbered from 1, and tells what the store calls it.
    pub async fn part(
        &self,
        name: &str,
        upload: &str,
        number: u32,
        body: Bytes,
    ) -> Result<String, Error> {
        let number = number.to_string();
        let query = &[("partNumber", number.as_str()), ("uploadId", upload)];
        let response =
            self.send(&Request { query, body, ..Request::new(Method::PUT, name) }).await?;
        let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok());
        let tag = tag.ok_or_else(|| Error::unavailable("it gave a part no ETag"))?;
        Ok(tag.to_owned())
    }

    /// Makes an object of its parts, which are in order.
    pub async fn complete(&self, name: &str, upload: &str, parts: &[String]) -> Result<(), Error> {
        let mut text = String::from("<CompleteMultipartUpload>");
        for (place, tag) in parts.iter().enumerate() {
            let (number, tag) = (place + 1, tag.replace('&', "&amp;").replace('<', "&lt;"));
            // Writing to a text does not fail.
            let _ =
                write!(text, "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
        }
        text.push_str("</CompleteMultipartUpload>");
        let (query, body) = (&[("uploadId", upload)], Bytes::from(text));
        let response =
            self.send(&Request { query, body, ..Request::new(Method::POST, name) }).await?;
        // It answers 200 before it knows, and then tells in the body that it failed.
        let body = short_body(response).await?;
        match answer::failure(&body) {
            Some(told) => Err(error_of(StatusCode::INTERNAL_SERVER_ERROR, Some(told))),
            None => Ok(()),
        }
    }

    /// Gives up a large object that is not complete. One that is not known is no error.
    pub async fn abort(&self, name: &str, upload: &str) -> Result<(), Error> {
        let query = &[("uploadId", upload)];
        let sent = self.send(&Request { query, ..Request::new(Method::DELETE, name) }).await;
        match sent {
            Ok(_) | Err(Error::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The size of an object; none if there is no such one.
    pub async fn size(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.send(&Request::new(Method::HEAD, name)).await {
            Ok(response) => {
                let length = response.headers().get("content-length");
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                length.map(Some).ok_or_else(|| Error::unavailable("it told no size"))
            }
            Err(Error::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a part of an object of a size that is known. An object of another size is an error.
    pub async fn read(
        &self,
        name: &str,
        range: Range<u64>,
        size: u64,
    ) -> Result<ObjectBody, Error> {
        ObjectBody::open(self.clone(), name.to_owned(), range, size).await
    }

    /// Deletes an object. One that is not there is no error.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        match self.send(&Request::new(Method::DELETE, name)).await {
            Ok(_) | Err(Error::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Objects whose names begin so, after a name.
    pub async fn list(&self, start: &str, after: &str) -> Result<Listed, Error> {
        let prefix = format!("{}{start}", self.prefix);
        let after =
            if after.is_empty() { String::new() } else { format!("{}{after}", self.prefix) };
        let mut query = vec![("list-type", "2"), ("max-keys", "1000"), ("prefix", &*prefix)];
        if !after.is_empty() {
            query.push(("start-after", &after));
        }
        let request = Request { query: &query, ..Request::new(Method::GET, "") };
        let mut listed = answer::listed(&short_body(self.send(&request).await?).await?)?;
        for name in &mut listed.names {
            let Some(rest) = name.strip_prefix(&self.prefix) else {
                return Err(Error::unavailable("it listed what was not asked for"));
            };
            *name = rest.to_owned();
        }
        Ok(listed)
    }
}

fn base(settings: &Settings) -> Result<String, Error> {
    let bucket = &settings.bucket;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(is_plain) {
        return Err(Error::Setting(format!("`{bucket}` is no name of a bucket")));
    }
    let endpoint = match &settings.endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://s3.{}.amazonaws.com", settings.region),
    };
    if settings.is_path_style {
        return Ok(format!("{endpoint}/{bucket}"));
    }
    match endpoint.split_once("://") {
        Some((scheme, host)) => Ok(format!("{scheme}://{bucket}.{host}")),
        None => Err(Error::Setting(format!("`{endpoint}` is no address"))),
    }
}
