//! Asking a time stamping authority for a token (RFC 3161 §3.4, over HTTP).

use sealift_client::{Blocking, Document};
use sealift_crypto::Certificate;
use sealift_crypto::timestamp::{Request, TOKEN_BYTES_MAX};
use sealift_pipeline::Error;

/// An authority, and who vouches for it.
#[derive(Clone, Debug)]
pub struct StampAuthority {
    /// Where it answers.
    pub url: String,
    /// The roots that its certificates must lead to.
    pub roots: Vec<Certificate>,
}

/// A token over these bytes. It is verified as a verifier would, before anybody puts it anywhere.
pub fn stamp(
    authority: &StampAuthority,
    client: &Blocking,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let request = Request::new(message);
    let document = Document {
        kind: "application/timestamp-query",
        bytes: &request.to_der(),
        answer: "application/timestamp-reply",
        answer_bytes_max: TOKEN_BYTES_MAX as u64,
    };
    let reply = client.run(async |client| client.post(&authority.url, &document).await)?;
    request.accept(&reply, &authority.roots).map_err(|refusal| Error::Refused {
        what: format!("the answer of `{}`", authority.url),
        why: refusal.to_string(),
    })
}
