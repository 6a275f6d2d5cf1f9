//! What administrators ask for: who fills it in has the users, the robots, the storage and the audit log at hand.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sealift_crypto::Secret;
use sealift_oci::{Digest, RepositoryName, Tag};
use sealift_registry::hooks::UpstreamState;

/// Users and robots, as the server has them, and what the mirror and the gate did.
pub trait Office: Send + Sync {
    /// Names of those who have a password, or why they cannot be told.
    fn users(&self) -> BoxFuture<'_, Result<Vec<String>, String>>;
    /// Whether users can be changed here.
    fn can_change_users(&self) -> bool;
    /// Adds a user, or gives one another password; whether there was one.
    fn set_password(&self, name: String, password: Secret) -> BoxFuture<'_, Result<bool, String>>;
    /// Takes a user away.
    fn remove_user(&self, name: String) -> BoxFuture<'_, Result<(), String>>;
    /// The robots; `None` if this registry has none.
    fn robots(&self) -> BoxFuture<'_, Result<Option<Vec<Robot>>, String>>;
    /// Makes one, and gives its token, or why not.
    fn add_robot(
        &self,
        name: String,
        permission: String,
        days: u32,
    ) -> BoxFuture<'_, Result<String, String>>;
    /// Takes one away.
    fn remove_robot(&self, name: String) -> BoxFuture<'_, Result<(), String>>;
    /// Frees the space of what nobody refers to, or says what it would free: one line.
    fn collect(&self, is_dry: bool) -> BoxFuture<'_, Result<String, String>>;
    /// The rules of retention: one line each.
    fn retention_rules(&self) -> Vec<String>;
    /// What the rules of retention would remove.
    fn retention(&self) -> BoxFuture<'_, Result<Vec<Going>, String>>;
    /// A page of the audit log.
    fn log(&self, asked: LogAsked) -> BoxFuture<'_, Result<LogPart, String>>;
    /// The kinds of events that may be in it.
    fn log_kinds(&self) -> Vec<&'static str>;
    /// What the gate did and does, by name.
    fn gate(&self) -> BoxFuture<'_, Vec<(String, String)>>;
    /// The upstreams of the mirror, as they are now.
    fn upstreams(&self) -> Vec<UpstreamState>;
    /// Whether a repository is a copy of another registry's.
    fn is_mirrored(&self, repository: &RepositoryName) -> bool;
}

/// A robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robot {
    /// Its name.
    pub name: String,
    /// What it may do, a permission each.
    pub may: Vec<String>,
    /// When it was made.
    pub made: Timestamp,
    /// Until when its token counts; for ever if there is none.
    pub until: Option<Timestamp>,
}

/// What retention would remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// Where.
    pub repository: RepositoryName,
    /// The tag, or nothing for a manifest that none names.
    pub tag: Option<Tag>,
    /// What it names.
    pub digest: Digest,
}

/// Where an event stands in the audit log: its line, and the how-manieth of it, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// The number of the line.
    pub line: u64,
    /// The event of it.
    pub event: usize,
}

/// Where a page of the audit log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogBegin {
    /// At the end of the log.
    #[default]
    Newest,
    /// It has what stands before a place.
    Before(LogPlace),
    /// It has what stands at a place and after it.
    From(LogPlace),
}

/// Which events of the audit log are asked for. What is empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogAsked {
    /// Where the page is.
    pub begin: LogBegin,
    /// The kind of event.
    pub event: String,
    /// What the name of the user contains.
    pub user: String,
    /// What the name of the repository contains.
    pub repository: String,
    /// Only what was refused.
    pub is_denied: bool,
    /// At most so many.
    pub count: usize,
}

/// A page of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// How many lines the log has.
    pub lines: u64,
    /// The first and the last line that were read for the page.
    pub read: Option<(u64, u64)>,
    /// The first of them that does not follow the one before, and why.
    pub fault: Option<(u64, String)>,
    /// Events, newest first.
    pub events: Vec<LogEvent>,
    /// From where on newer ones are, if this is not the end of the log.
    pub newer: Option<LogPlace>,
    /// Before what older ones are, if there may be some.
    pub older: Option<LogPlace>,
}

/// An event of the audit log, as somebody wrote it down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEvent {
    /// The number of its line.
    pub line: u64,
    /// When.
    pub time: Option<Timestamp>,
    /// Its kind.
    pub event: String,
    /// Who.
    pub user: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// In which repository.
    pub repository: Option<String>,
    /// Under which tag.
    pub tag: Option<String>,
    /// Of what.
    pub digest: Option<String>,
    /// Why, or what.
    pub reason: Option<String>,
}
