//! `sealift sign --as notation`

use std::collections::BTreeMap;

use sealift_crypto::Certificate;
use sealift_custody::stamping::{self, StampAuthority};
use sealift_notation::EnvelopeFormat;
use sealift_pipeline::keys::Signer;
use sealift_pipeline::notation::{Signing, find_chain, read_chain, sign};
use sealift_pipeline::seal::Sealed;

use super::signing::Work;
use crate::failure::Usage;
use crate::session::Workshop;
use sealift_arguments::{EnvelopeName, NotationOptions};

/// Signs for notation.
pub(crate) fn run(
    workshop: &Workshop,
    options: &NotationOptions,
    work: &Work,
    signer: &Signer,
    annotations: &BTreeMap<String, String>,
) -> anyhow::Result<Sealed> {
    let chain = chain(workshop, options, signer)?;
    let authority = authority(workshop, options)?;
    let session = workshop.session();
    let ask = |signature: &[u8]| {
        let authority = authority.as_ref().expect("only called where there is one");
        stamping::stamp(authority, session.network.client(), signature)
    };
    Ok(sign(&Signing {
        place: &work.place,
        opened: &work.opened,
        subjects: &work.subjects,
        signer,
        chain: &chain,
        format: match options.envelope {
            EnvelopeName::Jws => EnvelopeFormat::Jws,
            EnvelopeName::Cose => EnvelopeFormat::Cose,
        },
        now_secs: workshop.now_secs(),
        lifetime_secs: options.expiry,
        annotations,
        stamp: authority.is_some().then_some(&ask),
    })?)
}

// Whoever names an authority says whom to believe: a token that nobody could verify is worth nothing later.
fn authority(
    workshop: &Workshop,
    options: &NotationOptions,
) -> anyhow::Result<Option<StampAuthority>> {
    let settings = &workshop.settings.file.sign;
    let url = options.timestamp_url.as_ref().or(settings.timestamp_url.as_ref());
    let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(None) };
    let path = options.timestamp_root.as_ref().or(settings.timestamp_root.as_ref());
    let path = path.ok_or_else(|| {
        Usage::error(
            format!("nothing says whom `{url}` must lead to"),
            "give the authority's root certificate with `--timestamp-root FILE`",
        )
    })?;
    Ok(Some(StampAuthority { url: url.clone(), roots: read_chain(path)? }))
}

fn chain(
    workshop: &Workshop,
    options: &NotationOptions,
    signer: &Signer,
) -> anyhow::Result<Vec<Certificate>> {
    if let Some(path) = &options.certificate_chain {
        return Ok(read_chain(path)?);
    }
    let folder = workshop.folders.config.join("certificates");
    let found = find_chain(&folder, &signer.key.public(), workshop.now_secs())?;
    found.map(|(_, chain)| chain).ok_or_else(|| {
        Usage::error(
            format!("there is no certificate for the key `{}` that is valid now", signer.name),
            "make one with `sealift trust cert generate NAME` and the same `--key`, or give `--cert-chain FILE`",
        )
    })
}
