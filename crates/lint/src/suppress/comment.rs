//! Comments that silence findings, each exactly as the tool that it is for reads it.

use super::Reach;

/// The tool that a comment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Sealift,
    Hadolint,
    Checkov,
    Trivy,
}

/// A comment that silences, or means to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Silencer {
    pub(super) tool: Tool,
    pub(super) reach: Reach,
    pub(super) names: Vec<Name>,
    /// Why it has no effect at all.
    pub(super) fault: Option<String>,
}

/// A rule that a comment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    /// First day on which it silences nothing any more: `2026-02-01`.
    pub(super) ends: Option<End>,
}

/// When a suppression ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) date: String,
    /// Whether it still holds on that day.
    pub(super) inclusive: bool,
}

impl End {
    pub(super) fn is_over(&self, today: Option<&str>) -> bool {
        // Dates of this form are in the order of their texts.
        let date = self.date.as_str();
        today.is_some_and(|today| if self.inclusive { today > date } else { today >= date })
    }
}

/// Read a comment; `None` when it has nothing to do with suppressions.
pub(super) fn read(comment: &str) -> Option<Silencer> {
    // Every form has one of these; most comments have none.
    if !comment.bytes().any(|byte| matches!(byte, b':' | b'=')) {
        return None;
    }
    sealift(comment)
        .or_else(|| hadolint(comment))
        .or_else(|| checkov(comment))
        .or_else(|| trivy(comment))
}

/// `sealift: ignore=A,B reason=words until=2026-12-31`; also `ignore-stage=`, `ignore-file=`.
fn sealift(comment: &str) -> Option<Silencer> {
    const FORMS: [(&str, Reach); 3] = [
        ("sealift:ignore-file=", Reach::File),
        ("sealift:ignore-stage=", Reach::Stage),
        ("sealift:ignore=", Reach::Instruction),
    ];
    let (reach, rest) =
        FORMS.iter().find_map(|(form, reach)| Some((*reach, after(comment, form)?)))?;
    let mut silencer = Silencer { tool: Tool::Sealift, reach, names: Vec::new(), fault: None };
    let list_end = list_end(rest);
    let (list, words) = rest.split_at(list_end);
    let mut ends = None;
    for word in words.split_whitespace() {
        let Some(date) = word.strip_prefix("until=") else { continue };
        if is_date(date) {
            ends = Some(End { date: date.to_owned(), inclusive: true });
        } else {
            let date: String = date.chars().take(40).collect();
            silencer.fault = Some(format!("`{date}` is no date such as `2026-12-31`"));
        }
    }
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    silencer.names.extend(names.map(|name| Name { text: name.to_owned(), ends: ends.clone() }));
    if silencer.names.is_empty() {
        silencer.fault = Some("it names no rule".to_owned());
    }
    Some(silencer)
}

/// Where a list ends: at a blank that neither follows nor precedes a comma.
fn list_end(text: &str) -> usize {
    let mut at = text.len() - text.trim_start().len();
    loop {
        let rest = &text[at..];
        let word = rest.find(|it: char| it == ',' || it.is_whitespace()).unwrap_or(rest.len());
        at += word;
        let rest = &text[at..];
        let blanks = rest.len() - rest.trim_start().len();
        if !rest[blanks..].starts_with(',') {
            return at;
        }
        at += blanks + 1;
        at += text[at..].len() - text[at..].trim_start().len();
    }
}

