//! `trustpolicy.json` of notation: read by `sealift-notation`, whose verifier judges its levels; here its statements become
//! rules. The statement of `*` is for what no other names.

use std::collections::{BTreeMap, BTreeSet};

use sealift_notation::{Level, PolicyKind, Statement, TrustPolicy};

use super::error;
use crate::pattern::Pattern;
use crate::policy::{Decision, NameRule, OnMissing, Policy, Require, Rule, Shape, Signer};
use crate::{Error, Format};

pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Policy, Error> {
    let parsed = TrustPolicy::parse(PolicyKind::Oci, bytes)
        .map_err(|source| Error::Syntax { file: file.to_owned(), reason: source.to_string() })?;
    let mut policy = Policy {
        file: file.to_owned(),
        shape: Shape::Notation,
        signers: Vec::new(),
        rules: Vec::new(),
        revocations: Vec::new(),
        warnings: Vec::new(),
        tag_maps: BTreeMap::new(),
        notation: None,
    };
    for statement in &parsed.statements {
        let position = policy.signers.len();
        policy.signers.push(Signer {
            name: statement.name.clone(),
            statement: Some(statement.name.clone()),
            ..Signer::default()
        });
        if matches!(statement.level, Level::Permissive | Level::Audit) {
            let (name, level) = (&statement.name, statement.level.as_str());
            policy.warnings.push(format!("the statement `{name}` is of the level `{level}`"));
        }
        for scope in &statement.scopes {
            let pattern = match scope.as_str() {
                "*" => Pattern::rest(),
                scope => {
                    Pattern::parse(scope).map_err(|reason| error(file, &statement.name, reason))?
                }
            };
            policy.rules.push(rule(statement, pattern, position));
        }
    }
    policy.notation = Some(parsed);
    Ok(policy)
}

fn rule(statement: &Statement, pattern: Pattern, signer: usize) -> Rule {
    Rule {
        place: format!("statement `{}`", statement.name),
        pattern,
        decision: match statement.level {
            Level::Skip => Decision::AcceptAnything,
            _ => Decision::Judge,
        },
        require: Require::Any,
        signers: vec![signer],
        formats: BTreeSet::from([Format::Notation]),
        attestations: Vec::new(),
        tag_binding: false,
        max_staleness_secs: None,
        name: NameRule::Any,
        on_missing: OnMissing::Deny,
    }
}
