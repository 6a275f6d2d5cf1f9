//! The file system of a stage: base layers and step snapshots, lowest first.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sealift_archive::RelativePath;
use sealift_image::Image;
use sealift_oci::{Digest, Reference};

use crate::build::Builder;
use crate::cache::Record;
use crate::error::Result;
use crate::key::KeyHasher;
use crate::read_ahead::read_ahead;
use crate::unpack::{Options, unpack};
use crate::view::View;
use crate::writer::{Ground, LayerWriter};
use crate::{Event, timestamp};

/// A stage's file system.
#[derive(Clone)]
pub(crate) struct Filesystem {
    /// Equal keys mean equal content.
    pub(crate) key: Digest,
    pub(crate) layers: Vec<Layer>,
}

/// One layer of it.
#[derive(Clone)]
pub(crate) enum Layer {
    Base { base: Arc<Base>, index: usize },
    Step { key: Digest, snapshot: String },
}

/// An image that was named by `FROM` or `--from`.
pub(crate) struct Base {
    pub(crate) image: Image,
    pub(crate) reference: Reference,
    /// Key of each layer and all below it.
    chain: Vec<Digest>,
    /// Snapshots of the layers, once they are unpacked.
    snapshots: Mutex<Option<Vec<String>>>,
}

impl Filesystem {
    /// Nothing at all.
    pub(crate) fn scratch() -> Self {
        Self { key: KeyHasher::new("scratch").finish(), layers: Vec::new() }
    }

    /// The file system of an image.
    pub(crate) fn of_base(base: &Arc<Base>) -> Self {
        let layers = (0..base.chain.len()).map(|index| Layer::Base { base: base.clone(), index });
        match base.chain.last() {
            Some(key) => Self { key: key.clone(), layers: layers.collect() },
            None => Self::scratch(),
        }
    }

    /// With one more step on top.
    #[must_use]
    pub(crate) fn with_step(
        mut self,
        key: &Digest,
        new_key: Digest,
        snapshot: Option<&str>,
    ) -> Self {
        self.key = new_key;
        self.layers
            .extend(snapshot.map(|id| Layer::Step { key: key.clone(), snapshot: id.to_owned() }));
        self
    }
}

impl Base {
    pub(crate) fn new(image: Image, reference: Reference) -> Self {
        let mut chain: Vec<Digest> = Vec::new();
        for (_, diff_id) in image.layers() {
            let mut hasher = KeyHasher::new("base layer");
            hasher.option("below", chain.last().map(Digest::hex));
            hasher.field("diff_id", diff_id.to_string().as_bytes());
            chain.push(hasher.finish());
        }
        Self { image, reference, chain, snapshots: Mutex::default() }
    }
}

impl Builder<'_> {
    /// Folders of a file system, lowest first; base images are unpacked if they are not yet.
    pub(crate) fn folders(&self, filesystem: &Filesystem) -> Result<Vec<PathBuf>> {
        self.folders_of(&filesystem.layers)
    }

    pub(crate) fn folders_of(&self, layers: &[Layer]) -> Result<Vec<PathBuf>> {
        let folder = |layer: &Layer| match layer {
            Layer::Step { snapshot, .. } => Ok(self.cache.snapshot(snapshot)),
            Layer::Base { base, index } => self.base_folder(base, *index),
        };
        layers.iter().map(folder).collect()
    }

    /// The merged view of a file system.
    pub(crate) fn view(&self, filesystem: &Filesystem) -> Result<View> {
        Ok(View::new(self.folders(filesystem)?, self.cache.flavor()))
    }

    fn base_folder(&self, base: &Base, index: usize) -> Result<PathBuf> {
        let mut snapshots = base.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match snapshots.take() {
            Some(known) => known,
            None => self.unpack_base(base)?,
        };
        let folder = self.cache.snapshot(&known[index]);
        *snapshots = Some(known);
        Ok(folder)
    }

    fn unpack_base(&self, base: &Base) -> Result<Vec<String>> {
        let mut snapshots: Vec<String> = Vec::new();
        for (index, key) in base.chain.iter().enumerate() {
            let known = || self.cache.record(key).and_then(|record| record.snapshot);
            let snapshot = if let Some(snapshot) = known() {
                snapshot
            } else {
                let _lock = self.cache.lock(key, self.stop)?;
                match known() {
                    Some(snapshot) => snapshot,
                    None => self.unpack_layer(base, index, &snapshots)?,
                }
            };
            snapshots.push(snapshot);
        }
        Ok(snapshots)
    }

    fn unpack_layer(&self, base: &Base, index: usize, below: &[String]) -> Result<String> {
        let image = base.reference.familiar();
        let Some((descriptor, _)) = base.image.layers().nth(index) else {
            unreachable!("the chain has one key for each layer")
        };
        self.observer.event(Event::BaseLayer {
            image: image.clone(),
            index: index + 1,
            total: base.chain.len(),
            size_bytes: descriptor.size,
        });
        let lower: Vec<PathBuf> = below.iter().map(|id| self.cache.snapshot(id)).collect();
        let lower = View::new(lower, self.cache.flavor());
        let draft = self.cache.draft()?;
        let ground = Ground { lower: &lower, flavor: self.cache.flavor(), cancel: self.stop };
        let mut writer = LayerWriter::new(ground, &draft.upper())?;
        let options = Options {
            beneath: RelativePath::root(),
            owner: None,
            whiteouts: true,
            name: format!("{image} layer {}", index + 1),
        };
        let input = base.image.open_layer(index)?;
        read_ahead(input, self.stop, &mut |input| unpack(&mut writer, input, &options))?;
        self.warn_all(writer.finish()?);
        let snapshot = self.cache.commit(&base.chain[index], &draft)?;
        let record = Record {
            snapshot: Some(snapshot.clone()),
            created: timestamp::now(),
            layers: std::collections::BTreeMap::new(),
        };
        self.cache.set_record(&base.chain[index], &record)?;
        Ok(snapshot)
    }
}
