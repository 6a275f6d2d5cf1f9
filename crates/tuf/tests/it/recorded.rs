//! The uploads that real clients made, judged by our server in the order in which they were made.

use std::collections::BTreeMap;

use sealift_tuf::server::{MemoryStore, Refusal, Server, ServerKeys, StoreError};
use sealift_tuf::{Authority, Gun, Key, Role, Signature};

use crate::lab::time;
use crate::transcripts::{Exchange, exchanges};

/// Holds the recorded server's keys: their public parts, and signatures that nobody checks here.
struct RecordedKeys(BTreeMap<String, Key>);

impl ServerKeys for RecordedKeys {
    fn get_or_create(&self, _: &Gun, _: &Role, _: &[String]) -> Result<Key, StoreError> {
        Err(StoreError::Failed("not recorded".to_owned()))
    }

    fn create(&self, _: &Gun, _: &Role, _: &[String]) -> Result<Key, StoreError> {
        Err(StoreError::Failed("not recorded".to_owned()))
    }

    fn sign(
        &self,
        _: &Gun,
        _: &Role,
        authority: &Authority,
        _: &[u8],
    ) -> Result<Vec<Signature>, StoreError> {
        let held = authority.keys.keys().filter(|id| self.0.contains_key(*id));
        let sign = |id: &String| Signature {
            key_id: id.clone(),
            method: "ecdsa".to_owned(),
            sig: String::new(),
        };
        Ok(held.map(sign).collect())
    }
}

fn keys(exchanges: &[Exchange]) -> RecordedKeys {
    let answers = exchanges.iter().filter(|exchange| {
        exchange.path.contains("/_trust/tuf/")
            && exchange.answer.starts_with("{\"keytype\"")
            && exchange.status == 200
    });
    let key = |exchange: &Exchange| Key::from_json(exchange.answer.as_bytes()).unwrap();
    RecordedKeys(answers.map(key).map(|key| (key.id().to_owned(), key)).collect())
}

#[test]
fn recorded_uploads_end_as_they_did() {
    let Some(mut exchanges) = exchanges("judging uploads") else { return };
    let keys = keys(&exchanges);
    let store = MemoryStore::default();
    let server = Server::new(&store, &keys);
    exchanges.sort_by(|left, right| (&left.time, left.number).cmp(&(&right.time, right.number)));
    let mut n_accepted = 0;
    let mut n_refused = 0;
    for exchange in &exchanges {
        let Some(gun) =
            exchange.path.strip_prefix("/v2/").and_then(|path| path.strip_suffix("/_trust/tuf/"))
        else {
            continue;
        };
        // What only the proxy before the server saw, and what is no form, never come to the server's logic.
        let is_form = exchange.body.trim_start().starts_with("--");
        if exchange.method != "POST" || exchange.status == 401 || !is_form {
            continue;
        }
        let gun = Gun::parse(gun).unwrap();
        let files = exchange.files();
        let now = time(&format!("2026-11-21T{}Z", exchange.time));
        let result = server.upload(&gun, &files, now);
        let what = format!("{} {}", exchange.scenario, exchange.number);
        match result {
            Ok(()) => {
                assert_eq!(exchange.status, 200, "{what} is accepted");
                n_accepted += 1;
            }
            Err(refusal) => {
                assert_eq!(shown(&refusal), recorded(exchange), "{what}");
                n_refused += 1;
            }
        }
    }
    assert!(n_accepted >= 15 && n_refused >= 8, "{n_accepted} accepted, {n_refused} refused");
}

fn shown(refusal: &Refusal) -> (u16, serde_json::Value) {
    (refusal.code.status(), serde_json::from_slice(&refusal.to_json()).unwrap())
}

fn recorded(exchange: &Exchange) -> (u16, serde_json::Value) {
    (exchange.status, serde_json::from_str(&exchange.answer).unwrap_or_default())
}
