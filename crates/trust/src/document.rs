//! Reads `trust.toml`. A field that is not known is an error with the name that was probably meant.

use std::collections::{BTreeMap, BTreeSet};

use sealift_crypto::{Certificate, PublicKey, RevocationList};
use sealift_notation::{DistinguishedName, StoreType};
use sealift_oci::Reference;
use sealift_sigstore::TrustedRoot;
use toml::{Table, Value};

use crate::fields::{
    ATTESTATION, Field, IDENTITY, POLICY, REVOCATION, RULE, SIGNER, TAG_MAP, TableForm,
};
use crate::pattern::Pattern;
use crate::policy::{
    AttestationRule, Decision, FileRead, KeylessIdentity, NameRule, OnMissing, Policy, PolicyKey,
    Require, RevocationSource, Rule, Shape, Signer,
};
use crate::text::clean;
use crate::{Error, Format};

pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;
const ENTRIES_MAX: usize = 1000;
const NAMES_MAX: usize = 256;

/// What is written when somebody starts a policy.
pub fn template() -> &'static str {
    "\
# Who may sign what. docs/trust-policy.md has every field.
version = 1

[[signer]]
name = \"release-team\"
keys = [\"release.pub\"]

[[rule]]
match = \"registry.example.com/team/*\"
signers = [\"release-team\"]
tag_binding = true
"
}

/// Words for predicate types.
const PREDICATE_WORDS: &[(&str, &[&str])] = &[
    ("sbom", &["https://spdx.dev/Document", "https://cyclonedx.org/bom"]),
    ("spdx", &["https://spdx.dev/Document"]),
    ("cyclonedx", &["https://cyclonedx.org/bom"]),
    ("vulnerabilities", &["https://cosign.sigstore.dev/attestation/vuln/v1"]),
    ("policy", &["https://slsa.dev/verification_summary/v1"]),
    ("provenance", &["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"]),
    ("vex", &["https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0"]),
];

/// Reads a policy; `file` names it in messages.
pub(crate) fn read(file: &str, text: &str, files: FileRead<'_>) -> Result<Policy, Error> {
    let table: Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1)
        });
        let reason = format!("line {line}: {}", clean(error.message()));
        Error::Syntax { file: file.to_owned(), reason }
    })?;
    let reader = Reader { file, files };
    let top = reader.table("the file", &table, &POLICY)?;
    if top.table.get("version").and_then(Value::as_integer) != Some(1) {
        return Err(top.error("`version` is not 1, and no other version is known"));
    }
    let mut policy = Policy {
        file: file.to_owned(),
        shape: Shape::Own,
        signers: Vec::new(),
        rules: Vec::new(),
        revocations: Vec::new(),
        warnings: Vec::new(),
        tag_maps: BTreeMap::new(),
        notation: None,
    };
    for (number, table) in top.tables("signer")?.iter().enumerate() {
        let signer = reader.signer(&reader.table(
            &place("signer", number, table, "name"),
            table,
            &SIGNER,
        )?)?;
        if policy.signer(&signer.name).is_some() {
            return Err(top.error(&format!("two signers are named `{}`", signer.name)));
        }
        policy.signers.push(signer);
    }
    check_keys(&top, &policy.signers)?;
    for (number, table) in top.tables("rule")?.iter().enumerate() {
        let place = place("rule", number, table, "match");
        let rule = reader.rule(&policy, &reader.table(&place, table, &RULE)?)?;
        if let Some(twin) = policy.rules.iter().find(|twin| twin.pattern.is_same(&rule.pattern)) {
            return Err(top.error(&format!("{} and {place} have the same pattern", twin.place)));
        }
        policy.rules.push(rule);
    }
    for (number, table) in top.tables("revocation")?.iter().enumerate() {
        let place = place("revocation", number, table, "file");
        let source = revocation(&policy, &reader.table(&place, table, &REVOCATION)?)?;
        policy.revocations.push(source);
    }
    for (number, table) in top.tables("tag_map")?.iter().enumerate() {
        let place = place("tag_map", number, table, "repository");
        let (repository, least) = tag_map(&reader.table(&place, table, &TAG_MAP)?)?;
        if policy.tag_maps.insert(repository.clone(), least).is_some() {
            return Err(top.error(&format!("two entries of `tag_map` are for `{repository}`")));
        }
    }
    if policy.rules.is_empty() {
        return Err(top.error("there is no `[[rule]]`, so everything would be refused"));
    }
    Ok(policy)
}

