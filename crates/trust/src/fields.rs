//! The tables of `trust.toml` and their fields, in one place: the reader, the schema and the documentation use them.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// A table and its fields.
pub(crate) struct TableForm {
    /// `[[rule]]`
    pub(crate) heading: &'static str,
    /// What it is.
    pub(crate) about: &'static str,
    /// Its fields.
    pub(crate) fields: &'static [Field],
}

/// A field.
pub(crate) struct Field {
    /// Name.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether it must be there.
    pub(crate) is_required: bool,
    /// What it is.
    pub(crate) about: &'static str,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The number 1.
    Version,
    /// A number above zero.
    Number,
    /// A text.
    Text,
    /// Texts.
    Texts,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// Some of these texts.
    Choices(&'static [&'static str]),
    /// True or false.
    Flag,
    /// `24h`.
    Duration,
    /// `any`, `all`, `2-of-3` or a number.
    Require,
    /// Tables.
    Tables(&'static TableForm),
    /// Texts or tables.
    TextsOrTables(&'static TableForm),
}

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, is_required: false, about }
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, is_required: true, about }
}

/// The whole file.
pub(crate) const POLICY: TableForm = TableForm {
    heading: "the file",
    about: "Who may sign what.",
    fields: &[
        required("version", Kind::Version, "the number 1"),
        field("signer", Kind::Tables(&SIGNER), "who can sign"),
        field("rule", Kind::Tables(&RULE), "what is wanted of which repositories"),
        field("revocation", Kind::Tables(&REVOCATION), "revocation lists that must be there"),
        field("tag_map", Kind::Tables(&TAG_MAP), "tag maps that are known from elsewhere"),
    ],
};

/// `[[signer]]`
pub(crate) const SIGNER: TableForm = TableForm {
    heading: "[[signer]]",
    about: "One person or machine with all the keys and identities it has. Files stand behind the policy's folder.",
    fields: &[
        required("name", Kind::Text, "its name in rules, and after `--signer`"),
        field(
            "keys",
            Kind::Texts,
            "files of public keys (PEM): cosign's, or of a signer of Docker Content Trust",
        ),
        field(
            "certificates",
            Kind::Texts,
            "files of certificate authorities (PEM) for Notary Project signatures",
        ),
        field(
            "subjects",
            Kind::Texts,
            "subjects that such certificates may have, `C=US, O=Example`; without it any",
        ),
        field(
            "timestamp_authorities",
            Kind::Texts,
            "files of roots (PEM) of time stamping authorities, for signatures whose certificate is over",
        ),
        field(
            "certificate_lists",
            Kind::Texts,
            "files of revocation lists (CRL) of its certificate authorities",
        ),
        field(
            "identities",
            Kind::Tables(&IDENTITY),
            "identities that sign without a key of their own",
        ),
        field(
            "trusted_root",
            Kind::Text,
            "file of the authorities and logs of its identities, sigstore's `trusted_root.json`",
        ),
        field("roles", Kind::Texts, "roles of Docker Content Trust, `targets/releases`"),
        field(
            "pins",
            Kind::Texts,
            "ids of root keys of Docker Content Trust, as `sealift trust pin` prints them",
        ),
    ],
};

/// An entry of `identities`.
pub(crate) const IDENTITY: TableForm = TableForm {
    heading: "identities = [{ … }]",
    about: "An identity whose certificates are made when it signs.",
    fields: &[
        required(
            "subject",
            Kind::Text,
            "address or URL; `*` stands for any characters but `/`, `**` for any",
        ),
        required("issuer", Kind::Text, "who vouches for it, exactly"),
    ],
};

/// `[[rule]]`
pub(crate) const RULE: TableForm = TableForm {
    heading: "[[rule]]",
    about: "What is wanted of some repositories. The most exact pattern that matches decides, alone.",
    fields: &[
        required(
            "match",
            Kind::Text,
            "pattern of repositories: `*` stands for any characters but `/`, `**` for any",
        ),
        field(
            "require",
            Kind::Require,
            "how many signers: `any`, `all`, `2-of-3`; without it `any`",
        ),
        field("signers", Kind::Texts, "names of signers"),
        field(
            "formats",
            Kind::Choices(&["cosign", "notation", "dct"]),
            "formats whose signatures count; without it all",
        ),
        field(
            "attestations",
            Kind::TextsOrTables(&ATTESTATION),
            "attestations that must be there, by the rule's signers unless it says by whom",
        ),
        field(
            "tag_binding",
            Kind::Flag,
            "whether the tag must be signed too: in the signature's name, by Docker Content Trust, or in a tag map",
        ),
        field(
            "max_staleness",
            Kind::Duration,
            "greatest age of the newest proof that name and image belong together, `24h`",
        ),
        field(
            "name",
            Kind::Choice(&["repository", "any"]),
            "whether a signature for another repository counts: `repository` (it does not) or `any`",
        ),
        field(
            "on_missing",
            Kind::Choice(&["deny", "warn"]),
            "what happens to an image without any signature; without it `deny`",
        ),
        field(
            "decision",
            Kind::Choice(&["judge", "reject"]),
            "`reject` refuses all images of the pattern; without it `judge`",
        ),
    ],
};

