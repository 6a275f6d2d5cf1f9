//! Secrets in images and folders: in the pass that reads the layers anyway, in the config, and in the history.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sealift_archive::RelativePath;
use sealift_image::{FileMeta, FileTree, Image, Inspection, Watch};
use sealift_model::{Confidence, LayerRef, Note, SecretFinding, SecretPlace, Severity};
use sealift_oci::Digest;
use sealift_scan::Expression;
use sealift_secrets::{
    BASELINE_BYTES_MAX, Baseline, CONFIG_BYTES_MAX, Config, Found, Rules, Scanner, Secret, mask,
};

use crate::{Error, Gate};

/// What to look for, and what of it to report.
#[derive(Clone, Debug, Default)]
pub struct SecretRequest {
    /// Looks.
    pub scanner: Scanner,
    /// What is known.
    pub baseline: Baseline,
    /// Severities to report; empty means all.
    pub severities: Vec<Severity>,
    /// The Dockerfile that the image was built by, with its text, if it is at hand.
    pub dockerfile: Option<(PathBuf, String)>,
}

/// What was found, and what was not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// The secrets, by place.
    pub findings: Vec<SecretFinding>,
    /// What was not looked at.
    pub notes: Vec<Note>,
    /// The secrets of the config as it has them, and what to show in their place. Nothing prints them.
    hidden: Vec<(String, String)>,
}

/// Calls `run` with an inspection that looks for secrets too, if that is asked for.
pub(crate) fn watching<T>(
    request: Option<&SecretRequest>,
    run: impl FnOnce(&Inspection<'_>) -> T,
) -> T {
    let inspection = &sealift_catalog::INSPECTION;
    let Some(SecretRequest { scanner, .. }) = request else { return run(inspection) };
    let config = scanner.config();
    let (bytes_max, least, rules) =
        (config.file_bytes_max, config.confidence_min, config.rules.digest());
    let settings = format!("{bytes_max} {least:?} {rules}");
    let key = format!("secrets-{}", &Digest::sha256(settings.as_bytes()).hex()[..16]);
    let wanted = |path: &RelativePath, _: &FileMeta| scanner.wants(&text(path));
    let look = |path: &RelativePath, bytes: &[u8]| {
        let Found { secrets, notes } = scanner.scan(&text(path), bytes);
        if secrets.is_empty() && notes.is_empty() {
            return None;
        }
        postcard::to_stdvec(&(secrets, notes)).ok()
    };
    // One byte more tells that there is more.
    let bytes_max = config.file_bytes_max.saturating_add(1);
    let watch = Watch { key: &key, wanted: &wanted, bytes_max, look: &look };
    run(&Inspection { watch: Some(&watch), ..*inspection })
}

fn text(path: &RelativePath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

/// The secrets of a tree that was read by [`watching`], and of the image around it.
pub(crate) fn of_tree(tree: &FileTree, image: Option<&Image>, request: &SecretRequest) -> Secrets {
    let mut secrets = Secrets::default();
    let instructions = image.map(Image::instructions).unwrap_or_default();
    for watched in tree.watched() {
        let path = text(&watched.path);
        let Ok((found, notes)) = postcard::from_bytes::<(Vec<Secret>, Vec<String>)>(&watched.found)
        else {
            let message = "what was found in it cannot be read again".to_owned();
            secrets.notes.push(Note { subject: path, message });
            continue;
        };
        secrets
            .notes
            .extend(notes.into_iter().map(|message| Note { subject: format!("/{path}"), message }));
        let layer = image.and_then(|image| {
            let (_, diff_id) = image.layers().nth(watched.layer)?;
            Some(LayerRef { index: watched.layer, diff_id: diff_id.clone() })
        });
        let instruction = instructions.get(watched.layer).cloned().flatten();
        let instruction = instruction.map(|text| masked(&text, &request.scanner));
        let shown = if image.is_some() { format!("/{path}") } else { path };
        for secret in found {
            let mut finding = finding(secret, SecretPlace::File(shown.clone()));
            finding.layer.clone_from(&layer);
            finding.instruction.clone_from(&instruction);
            finding.hidden_by = watched.hidden_by;
            secrets.findings.push(finding);
        }
    }
    if let Some(image) = image {
        of_config(image, request, &mut secrets);
    }
    secrets.notes.extend(request.scanner.config().rules.notes().iter().map(|message| Note {
        subject: "the configuration for secrets".to_owned(),
        message: message.clone(),
    }));
    secrets.select(request);
    secrets
}

// Variables, labels, commands, then what of the history they do not have.
fn of_config(image: &Image, request: &SecretRequest, secrets: &mut Secrets) {
    let scanner = &request.scanner;
    let config = image.config.value();
    let mut seen = BTreeSet::new();
    let mut places: Vec<(SecretPlace, String)> = Vec::new();
    for variable in &config.config.env {
        let name = variable.split_once('=').map_or("", |(name, _)| name);
        places.push((SecretPlace::Variable(name.to_owned()), variable.clone()));
    }
    for (name, value) in &config.config.labels {
        places.push((SecretPlace::Label(name.clone()), format!("{name}={value}")));
    }
    let health = config.config.healthcheck.as_ref().map(|check| &check.test);
    for (name, words) in [
        ("Entrypoint", config.config.entrypoint.as_ref()),
        ("Cmd", config.config.cmd.as_ref()),
        ("Healthcheck", health),
    ] {
        let Some(words) = words else { continue };
        places.push((SecretPlace::Command(name.to_owned()), words.join(" ")));
    }
    let history = config.history.iter().enumerate();
    places.extend(
        history.filter_map(|(index, step)| {
            Some((SecretPlace::History(index), step.created_by.clone()?))
        }),
    );
    let mut layer = 0;
    for (place, text) in places {
        let mut at_layer = None;
        let mut instruction = None;
        if let SecretPlace::History(index) = &place {
            if !config.history[*index].empty_layer {
                at_layer = image
                    .layers()
                    .nth(layer)
                    .map(|(_, diff_id)| LayerRef { index: layer, diff_id: diff_id.clone() });
                layer += 1;
            }
            instruction = Some(masked(&text, scanner));
        }
        let found = match &place {
            SecretPlace::Variable(_) | SecretPlace::Label(_) => {
                scanner.scan_pair(&place.describe(), &text)
            }
            _ => scanner.scan_words(&place.describe(), &text),
        };
        for secret in found.secrets {
            let value = text[secret.range.clone()].to_owned();
            secrets.hidden.push((value.clone(), secret.masked.clone()));
            // A variable's or label's own step of the history says the same once more.
            let is_known = seen.contains(&value);
            seen.insert(value.clone());
            if is_known && matches!(place, SecretPlace::History(_)) {
                continue;
            }
            let made_by = || {
                let steps = config.history.iter().filter_map(|step| step.created_by.as_deref());
                steps.rev_find(&value).map(|step| masked(step, scanner))
            };
            let instruction = instruction.clone().or_else(made_by);
            let mut finding = finding(secret, place.clone());
            finding.layer.clone_from(&at_layer);
            finding.instruction = instruction;
            secrets.findings.push(finding);
        }
    }
}

trait LastWith<'a> {
    fn rev_find(self, part: &str) -> Option<&'a str>;
}

impl<'a, I: DoubleEndedIterator<Item = &'a str>> LastWith<'a> for I {
    fn rev_find(self, part: &str) -> Option<&'a str> {
        self.rev().find(|step| step.contains(part))
    }
}