/// `hadolint ignore=DL3008,SC1010 # words`, `hadolint stage ignore=`, `hadolint global ignore=`: small letters, a blank
/// behind `hadolint`, and words only behind another `#`.
fn hadolint(comment: &str) -> Option<Silencer> {
    let blank = |it: char| it == ' ' || it == '\t';
    let rest = comment.trim_start_matches(blank).strip_prefix("hadolint")?;
    let mut rest = Some(rest).filter(|rest| rest.starts_with(blank))?.trim_start_matches(blank);
    let mut reach = Reach::Instruction;
    for (word, wide) in [("global", Reach::File), ("stage", Reach::Stage)] {
        if let Some(more) = rest.strip_prefix(word).filter(|more| more.starts_with(blank)) {
            (reach, rest) = (wide, more.trim_start_matches(blank));
        }
    }
    let rest = rest.strip_prefix("ignore")?.trim_start_matches(blank).strip_prefix('=')?;
    let list = rest.split_once('#').map_or(rest, |(list, _)| list);
    let mut silencer = Silencer { tool: Tool::Hadolint, reach, names: Vec::new(), fault: None };
    for name in list.split(',').map(|name| name.trim_matches(blank)) {
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            let name: String = name.chars().take(40).collect();
            silencer.fault = Some(format!("`{name}` is no id; a reason stands behind another `#`"));
            silencer.names.clear();
            break;
        }
        silencer.names.push(Name { text: name.to_owned(), ends: None });
    }
    Some(silencer)
}

/// `checkov:skip=CKV_DOCKER_3,CKV_DOCKER_2:words`, anywhere in the comment; it holds for the file.
fn checkov(comment: &str) -> Option<Silencer> {
    if !comment.contains(":skip=") {
        return None;
    }
    let mut forms = ["checkov:skip=", "bridgecrew:skip=", "cortex:skip="].iter();
    let rest = forms.find_map(|form| Some(comment.split_once(form)?.1))?.trim_start_matches(' ');
    let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | ',');
    let list = &rest[..rest.find(|it| !is_name(it)).unwrap_or(rest.len())];
    let names: Vec<Name> = list
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| Name { text: name.to_owned(), ends: None })
        .collect();
    let fault = names.is_empty().then(|| "it names no check".to_owned());
    Some(Silencer { tool: Tool::Checkov, reach: Reach::File, names, fault })
}

/// `trivy:ignore:DS-0002:exp:2026-12-31 trivy:ignore:DS-0001`: blanks divide, `*` is any text.
fn trivy(comment: &str) -> Option<Silencer> {
    if !comment.contains(":ignore:") {
        return None;
    }
    let mut names = Vec::new();
    let mut fault = None;
    let mut is_one = false;
    for part in comment.split_whitespace() {
        let part = part.trim_start_matches(['#', '/', '*']);
        let Some(part) = part.strip_prefix("trivy:").or_else(|| part.strip_prefix("tfsec:")) else {
            continue;
        };
        let mut name = None;
        let mut ends = None;
        let segments: Vec<&str> = part.split(':').collect();
        for pair in segments.chunks_exact(2) {
            match pair[0] {
                "ignore" => name = pair[1].split('[').next().filter(|name| !name.is_empty()),
                // A date that trivy cannot read has always passed.
                "exp" if is_date(pair[1]) => {
                    ends = Some(End { date: pair[1].to_owned(), inclusive: false });
                }
                "exp" => {
                    let date: String = pair[1].chars().take(40).collect();
                    fault = Some(format!("`{date}` is no date such as `2026-12-31`"));
                }
                _ => {}
            }
        }
        is_one |= name.is_some();
        if fault.is_none() {
            names.extend(name.map(|name| Name { text: name.to_owned(), ends }));
        }
    }
    is_one.then_some(Silencer { tool: Tool::Trivy, reach: Reach::Instruction, names, fault })
}

