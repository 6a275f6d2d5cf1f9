//! From the last stage to an image in the store.

use std::io;

use sealift_image::{BlobSource, Image};
use sealift_oci::{
    ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, ANNOTATION_CREATED, Descriptor, Digest, History,
    ImageConfig, Manifest, Raw, Reference, RootFs, media_type,
};

use crate::build::Builder;
use crate::cache::{Packed, PackedLayer, Record};
use crate::error::{Error, Result};
use crate::filesystem::{Base, Layer};
use crate::key::KeyHasher;
use crate::pack::{Packing, pack};
use crate::stage::State;
use crate::view::View;
use crate::{Built, Event, timestamp};

impl Builder<'_> {
    /// Writes the image of a stage.
    pub(crate) fn output(&self, state: State) -> Result<Built> {
        let layers = self.layers(&state)?;
        let mut config = state.image.clone();
        for (name, value) in &self.request.labels {
            config.config.labels.insert(name.clone(), value.clone());
        }
        config.rootfs = RootFs {
            diff_ids: layers.iter().flatten().map(|layer| layer.diff_id.clone()).collect(),
            ..RootFs::default()
        };
        mark_empty_layers(&mut config.history, &layers);
        config.created = None;
        let created = self.created(&config)?;
        let base_history = state.base_history;
        fill_times(&mut config.history[base_history..], &created, self.request.source_date_epoch);
        config.created = Some(created.clone());
        let config = Raw::encode(config);
        self.store.put_blob(config.bytes())?;
        let descriptors = layers.into_iter().flatten().map(|layer| layer.descriptor).collect();
        let mut manifest = Manifest::new(
            Descriptor::new(media_type::CONFIG, config.digest().clone(), config.size()),
            descriptors,
        );
        manifest.annotations.insert(ANNOTATION_CREATED.to_owned(), created);
        if let Some(base) = &state.base {
            let digest = base.image.descriptor.digest.to_string();
            manifest.annotations.insert(ANNOTATION_BASE_DIGEST.to_owned(), digest);
            manifest.annotations.insert(ANNOTATION_BASE_NAME.to_owned(), self.base_name(base));
        }
        let manifest = Raw::encode(manifest);
        self.store.put_blob(manifest.bytes())?;
        let descriptor =
            Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size());
        Ok(Built {
            descriptor,
            manifest,
            config,
            bases: self.bases_used(),
            steps: self.steps.load(std::sync::atomic::Ordering::Relaxed),
            cached: self.cached.load(std::sync::atomic::Ordering::Relaxed),
        })
    }

    // One for each layer of the file system; `None` if there is nothing in it.
    fn layers(&self, state: &State) -> Result<Vec<Option<PackedLayer>>> {
        let layers = &state.filesystem.layers;
        let mut packed = Vec::with_capacity(layers.len());
        for (index, layer) in layers.iter().enumerate() {
            self.check_stop()?;
            packed.push(match layer {
                Layer::Base { base, index } => Some(self.base_layer(&base.image, *index)?),
                Layer::Step { key, snapshot } => {
                    self.step_layer(key, snapshot, &layers[..index])?
                }
            });
        }
        Ok(packed)
    }

    fn base_layer(&self, image: &Image, index: usize) -> Result<PackedLayer> {
        let Some((descriptor, diff_id)) = image.layers().nth(index) else {
            unreachable!("the file system has one layer for each of the image")
        };
        self.keep_blob(&**image.blobs(), descriptor)?;
        let media_type = match descriptor.media_type.as_str() {
            media_type::DOCKER_LAYER_GZIP => media_type::LAYER_GZIP,
            media_type::DOCKER_LAYER => media_type::LAYER,
            other => other,
        };
        let (digest, size) = (descriptor.digest.clone(), descriptor.size);
        let descriptor = Descriptor::new(media_type, digest, size);
        Ok(PackedLayer { descriptor, diff_id: diff_id.clone() })
    }

    fn keep_blob(&self, source: &dyn BlobSource, descriptor: &Descriptor) -> Result<()> {
        if self.store.has_blob(&descriptor.digest) {
            return Ok(());
        }
        let mut writer = self.store.blob_writer()?;
        let mut input = source.open(descriptor)?;
        io::copy(&mut input, &mut writer).map_err(Error::io("write", self.store.root()))?;
        writer.commit(Some(&descriptor.digest))?;
        Ok(())
    }

    fn step_layer(
        &self,
        key: &Digest,
        snapshot: &str,
        below: &[Layer],
    ) -> Result<Option<PackedLayer>> {
        let epoch = self.request.source_date_epoch;
        let clamp = epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
        let is_own = |record: &Record| record.snapshot.as_deref() == Some(snapshot);
        let record = self.cache.record(key).filter(is_own);
        let known = record.as_ref().and_then(|record| record.layers.get(&clamp));
        let is_there = |packed: &&Packed| {
            packed.layer.as_ref().is_none_or(|layer| {
                let path = self.store.blob_path(&layer.descriptor.digest);
                path.metadata().is_ok_and(|found| found.len() == layer.descriptor.size)
            })
        };
        if let Some(packed) = known.filter(is_there) {
            return Ok(packed.layer.clone());
        }
        let lower = View::new(self.folders_of(below)?, self.cache.flavor());
        let packing =
            Packing { store: self.store, flavor: self.cache.flavor(), epoch, cancel: self.stop };
        let (packed, warnings) = pack(&packing, &self.cache.snapshot(snapshot), &lower)?;
        self.warn_all(warnings);
        if let Some(layer) = &packed.layer {
            self.observer.event(Event::LayerPacked {
                digest: layer.descriptor.digest.clone(),
                size_bytes: layer.descriptor.size,
            });
        }
        let _lock = self.cache.lock(key, self.stop)?;
        if let Some(mut record) = self.cache.record(key).filter(is_own) {
            record.layers.insert(clamp, packed.clone());
            self.cache.set_record(key, &record)?;
        }
        Ok(packed.layer)
    }

    // The time at which an image with this very content was made first.
    fn created(&self, config: &ImageConfig) -> Result<String> {
        if let Some(epoch) = self.request.source_date_epoch {
            return Ok(timestamp::format(epoch));
        }
        let mut hasher = KeyHasher::new("image");
        hasher.field("config", Raw::encode(config.clone()).bytes());
        let key = hasher.finish();
        if let Some(record) = self.cache.record(&key) {
            return Ok(record.created);
        }
        let created = timestamp::now();
        let record = Record {
            snapshot: None,
            created: created.clone(),
            layers: std::collections::BTreeMap::new(),
        };
        self.cache.set_record(&key, &record)?;
        Ok(created)
    }
}

