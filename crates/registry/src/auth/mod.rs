//! Who asks, and what they may do.
//!
//! [`Authentication`] says who somebody is, [`Authorisation`] whether they may do it. Whatever is missing, unknown or
//! cannot be read is a refusal.

mod basic;
mod bearer;
mod rules;
mod token;
mod token_keys;

use jiff::Timestamp;

pub use basic::{Basic, Passwords};
pub use bearer::Bearer;
pub use rules::{Rule, Rules};
pub use token::{Grant, TokenFault, TokenRules, verify_token};
pub use token_keys::TokenKeys;

/// What somebody wants to do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Read.
    Pull,
    /// Read and write.
    Push,
    /// Anything: delete, rotate keys.
    All,
}

impl Action {
    /// As scopes of tokens write what is needed for it.
    pub fn as_scope(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push,pull",
            Self::All => "*",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        match name {
            "pull" => Some(Self::Pull),
            "push" => Some(Self::Push),
            "*" => Some(Self::All),
            _ => None,
        }
    }
}

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing<'a> {
    /// A repository.
    Repository(&'a str),
    /// What concerns all repositories.
    Catalog,
}

impl Thing<'_> {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Repository(name) => ("repository", name),
            Self::Catalog => ("registry", "catalog"),
        }
    }
}

/// Somebody who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Name; `None` is whoever gave none.
    pub name: Option<String>,
    /// What a token allows; `None` if it was no token.
    pub grants: Option<Vec<Grant>>,
}

impl Principal {
    /// Whoever gave no name.
    pub const ANONYMOUS: Self = Self { name: None, grants: None };

    fn named(name: &str) -> Self {
        Self { name: Some(name.to_owned()), grants: None }
    }

    /// Whether a token, if there was one, allows it.
    pub fn is_granted(&self, action: Action, thing: Thing<'_>) -> bool {
        let (kind, name) = thing.parts();
        let Some(grants) = &self.grants else { return true };
        let mut of_thing = grants.iter().filter(|grant| grant.kind == kind && grant.name == name);
        of_thing.any(|grant| {
            let has = |action| grant.actions.contains(&action);
            match action {
                Action::All => has(Action::All),
                // Who may write what cannot be read can do nothing with it.
                Action::Push => has(Action::Push) || has(Action::All),
                Action::Pull => has(Action::Pull) || has(Action::All),
            }
        })
    }
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// They gave nothing.
    Missing,
    /// What they gave is wrong; for the log, not for them.
    Wrong(&'static str),
    /// They are who they say, but may not do it.
    NotAllowed,
}

impl Denial {
    /// For the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "no credentials",
            Self::Wrong(reason) => reason,
            Self::NotAllowed => "not allowed",
        }
    }
}

/// A way of saying who one is.
pub trait Authentication: Send + Sync {
    /// The answer, if it can be given at once. `None`: [`Authentication::check`] has to work for it.
    fn recall(
        &self,
        credentials: Option<&str>,
        now: Timestamp,
    ) -> Option<Result<Principal, Denial>>;

    /// The answer, however long it takes.
    fn check(&self, credentials: Option<&str>, now: Timestamp) -> Result<Principal, Denial>;

    /// What to ask for, as `WWW-Authenticate` has it; `None` if nobody has to say who they are.
    fn challenge(&self, wanted: Option<(Action, Thing<'_>)>, denial: Denial) -> Option<String>;
}

/// Whether somebody may do something.
pub trait Authorisation: Send + Sync {
    /// Whether this one, whose credentials are right, may.
    fn allows(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> bool;

    /// Whether anybody may, without credentials where others give some.
    fn allows_anybody(&self, action: Action, thing: Thing<'_>) -> bool;
}

/// Nobody has to say who they are.
pub struct Open;

impl Authentication for Open {
    fn recall(&self, _: Option<&str>, _: Timestamp) -> Option<Result<Principal, Denial>> {
        Some(Ok(Principal::ANONYMOUS))
    }

    fn check(&self, _: Option<&str>, _: Timestamp) -> Result<Principal, Denial> {
        Ok(Principal::ANONYMOUS)
    }

    fn challenge(&self, _: Option<(Action, Thing<'_>)>, _: Denial) -> Option<String> {
        None
    }
}

// What follows the name of a scheme, which is not case-sensitive (RFC 9110 §11.1).
fn of_scheme<'a>(credentials: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = credentials.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches(' '))
}

// Quotes and line ends of what an administrator wrote do not leave the quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted + "\""
}
