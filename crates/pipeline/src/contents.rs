//! What is inside an image: one pass over its layers, then the catalogers.

use sealift_archive::RelativePath;
use sealift_image::{FileMeta, FileTree, Image, ReadLimits, Target};
use sealift_model::{Artifact, ArtifactKind, ImageFacts, Inventory};
use sealift_oci::Reference;

use crate::Error;
use crate::Session;
use crate::open::Opened;

/// Reads every layer once, checks its digests, and catalogues what it finds.
pub fn inventory(image: &Image) -> Result<Inventory, Error> {
    let tree = read(image)?;
    Ok(sealift_catalog::catalog(&tree))
}

/// Reads every layer once and checks its digests; the files that catalogers want are kept.
pub fn read(image: &Image) -> Result<FileTree, Error> {
    Ok(sealift_image::read_inspected(
        image,
        &wanted,
        &sealift_catalog::INSPECTION,
        &ReadLimits::default(),
        None,
    )?)
}

/// What is inside what the user named, an image or a folder, and how a report names it.
pub fn examine(session: &Session<'_>, text: &str) -> Result<(Inventory, Artifact), Error> {
    if let Target::Dir(folder) = Target::parse(text)? {
        let tree = sealift_image::open_directory_inspected(
            &folder,
            &wanted,
            &sealift_catalog::INSPECTION,
            &ReadLimits::default(),
        )?;
        let artifact = Artifact {
            name: folder.display().to_string(),
            kind: ArtifactKind::Filesystem,
            image: None,
        };
        return Ok((sealift_catalog::catalog(&tree), artifact));
    }
    let opened = crate::open::open(session, text)?;
    Ok((inventory(&opened.image)?, artifact(&opened)))
}

/// How a report names the image.
pub fn artifact(opened: &Opened) -> Artifact {
    let name = opened.reference.as_ref();
    Artifact {
        name: opened.title.clone(),
        kind: ArtifactKind::Image,
        image: Some(ImageFacts {
            id: opened.image.config.digest().clone(),
            diff_ids: opened.image.config.value().rootfs.diff_ids.clone(),
            tags: name
                .filter(|name| name.tag().is_some())
                .map(Reference::familiar)
                .into_iter()
                .collect(),
            digests: name
                .map(|name| name.at_digest(&opened.descriptor.digest).familiar())
                .into_iter()
                .collect(),
            config: String::from_utf8_lossy(opened.image.config.bytes()).into_owned(),
        }),
    }
}

/// One line: how much of what.
pub fn summary(inventory: &Inventory) -> String {
    let count = |is_os: bool| {
        inventory.components().filter(|(_, package)| package.kind.is_os() == is_os).count()
    };
    let distro = inventory.distro.as_ref().and_then(|distro| distro.pretty_name.as_deref());
    let notes = match inventory.notes.len() {
        0 => String::new(),
        count => format!(", {count} things that could not be read"),
    };
    format!(
        "{} system and {} language packages, {}{notes}",
        count(true),
        count(false),
        distro.unwrap_or("no distribution")
    )
}

fn wanted(path: &RelativePath, _: &FileMeta) -> bool {
    sealift_catalog::wanted(path)
}
