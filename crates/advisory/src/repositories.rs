//! Red Hat's repositories, each with the products that it is for
//! (`https://security.access.redhat.com/data/metrics/repository-to-cpe.json`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kind::Found;
use crate::redhat::product_of;

// Real repositories have one or two.
const PRODUCTS_MAX: usize = 1000;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    data: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Repository {
    cpes: Vec<String>,
}

/// True for the file. Only its first bytes are looked at.
pub(crate) fn is_map(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let place = |text: &[u8]| head.windows(text.len()).position(|part| part == text);
    matches!((place(b"\"data\""), place(b"\"cpes\"")), (Some(data), Some(cpes)) if data < cpes)
}

/// Reads it.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let document: Document<'_> = serde_json::from_str(text)
        .map_err(|error| format!("it is not Red Hat's list of repositories: {error}"))?;
    let mut found = Found::default();
    for (name, raw) in document.data {
        let Ok(Repository { cpes }) = serde_json::from_str(raw.get()) else {
            found.note("a repository is not understood");
            continue;
        };
        let products = cpes.iter().take(PRODUCTS_MAX).map(|cpe| product_of(cpe).to_owned());
        found.repositories.push((name, products.collect()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories() {
        let text = r#"{"data": {
            "rhel-9-for-x86_64-baseos-rpms": {"cpes": ["cpe:/o:redhat:enterprise_linux:9::baseos"], "repo_relative_urls": ["x"]},
            "rhel-8-for-x86_64-baseos-eus-rpms": {"cpes": ["cpe:/o:redhat:rhel_eus:8.6::baseos", "cpe:/o:other:x"]},
            "bad": {"cpes": 7}}}"#;
        assert!(is_map(text.as_bytes()));
        let found = read(text).unwrap();
        let text_of = |it: &(String, Vec<String>)| format!("{} {}", it.0, it.1.join(" "));
        assert_eq!(
            found.repositories.iter().map(text_of).collect::<Vec<_>>(),
            [
                "rhel-8-for-x86_64-baseos-eus-rpms rhel_eus:8.6::baseos other:x",
                "rhel-9-for-x86_64-baseos-rpms enterprise_linux:9::baseos"
            ]
        );
        assert_eq!(found.notes.len(), 1);
        for end in 0..text.len() {
            assert!(read(&text[..end]).is_err(), "{end}");
        }
        assert!(!is_map(br#"{"cpes": 1, "data": 2}"#) && !is_map(b"{}"));
    }
}
