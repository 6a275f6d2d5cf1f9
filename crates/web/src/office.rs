//! What administrators ask for: who fills it in has the users, the robots and the storage at hand.

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