/// `2026-12-31`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |at: usize, digits: usize| {
        let part = parts
            .get(at)
            .filter(|part| part.len() == digits && part.bytes().all(|it| it.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    parts.len() == 3
        && number(0, 4).is_some()
        && number(1, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(2, 2).is_some_and(|day| (1..=31).contains(&day))
}

/// What follows `form` in `text`, where blanks in `text` do not count until then.
fn after<'a>(text: &'a str, form: &str) -> Option<&'a str> {
    let mut wanted = form.chars();
    let mut next = wanted.next();
    for (at, letter) in text.char_indices() {
        let Some(expected) = next else { return Some(&text[at..]) };
        if letter.is_whitespace() {
            continue;
        }
        if !letter.eq_ignore_ascii_case(&expected) {
            return None;
        }
        next = wanted.next();
    }
    next.is_none().then_some("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(comment: &str, tool: Tool, reach: Reach, names: &[&str]) {
        let found = read(comment).unwrap();
        assert_eq!((found.tool, found.reach), (tool, reach), "{comment}");
        let found: Vec<&str> = found.names.iter().map(|name| name.text.as_str()).collect();
        assert_eq!(found, names, "{comment}");
    }

    #[test]
    fn forms_of_our_own() {
        use Reach::{File, Instruction, Stage};
        check("sealift: ignore=SL1001", Tool::Sealift, Instruction, &["SL1001"]);
        check(
            "Sealift:ignore = SL1001, DL3007 because",
            Tool::Sealift,
            Instruction,
            &["SL1001", "DL3007"],
        );
        check("sealift: ignore-file=mutable-tag", Tool::Sealift, File, &["mutable-tag"]);
        check("sealift: ignore-stage=a , b reason=x", Tool::Sealift, Stage, &["a", "b"]);
        let found = read("sealift: ignore=SL1001 reason=not ours, yet until=2026-02-03").unwrap();
        assert_eq!(found.names.len(), 1);
        let end = found.names[0].ends.as_ref().unwrap();
        assert!(!end.is_over(Some("2026-02-03")) && end.is_over(Some("2026-02-04")));
        assert!(!end.is_over(None) && found.fault.is_none());
        assert!(read("sealift: ignore=SL1001 until=soon").unwrap().fault.is_some());
        assert!(read("sealift: ignore=").unwrap().fault.is_some());
        assert!(read("just words about sealift").is_none());
    }

    #[test]
    fn forms_of_hadolint() {
        use Reach::{File, Instruction, Stage};
        check("hadolint ignore=DL3007,SC1010", Tool::Hadolint, Instruction, &["DL3007", "SC1010"]);
        check(
            " hadolint\tignore = DL3007 , DL3008 # why",
            Tool::Hadolint,
            Instruction,
            &["DL3007", "DL3008"],
        );
        check("hadolint global ignore=DL3007", Tool::Hadolint, File, &["DL3007"]);
        check("hadolint stage ignore=DL3007", Tool::Hadolint, Stage, &["DL3007"]);
        assert!(read("Hadolint ignore=DL3007").is_none());
        assert!(read("hadolint: ignore=DL3007").is_none());
        assert!(read("hadolint ignore DL3007").is_none());
        let found = read("hadolint ignore=DL3007 because").unwrap();
        assert!(found.names.is_empty() && found.fault.is_some());
    }

    #[test]
    fn forms_of_checkov_and_trivy() {
        use Reach::{File, Instruction};
        check("checkov:skip=CKV_DOCKER_3: no user here", Tool::Checkov, File, &["CKV_DOCKER_3"]);
        check(
            "x bridgecrew:skip= CKV_DOCKER_3,CKV_DOCKER_2",
            Tool::Checkov,
            File,
            &["CKV_DOCKER_3", "CKV_DOCKER_2"],
        );
        assert!(read("checkov: skip=CKV_DOCKER_3").is_none());
        check("trivy:ignore:DS-0002 some reason", Tool::Trivy, Instruction, &["DS-0002"]);
        check(
            "trivy:ignore:DS-0002 trivy:ignore:DS-00*",
            Tool::Trivy,
            Instruction,
            &["DS-0002", "DS-00*"],
        );
        let found = read("trivy:ignore:DS-0002:exp:2026-02-03").unwrap();
        let end = found.names[0].ends.as_ref().unwrap();
        assert!(end.is_over(Some("2026-02-03")) && !end.is_over(Some("2026-02-02")));
        assert!(read("trivy:ignore:DS-0002:exp:2026-2-3").unwrap().fault.is_some());
        assert!(read("trivy:exp:2026-02-03").is_none());
    }
}
