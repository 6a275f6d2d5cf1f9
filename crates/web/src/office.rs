//! What administrators ask for: who fills it in has the users, the robots and the storage at hand.

use futures_util::future::BoxFuture;

/// Users and robots, as the server has them, and what the mirror did.
pub trait Office: Send + Sync {
    /// Names of those who have a password.
    fn users(&self) -> Vec<String>;
    /// The robots.
    fn robots(&self) -> BoxFuture<'_, Vec<Robot>>;
    /// Makes one, and gives its token, or why not.
    fn add_robot(
        &self,
        name: String,
        repositories: String,
        actions: String,
        days: u32,
    ) -> BoxFuture<'_, Result<String, String>>;
    /// Takes one away.
    fn remove_robot(&self, name: String) -> BoxFuture<'_, Result<(), String>>;
    /// Frees the space of what nobody refers to, or says what it would free: one line.
    fn collect(&self, is_dry: bool) -> BoxFuture<'_, Result<String, String>>;
    /// What the rules of retention would remove: one line each.
    fn retention(&self) -> BoxFuture<'_, Result<Vec<String>, String>>;
    /// What the mirror and the gate did, by name.
    fn numbers(&self) -> Numbers;
    /// Whether a repository is a copy of another registry's.
    fn is_mirrored(&self, repository: &str) -> bool;
}

/// What the mirror and the gate did: names and values.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// The mirror's; empty if nothing is mirrored.
    pub mirror: Vec<(String, String)>,
    /// The gate's.
    pub gate: Vec<(String, String)>,
}

/// A robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robot {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub may: String,
    /// Until when.
    pub until: String,
}