pub(crate) fn finding(secret: Secret, place: SecretPlace) -> SecretFinding {
    let has_lines = matches!(place, SecretPlace::File(_));
    let line = |line: usize| if has_lines { line } else { 0 };
    SecretFinding {
        line: line(secret.line),
        column: line(secret.column),
        end_line: line(secret.end_line),
        place,
        rule: secret.rule.into_owned(),
        title: secret.title,
        provider: secret.provider.into_owned(),
        severity: secret.severity,
        confidence: secret.confidence,
        masked: secret.masked,
        fingerprint: secret.fingerprint,
        layer: None,
        instruction: None,
        dockerfile_line: None,
        hidden_by: None,
        commit: None,
    }
}

// A text without the secrets that it has.
fn masked(text: &str, scanner: &Scanner) -> String {
    let mut out = String::new();
    let mut at = 0;
    for secret in scanner.scan_words("", text).secrets {
        out.push_str(&text[at..secret.range.start]);
        out.push_str(&mask(text[secret.range.clone()].as_bytes()));
        at = secret.range.end;
    }
    out.push_str(&text[at..]);
    out
}

impl Secrets {
    // What is known or not asked for goes; the rest is brought in order, and led back to the Dockerfile.
    pub(crate) fn select(&mut self, request: &SecretRequest) {
        self.findings.retain(|it| {
            let path = it.place.path().unwrap_or_default();
            let is_wanted =
                request.severities.is_empty() || request.severities.contains(&it.severity);
            is_wanted && !request.baseline.knows(&it.fingerprint, &it.rule, path, it.line)
        });
        if let Some((_, text)) = &request.dockerfile {
            for finding in &mut self.findings {
                finding.dockerfile_line = line_of(finding, text, &request.scanner);
            }
        }
        self.findings.sort();
    }

    /// A text without the secrets of the config.
    pub fn conceal(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (secret, shown) in &self.hidden {
            // As JSON has it, if it is in a document.
            let quoted = serde_json::to_string(secret).unwrap_or_default();
            let quoted = quoted.trim_matches('"');
            text = text.replace(quoted, shown).replace(secret.as_str(), shown);
        }
        text
    }
}

// The line of the instruction whose words are those of the finding's, or that sets its variable.
fn line_of(finding: &SecretFinding, dockerfile: &str, scanner: &Scanner) -> Option<usize> {
    let parsed = sealift_dockerfile::parse(dockerfile, &sealift_dockerfile::Limits::default());
    let plain = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "\\").collect();
        words.join(" ")
    };
    let wanted = plain(finding.instruction.as_deref()?.split(" # buildkit").next()?);
    let (_, words) = wanted.split_once(' ')?;
    let steps = parsed.file.instructions.iter().rev();
    let found = steps.into_iter().find(|step| {
        let text = masked(&plain(&step.line), scanner);
        text == wanted
            || text
                .split_once(' ')
                .is_some_and(|(_, rest)| wanted.ends_with(rest) || words.ends_with(rest))
    })?;
    Some(sealift_diagnostic::line_column(dockerfile, found.line.span(0..1).start).0)
}

