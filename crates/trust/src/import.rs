//! A policy of another language as `trust.toml`.
//!
//! Invariant: what is written admits nothing that the policy refuses, but for what a note says. What cannot be said in
//! `trust.toml` becomes a rule that rejects.

use sealift_notation::{Level, Statement, StoreName, StoreType, TrustedIdentity, VerifyTimestamp};

use crate::pattern::Pattern;
use crate::policy::{Decision, IdentityRule, Policy, PolicyKey, Rule, Shape};
use crate::text::clean;
use crate::{Error, Format};

/// A policy as `trust.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The text.
    pub text: String,
    /// What it says otherwise than the policy did, or not at all.
    pub notes: Vec<String>,
}

/// From a trust store of notation to the files in it, as paths that stand behind the policy's folder.
pub type StoreFiles<'a> = &'a dyn Fn(&StoreName) -> Vec<String>;

/// Writes a policy of another language as `trust.toml`.
pub fn import(policy: &Policy, stores: StoreFiles<'_>) -> Result<Imported, Error> {
    let mut writer = Writer { policy, signers: Vec::new(), rules: Vec::new(), notes: Vec::new() };
    match policy.shape {
        Shape::Own => {
            return Err(Error::Syntax {
                file: policy.file.clone(),
                reason: "it is a trust.toml already".to_owned(),
            });
        }
        Shape::Signers => writer.signers()?,
        Shape::Containers => writer.containers()?,
        Shape::Notation => writer.notation(stores),
    }
    if writer.rules.is_empty() {
        let reason = "nothing of it can be said in a trust.toml".to_owned();
        return Err(Error::Syntax { file: policy.file.clone(), reason });
    }
    Ok(Imported { text: writer.text(), notes: writer.notes })
}

struct Writer<'a> {
    policy: &'a Policy,
    signers: Vec<SignerText>,
    rules: Vec<RuleText>,
    notes: Vec<String>,
}

#[derive(Default)]
struct SignerText {
    name: String,
    // Fields with several texts.
    lists: Vec<(&'static str, Vec<String>)>,
    // Keys that stood in the policy itself: the file that they are named by now, and the text.
    inline: Vec<(String, String)>,
    fingerprints: Vec<String>,
}

struct RuleText {
    pattern: String,
    // None rejects.
    wanted: Option<Wanted>,
    note: Option<String>,
}

#[derive(Clone, Default)]
struct Wanted {
    signers: Vec<String>,
    all: bool,
    format: Option<Format>,
    tag_binding: bool,
    any_name: bool,
}

impl Writer<'_> {
    // All patterns that cover an image are joined there, and only the most exact one counts here. So each pattern has the
    // signers of all those that cover whatever it covers.
    fn signers(&mut self) -> Result<(), Error> {
        for signer in &self.policy.signers {
            self.add_signer(signer.name.clone(), &signer.keys)?;
        }
        let mut patterns: Vec<&Pattern> = Vec::new();
        for rule in &self.policy.rules {
            if !patterns.iter().any(|known| known.is_same(&rule.pattern)) {
                patterns.push(&rule.pattern);
            }
        }
        for pattern in &patterns {
            let mut signers = Vec::new();
            for rule in self.policy.rules.iter().filter(|rule| rule.pattern.contains(pattern)) {
                for name in rule.signers.iter().map(|number| &self.policy.signers[*number].name) {
                    if !signers.contains(name) {
                        signers.push(name.clone());
                    }
                }
            }
            let wanted = Wanted { signers, ..Wanted::default() };
            let pattern = pattern.as_str().to_owned();
            self.rules.push(RuleText { pattern, wanted: Some(wanted), note: None });
        }
        let is_crossing = |one: &&Pattern| {
            patterns
                .iter()
                .any(|other| one.may_overlap(other) && !one.contains(other) && !other.contains(one))
        };
        for pattern in patterns.iter().copied().filter(|pattern| is_crossing(pattern)) {
            self.notes.push(format!(
                "`{}` covers some of what another pattern covers too: there only the signers of the more exact one may sign",
                clean(pattern.as_str())
            ));
        }
        Ok(())
    }

    fn containers(&mut self) -> Result<(), Error> {
        self.notes.push(
            "signatures count in all of cosign's forms, and not only in the one that podman reads"
                .to_owned(),
        );
        let has_own_rest = self.policy.rules.iter().any(|rule| rule.pattern.as_str().is_empty());
        for rule in &self.policy.rules {
            if rule.pattern.is_rest() && has_own_rest {
                continue;
            }
            if rule.decision == Decision::AcceptAnything {
                self.notes.push(format!(
                    "{} accepts anything, which no rule says: its images are refused unless another rule is for them",
                    clean(&rule.place)
                ));
                continue;
            }
            let (wanted, note) = self.of_scope(rule)?;
            self.notes.extend(note.clone());
            let scope = if rule.pattern.is_rest() { "" } else { rule.pattern.as_str() };
            let (patterns, is_narrow) = patterns_of(scope);
            if is_narrow {
                self.notes.push(format!(
                    "{} is for one tag or digest, and rules are for repositories: the repository is rejected",
                    clean(&rule.place)
                ));
            }
            let wanted = wanted.filter(|_| !is_narrow);
            for pattern in patterns {
                self.put(RuleText { pattern, wanted: wanted.clone(), note: note.clone() });
            }
        }
        Ok(())
    }

