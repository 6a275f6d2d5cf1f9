//! Why a policy could not be judged at all.

use std::time::Duration;

/// Why a policy could not be judged at all. Every variant is a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no policy to judge by.
    #[error("there is no policy to judge by")]
    NoPolicy,
    /// More policies than the limit.
    #[error("there are {count} policies, more than {limit}")]
    TooMany {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The text is not Rego.
    #[error("policy `{file}` cannot be read: line {line}, column {column}: {message}")]
    Parse {
        /// File of the policy.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Every file is Rego, but together they make no sense.
    #[error("policy `{file}` is not valid: {message}")]
    Invalid {
        /// File of the policy, or all of them.
        file: String,
        /// What the compiler says.
        message: String,
    },
    /// None of the known rules is defined.
    #[error(
        "policy `{file}` (package `{package}`) can never refuse: it defines none of `deny`, `violation`, `warn`, `allow`"
    )]
    NoRules {
        /// File of the policy.
        file: String,
        /// Rego package.
        package: String,
    },
    /// No policy is of a package that was named.
    #[error("no policy is of package `{name}`; there are: {}", known.join(", "))]
    NoNamespace {
        /// The package.
        name: String,
        /// The packages that there are.
        known: Vec<String>,
    },
    /// The input or the data is too large.
    #[error("the {what} of the policies has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// `input` or `data`.
        what: &'static str,
        /// Size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The data is not an object, or is in conflict with a policy.
    #[error("the data of the policies cannot be used: {message}")]
    Data {
        /// Why.
        message: String,
    },
    /// The policies did not end.
    #[error("the policies did not end within {} s", limit.as_secs_f32())]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// The interpreter failed.
    #[error("the policy interpreter failed")]
    Crashed,
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoPolicy => Some("name a `.rego` file or a folder of them".to_owned()),
            Self::Parse { message, .. } if message.contains("if") => Some(
                "a policy in Rego v1 syntax begins with `import rego.v1` below its package line".to_owned(),
            ),
            Self::NoRules { .. } => Some(
                "add a rule such as `deny[msg] { …; msg := \"why\" }`, or import the package from a policy that has one"
                    .to_owned(),
            ),
            Self::TimedOut { .. } => {
                Some("look for a comprehension over the product of large lists".to_owned())
            }
            _ => None,
        }
    }
}
