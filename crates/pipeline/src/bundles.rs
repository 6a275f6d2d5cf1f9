//! Policy bundles as images of a registry: one layer, which is the bundle, as OPA fetches it too; signed like any other
//! image, and used only if a trusted key has signed it.

use sealift_archive::GzipWriter;
use sealift_oci::{Descriptor, Digest, ImageConfig, Manifest, Raw, Reference, media_type};
use sealift_policy::Bundle;

use crate::keys::{Signer, TrustedKey};
use crate::transfer::Delivery;
use crate::verify::{Proof, VerifyRequest};
use crate::{Error, Session};

/// What the manifest says that it is.
pub const ARTIFACT_TYPE: &str = "application/vnd.dev.sealift.policy.v1";

const LEVEL: u32 = 9;

/// Puts a bundle into the local store under a name, signs it, and sends it to that name's registry.
pub fn push(
    session: &Session<'_>,
    bundle: &Bundle,
    name: &Reference,
    signer: &Signer,
) -> Result<Delivery, Error> {
    crate::seal::sign_and_push(session, &pack(session, bundle)?, name, signer)
}

fn pack(session: &Session<'_>, bundle: &Bundle) -> Result<Descriptor, Error> {
    let fail = |error| Error::file("pack", "the bundle", error);
    let tar = bundle.to_tar().map_err(fail)?;
    let mut writer = GzipWriter::new(Vec::new(), LEVEL);
    std::io::Write::write_all(&mut writer, &tar).map_err(fail)?;
    let blob = writer.finish().map_err(fail)?;
    let mut config = ImageConfig { os: "linux".to_owned(), ..ImageConfig::default() };
    config.architecture = session.wanted_platform().architecture;
    config.rootfs.diff_ids.push(Digest::sha256(&tar));
    let layer =
        Descriptor::new(media_type::LAYER_GZIP, session.store.put_blob(&blob)?, blob.len() as u64);
    let config = Raw::encode(config);
    session.store.put_blob(config.bytes())?;
    let config = Descriptor::new(media_type::CONFIG, config.digest().clone(), config.size());
    let mut manifest = Manifest::new(config, vec![layer]);
    manifest.artifact_type = Some(ARTIFACT_TYPE.to_owned());
    let manifest = Raw::encode(manifest);
    session.store.put_blob(manifest.bytes())?;
    Ok(Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size()))
}

/// Brings the bundle of a registry here, if a trusted key has signed it.
pub fn take(
    session: &Session<'_>,
    name: &Reference,
    keys: Vec<TrustedKey>,
) -> Result<(Bundle, Digest), Error> {
    let request = VerifyRequest {
        keys,
        require: vec![Proof::Signature],
        policy: crate::judge::PolicyRequest::default(),
        fail_on: None,
        hashing: crate::verify::Hashing::default(),
    };
    crate::verify::check_keys(&request)?;
    let name = name.clone().or_latest();
    let (descriptor, _) = session.network.manifest(&name)?;
    // By its digest: the name may stand for something else in a moment.
    crate::transfer::fetch(session, &name.at_digest(&descriptor.digest))?;
    let opened = crate::open::open_descriptor(session, &descriptor, &name)?;
    let manifest = opened.image.manifest.value();
    if manifest.artifact_type.as_deref() != Some(ARTIFACT_TYPE) || manifest.layers.len() != 1 {
        return Err(Error::usage(
            format!("`{}` is no policy bundle", name.familiar()),
            "`sealift policy push NAME` makes one",
        ));
    }
    crate::verify::verify(session, &opened, &request)?;
    let layer = opened.image.open_layer(0)?;
    let bundle = Bundle::read_tar(&name.familiar(), layer)?;
    Ok((bundle, descriptor.digest))
}