    // What is written so that no image fits it is left out. Two that mean one repository: it is rejected.
    fn put(&mut self, rule: RuleText) {
        let parsed = Pattern::parse(&rule.pattern)
            .ok()
            .filter(|parsed| self.policy.shape != Shape::Containers || parsed.is_verbatim());
        let Some(parsed) = parsed else {
            self.notes.push(format!("no image fits `{}`, so it is left out", clean(&rule.pattern)));
            return;
        };
        let is_it = |known: &&mut RuleText| {
            Pattern::parse(&known.pattern).is_ok_and(|known| known.is_same(&parsed))
        };
        match self.rules.iter_mut().find(is_it) {
            None => self.rules.push(rule),
            Some(known) => {
                known.wanted = None;
                known.note = Some("the policy has this twice".to_owned());
            }
        }
    }

    fn of_scope(&mut self, rule: &Rule) -> Result<(Option<Wanted>, Option<String>), Error> {
        let mut wanted = Wanted { all: true, format: Some(Format::Cosign), ..Wanted::default() };
        if rule.decision == Decision::Reject {
            return Ok((None, None));
        }
        for number in &rule.signers {
            let signer = &self.policy.signers[*number];
            match &signer.name_rule {
                Some(IdentityRule::RepositoryIfDigest) | None => wanted.tag_binding = true,
                Some(IdentityRule::Repository) => {}
                Some(other) => {
                    let note = format!(
                        "{}: `signedIdentity` {} cannot be said, so it is rejected",
                        clean(&rule.place),
                        word(other)
                    );
                    return Ok((None, Some(note)));
                }
            }
            let name = format!("signer-{}", self.signers.len() + 1);
            let name = self.add_signer(name, &signer.keys)?;
            if !wanted.signers.contains(&name) {
                wanted.signers.push(name);
            }
        }
        Ok((Some(wanted), None))
    }

    // The name under which somebody with exactly these keys stands; two with some keys in common would count as two.
    fn add_signer(&mut self, name: String, keys: &[PolicyKey]) -> Result<String, Error> {
        let mut fingerprints: Vec<String> =
            keys.iter().map(|known| known.key.fingerprint()).collect();
        fingerprints.sort();
        fingerprints.dedup();
        if let Some(twin) = self.signers.iter().find(|known| known.fingerprints == fingerprints) {
            return if self.policy.shape == Shape::Signers {
                Err(self.shared(&twin.name, &name))
            } else {
                Ok(twin.name.clone())
            };
        }
        let is_shared =
            |known: &&SignerText| known.fingerprints.iter().any(|one| fingerprints.contains(one));
        if let Some(twin) = self.signers.iter().find(is_shared) {
            return Err(self.shared(&twin.name, &name));
        }
        let mut files = Vec::new();
        let mut inline = Vec::new();
        for (number, known) in keys.iter().enumerate() {
            let is_inline = known.file == "keyData";
            let file =
                if is_inline { format!("{name}-{}.pub", number + 1) } else { known.file.clone() };
            if is_inline {
                inline.push((file.clone(), known.key.to_pem()));
                self.notes.push(format!(
                    "write the key `{file}` that stands in a comment into that file"
                ));
            }
            files.push(file);
        }
        let lists = vec![("keys", files)];
        self.signers.push(SignerText { name: name.clone(), lists, inline, fingerprints });
        Ok(name)
    }

    fn shared(&self, one: &str, other: &str) -> Error {
        Error::Policy {
            file: self.policy.file.clone(),
            place: format!("signer `{}`", clean(other)),
            reason: format!(
                "it has a key that `{}` has too, and in a trust.toml a key is one signer's",
                clean(one)
            ),
            hint: Some("give each signer keys of its own in the policy first".to_owned()),
        }
    }

    fn notation(&mut self, stores: StoreFiles<'_>) {
        let Some(own) = &self.policy.notation else { return };
        for statement in &own.statements {
            let name = &statement.name;
            if statement.level == Level::Skip {
                self.notes.push(format!("the statement `{}` skips verification, which no rule says: its images are refused", clean(name)));
                continue;
            }
            let signer = self.of_statement(statement, stores);
            let wanted = signer.map(|signer| {
                let signers = vec![signer.name.clone()];
                self.signers.push(signer);
                Wanted {
                    signers,
                    format: Some(Format::Notation),
                    any_name: true,
                    ..Wanted::default()
                }
            });
            for scope in &statement.scopes {
                let pattern = if scope == "*" { "**".to_owned() } else { scope.clone() };
                self.put(RuleText { pattern, wanted: wanted.clone(), note: None });
            }
        }
    }

