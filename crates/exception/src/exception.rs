//! One exception, and all of them.

use sealift_model::{Finding, Note, Suppression, SuppressionStatus};

use crate::condition::Condition;
use crate::expiry::Expiry;
use crate::subject::Subject;
use crate::vex::Statement;
use crate::{Error, ignore, vex};

const ENTRIES_MAX: usize = 20_000;

/// An entry of an ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// File and line.
    pub(crate) place: String,
    /// What it names, for people.
    pub(crate) id: String,
    /// What must hold of a finding; an entry without any covers nothing.
    pub(crate) conditions: Vec<Condition>,
    pub(crate) reason: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) expiry: Option<Expiry>,
}

impl Exception {
    /// Whether it means this finding, whatever the day.
    pub(crate) fn covers(&self, finding: &Finding, subject: &Subject) -> bool {
        !self.conditions.is_empty() && self.conditions.iter().all(|it| it.is_met(finding, subject))
    }

    /// The flaw that it is about, if it is about one.
    pub(crate) fn flaw(&self) -> Option<&str> {
        self.conditions.iter().find_map(|it| match it {
            Condition::Id(id) => Some(id.as_str()),
            _ => None,
        })
    }

    /// What it says.
    pub(crate) fn suppression(&self) -> Suppression {
        Suppression {
            place: self.place.clone(),
            status: SuppressionStatus::Ignored,
            reason: self.reason.clone(),
            justification: None,
            owner: self.owner.clone(),
            expires: self.expiry.as_ref().map(|expiry| expiry.day.clone()),
        }
    }
}

/// What people say of findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    pub(crate) entries: Vec<Exception>,
    pub(crate) statements: Vec<Statement>,
    /// What was read and has no effect, and why.
    pub notes: Vec<Note>,
}

impl Exceptions {
    /// Adds the entries of an ignore file. Which kind it is follows from its name and its content.
    pub fn read_ignores(&mut self, file: &str, text: &str) -> Result<(), Error> {
        ignore::read(file, text, self)
    }

    /// Adds the statements of a VEX document: OpenVEX, CSAF or CycloneDX.
    pub fn read_vex(&mut self, file: &str, bytes: &[u8]) -> Result<(), Error> {
        vex::read(file, bytes, vex::Inherited::Nothing, self)
    }

    /// Adds the statements of a document that is attached to the very image that is scanned: those that name no product
    /// are about it.
    pub fn read_attached_vex(&mut self, place: &str, bytes: &[u8]) -> Result<(), Error> {
        vex::read(place, bytes, vex::Inherited::Subject, self)
    }

    /// True if nobody says anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.statements.is_empty()
    }

    pub(crate) fn add(&mut self, entry: Exception) -> Result<(), Error> {
        if self.entries.len() >= ENTRIES_MAX {
            let what = "ignore files have at most 20000 entries";
            return Err(Error::TooLarge { place: entry.place, what });
        }
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn note(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.notes.push(Note { subject: subject.into(), message: message.into() });
    }
}
