//! Fetches by `curl`, for the test against a real archive.

use std::process::Command;

use sealift_debian::{Fetch, FetchError};

pub(crate) struct Curl;

impl Fetch for Curl {
    fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--location", "--max-filesize"])
            .arg(limit.to_string())
            .arg(url)
            .output()
            .map_err(|error| FetchError::Failed(error.to_string()))?;
        match output.status.code() {
            Some(0) => Ok(output.stdout),
            Some(22) => Err(FetchError::NotFound),
            _ => Err(FetchError::Failed(String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }
}
