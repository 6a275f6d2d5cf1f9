//! Configuration files as targets of `policy check`.

use std::io::Read as _;
use std::path::Path;

use sealift_model::Verdict;
use sealift_pipeline::examine;
use sealift_pipeline::judge::{self, Judged};
use sealift_pipeline::policies::{PolicyRequest, PolicySet};
use sealift_pipeline::secrets::{self, Secrets};
use sealift_policy::document::{self, BYTES_MAX, Kind, Shape};
use sealift_policy::{Namespaces, Policies};
use serde_json::{Value, json};

use super::check::Judgement;
use crate::failure::Usage;
use sealift_arguments::{InputShape, PolicyCheck};

/// What came of files.
pub(super) enum Judgements {
    /// The inputs, if they were asked for.
    Inputs(String),
    /// The results.
    Results(Vec<Judgement>),
}

/// Whether a target is a configuration file. An SBOM is one only if somebody says so.
pub(super) fn is_file(target: &str, parser: Option<&str>) -> bool {
    if target == "-" || parser.is_some() {
        return target == "-" || Path::new(target).is_file();
    }
    let Some(kind) = Kind::of_file(target).filter(|_| Path::new(target).is_file()) else {
        return false;
    };
    kind != Kind::Json || examine::read_document(Path::new(target)).is_err()
}

/// A file as a value.
pub(super) struct Document {
    pub(super) value: Value,
    path: String,
    text: String,
}

impl Document {
    /// Its secrets, so that what is shown can go without them.
    pub(super) fn secrets(&self) -> Secrets {
        secrets::of_file(&self.path, &self.text)
    }
}

/// Reads one file as a value.
pub(super) fn read(
    target: &str,
    parser: Option<&str>,
    shape: InputShape,
) -> anyhow::Result<Document> {
    let kind = match parser {
        Some(name) => Kind::parse(name).ok_or_else(|| unknown(name))?,
        None => Kind::of_file(target).ok_or_else(|| {
            Usage::error(
                format!("it is not known how to read `{target}`"),
                format!("give `--parser`, one of {}", Kind::NAMES.join(", ")),
            )
        })?,
    };
    let kind = match (kind, shape) {
        (Kind::Dockerfile(_), InputShape::Trivy) => Kind::Dockerfile(Shape::Trivy),
        (kind, _) => kind,
    };
    let bytes_max = BYTES_MAX as u64;
    let text = if target == "-" {
        let mut text = String::new();
        std::io::stdin().take(bytes_max + 1).read_to_string(&mut text)?;
        text
    } else {
        sealift_pipeline::policies::read_text(Path::new(target), bytes_max)?
    };
    let value = document::read(kind, target, &text).map_err(sealift_pipeline::Error::from)?;
    Ok(Document { value, path: target.to_owned(), text })
}

fn unknown(name: &str) -> anyhow::Error {
    let hint = format!("there are {}", Kind::NAMES.join(", "));
    if Kind::ABSENT.contains(&name) {
        return Usage::error(format!("conftest's parser `{name}` is not here"), hint);
    }
    Usage::error(format!("there is no parser `{name}`"), hint)
}

/// Policies on files judge by their package `main`, as conftest has it, unless other packages are named.
pub(super) fn for_files(policy: &PolicyRequest, is_all: bool) -> PolicyRequest {
    let namespaces = match &policy.namespaces {
        Namespaces::All if !is_all => Namespaces::MainOrAll,
        other => other.clone(),
    };
    PolicyRequest { namespaces, ..policy.clone() }
}

/// Judges files.
pub(super) fn judge(
    targets: &[&String],
    arguments: &PolicyCheck,
    policy: &PolicyRequest,
    set: &PolicySet,
    now_ns: Option<i64>,
) -> anyhow::Result<Judgements> {
    let mut inputs: Vec<(String, Value)> = Vec::new();
    let mut hidden = Vec::new();
    for target in targets {
        let document = read(target, arguments.parser.as_deref(), arguments.input_shape)?;
        if arguments.show_input {
            hidden.push(document.secrets());
        }
        inputs.push(((*target).clone(), document.value));
    }
    if arguments.combine {
        let combined = inputs
            .into_iter()
            .map(|(path, contents)| json!({"path": path, "contents": contents}))
            .collect();
        inputs = vec![("Combined".to_owned(), Value::Array(combined))];
    }
    if arguments.show_input {
        let shown = match inputs.as_slice() {
            [(_, only)] => only.clone(),
            several => {
                several.iter().map(|(path, value)| json!({ path.as_str(): value })).collect()
            }
        };
        let shown = serde_json::to_string_pretty(&shown)?;
        let shown = hidden.iter().fold(shown, |shown, secrets| secrets.conceal(&shown));
        return Ok(Judgements::Inputs(shown));
    }
    let request = for_files(policy, arguments.policy.all_namespaces);
    let policies = Policies::load(&judge::settings(&request), &set.sources, &set.data)
        .map_err(sealift_pipeline::Error::from)?;
    let mut results = Vec::new();
    for (path, value) in inputs {
        let documents = if arguments.combine { vec![value] } else { document::documents(value) };
        let judged = judge_documents(&policies, documents, &request, &path, now_ns)?;
        results.push(Judgement { target: path, is_file: true, judged });
    }
    Ok(Judgements::Results(results))
}

// The documents of a file are judged one by one, and are one result.
fn judge_documents(
    policies: &Policies,
    documents: Vec<Value>,
    request: &PolicyRequest,
    path: &str,
    now_ns: Option<i64>,
) -> Result<Judged, sealift_pipeline::Error> {
    let mut whole: Option<Judged> = None;
    for mut document in documents {
        if let Some(object) = document.as_object_mut() {
            for (name, value) in &request.data {
                object.entry(name.clone()).or_insert_with(|| Value::String(value.clone()));
            }
        }
        let judged = judge::exempted(policies.judge(&document)?, request, path, now_ns);
        whole = Some(match whole {
            None => judged,
            Some(mut before) => {
                let mut violations = before.judgement.verdict.violations;
                violations.extend(judged.judgement.verdict.violations);
                let digests = judged.judgement.verdict.policies;
                before.judgement.verdict = Verdict::from_violations(violations, digests);
                before.judgement.metadata.extend(judged.judgement.metadata);
                before.judgement.excepted.extend(judged.judgement.excepted);
                before.judgement.passed += judged.judgement.passed;
                before.exempted.held.extend(judged.exempted.held);
                before.exempted.expired.extend(judged.exempted.expired);
                before
            }
        });
    }
    whole.ok_or_else(|| {
        sealift_pipeline::Error::usage(format!("`{path}` has nothing to judge"), "check the file")
    })
}
