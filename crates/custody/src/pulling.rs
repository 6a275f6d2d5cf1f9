//! `pull` under a trust policy: one look at the name, all else by digest, and no name in the store before the judgement.

use sealift_oci::{Descriptor, Reference};
use sealift_pipeline::judge::PolicyRequest;
use sealift_pipeline::verify::{Hashing, VerifyRequest};
use sealift_pipeline::{Error, Session, open, transfer, verify};

use crate::judging::{Judged, Trust, judge};
use crate::tag_maps;

/// Brings an image here by digest and judges it. The caller looks at the judgement, calls [`check_bytes`] and gives it its
/// name.
pub fn fetch(
    session: &Session<'_>,
    trust: &Trust<'_>,
    reference: &Reference,
) -> Result<(Descriptor, Judged), Error> {
    let reference = reference.clone().or_latest();
    let client = session.network.client();
    let (descriptor, _) = client.run(async |client| client.manifest(&reference).await)?;
    // By its digest: the name may stand for something else in a moment.
    let descriptor = transfer::pull(session, &reference.at_digest(&descriptor.digest))?;
    take_newest_map(session, trust, &reference)?;
    let opened = open::open_descriptor(session, &descriptor, &reference)?;
    let judged = judge(session, trust, &opened)?;
    Ok((descriptor, judged))
}

/// Hashes every byte of what was judged and admitted.
pub fn check_bytes(
    session: &Session<'_>,
    descriptor: &Descriptor,
    reference: &Reference,
    judged: &Judged,
) -> Result<(), Error> {
    let opened = open::open_descriptor(session, descriptor, reference)?;
    let request = VerifyRequest {
        keys: judged.keys.clone(),
        require: Vec::new(),
        policy: PolicyRequest::default(),
        fail_on: None,
        hashing: Hashing::default(),
    };
    verify::prove(session, &opened, &request).map(|_| ())
}

// The map beside the image may be older than the one of the repository.
fn take_newest_map(
    session: &Session<'_>,
    trust: &Trust<'_>,
    reference: &Reference,
) -> Result<(), Error> {
    let policy = &trust.file.policy;
    let Ok(Some(rule)) = policy.rule(reference) else { return Ok(()) };
    let keys: Vec<_> = rule
        .signers
        .iter()
        .flat_map(|position| &policy.signers[*position].keys)
        .map(|known| known.key.clone())
        .collect();
    let Some((map, _)) = tag_maps::remote(session, reference, &keys)? else { return Ok(()) };
    let is_trusted = |key: &str| crate::evidence::is_of_signers(policy, &rule, key);
    let known = trust.marks.tag_map(&map.repository)?.filter(|known| is_trusted(&known.key));
    if let Some(known) = known.filter(|known| map.counter > known.counter) {
        sealift_trust::tag_map::check_next(&known, &map)
            .map_err(|error| crate::refuse("tag map", error))?;
    }
    trust.marks.keep_tag_map(&map, &is_trusted)
}
