//! The borders to the caller: fetching and progress. This crate itself never touches the network.

/// Fetches a document by HTTP. Called from several threads at once.
pub trait Fetch: Sync {
    /// The whole body; more than `limit` bytes are an error.
    fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, FetchError>;
}

/// Why a document could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The server has no such document.
    #[error("the server has no such file")]
    NotFound,
    /// The body is larger than it may be.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Anything else: name, connection, TLS, status.
    #[error("{0}")]
    Failed(String),
}

/// Told what happens. Called from several threads at once.
pub trait Progress: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// What happens while an image is assembled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The state of a suite is known and its signature was verified.
    Suite {
        /// The archive.
        url: &'a str,
        /// The suite.
        suite: &'a str,
        /// Date of the state, RFC 3339.
        date: &'a str,
        /// True if it came from the cache.
        cached: bool,
    },
    /// The packages are chosen.
    Resolved {
        /// How many.
        packages: usize,
        /// How many of them must be fetched.
        missing: usize,
        /// Bytes to fetch.
        missing_bytes: u64,
    },
    /// A package was fetched and its digest matched.
    Fetched {
        /// The package.
        package: &'a str,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A package was unpacked.
    Unpacked {
        /// The package.
        package: &'a str,
    },
    /// The layer was written.
    Layer {
        /// Size, compressed.
        bytes: u64,
    },
}

/// Progress that nobody looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}