/// Reads what users say of secrets: a configuration of gitleaks, and what is known.
pub fn request(config: Option<&Path>, baselines: &[PathBuf]) -> Result<SecretRequest, Error> {
    let mut request = SecretRequest::default();
    if let Some(path) = config {
        let text = read_bounded(path, CONFIG_BYTES_MAX)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut open = |name: &str| {
            read_bounded(&folder.join(name), CONFIG_BYTES_MAX).map_err(|error| error.to_string())
        };
        let rules = Rules::read(&text, &mut open).map_err(|error| {
            let hint =
                "it is read as gitleaks reads its own; docs/secrets.md says what of it counts";
            Error::usage(format!("cannot use `{}`: {error}", path.display()), hint)
        })?;
        request.scanner = Scanner::new(Config { rules, ..Config::default() });
    }
    for path in baselines {
        let text = read_bounded(path, BASELINE_BYTES_MAX)?;
        let baseline = Baseline::read(&text).map_err(|error| {
            let hint = "`sealift scan --scanners secret -f baseline -o FILE IMAGE` writes one";
            Error::usage(format!("cannot use `{}`: {error}", path.display()), hint)
        })?;
        request.baseline.extend(baseline);
    }
    Ok(request)
}

fn read_bounded(path: &Path, limit: u64) -> Result<String, Error> {
    let fail = |source| Error::file("read", path, source);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        let message = format!("`{}` is larger than {} MiB", path.display(), limit >> 20);
        return Err(Error::usage(message, "check that it is the right file"));
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::usage(format!("`{}` is not UTF-8 text", path.display()), "save it as UTF-8")
    })
}

/// The secrets of a configuration file, so that what is shown of it can go without them.
pub fn of_file(path: &str, text: &str) -> Secrets {
    let parse = sealift_dockerfile::parse(text, &sealift_dockerfile::Limits::default());
    let settings = sealift_lint::Config::default();
    let linted = sealift_lint::lint(&parse, &sealift_lint::Context::new(&settings));
    let values = sealift_lint::secrets(text, &linted).into_iter();
    let mut hidden: Vec<(String, String)> =
        values.map(|value| (value.to_owned(), mask(value.as_bytes()))).collect();
    let found = Scanner::default().scan(path, text.as_bytes());
    hidden.extend(
        found
            .secrets
            .into_iter()
            .filter_map(|it| Some((text.get(it.range)?.to_owned(), it.masked))),
    );
    Secrets { hidden, ..Secrets::default() }
}

/// Ids and titles of all kinds of secrets.
pub fn rules() -> Vec<(&'static str, String)> {
    sealift_secrets::rules()
}

/// The kind of secret with this id.
pub fn rule(id: &str) -> Option<(&'static str, String)> {
    rules().into_iter().find(|(known, _)| known.eq_ignore_ascii_case(id.trim()))
}

/// The severity from which on a secret fails a gate. One that asks for more than a severity asks for what secrets do not
/// have, so each fails it.
pub fn threshold(expression: &Expression) -> Severity {
    expression.severity().unwrap_or(Severity::Unknown)
}

/// Holds the findings against a threshold.
pub fn gate(findings: &[SecretFinding], fail_on: Option<Severity>) -> Result<(), Error> {
    let Some(threshold) = fail_on else { return Ok(()) };
    let failures: Vec<&SecretFinding> =
        findings.iter().filter(|finding| finding.severity >= threshold).collect();
    let Some(first) = failures.first() else { return Ok(()) };
    let more = match failures.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    Err(Error::Gate {
        gate: Gate::Scan,
        finding: format!("{} {} at {}{more}", first.title, first.masked, first.place.describe()),
        remedy: "take it out of the layer that has it, and rotate it: a later layer that deletes it does not take it out of \
                 the image; what is no secret goes into a baseline, or gets a remark `sealift:allow`"
            .to_owned(),
    })
}

/// Those that leave no doubt. A build is not stopped by what may be anything.
pub fn sure(findings: &[SecretFinding]) -> Vec<SecretFinding> {
    let is_sure = |finding: &&SecretFinding| finding.confidence == Confidence::High;
    findings.iter().filter(is_sure).cloned().collect()
}

/// One line: how many of what.
pub fn summary(findings: &[SecretFinding]) -> String {
    let sure = findings.iter().filter(|finding| finding.confidence == Confidence::High).count();
    let hidden = findings.iter().filter(|finding| finding.hidden_by.is_some()).count();
    match findings.len() {
        0 => "no secret".to_owned(),
        count => {
            let noun = if count == 1 { "secret" } else { "secrets" };
            let hidden = match hidden {
                0 => String::new(),
                count => format!(", {count} in files that a later layer hides"),
            };
            format!("{count} {noun}, {sure} of them sure{hidden}")
        }
    }
}
