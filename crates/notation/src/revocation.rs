//! Whether a certificate was revoked, by the lists that are given.

use jiff::Timestamp;
use sealift_crypto::{Certificate, RevocationList, Revoked};

use crate::{Error, chain};

const AUTHORITY_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
// The method `id-ad-ocsp` as it stands in that extension.
const OCSP_METHOD: [u8; 10] = [0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];

/// Lists of revoked certificates, of whatever authorities.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists(Vec<RevocationList>);

impl RevocationLists {
    /// Lists that were read.
    pub fn new(lists: Vec<RevocationList>) -> Self {
        Self(lists)
    }

    /// Checks every certificate of a chain but its root. `signed_at` is when it was signed, if that is proved.
    pub(crate) fn check_chain(
        &self,
        chain: &[Certificate],
        now: Timestamp,
        signed_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let pairs: Vec<_> = chain.windows(2).collect();
        // Revoked says more than unknown, whichever certificate comes first.
        let mut unknown = None;
        for pair in pairs.into_iter().rev() {
            match self.check(&pair[0], &pair[1], now, signed_at) {
                Ok(()) => {}
                Err(error @ Error::Revoked { .. }) => return Err(error),
                Err(error) => unknown = Some(error),
            }
        }
        unknown.map_or(Ok(()), Err)
    }

    fn check(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
        signed_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let subject = chain::name(certificate);
        let mut has_good_list = false;
        let mut last_fault = None;
        let own = |list: &&RevocationList| list.issuer() == issuer.subject();
        for list in self.0.iter().filter(own).filter(|list| list.covers(certificate)) {
            if let Err(error) = list.verify(issuer, now) {
                last_fault = Some(error.to_string());
                continue;
            }
            has_good_list = true;
            let found = list.find(certificate.serial());
            if let Some(entry) = found.filter(|entry| counts(entry, signed_at)) {
                let reason = entry.reason.as_str();
                return Err(Error::Revoked { subject, at: entry.at, reason });
            }
        }
        if has_good_list {
            return Ok(());
        }
        let unknown = |reason| Err(Error::RevocationUnknown { subject, reason });
        if let Some(fault) = last_fault {
            return unknown(fault);
        }
        if let Some(address) = certificate.crl_addresses().first() {
            let address = crate::text::clean(address);
            return unknown(format!("there is no list of its authority; it is at `{address}`"));
        }
        if asks_for_ocsp(certificate) {
            return unknown("its authority tells it by OCSP, which is not asked here".to_owned());
        }
        // Nobody says where such a certificate could be revoked.
        Ok(())
    }
}

// RFC 5280 §5.3.2: what was signed before the key came into doubt stays good.
fn counts(entry: &Revoked, signed_at: Option<Timestamp>) -> bool {
    match (entry.invalid_since, signed_at) {
        (Some(since), Some(signed_at)) => signed_at >= since,
        _ => true,
    }
}

fn asks_for_ocsp(certificate: &Certificate) -> bool {
    certificate.extension(AUTHORITY_ACCESS).is_some_and(|extension| {
        extension.value.windows(OCSP_METHOD.len()).any(|part| part == OCSP_METHOD)
    })
}
