//! Trivy's ignore files: `.trivyignore`, a line an id, and `.trivyignore.yaml`
//! (<https://trivy.dev/latest/docs/configuration/filtering/>).

use sealift_model::Purl;

use crate::condition::Condition;
use crate::expiry::Expiry;
use crate::pattern::Pattern;
use crate::yaml::Node;
use crate::{Error, Exception, Exceptions};

const SECTIONS: [&str; 4] = ["vulnerabilities", "misconfigurations", "secrets", "licenses"];
const KEYS: [&str; 5] = ["id", "paths", "purls", "statement", "expired_at"];

/// Reads `.trivyignore`. The comment behind an id, else the ones right above it, is the reason.
pub(crate) fn read_plain(file: &str, text: &str, into: &mut Exceptions) -> Result<(), Error> {
    let mut above: Vec<&str> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix('#') {
            above.push(comment.trim());
            continue;
        }
        if line.is_empty() {
            above.clear();
            continue;
        }
        let place = format!("{file}:{}", number + 1);
        let is_comment = |at: &usize| line[..*at].ends_with(char::is_whitespace);
        let comment = line.match_indices('#').map(|(at, _)| at).find(is_comment);
        let (words, comment) = comment.map_or((line, ""), |at| (&line[..at], &line[at + 1..]));
        let mut words = words.split_whitespace();
        let id = words.next().unwrap_or_default();
        let mut expiry = None;
        let mut remark = Vec::new();
        for word in words {
            match word.split_once(':') {
                Some(("exp", day)) => {
                    let found = Expiry::parse(day).filter(|it| it.day == day);
                    expiry = Some(found.ok_or_else(|| Error::Value {
                        place: place.clone(),
                        key: "exp".to_owned(),
                        reason: format!("`{day}` is not a day like 2024-12-31"),
                    })?);
                }
                // Most likely a wrong word for `exp`; the entry would count for ever.
                Some((key, day)) if key.starts_with("exp") || Expiry::parse(day).is_some() => {
                    let known = "exp:YYYY-MM-DD".to_owned();
                    return Err(Error::UnknownKey { place, key: format!("{key}:"), known });
                }
                _ => remark.push(word),
            }
        }
        let reasons = [remark.join(" "), comment.trim().to_owned(), above.join(" ")];
        into.add(Exception {
            place,
            id: id.to_owned(),
            conditions: vec![Condition::Id(id.to_owned())],
            reason: reasons.into_iter().find(|text| !text.is_empty()),
            owner: None,
            expiry,
        })?;
        above.clear();
    }
    Ok(())
}

/// Reads `.trivyignore.yaml`; the sections that are not about flaws are for other scanners.
pub(crate) fn read_yaml(file: &str, document: &Node, into: &mut Exceptions) -> Result<(), Error> {
    for (section, list) in document.entries(file, "the file")? {
        if section == "vulnerabilities" {
            for item in list.items(file, section)? {
                into.add(entry(file, item)?)?;
            }
        } else if SECTIONS.contains(&section.as_str()) {
            let n_entries = list.items(file, section)?.len();
            if n_entries > 0 {
                let message = format!("`{section}` is for other scanners ({n_entries} in it)");
                into.note(list.place(file), message);
            }
        } else {
            return Err(list.unknown_key(file, section, &SECTIONS));
        }
    }
    Ok(())
}

fn entry(file: &str, item: &Node) -> Result<Exception, Error> {
    let mut conditions = Vec::new();
    let (mut id, mut reason, mut expiry) = (None, None, None);
    for (key, node) in item.entries(file, "an entry")? {
        match key.as_str() {
            "id" => id = node.text(file, key)?.filter(|id| !id.is_empty()),
            "statement" => reason = node.text(file, key)?.map(str::to_owned),
            "expired_at" => {
                if let Some(text) = node.text(file, key)? {
                    let found = Expiry::parse(text);
                    let bad = || node.error(file, key, format!("`{text}` is not a date"));
                    expiry = Some(found.ok_or_else(bad)?);
                }
            }
            "paths" => {
                let mut patterns = Vec::new();
                for (text, place) in texts(file, key, node)? {
                    let bad = |reason| place.error(file, key, reason);
                    patterns.push(Pattern::glob(text).map_err(bad)?);
                }
                if !patterns.is_empty() {
                    let bad = |reason| node.error(file, key, reason);
                    conditions.push(Condition::Path(Pattern::any(&patterns).map_err(bad)?));
                }
            }
            "purls" => {
                let mut purls = Vec::new();
                for (text, place) in texts(file, key, node)? {
                    let bad = || place.error(file, key, format!("`{text}` is no package URL"));
                    purls.push(Purl::parse(text).ok_or_else(bad)?);
                }
                if !purls.is_empty() {
                    conditions.push(Condition::Purls(purls));
                }
            }
            _ => return Err(node.unknown_key(file, key, &KEYS)),
        }
    }
    let place = item.place(file);
    let id = id.ok_or(Error::Missing { place: place.clone(), key: "id" })?.to_owned();
    conditions.push(Condition::Id(id.clone()));
    Ok(Exception { place, id, conditions, reason, owner: None, expiry })
}

fn texts<'a>(file: &str, key: &str, node: &'a Node) -> Result<Vec<(&'a str, &'a Node)>, Error> {
    let mut texts = Vec::new();
    for item in node.items(file, key)? {
        let text = item.text(file, key)?;
        texts.push((text.ok_or_else(|| item.error(file, key, "must be a text"))?, item));
    }
    Ok(texts)
}