// The entries that made a layer stand in the order of the layers; a layer with nothing in it is left out.
fn mark_empty_layers(history: &mut [History], layers: &[Option<PackedLayer>]) {
    let entries = history.iter_mut().filter(|entry| !entry.empty_layer);
    for (entry, layer) in entries.zip(layers) {
        entry.empty_layer = layer.is_none();
    }
}

// An entry without a layer has the time of the step before it; the first ones that of the first step.
fn fill_times(history: &mut [History], created: &str, epoch: Option<i64>) {
    if let Some(epoch) = epoch {
        for entry in history {
            entry.created = Some(timestamp::format(epoch));
        }
        return;
    }
    let first = history.iter().find_map(|entry| entry.created.clone());
    let mut last = first.unwrap_or_else(|| created.to_owned());
    for entry in history {
        match &entry.created {
            Some(own) => last.clone_from(own),
            None => entry.created = Some(last.clone()),
        }
    }
}

impl Builder<'_> {
    // Fully qualified (image-spec, annotations.md), but without a tag that the Dockerfile does not have.
    fn base_name(&self, base: &Base) -> String {
        let stages = self.plan.stages.iter().flatten();
        let mut written =
            stages.filter(|stage| self.is_final_base(stage.index)).map(|stage| &stage.base_name);
        let named = written.find_map(|name| {
            Reference::parse(name).ok().filter(|name| name.clone().or_latest() == base.reference)
        });
        named.unwrap_or_else(|| base.reference.clone()).to_string()
    }
}
