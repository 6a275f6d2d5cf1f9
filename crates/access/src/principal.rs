//! Who asks, for what, and what the answer is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::Rule;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read.
    Pull,
    /// Write.
    Push,
    /// Remove.
    Delete,
    /// Anything: rotate keys, collect garbage, change users.
    Admin,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pull, Self::Push, Self::Delete, Self::Admin];

    /// Its name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::Admin => "admin",
        }
    }

    /// As scopes of tokens write what is needed for it.
    pub fn as_scope(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push,pull",
            Self::Delete => "delete",
            Self::Admin => "*",
        }
    }

    /// Of its name in a rule or in a scope; `*` is [`Action::Admin`].
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "pull" => Some(Self::Pull),
            "push" => Some(Self::Push),
            "delete" => Some(Self::Delete),
            "admin" | "*" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing<'a> {
    /// A repository, and what lies in it under a digest.
    Repository(&'a str),
    /// A tag of a repository.
    Tag(&'a str, &'a str),
    /// What concerns all repositories.
    Catalog,
    /// The server itself: its users, its storage.
    Server,
}

impl Thing<'_> {
    /// Type and name, as scopes of tokens have them.
    pub(crate) fn scope_parts(&self) -> (&'static str, &str) {
        match self {
            Self::Repository(name) | Self::Tag(name, _) => ("repository", name),
            Self::Catalog => ("registry", "catalog"),
            Self::Server => ("registry", "server"),
        }
    }
}

/// How somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Not at all.
    Anonymous,
    /// By a password, or by a token of a token server.
    User,
    /// By a robot's token.
    Robot,
    /// By an identity token of a CI system or another issuer.
    Workload,
    /// By a client certificate.
    Certificate,
}

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `repository`, `registry`.
    pub kind: String,
    /// Name of the thing.
    pub name: String,
    /// What may be done with it; what we do not know is left out.
    pub actions: Vec<Action>,
}

/// Somebody who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Name; `None` is whoever gave none. Robots begin with `robot:`, workloads with `workload:`, certificates with
    /// `certificate:`, so that none of them has the name of a user.
    pub name: Option<String>,
    /// How they are known.
    pub kind: Kind,
    /// Groups that they are in.
    pub groups: Vec<String>,
    /// What an issuer or a certificate says of them.
    pub claims: BTreeMap<String, String>,
    /// What a token allows at most; `None` if it was no token.
    pub grants: Option<Vec<Grant>>,
    /// What they may do without any other rule, as robots may; rules that deny win over them.
    pub permissions: Option<Arc<[Rule]>>,
}

impl Principal {
    /// Whoever gave no name.
    pub const ANONYMOUS: Self = Self {
        name: None,
        kind: Kind::Anonymous,
        groups: Vec::new(),
        claims: BTreeMap::new(),
        grants: None,
        permissions: None,
    };

    /// A user with this name.
    pub fn user(name: &str) -> Self {
        Self { name: Some(name.to_owned()), kind: Kind::User, ..Self::ANONYMOUS }
    }

    /// Whether nothing is known of them.
    pub fn is_anonymous(&self) -> bool {
        self.kind == Kind::Anonymous && self.grants.is_none()
    }

    /// Whether a token, if there was one, allows it.
    pub fn is_granted(&self, action: Action, thing: Thing<'_>) -> bool {
        let (kind, name) = thing.scope_parts();
        let Some(grants) = &self.grants else { return true };
        let mut of_thing = grants.iter().filter(|grant| grant.kind == kind && grant.name == name);
        of_thing
            .any(|grant| grant.actions.contains(&action) || grant.actions.contains(&Action::Admin))
    }
}

/// What is known of a request before anything is decided.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What stands in `Authorization`.
    pub authorization: Option<&'a str>,
    /// Who is on the other side.
    pub peer: SocketAddr,
    /// The certificate that the client proved to have, DER; the listener has verified its chain.
    pub client_certificate: Option<&'a [u8]>,
    /// The time.
    pub now: Timestamp,
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
    /// They were wrong too often; they may try again after so many seconds.
    TooMany(u64),
}

impl Denial {
    /// For the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "no credentials",
            Self::Wrong(reason) => reason,
            Self::NotAllowed => "not allowed",
            Self::TooMany(_) => "too many failed logins",
        }
    }
}

/// Whether somebody may do something, and which rule says so. No rule: what holds where no rule says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They may.
    Allowed {
        /// The rule.
        rule: Option<Arc<str>>,
    },
    /// They may not.
    Denied {
        /// The rule.
        rule: Option<Arc<str>>,
    },
}

impl Decision {
    /// Whether they may.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// The rule that says so.
    pub fn rule(&self) -> Option<&str> {
        let (Self::Allowed { rule } | Self::Denied { rule }) = self;
        rule.as_deref()
    }
}
