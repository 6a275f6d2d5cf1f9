//! Who asks, what they may do, and how often.
//!
//! Entry point: [`Gatekeeper`]. It says who somebody is ([`Gatekeeper::identify`]) and whether they may do what they
//! want ([`Gatekeeper::decide`]). Invariants: whatever is missing, unknown or cannot be read is a refusal; a rule that
//! denies wins over all that allow; nobody gets in without a name unless a rule says so; no secret is logged or kept as
//! it came.

mod principal;

mod authority;
mod certificates;
mod error;
mod file;
mod foreign;
mod gatekeeper;
mod header;
mod issuer;
mod limits;
mod passwords;
mod pattern;
mod records;
mod robots;
mod rules;
mod settings;
mod token;
mod token_keys;
mod token_requests;
mod users;
mod workloads;

pub use authority::{MadeCertificates, make_certificates};
pub use certificates::{CertificateSettings, NamePart};
pub use error::Error;
pub use file::FileStamp;
pub use foreign::TokenServer;
pub use gatekeeper::{Gatekeeper, Parts};
pub use issuer::{Issuer, TokenSettings};
pub use limits::{LimitSettings, Rate, RateSettings, RetryAfter, Throttled};
pub use passwords::Passwords;
pub use principal::{Action, Decision, Denial, Grant, Kind, Principal, Request, Thing};
pub use records::{BoxFuture, JoinedRecords, RecordFile, Records};
pub use robots::{Robot, Robots, robot_principal};
pub use rules::{Rule, Rules};
pub use settings::{AccessSettings, OidcSettings, RobotSettings, Settings};
pub use token::{TokenFault, TokenRules, verify_token};
pub use token_keys::TokenKeys;
pub use token_requests::{TokenAnswer, TokenRequest};
pub use users::{add_user, list_users, remove_user};
pub use workloads::{Fetch, IdentitySettings, WorkloadSettings, Workloads};
