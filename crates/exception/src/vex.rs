//! Statements of VEX documents, and which of them counts for a finding.
//!
//! The statement made last counts; of several made at once, one that does not clear the package. A product is meant by
//! its package URL: what that leaves away may be anything. One that is known by a hash or a CPE only is not recognised.

use std::collections::HashMap;

use jiff::Timestamp;
use sealift_model::{Finding, Purl, Suppression, SuppressionStatus};
use serde_json::Value;

use crate::condition::{covers, ids};
use crate::subject::Subject;
use crate::{Error, Exceptions, csaf, cyclonedx, openvex};

/// The largest VEX document that is read.
pub const BYTES_MAX: usize = 32 << 20;

pub(crate) const STATEMENTS_MAX: usize = 1_000_000;

/// What a statement is about that names no product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inherited {
    /// Nothing.
    Nothing,
    /// What is scanned.
    Subject,
}

/// What is said of a flaw in a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The document.
    pub(crate) place: String,
    /// The flaw.
    pub(crate) ids: Vec<String>,
    pub(crate) product: Product,
    pub(crate) status: Status,
    pub(crate) justification: Option<String>,
    pub(crate) reason: Option<String>,
    /// When it was made; one that does not say it is older than all others.
    pub(crate) at: Option<Timestamp>,
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Affected,
    UnderInvestigation,
    Fixed,
    NotAffected,
}

/// What a statement is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Product {
    /// Names of it, any of which will do.
    pub(crate) names: Vec<Name>,
    /// Parts of it that are meant, each with its names; without any, all of it is.
    pub(crate) parts: Vec<Vec<Name>>,
}

/// A name of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A package URL.
    Purl(Purl),
    /// Any other.
    Text(String),
    /// What is scanned, whatever its name.
    Subject,
}

impl Name {
    /// Of a text.
    pub(crate) fn of(text: &str) -> Self {
        Purl::parse(text).map_or_else(|| Self::Text(text.to_owned()), Self::Purl)
    }

    fn is_subject(&self, subject: &Subject) -> bool {
        match self {
            Self::Purl(purl) => subject.is_image(purl),
            Self::Text(text) => subject.is_named(text),
            Self::Subject => true,
        }
    }

    fn is_package(&self, own: &Purl) -> bool {
        matches!(self, Self::Purl(purl) if covers(purl, own))
    }
}

impl Product {
    fn means(&self, own: &Purl, subject: &Subject) -> bool {
        let is_whole = self.names.iter().any(|name| name.is_subject(subject));
        if self.parts.is_empty() {
            return is_whole || self.names.iter().any(|name| name.is_package(own));
        }
        // Of a package within a package nobody knows whether it is the one within this product.
        is_whole && self.parts.iter().flatten().any(|name| name.is_package(own))
    }
}

/// Reads a document of any kind.
pub(crate) fn read(
    file: &str,
    bytes: &[u8],
    inherited: Inherited,
    into: &mut Exceptions,
) -> Result<(), Error> {
    let place = file.to_owned();
    if bytes.len() > BYTES_MAX {
        return Err(Error::TooLarge { place, what: "a VEX document has at most 32 MiB" });
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|error| Error::Syntax {
        place: place.clone(),
        reason: format!("no JSON: {error}"),
    })?;
    let context = &document["@context"];
    let is_openvex =
        |text: &Value| text.as_str().is_some_and(|text| text.starts_with("https://openvex.dev/ns"));
    if is_openvex(context) || context.as_array().is_some_and(|all| all.iter().any(is_openvex)) {
        openvex::read(file, &document, inherited, into)
    } else if document["bomFormat"] == "CycloneDX" {
        cyclonedx::read(file, &document, into)
    } else if document["document"]["csaf_version"].is_string() {
        csaf::read(file, &document, into)
    } else {
        let reason = "is neither OpenVEX nor CSAF nor CycloneDX in JSON".to_owned();
        Err(Error::Syntax { place, reason })
    }
}

/// Adds a statement, unless there are too many.
pub(crate) fn push(statement: Statement, into: &mut Exceptions) -> Result<(), Error> {
    if into.statements.len() >= STATEMENTS_MAX {
        let what = "VEX documents have at most 1000000 statements";
        return Err(Error::TooLarge { place: statement.place, what });
    }
    into.statements.push(statement);
    Ok(())
}

/// A text of a document, one that is not empty.
pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

/// The texts of a list.
pub(crate) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(text)
}

/// The items of a list; what is none has none.
pub(crate) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A time of a document.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    text(value)?.parse().ok()
}

/// Statements by flaw.
pub(crate) type Index<'a> = HashMap<&'a str, Vec<&'a Statement>>;

/// Statements by flaw.
pub(crate) fn index(statements: &[Statement]) -> Index<'_> {
    let mut index: Index<'_> = HashMap::new();
    for statement in statements {
        for id in &statement.ids {
            index.entry(id).or_default().push(statement);
        }
    }
    index
}

/// What suppresses a finding, if the statement that counts does.
pub(crate) fn suppression(
    statements: &Index<'_>,
    finding: &Finding,
    subject: &Subject,
) -> Option<Suppression> {
    let own = Purl::parse(&finding.package.purl)?;
    let said = ids(finding).filter_map(|id| statements.get(id.as_str())).flatten();
    let about = said.filter(|statement| statement.product.means(&own, subject));
    let clears =
        |statement: &Statement| matches!(statement.status, Status::Fixed | Status::NotAffected);
    let counting = about.max_by_key(|statement| (statement.at, !clears(statement)))?;
    let status = match counting.status {
        Status::NotAffected => SuppressionStatus::NotAffected,
        Status::Fixed => SuppressionStatus::Fixed,
        Status::Affected | Status::UnderInvestigation => return None,
    };
    Some(Suppression {
        place: counting.place.clone(),
        status,
        reason: counting.reason.clone(),
        justification: counting.justification.clone(),
        owner: None,
        expires: None,
    })
}
