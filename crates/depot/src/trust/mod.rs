//! Where a server of trust data keeps them: in the ledger of several replicas, or in a database of one process.

mod ledger;
mod sqlite;

pub use ledger::TrustStore;
pub use sqlite::SqliteTrustStore;