    // None if it cannot be said.
    fn of_statement(
        &mut self,
        statement: &Statement,
        stores: StoreFiles<'_>,
    ) -> Option<SignerText> {
        let name = clean(&statement.name);
        let mut signer = SignerText { name: statement.name.clone(), ..SignerText::default() };
        for (kind, field) in [
            (StoreType::Authority, "certificates"),
            (StoreType::Timestamp, "timestamp_authorities"),
        ] {
            let of_kind = statement.stores.iter().filter(|store| store.kind == kind);
            let files: Vec<String> = of_kind.flat_map(stores).collect();
            if !files.is_empty() {
                signer.lists.push((field, files));
            }
        }
        if statement.stores.iter().any(|store| store.kind == StoreType::SigningAuthority) {
            self.notes.push(format!("the statement `{name}` trusts signing authorities, which a trust.toml cannot: it is left out"));
        }
        if !signer.lists.iter().any(|(field, _)| *field == "certificates") {
            self.notes.push(format!("the statement `{name}` has no store of type `ca` with certificates in it, so its images are rejected"));
            return None;
        }
        let subjects = statement.identities.iter().map(|identity| match identity {
            TrustedIdentity::Any => None,
            TrustedIdentity::Subject(subject) => Some(subject.to_string()),
        });
        // With `*` among them everybody may sign.
        if let Some(subjects) = subjects.collect::<Option<Vec<String>>>() {
            signer.lists.push(("subjects", subjects));
        }
        if statement.level != Level::Strict || !statement.overrides.is_empty() {
            self.notes.push(format!(
                "the statement `{name}` is laxer than `strict`, and a trust.toml is strict"
            ));
        }
        if statement.verify_timestamp == VerifyTimestamp::Always
            && statement.stores.iter().any(|store| store.kind == StoreType::Timestamp)
        {
            self.notes.push(format!("the statement `{name}` always wants a timestamp; a trust.toml wants one only of a certificate that is over"));
        }
        Some(signer)
    }

    fn text(&self) -> String {
        let mut text =
            format!("# Of `{}`. Read it before you trust it.\n", clean(&self.policy.file));
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        for note in &self.notes {
            line(&format!("# {note}."));
        }
        line("version = 1");
        for signer in &self.signers {
            for (file, pem) in &signer.inline {
                line(&format!("\n# {file}:"));
                pem.lines().for_each(|pem| line(&format!("# {pem}")));
            }
            line(&format!("\n[[signer]]\nname = {}", quote(&signer.name)));
            for (field, values) in &signer.lists {
                line(&format!("{field} = {}", list(values)));
            }
        }
        for rule in &self.rules {
            line("\n[[rule]]");
            if let Some(note) = &rule.note {
                line(&format!("# {note}."));
            }
            line(&format!("match = {}", quote(&rule.pattern)));
            let Some(wanted) = &rule.wanted else {
                line("decision = \"reject\"");
                continue;
            };
            line(&format!("signers = {}", list(&wanted.signers)));
            if wanted.all && wanted.signers.len() > 1 {
                line("require = \"all\"");
            }
            if let Some(format) = wanted.format {
                line(&format!("formats = [{}]", quote(format.as_str())));
            }
            if wanted.tag_binding {
                line("tag_binding = true");
            }
            if wanted.any_name {
                line("name = \"any\"");
            }
        }
        text
    }
}

fn word(rule: &IdentityRule) -> &'static str {
    match rule {
        IdentityRule::Exact => "matchExact",
        IdentityRule::RepositoryIfDigest => "matchRepoDigestOrExact",
        IdentityRule::Repository => "matchRepository",
        IdentityRule::ExactReference(_) => "exactReference",
        IdentityRule::ExactRepository(_) => "exactRepository",
        IdentityRule::Remap { .. } => "remapIdentity",
    }
}

// The patterns of a scope of containers' policies, which covers what is below it too, and whether it is for one tag or
// digest only.
fn patterns_of(scope: &str) -> (Vec<String>, bool) {
    if scope.is_empty() {
        return (vec!["**".to_owned()], false);
    }
    let (host, path) = scope.split_once('/').unwrap_or((scope, ""));
    if path.is_empty() {
        return (vec![format!("{host}/**")], false);
    }
    let repository = path.split(['@', ':']).next().unwrap_or(path);
    if repository.len() < path.len() {
        return (vec![format!("{host}/{repository}")], true);
    }
    (vec![format!("{host}/{path}"), format!("{host}/{path}/**")], false)
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", texts.join(", "))
}
