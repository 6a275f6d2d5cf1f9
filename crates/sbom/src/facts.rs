//! What no format has a place for, as names and values: properties in CycloneDX, annotations in syft's JSON, lines of
//! a comment in SPDX. Written and read back here, so that every format says it in the same words.

use sealift_model::{
    Confidence, Coverage, Evidence, FileCount, Inventory, Layer, LayerRef, Method, Package, Scope,
    SourcePackage,
};

use crate::{Subject, text};

/// A name and its value.
pub(crate) type Fact = (String, String);

const LAYERS_MAX: usize = 10_000;

/// The facts of a package.
pub(crate) fn of_package(package: &Package, inventory: &Inventory) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: &str| facts.push((name.to_owned(), text::line(value)));
    if let Some(layer) = &package.introduced_by {
        add("sealift:layer", &layer.diff_id.to_string());
        add("sealift:layer:index", &layer.index.to_string());
        let made_by = inventory.layers.get(layer.index).and_then(|it| it.instruction.as_deref());
        if let Some(instruction) = made_by.and_then(text::some) {
            add("sealift:layer:instruction", &instruction);
        }
    }
    for evidence in &package.evidence {
        add(&evidence_name(evidence), &evidence.path);
    }
    if let Some(source) = &package.source {
        add("sealift:source:name", &source.name);
        add("sealift:source:version", &source.version);
    }
    if let Some(date) = text::date_for_version(package) {
        add("sealift:modified", &date);
    }
    if package.scope != Scope::Installed {
        add("sealift:scope", scope_word(package.scope));
    }
    facts
}

fn evidence_name(evidence: &Evidence) -> String {
    let layer = evidence.layer.as_ref().map(|layer| format!(":{}", layer.index));
    format!(
        "sealift:evidence:{}:{}{}",
        method_word(evidence.method),
        confidence_word(evidence.confidence),
        layer.unwrap_or_default()
    )
}

/// Gives a package the facts that were read; `layers` are those of the document.
pub(crate) fn read_package<'a>(
    package: &mut Package,
    facts: impl Iterator<Item = (&'a str, &'a str)>,
    layers: &[Layer],
) {
    let (mut diff_id, mut index) = (None, None);
    let (mut source, mut evidence) = (None, Vec::new());
    for (name, value) in facts {
        match name {
            "sealift:layer" => diff_id = value.parse().ok(),
            "sealift:layer:index" => index = value.parse().ok(),
            "sealift:source:name" => source = Some((value.to_owned(), String::new())),
            "sealift:source:version" => {
                if let Some((_, version)) = &mut source {
                    value.clone_into(version);
                }
            }
            "sealift:modified" => read_modified(package, value),
            "sealift:scope" => package.scope = scope_of(value).unwrap_or(package.scope),
            _ => {
                if let Some(kind) = name.strip_prefix("sealift:evidence") {
                    evidence.push((kind, value));
                }
            }
        }
    }
    if let Some((name, version)) = source {
        package.source = Some(SourcePackage { name, version });
    }
    if let Some(diff_id) = diff_id {
        package.introduced_by = Some(LayerRef { index: index.unwrap_or(0), diff_id });
    }
    for (kind, path) in evidence {
        let found = read_evidence(package, kind, path, layers);
        package.evidence.push(found);
    }
}

// Where a version is demanded, the date stands for it: it is none.
fn read_modified(package: &mut Package, value: &str) {
    package.version = package.version.take().filter(|version| version != value);
    package.modified_secs = value.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
}

// What stands behind `sealift:evidence`; nothing in documents of older versions.
fn read_evidence(package: &Package, kind: &str, path: &str, layers: &[Layer]) -> Evidence {
    let mut words = kind.trim_start_matches(':').split(':');
    let usual = if package.kind.is_os() { Method::Database } else { Method::Manifest };
    let method = words.next().and_then(method_of).unwrap_or(usual);
    let confidence = words.next().and_then(confidence_of).unwrap_or(method.confidence());
    let introduced_by = package.introduced_by.clone();
    let layer = words.next().and_then(|index| index.parse::<usize>().ok()).and_then(|index| {
        let own = introduced_by.clone().filter(|layer| layer.index == index);
        let listed = layers.get(index);
        own.or_else(|| listed.map(|layer| LayerRef { index, diff_id: layer.diff_id.clone() }))
    });
    let layer = if kind.is_empty() { introduced_by } else { layer };
    Evidence { path: path.to_owned(), layer, method, confidence }
}

