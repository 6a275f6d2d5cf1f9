//! Every key of the files, in one table: `config show`, the check for unknown keys, and docs/configuration.md use it.

use std::path::Path;

use sealift_token::Uri;
use toml::{Table, Value};

/// One key.
pub(crate) struct Key {
    /// Dotted name; `*` stands for a name that the user chooses.
    pub(crate) name: &'static str,
    /// The variable that overrides it, if there is one.
    pub(crate) variable: Option<&'static str>,
    /// The value if nothing sets it.
    pub(crate) default: &'static str,
    /// What it is.
    pub(crate) about: &'static str,
    /// True if it holds paths, which are relative to the file.
    is_path: bool,
}

const fn key(
    name: &'static str,
    variable: Option<&'static str>,
    default: &'static str,
    about: &'static str,
) -> Key {
    Key { name, variable, default, about, is_path: false }
}

const fn path(
    name: &'static str,
    variable: Option<&'static str>,
    default: &'static str,
    about: &'static str,
) -> Key {
    Key { name, variable, default, about, is_path: true }
}

/// All keys, in the order of the documentation.
pub(crate) const KEYS: &[Key] = &[
    path("store", Some("SEALIFT_STORE"), "~/.local/share/sealift", "folder of the local store"),
    key(
        "platform",
        Some("SEALIFT_PLATFORM"),
        "this machine's",
        "platform to take of an image for several, OS/ARCH[/VARIANT]",
    ),
    key("image.name", None, "name of the folder, `:latest`", "name of the image that `ship` makes"),
    path("image.dockerfile", Some("SEALIFT_DOCKERFILE"), "Dockerfile", "the Dockerfile"),
    key("image.target", Some("SEALIFT_TARGET"), "the last stage", "stage to build"),
    key("image.args.*", None, "", "values of ARGs"),
    key("image.labels.*", None, "", "labels of the image"),
    path("base.*.recipe", None, "", "recipe of the base image of that name, instead of a registry"),
    key(
        "build.ca_bundle",
        Some("SEALIFT_CA_BUNDLE"),
        "none",
        "certificate authorities for RUN steps: `host`, `none` or a PEM file",
    ),
    key(
        "lint.fail_on",
        Some("SEALIFT_LINT_FAIL_ON"),
        "error",
        "least level that fails, or `never`",
    ),
    key("lint.ignore", Some("SEALIFT_LINT_IGNORE"), "", "rules to leave out"),
    key(
        "lint.edition",
        Some("SEALIFT_LINT_EDITION"),
        "all rules",
        "rules in force: a year, as `2026`, or a version; newer ones say nothing",
    ),
    key("lint.levels.*", None, "", "level of a rule: error, warning, info, style"),
    key(
        "lint.registries",
        None,
        "any",
        "registries that base images may come from; `*` is any text",
    ),
    key(
        "lint.labels.*",
        None,
        "",
        "labels that the image must have: text, url, rfc3339, spdx, hash, semver, email",
    ),
    key("lint.strict_labels", None, "false", "allow no other labels"),
    key(
        "sbom.creator",
        Some("SEALIFT_SBOM_CREATOR"),
        "",
        "who answers for SBOMs: `Name <mail or web address>`",
    ),
    key(
        "sbom.supplier",
        Some("SEALIFT_SBOM_SUPPLIER"),
        "label org.opencontainers.image.vendor",
        "who supplies the image: `Name <mail or web address>`",
    ),
    path(
        "scan.advisories",
        Some("SEALIFT_ADVISORIES"),
        "",
        "OSV advisories: a folder, a zip, or a mirror of the OSV bucket",
    ),
    key("scan.severity", Some("SEALIFT_SEVERITY"), "all", "severities to report"),
    key(
        "scan.ignore_unfixed",
        Some("SEALIFT_IGNORE_UNFIXED"),
        "false",
        "leave out what has no fix",
    ),
    key(
        "scan.fail_on",
        Some("SEALIFT_FAIL_ON"),
        "high for `ship`, never for `scan`",
        "which findings fail the gate: a severity, an expression, or `never`",
    ),
    key(
        "scan.fail_on_incomplete",
        Some("SEALIFT_FAIL_ON_INCOMPLETE"),
        "false",
        "fail if something could not be judged",
    ),
    key(
        "scan.ignore_status",
        Some("SEALIFT_IGNORE_STATUS"),
        "",
        "leave out what has this said of a repair",
    ),
    path(
        "scan.ignore_files",
        Some("SEALIFT_IGNOREFILE"),
        "those in the folder",
        "ignore files, ours or of trivy, grype, osv-scanner",
    ),
    key(
        "scan.strict_ignores",
        Some("SEALIFT_STRICT_IGNORES"),
        "false",
        "fail if an entry of an ignore file has no effect",
    ),
    path(
        "scan.secret_config",
        Some("SEALIFT_SECRET_CONFIG"),
        "",
        "rules for secrets, in gitleaks' TOML",
    ),
    path(
        "scan.secret_baselines",
        Some("SEALIFT_SECRET_BASELINE"),
        "",
        "secrets that are known: baselines, gitleaks' reports, .gitleaksignore",
    ),
    path(
        "scan.vex",
        Some("SEALIFT_VEX"),
        "",
        "VEX documents, or `oci` for those attached to the image",
    ),
    key(
        "scan.ignore",
        None,
        "",
        "findings to accept: tables with `id`, `reason` and more (docs/exceptions.md)",
    ),
    path(
        "policy.files",
        Some("SEALIFT_POLICY"),
        "",
        "Rego files, folders of them, bundles, `pack:NAME`, `oci://NAME`",
    ),
    key("policy.environment", None, "", "`input.environment` of the policies"),
    path("policy.data", None, "", "files and folders that the policies see as `data`"),
    key(
        "policy.exemptions",
        None,
        "",
        "violations that somebody answers for: tables with `policy`, `owner`, `reason`, `expires` (docs/policy.md)",
    ),
    path(
        "sign.key",
        Some("SEALIFT_KEY"),
        "~/.config/sealift/keys/default.key",
        "private key: a file, or `pkcs11:…`",
    ),
    path(
        "sign.passphrase_file",
        Some("SEALIFT_PASSPHRASE_FILE"),
        "",
        "file whose first line is the key's passphrase",
    ),
    key(
        "sign.tag_map",
        None,
        "what the trust policy asks for",
        "whether `ship` and `sign` make a signed tag map",
    ),
    key("sign.tag_map_lifetime", None, "30d", "how long a tag map is good"),
    key(
        "sign.timestamp_url",
        Some("SEALIFT_TIMESTAMP_URL"),
        "",
        "time stamping authority (RFC 3161) of notation's signatures",
    ),
    path(
        "sign.timestamp_root",
        Some("SEALIFT_TIMESTAMP_ROOT"),
        "",
        "root certificate of that authority, PEM",
    ),
    path(
        "verify.keys",
        Some("SEALIFT_VERIFY_KEY"),
        "~/.config/sealift/keys/*.pub",
        "public keys to trust",
    ),
    key(
        "verify.require",
        Some("SEALIFT_REQUIRE"),
        "signature, sbom, vulnerabilities, policy, provenance",
        "what must be proved",
    ),
    path(
        "verify.policy",
        None,
        "trust.toml beside sealift.toml, then ~/.config/sealift/trust.toml",
        "trust policy that `verify` and `pull` judge by",
    ),
    path(
        "verify.revocations",
        None,
        "",
        "signed revocation lists for `verify` without a trust policy",
    ),
    key(
        "trust.server",
        Some("SEALIFT_TRUST_SERVER"),
        "the registry",
        "server of trust data, https://HOST[:PORT]; DOCKER_CONTENT_TRUST_SERVER names it too",
    ),
    key(
        "trust.pins.*",
        Some("SEALIFT_TRUST_PIN"),
        "",
        "ids of root keys of the repository of that name; any of them is enough",
    ),
    key(
        "registry.*.plain_http",
        Some("SEALIFT_PLAIN_HTTP"),
        "false",
        "speak plain HTTP to that host",
    ),
    key(
        "registry.*.mirrors",
        None,
        "",
        "hosts, with an optional path, that hold copies of that registry",
    ),
    key(
        "admit.mode",
        Some("SEALIFT_ADMIT_MODE"),
        "enforce",
        "what becomes of a denial: `enforce` or `warn`",
    ),
    key(
        "admit.exempt_namespaces",
        None,
        "none",
        "namespaces whose images are not judged, `*` for any letters",
    ),
    key("admit.require_digest", None, "false", "deny images without a digest"),
    key("admit.timeout_secs", None, "9", "seconds for all images of an object"),
    key(
        "admit.digest_verdict_secs",
        None,
        "600",
        "seconds for which a verdict on a digest is remembered",
    ),
    key(
        "admit.tag_verdict_secs",
        None,
        "30",
        "seconds for which a verdict on a tag, or a denial, is remembered",
    ),
    key("admit.verdicts_max", None, "20000", "verdicts that are remembered"),
    key("admit.judges_max", None, "8", "images judged at the same time"),
    key("admit.body_bytes_max", None, "3145728", "bytes of a request"),
    key("admit.containers_max", None, "10000", "containers of an object"),
];

