//! What is inside an image: one pass over its layers, then the catalogers.

use sealift_archive::RelativePath;
use sealift_image::{FileMeta, FileTree, Image, LayerCache, ReadLimits};
use sealift_model::{Artifact, ArtifactKind, ImageFacts, Inventory};
use sealift_oci::Reference;

pub use sealift_catalog::{INSPECTORS, Pattern, catalogers};

use crate::Error;
use crate::Session;
use crate::inventories::Inventories;
use crate::layers::Layers;
use crate::open::Opened;
use crate::secrets::{self, SecretRequest, Secrets};

/// What is inside an image. An image that was listed before is not read again, nor is a layer of any such image.
pub fn inventory(session: &Session<'_>, image: &Image) -> Result<Inventory, Error> {
    let inventories = Inventories::beside(session.store);
    if let Some(known) = inventories.as_ref().and_then(|inventories| inventories.load(image)) {
        return Ok(known);
    }
    let inventory = catalogue(image, &read(session, image)?);
    if let Some(inventories) = inventories {
        inventories.save(image, &inventory);
    }
    Ok(inventory)
}

/// The same with the secrets, if they are asked for: one pass finds both, and what it found in a layer is kept.
pub fn look(
    session: &Session<'_>,
    image: &Image,
    request: Option<&SecretRequest>,
) -> Result<(Inventory, Option<Secrets>), Error> {
    let Some(request) = request else { return Ok((inventory(session, image)?, None)) };
    let layers = Layers::beside(session.store);
    let cache = layers.as_ref().map(|layers| layers as &dyn LayerCache);
    let limits = ReadLimits::default();
    let tree = secrets::watching(Some(request), |inspection| {
        sealift_image::read_inspected(image, &wanted, inspection, &limits, cache)
    })?;
    let found = secrets::of_tree(&tree, Some(image), request);
    let inventories = Inventories::beside(session.store);
    let known = inventories.as_ref().and_then(|inventories| inventories.load(image));
    let inventory = known.unwrap_or_else(|| {
        let inventory = catalogue(image, &tree);
        if let Some(inventories) = &inventories {
            inventories.save(image, &inventory);
        }
        inventory
    });
    Ok((inventory, Some(found)))
}

/// Refuses an inventory of an image of which some layers could not be read. Whoever judges an image asks this first; who
/// only shows what is there asks it at the end.
pub fn check_complete(inventory: &Inventory) -> Result<(), Error> {
    let mut unread = inventory.unread_layers();
    let Some(first) = unread.next() else { return Ok(()) };
    Err(Error::UnreadLayers {
        unread: 1 + unread.count(),
        layers: inventory.layers.len(),
        reason: first.unread.clone().unwrap_or_default(),
    })
}

fn catalogue(image: &Image, tree: &FileTree) -> Inventory {
    let mut inventory = sealift_catalog::catalog(tree);
    for (layer, instruction) in inventory.layers.iter_mut().zip(image.instructions()) {
        layer.instruction = instruction;
    }
    inventory
}

/// What is inside an image whose layers are all read now, whatever is known of them: for those who must not believe a
/// cache.
pub fn inventory_of_every_byte(image: &Image) -> Result<Inventory, Error> {
    Ok(catalogue(image, &read_layers(image, None)?))
}

/// The files of an image, with the content that catalogers want. A layer that was looked at before is not read again.
pub fn read(session: &Session<'_>, image: &Image) -> Result<FileTree, Error> {
    let layers = Layers::beside(session.store);
    read_layers(image, layers.as_ref().map(|layers| layers as &dyn LayerCache))
}

fn read_layers(image: &Image, cache: Option<&dyn LayerCache>) -> Result<FileTree, Error> {
    let (inspection, limits) = (&sealift_catalog::INSPECTION, ReadLimits::default());
    Ok(sealift_image::read_inspected(image, &wanted, inspection, &limits, cache)?)
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
    let unowned = inventory.coverage.as_ref().map(|coverage| {
        let points = coverage.unowned_basis_points();
        format!(", {}.{} % of the bytes unowned", points / 100, points % 100 / 10)
    });
    format!(
        "{} system and {} other packages, {}{}{notes}",
        count(true),
        count(false),
        distro.unwrap_or("no distribution"),
        unowned.unwrap_or_default()
    )
}

/// Says whose content the catalogers want.
pub(crate) fn wanted(path: &RelativePath, _: &FileMeta) -> bool {
    sealift_catalog::wanted(path)
}
