//! A server of trust data for `bench/trust-server`: everybody may do everything, plain HTTP, the log on stderr.
//!
//! usage: `trust_server ADDRESS FOLDER`

#![expect(clippy::print_stderr, reason = "it is a program")]
#![expect(clippy::unwrap_used, reason = "a failure ends it")]

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sealift_access::Gatekeeper;
use sealift_registry::store::open_folder;
use sealift_registry::{ConnectionLimits, Entry, Guard, Log, TrustService, bind, serve};

struct Lines;

impl Log for Lines {
    fn record(&self, entry: &Entry<'_>) {
        eprintln!("{}", serde_json::to_string(entry).unwrap());
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(folder)) = (arguments.next(), arguments.next()) else {
        panic!("usage: trust_server ADDRESS FOLDER");
    };
    let guard =
        Guard { gatekeeper: Gatekeeper::open(), log: Box::new(Lines), clock: Timestamp::now };
    let folder = open_folder(Path::new(&folder), None).unwrap();
    let service = Arc::new(TrustService::open(folder, guard).unwrap());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let listener = bind(&address).await.unwrap();
        serve(listener, None, service, ConnectionLimits::default(), std::future::pending()).await;
    });
}