/// The facts of the subject.
pub(crate) fn of_subject(subject: &Subject, inventory: &Inventory) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name: String, value: String| facts.push((name, text::line(&value)));
    if let Some(digest) = &subject.config_digest {
        add("sealift:image:config".to_owned(), digest.to_string());
    }
    if let Some(hash) = &subject.manifest_sha512 {
        add("sealift:image:manifest:sha512".to_owned(), hash.clone());
    }
    for (index, layer) in inventory.layers.iter().enumerate() {
        let instruction = layer.instruction.as_deref().unwrap_or_default();
        let value =
            format!("{} {} {} {instruction}", layer.digest, layer.diff_id, layer.size_bytes);
        add(format!("sealift:image:layer:{index}"), value);
        if let Some(reason) = &layer.unread {
            add(format!("sealift:image:layer:{index}:unread"), reason.clone());
        }
    }
    if let Some(coverage) = &inventory.coverage {
        for (name, count) in [
            ("owned", coverage.owned),
            ("explained", coverage.explained),
            ("unowned", coverage.unowned),
        ] {
            add(format!("sealift:coverage:{name}:files"), count.files.to_string());
            add(format!("sealift:coverage:{name}:bytes"), count.bytes.to_string());
        }
        let share = coverage.unowned_basis_points();
        let share = format!("{}.{:02} %", share / 100, share % 100);
        add("sealift:coverage:unowned:share".to_owned(), share);
    }
    facts
}

/// What the facts of a subject say.
#[derive(Default)]
pub(crate) struct SubjectFacts {
    pub(crate) config_digest: Option<sealift_oci::Digest>,
    pub(crate) manifest_sha512: Option<String>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) coverage: Option<Coverage>,
}

/// Reads the facts of a subject.
pub(crate) fn read_subject<'a>(facts: impl Iterator<Item = (&'a str, &'a str)>) -> SubjectFacts {
    let mut read = SubjectFacts::default();
    for (name, value) in facts {
        if name == "sealift:image:config" {
            read.config_digest = value.parse().ok();
        } else if name == "sealift:image:manifest:sha512" {
            read.manifest_sha512 = Some(value.to_owned()).filter(|hash| is_sha512(hash));
        } else if let Some(index) = unread_layer(name) {
            if let Some(layer) = read.layers.get_mut(index) {
                layer.unread = Some(value.to_owned());
            }
        } else if let Some(index) = name.strip_prefix("sealift:image:layer:") {
            // Only in order: a gap would put the layers after it at wrong places.
            if index.parse() == Ok(read.layers.len()) && read.layers.len() < LAYERS_MAX {
                read.layers.extend(read_layer(value));
            }
        } else if let Some(rest) = name.strip_prefix("sealift:coverage:") {
            let coverage = read.coverage.get_or_insert_default();
            read_coverage(coverage, rest, value);
        }
    }
    read
}

// Which layer a fact says to be unread; it stands behind that of the layer itself.
fn unread_layer(name: &str) -> Option<usize> {
    name.strip_prefix("sealift:image:layer:")?.strip_suffix(":unread")?.parse().ok()
}

fn is_sha512(text: &str) -> bool {
    text.len() == 128 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn read_layer(value: &str) -> Option<Layer> {
    let mut words = value.splitn(4, ' ');
    Some(Layer {
        digest: words.next()?.parse().ok()?,
        diff_id: words.next()?.parse().ok()?,
        size_bytes: words.next()?.parse().ok()?,
        instruction: words.next().and_then(text::some),
        unread: None,
    })
}

fn read_coverage(coverage: &mut Coverage, name: &str, value: &str) {
    let Some((which, what)) = name.split_once(':') else { return };
    let count: &mut FileCount = match which {
        "owned" => &mut coverage.owned,
        "explained" => &mut coverage.explained,
        "unowned" => &mut coverage.unowned,
        _ => return,
    };
    let Ok(number) = value.parse() else { return };
    match what {
        "files" => count.files = number,
        "bytes" => count.bytes = number,
        _ => {}
    }
}

/// Facts as the lines of a comment.
pub(crate) fn to_lines(facts: &[Fact]) -> Option<String> {
    let lines: Vec<String> = facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The facts in the lines of a comment.
pub(crate) fn from_lines(comment: &str) -> impl Iterator<Item = (&str, &str)> {
    comment
        .lines()
        .filter(|line| line.starts_with("sealift:"))
        .filter_map(|line| line.split_once('='))
}

/// The word for a scope.
pub(crate) fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Installed => "installed",
        Scope::Declared => "declared",
        Scope::Embedded => "embedded",
        Scope::BuiltFrom => "built-from",
        Scope::TestData => "test-data",
    }
}

fn scope_of(word: &str) -> Option<Scope> {
    use Scope::{BuiltFrom, Declared, Embedded, Installed, TestData};
    [Installed, Declared, Embedded, BuiltFrom, TestData]
        .into_iter()
        .find(|scope| scope_word(*scope) == word)
}

fn method_word(method: Method) -> &'static str {
    match method {
        Method::Database => "database",
        Method::Manifest => "manifest",
        Method::LockFile => "lock-file",
        Method::BuildRecord => "build-record",
        Method::Signature => "signature",
        Method::FileName => "file-name",
        Method::Sbom => "sbom",
    }
}

fn method_of(word: &str) -> Option<Method> {
    use Method::{BuildRecord, Database, FileName, LockFile, Manifest, Sbom, Signature};
    [Database, Manifest, LockFile, BuildRecord, Signature, FileName, Sbom]
        .into_iter()
        .find(|method| method_word(*method) == word)
}

fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn confidence_of(word: &str) -> Option<Confidence> {
    [Confidence::Low, Confidence::Medium, Confidence::High]
        .into_iter()
        .find(|confidence| confidence_word(*confidence) == word)
}
