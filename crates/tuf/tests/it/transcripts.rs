//! Conversations of docker and notary with notary-server, as `$SEALIFT_SHARED/transcripts/notary` has them.

use std::fs;
use std::path::PathBuf;

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) scenario: String,
    pub(crate) number: u32,
    /// Hours, minutes, seconds.
    pub(crate) time: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) status: u16,
    pub(crate) answer: String,
}

impl Exchange {
    /// The files of an upload: role and bytes.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut lines = self.body.lines();
        let mut files = Vec::new();
        while let Some(line) = lines.next() {
            let Some((_, rest)) = line.split_once("filename=\"") else { continue };
            let name = rest.trim_end_matches('"').to_owned();
            let content = lines.by_ref().skip_while(|line| !line.is_empty()).nth(1).unwrap();
            files.push((name, content.as_bytes().to_vec()));
        }
        files
    }
}

/// The folder, or a loud word that it is not there.
pub(crate) fn folder(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SEALIFT_SHARED")
        .map(|shared| PathBuf::from(shared).join("transcripts/notary"))
        .filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED: no transcripts in $SEALIFT_SHARED, {what} is not tested");
    }
    folder
}

/// All exchanges with the notary server, scenario by scenario.
pub(crate) fn exchanges(what: &str) -> Option<Vec<Exchange>> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder(what)?)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".notary.http"))
        .collect();
    names.sort();
    let mut exchanges = Vec::new();
    for path in names {
        let scenario = path.file_name().unwrap().to_string_lossy().replace(".notary.http", "");
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("######## ").skip(1) {
            exchanges.extend(exchange(&scenario, part));
        }
    }
    Some(exchanges)
}

fn exchange(scenario: &str, part: &str) -> Option<Exchange> {
    let (head, rest) = part.split_once('\n')?;
    let mut head = head.split_whitespace();
    let number = head.next()?.parse().ok()?;
    let time = head.nth(1)?.to_owned();
    let start = rest.find("\n< ")?;
    let (request, answer) = (&rest[..start], &rest[start + 1..]);
    let (first, request) = request.split_once('\n')?;
    let mut first = first.trim_start_matches("> ").split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let body = request.split_once("\n>\n").map_or("", |(_, body)| body).to_owned();
    let status = answer.trim_start_matches("< ").lines().next()?.parse().ok()?;
    let answer = answer.split_once("\n<\n").map_or("", |(_, body)| body).trim_end().to_owned();
    Some(Exchange {
        scenario: scenario.to_owned(),
        number,
        time,
        method,
        path,
        body,
        status,
        answer,
    })
}
