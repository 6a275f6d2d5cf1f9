//! Asking an authority for a token: the request (RFC 3161 §2.4.1), and what answers it.

use aws_lc_rs::rand;

use crate::certificate::Certificate;
use crate::scheme::{NULL, OID_SHA256};
use crate::{Hash, der};

use super::{BOOLEAN, Refusal, Token, token_of};

const NONCE_BYTES: usize = 16;

/// A request for a token over a message, with a nonce, so that no old answer passes for one to it.
#[derive(Clone, Debug)]
pub struct Request {
    message: Vec<u8>,
    nonce: Vec<u8>,
}

impl Request {
    /// A request for this message. What is sent is its hash.
    pub fn new(message: &[u8]) -> Self {
        let mut nonce = vec![0; NONCE_BYTES];
        rand::fill(&mut nonce).expect("the operating system gives random bytes");
        // A positive integer in its shortest form.
        nonce[0] = (nonce[0] & 0x7F) | 0x40;
        Self { message: message.to_vec(), nonce }
    }

    /// The `TimeStampReq`. The authority's certificates are asked for: who verifies need not have them.
    pub fn to_der(&self) -> Vec<u8> {
        let oid = der::write(der::OBJECT_IDENTIFIER, &[OID_SHA256]);
        let algorithm = der::write(der::SEQUENCE, &[&oid, NULL]);
        let digest = der::write(der::OCTET_STRING, &[&Hash::Sha256.of(&self.message)]);
        let imprint = der::write(der::SEQUENCE, &[&algorithm, &digest]);
        let nonce = der::write(der::INTEGER, &[&self.nonce]);
        let version = der::write(der::INTEGER, &[&[1]]);
        let wants_certificates = der::write(BOOLEAN, &[&[0xFF]]);
        der::write(der::SEQUENCE, &[&version, &imprint, &nonce, &wants_certificates])
    }

    /// The token in the authority's `TimeStampResp`, if it answers this request and leads to one of the roots.
    pub fn accept(&self, reply: &[u8], roots: &[Certificate]) -> Result<Vec<u8>, Refusal> {
        let bytes = token_of(reply)?;
        let token = Token::from_der(bytes)?;
        if token.info.nonce.as_deref() != Some(&self.nonce) {
            return Err(Refusal::OtherRequest);
        }
        token.verify(&self.message, &[], roots)?;
        Ok(bytes.to_vec())
    }
}