/// True if the dotted name is a key, or a table that may hold keys but is empty.
pub(crate) fn is_known(name: &str) -> bool {
    KEYS.iter().any(|known| matches(known.name, name))
}

/// The dotted names of all values of a table; a name with a dot of its own counts as one part.
pub(crate) fn leaves(table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in table {
        let name = name.replace('.', "\u{b7}");
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                names.extend(leaves(inner).into_iter().map(|rest| format!("{name}.{rest}")));
            }
            _ => names.push(name),
        }
    }
    names
}

/// All values of a key, each with its own dotted name.
pub(crate) fn values<'a>(table: &'a Table, pattern: &str) -> Vec<(String, &'a Value)> {
    let (first, rest) =
        pattern.split_once('.').map_or((pattern, None), |(first, rest)| (first, Some(rest)));
    let named = table.iter().filter(|(name, _)| first == "*" || *name == first);
    match rest {
        None => named.map(|(name, value)| (quoted(name), value)).collect(),
        Some(rest) => named
            .filter_map(|(name, value)| Some((name, value.as_table()?)))
            .flat_map(|(name, inner)| {
                let prefix = quoted(name);
                values(inner, rest)
                    .into_iter()
                    .map(move |(below, value)| (format!("{prefix}.{below}"), value))
            })
            .collect(),
    }
}