// A key that two signers share would make one of them two.
fn check_keys(top: &Reading<'_>, signers: &[Signer]) -> Result<(), Error> {
    for (number, signer) in signers.iter().enumerate() {
        for key in &signer.keys {
            let owner = signers[..number]
                .iter()
                .find(|other| other.keys.iter().any(|known| known.key == key.key));
            if let Some(owner) = owner {
                return Err(top.error(&format!(
                    "the key `{}` of the signer `{}` is also one of `{}`",
                    key.file, signer.name, owner.name
                )));
            }
        }
    }
    Ok(())
}

fn place(noun: &str, number: usize, table: &Table, name: &str) -> String {
    match table.get(name).and_then(Value::as_str) {
        Some(text) => format!("{noun} {} (`{}`)", number + 1, clean(text)),
        None => format!("{noun} {}", number + 1),
    }
}

struct Reader<'a> {
    file: &'a str,
    files: FileRead<'a>,
}

/// A table whose fields are all known.
struct Reading<'a> {
    file: &'a str,
    place: String,
    table: &'a Table,
}

impl Reader<'_> {
    fn table<'a>(
        &'a self,
        place: &str,
        table: &'a Table,
        form: &TableForm,
    ) -> Result<Reading<'a>, Error> {
        let reading = Reading { file: self.file, place: place.to_owned(), table };
        let known = || form.fields.iter().map(|field: &Field| field.name);
        for name in table.keys() {
            if !known().any(|field| field == name) {
                let meant = sealift_diagnostic::closest(name, known());
                let hint = meant.map_or_else(
                    || format!("known: {}", known().collect::<Vec<_>>().join(", ")),
                    |meant| format!("did you mean `{meant}`?"),
                );
                return Err(Error::Policy {
                    file: self.file.to_owned(),
                    place: place.to_owned(),
                    reason: format!("`{}` is not a field that is understood", clean(name)),
                    hint: Some(hint),
                });
            }
        }
        for field in form.fields.iter().filter(|field| field.is_required) {
            if !table.contains_key(field.name) {
                return Err(reading.error(&format!("`{}` is missing: {}", field.name, field.about)));
            }
        }
        Ok(reading)
    }

    fn signer(&self, reading: &Reading<'_>) -> Result<Signer, Error> {
        let mut signer = Signer {
            name: reading.required_text("name")?,
            subjects: reading.texts("subjects")?,
            roles: reading.texts("roles")?,
            pins: reading.texts("pins")?,
            ..Signer::default()
        };
        for named in reading.texts("keys")? {
            let text = self.text_file(reading, &named)?;
            let key = PublicKey::from_pem(&text)
                .map_err(|error| self.file_error(reading, &named, &error.to_string()))?;
            signer.keys.push(PolicyKey { file: named, key });
        }
        signer.certificates = self.certificates(reading, "certificates", StoreType::Authority)?;
        signer.timestamp_authorities =
            self.certificates(reading, "timestamp_authorities", StoreType::Timestamp)?;
        for named in reading.texts("certificate_lists")? {
            let fail = |reason: &str| self.file_error(reading, &named, reason);
            let bytes = (self.files)(&named).map_err(|reason| fail(&clean(&reason)))?;
            let list =
                RevocationList::from_bytes(&bytes).map_err(|error| fail(&error.to_string()))?;
            signer.certificate_lists.push(list);
        }
        for (number, table) in reading.tables("identities")?.iter().enumerate() {
            let place = format!("{}, identity {}", reading.place, number + 1);
            let identity = self.table(&place, table, &IDENTITY)?;
            signer.identities.push(KeylessIdentity {
                subject: identity.required_text("subject")?,
                issuer: identity.required_text("issuer")?,
            });
        }
        if reading.table.contains_key("trusted_root") {
            let named = reading.required_text("trusted_root")?;
            let text = self.text_file(reading, &named)?;
            let root = TrustedRoot::from_json(text.as_bytes())
                .map_err(|refusal| self.file_error(reading, &named, &refusal.to_string()))?;
            signer.trusted_root = Some(root);
        }
        check_signer(reading, &signer)?;
        Ok(signer)
    }

    fn rule(&self, policy: &Policy, reading: &Reading<'_>) -> Result<Rule, Error> {
        let pattern = Pattern::parse(&reading.required_text("match")?)
            .map_err(|reason| reading.error(&reason))?;
        let decision = match reading.choice("decision", &["judge", "reject"])? {
            Some("reject") => Decision::Reject,
            _ => Decision::Judge,
        };
        let signers = reading.signers(policy, "signers")?;
        if decision == Decision::Reject && reading.table.len() > 2 {
            return Err(reading.error("a rule that rejects everything has no other fields"));
        }
        if decision == Decision::Judge && signers.is_empty() {
            return Err(reading.error("it names no signers, so nobody could satisfy it"));
        }
        Ok(Rule {
            place: reading.place.clone(),
            pattern,
            decision,
            require: require(reading, signers.len())?,
            attestations: self.attestations(policy, reading, &signers)?,
            signers,
            formats: formats(reading)?,
            tag_binding: reading.flag("tag_binding")?,
            max_staleness_secs: reading.duration("max_staleness")?,
            name: match reading.choice("name", &["repository", "any"])? {
                Some("any") => NameRule::Any,
                _ => NameRule::Repository,
            },
            on_missing: match reading.choice("on_missing", &["deny", "warn"])? {
                Some("warn") => OnMissing::Warn,
                _ => OnMissing::Deny,
            },
        })
    }

    fn attestations(
        &self,
        policy: &Policy,
        reading: &Reading<'_>,
        signers: &[usize],
    ) -> Result<Vec<AttestationRule>, Error> {
        let mut rules = Vec::new();
        for value in reading.array("attestations")? {
            let (name, by) = match value {
                Value::String(name) => (name.clone(), signers.to_vec()),
                Value::Table(table) => {
                    let place = format!("{}, attestations", reading.place);
                    let entry = self.table(&place, table, &ATTESTATION)?;
                    let by = entry.signers(policy, "by")?;
                    let by = if table.contains_key("by") { by } else { signers.to_vec() };
                    if by.is_empty() {
                        return Err(entry.error("`by` names nobody"));
                    }
                    (entry.required_text("type")?, by)
                }
                _ => return Err(reading.error("`attestations` has neither texts nor tables")),
            };
            let predicate_types =
                predicate_types(&name).map_err(|reason| reading.error(&reason))?;
            rules.push(AttestationRule { predicate_types, name, by });
        }
        Ok(rules)
    }

    fn certificates(
        &self,
        reading: &Reading<'_>,
        field: &str,
        kind: StoreType,
    ) -> Result<Vec<Certificate>, Error> {
        let mut all = Vec::new();
        for named in reading.texts(field)? {
            let text = self.text_file(reading, &named)?;
            let certificates = Certificate::chain_from_pem(&text)
                .map_err(|error| self.file_error(reading, &named, &error.to_string()))?;
            sealift_notation::check_certificates(kind, &certificates)
                .map_err(|reason| self.file_error(reading, &named, &reason))?;
            all.extend(certificates);
        }
        Ok(all)
    }

    fn text_file(&self, reading: &Reading<'_>, named: &str) -> Result<String, Error> {
        let fail = |reason: &str| self.file_error(reading, named, reason);
        let bytes = (self.files)(named).map_err(|reason| fail(&clean(&reason)))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(fail("it is larger than 1 MiB"));
        }
        String::from_utf8(bytes).map_err(|_| fail("it is not text"))
    }

    fn file_error(&self, reading: &Reading<'_>, named: &str, reason: &str) -> Error {
        Error::File {
            file: self.file.to_owned(),
            place: reading.place.clone(),
            named: clean(named),
            reason: reason.to_owned(),
        }
    }
}