/// An entry of `attestations`.
pub(crate) const ATTESTATION: TableForm = TableForm {
    heading: "attestations = [{ … }]",
    about: "An attestation that must be there. A text alone is its type.",
    fields: &[
        required(
            "type",
            Kind::Text,
            "sbom, spdx, cyclonedx, vulnerabilities, policy, provenance, vex, or the URI of a predicate type",
        ),
        field("by", Kind::Texts, "names of signers, any of which will do"),
    ],
};

/// `[[revocation]]`
pub(crate) const REVOCATION: TableForm = TableForm {
    heading: "[[revocation]]",
    about: "A signed list of what is trusted no more. If it is missing, unsigned or older than one that was seen, everything is refused.",
    fields: &[
        required("file", Kind::Text, "the list, as `sealift trust revocation` writes it"),
        required("signers", Kind::Texts, "names of signers, any of which has signed it with a key"),
        field("max_age", Kind::Duration, "greatest age of the list, `7d`"),
    ],
};

/// `[[tag_map]]`
pub(crate) const TAG_MAP: TableForm = TableForm {
    heading: "[[tag_map]]",
    about: "How new the tag map of a repository is at least, as `sealift trust pin --tag-map` prints it. An image of that repository with an older map, or with none, is refused, also on a machine that never saw one.",
    fields: &[
        required("repository", Kind::Text, "the repository, with its registry"),
        required("at_least", Kind::Number, "the least number that its tag map may have"),
    ],
};

const TABLES: [&TableForm; 7] =
    [&POLICY, &SIGNER, &IDENTITY, &RULE, &ATTESTATION, &REVOCATION, &TAG_MAP];

/// The JSON schema of `trust.toml`, for editors.
pub fn schema() -> Value {
    let mut schema = table_schema(&POLICY);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("trust.toml of Sealift");
    schema
}

fn table_schema(form: &TableForm) -> Value {
    let mut properties = Map::new();
    for field in form.fields {
        let mut value = kind_schema(field.kind);
        value["description"] = json!(field.about);
        properties.insert(field.name.to_owned(), value);
    }
    let required: Vec<&str> =
        form.fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    json!({
        "type": "object",
        "description": form.about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn kind_schema(kind: Kind) -> Value {
    match kind {
        Kind::Version => json!({ "const": 1 }),
        Kind::Number => json!({ "type": "integer", "minimum": 1 }),
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Choices(words) => json!({ "type": "array", "items": { "enum": words } }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Duration => json!({ "type": "string", "pattern": "^[1-9][0-9]*[smhdw]$" }),
        Kind::Require => json!({ "anyOf": [
            { "type": "string", "pattern": "^(any|all|[1-9][0-9]*-of-[1-9][0-9]*)$" },
            { "type": "integer", "minimum": 1 },
        ] }),
        Kind::Tables(form) => json!({ "type": "array", "items": table_schema(form) }),
        Kind::TextsOrTables(form) => json!({ "type": "array", "items": { "anyOf": [
            { "type": "string", "minLength": 1 },
            table_schema(form),
        ] } }),
    }
}

/// The fields as tables of Markdown, for the documentation.
pub fn tables_markdown() -> String {
    let mut text = String::new();
    for form in TABLES {
        let heading = if form.heading.starts_with("the") {
            form.heading.to_owned()
        } else {
            format!("`{}`", form.heading)
        };
        writeln!(
            text,
            "### {heading}\n\n{}\n\n| field | holds | what it is |\n|---|---|---|",
            form.about
        )
        .expect("a string takes everything");
        for field in form.fields {
            let holds = holds(field.kind);
            let must = if field.is_required { ", required" } else { "" };
            writeln!(text, "| `{}` | {holds}{must} | {} |", field.name, field.about)
                .expect("a string takes everything");
        }
        text.push('\n');
    }
    text
}

fn holds(kind: Kind) -> &'static str {
    match kind {
        Kind::Version | Kind::Require => "number or text",
        Kind::Number => "number",
        Kind::Text | Kind::Choice(_) => "text",
        Kind::Texts | Kind::Choices(_) => "texts",
        Kind::Flag => "`true` or `false`",
        Kind::Duration => "duration",
        Kind::Tables(_) => "tables",
        Kind::TextsOrTables(_) => "texts or tables",
    }
}