/// Joins relative paths to the folder of their file.
pub(crate) fn make_paths_absolute(table: &mut Table, folder: &Path) {
    for known in KEYS {
        // Words that are no paths.
        let words: &[&str] = match known.name {
            "build.ca_bundle" => &["host", "none"],
            "scan.vex" => &["oci"],
            _ => &[],
        };
        if known.is_path || !words.is_empty() {
            change(table, known.name, &|text| {
                let is_token = known.name == "sign.key" && Uri::is(text);
                if is_token || words.contains(&text.as_str()) {
                    return;
                }
                *text = folder.join(&*text).to_string_lossy().into_owned();
            });
        }
    }
}

fn change(table: &mut Table, pattern: &str, with: &dyn Fn(&mut String)) {
    let (first, rest) =
        pattern.split_once('.').map_or((pattern, None), |(first, rest)| (first, Some(rest)));
    for (name, value) in table.iter_mut() {
        if first != "*" && name != first {
            continue;
        }
        match (rest, value) {
            (Some(rest), Value::Table(inner)) => change(inner, rest, with),
            (None, Value::String(text)) => with(text),
            (None, Value::Array(items)) => {
                for item in items {
                    if let Value::String(text) = item {
                        with(text);
                    }
                }
            }
            _ => {}
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut names) = (pattern.split('.'), name.split('.'));
    loop {
        match (patterns.next(), names.next()) {
            (_, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(pattern), Some(name)) if pattern == name => {}
            _ => return false,
        }
    }
}

fn quoted(name: &str) -> String {
    let is_bare =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_bare { name.to_owned() } else { format!("\"{name}\"") }
}