/// The predicate types that a word or a URI stands for.
pub(crate) fn predicate_types(name: &str) -> Result<Vec<String>, String> {
    if let Some((_, types)) = PREDICATE_WORDS.iter().find(|(word, _)| *word == name) {
        return Ok(types.iter().map(|kind| (*kind).to_owned()).collect());
    }
    if name.contains("://") && name.len() <= 256 && name.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Ok(vec![name.to_owned()]);
    }
    let words: Vec<&str> = PREDICATE_WORDS.iter().map(|(word, _)| *word).collect();
    let meant = sealift_diagnostic::closest(name, words.iter().copied());
    Err(match meant {
        Some(meant) => {
            format!("`{}` is not a type of attestation; did you mean `{meant}`?", clean(name))
        }
        None => format!("`{}` is neither a URI nor one of {}", clean(name), words.join(", ")),
    })
}

fn check_signer(reading: &Reading<'_>, signer: &Signer) -> Result<(), Error> {
    if signer.keys.is_empty()
        && signer.certificates.is_empty()
        && signer.identities.is_empty()
        && signer.roles.is_empty()
    {
        return Err(reading.error("it has no keys, certificates, identities or roles"));
    }
    if signer.identities.is_empty() == signer.trusted_root.is_some() {
        return Err(reading.error("`identities` and `trusted_root` go together"));
    }
    if !signer.subjects.is_empty() && signer.certificates.is_empty() {
        return Err(reading.error("it has `subjects` but no `certificates` that could have them"));
    }
    if let Some((subject, reason)) = signer
        .subjects
        .iter()
        .find_map(|subject| DistinguishedName::parse(subject).err().map(|reason| (subject, reason)))
    {
        return Err(reading.error(&format!(
            "the subject `{}`: {}",
            clean(subject),
            clean(&reason)
        )));
    }
    let is_role = |role: &String| role == "targets" || role.starts_with("targets/");
    if let Some(role) = signer.roles.iter().find(|role| !is_role(role)) {
        return Err(reading.error(&format!(
            "`{}` is not a role that signs tags: `targets`, `targets/releases`, `targets/NAME`",
            clean(role)
        )));
    }
    let is_pin = |pin: &String| {
        pin.len() == 64 && pin.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if let Some(pin) = signer.pins.iter().find(|pin| !is_pin(pin)) {
        return Err(
            reading.error(&format!("the pin `{}` is not 64 digits of lower-case hex", clean(pin)))
        );
    }
    Ok(())
}

fn revocation(policy: &Policy, reading: &Reading<'_>) -> Result<RevocationSource, Error> {
    let by = reading.signers(policy, "signers")?;
    if by.iter().all(|position| policy.signers[*position].keys.is_empty()) {
        return Err(reading.error("none of its signers has a key that could have signed it"));
    }
    Ok(RevocationSource {
        file: reading.required_text("file")?,
        by,
        max_age_secs: reading.duration("max_age")?,
    })
}

fn tag_map(reading: &Reading<'_>) -> Result<(String, u64), Error> {
    let name = reading.required_text("repository")?;
    let repository =
        Reference::parse(&name).ok().filter(|name| name.tag().is_none() && name.digest().is_none());
    let repository = repository.map(|name| crate::tag_map::repository(&name)).ok_or_else(|| {
        reading.error(&format!("`{}` is not a repository, without tag and digest", clean(&name)))
    })?;
    let least = reading.table.get("at_least").and_then(Value::as_integer);
    let least = least.and_then(|least| u64::try_from(least).ok()).filter(|least| *least > 0);
    Ok((repository, least.ok_or_else(|| reading.error("`at_least` is not a number above zero"))?))
}

fn formats(reading: &Reading<'_>) -> Result<BTreeSet<Format>, Error> {
    if !reading.table.contains_key("formats") {
        return Ok(Format::ALL.into());
    }
    let mut formats = BTreeSet::new();
    for word in reading.texts("formats")? {
        let format = Format::ALL.into_iter().find(|format| format.as_str() == word);
        formats.insert(format.ok_or_else(|| {
            reading.error(&format!("`{}` is not a format: cosign, notation, dct", clean(&word)))
        })?);
    }
    if formats.is_empty() {
        return Err(reading.error("`formats` is empty, so no signature would count"));
    }
    Ok(formats)
}

fn require(reading: &Reading<'_>, n_signers: usize) -> Result<Require, Error> {
    let bad = || reading.error("`require` is not `any`, `all`, a number, or as in `2-of-3`");
    let count = match reading.table.get("require") {
        None => return Ok(Require::Any),
        Some(Value::Integer(number)) => usize::try_from(*number).map_err(|_| bad())?,
        Some(Value::String(text)) if text == "any" => return Ok(Require::Any),
        Some(Value::String(text)) if text == "all" => return Ok(Require::All),
        Some(Value::String(text)) => {
            let (count, of) = text.split_once("-of-").ok_or_else(bad)?;
            let of: usize = of.parse().map_err(|_| bad())?;
            if of != n_signers {
                return Err(reading.error(&format!(
                    "`require` counts {of} signers, but `signers` names {n_signers}"
                )));
            }
            count.parse().map_err(|_| bad())?
        }
        Some(_) => return Err(bad()),
    };
    if count == 0 || count > n_signers {
        return Err(reading
            .error(&format!("`require` wants {count} signers, but `signers` names {n_signers}")));
    }
    Ok(Require::AtLeast(count))
}

impl<'a> Reading<'a> {
    fn error(&self, reason: &str) -> Error {
        Error::Policy {
            file: self.file.to_owned(),
            place: self.place.clone(),
            reason: reason.to_owned(),
            hint: None,
        }
    }

    fn array(&self, name: &str) -> Result<&'a [Value], Error> {
        match self.table.get(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) if values.len() <= ENTRIES_MAX => Ok(values),
            Some(Value::Array(_)) => {
                Err(self.error(&format!("`{name}` has more than {ENTRIES_MAX} entries")))
            }
            Some(_) => Err(self.error(&format!("`{name}` is not a list"))),
        }
    }

    fn tables(&self, name: &str) -> Result<Vec<&'a Table>, Error> {
        let wrong = || self.error(&format!("`{name}` is not a list of tables"));
        self.array(name)?.iter().map(|value| value.as_table().ok_or_else(wrong)).collect()
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let values = self.array(name)?;
        let wrong =
            || self.error(&format!("`{name}` has an entry that is not a text, or an empty one"));
        if values.len() > NAMES_MAX {
            return Err(self.error(&format!("`{name}` has more than {NAMES_MAX} entries")));
        }
        let text = |value: &Value| {
            value.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(wrong)
        };
        values.iter().map(text).collect()
    }

    fn required_text(&self, name: &str) -> Result<String, Error> {
        let text = self.table.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match text {
            Some(text) if clean(text) == *text => Ok(text.to_owned()),
            Some(_) => Err(self.error(&format!("`{name}` has control characters or is too long"))),
            None => Err(self.error(&format!("`{name}` is not a text, or an empty one"))),
        }
    }

    fn choice(&self, name: &str, words: &[&str]) -> Result<Option<&'a str>, Error> {
        let Some(value) = self.table.get(name) else { return Ok(None) };
        match value.as_str().filter(|text| words.contains(text)) {
            Some(text) => Ok(Some(text)),
            None => Err(self.error(&format!("`{name}` is not one of {}", words.join(", ")))),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.table.get(name) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(*flag),
            Some(_) => Err(self.error(&format!("`{name}` is neither `true` nor `false`"))),
        }
    }

    fn duration(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.table.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.error(&format!("`{name}` is not a text")))?;
        let secs = crate::read_duration(text);
        secs.map(Some).map_err(|reason| self.error(&format!("`{name}`: {reason}")))
    }

    fn signers(&self, policy: &Policy, name: &str) -> Result<Vec<usize>, Error> {
        let mut positions = Vec::new();
        for signer in self.texts(name)? {
            let Some(position) = policy.signer(&signer) else {
                let known = policy.signers.iter().map(|signer| signer.name.as_str());
                let meant = sealift_diagnostic::closest(&signer, known);
                let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
                return Err(Error::Policy {
                    file: self.file.to_owned(),
                    place: self.place.clone(),
                    reason: format!("there is no signer `{}`", clean(&signer)),
                    hint,
                });
            };
            if positions.contains(&position) {
                return Err(self.error(&format!("it names the signer `{}` twice", clean(&signer))));
            }
            positions.push(position);
        }
        Ok(positions)
    }
}
