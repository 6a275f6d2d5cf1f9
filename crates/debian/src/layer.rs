//! From the tree to a layer, a config and a manifest in the store.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::sync::Arc;

use jiff::Timestamp;
use sealift_archive::{EntryKind, GzipWriter, Header, Mtime, RelativePath, tar};
use sealift_oci::{
    ANNOTATION_CREATED, Algorithm, ContainerConfig, Descriptor, Digest, Hasher, History,
    ImageConfig, Manifest, Platform, Raw, RootFs, media_type,
};
use sealift_store::Store;

use crate::recipe::Body;
use crate::suites::Context;
use crate::tree::{Kind, Node, Tree};
use crate::{ANNOTATION_ARCHIVE, ANNOTATION_RECIPE, Error};

const GZIP_LEVEL: u32 = 6;
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A layer in the store.
pub(crate) struct Layer {
    pub descriptor: Descriptor,
    pub diff_id: Digest,
}

/// What the image says about itself.
pub(crate) struct Facts<'a> {
    pub body: &'a Body,
    pub recipe: &'a Digest,
    pub platform: &'a Platform,
    pub created: Timestamp,
    /// The archive state, one line a suite.
    pub archive: &'a str,
}

/// Writes the tree as one layer. Times are cut to `created`; what no package brought is as new as the newest file.
pub(crate) fn write_layer(
    context: &Context<'_>,
    store: &Store,
    tree: &Tree,
    created: Timestamp,
) -> Result<Layer, Error> {
    let limit = created.as_second();
    let clamp = |secs: i64| secs.clamp(0, limit.max(0));
    let newest = tree
        .iter()
        .filter(|(_, node)| node.owner.is_some())
        .map(|(_, node)| clamp(node.mtime_secs))
        .max()
        .unwrap_or_default();
    let layer = |source: sealift_archive::Error| Error::Layer { source };
    let output = Tee {
        gzip: GzipWriter::new(store.blob_writer()?, GZIP_LEVEL),
        hasher: Hasher::new(Algorithm::Sha256),
    };
    let mut writer = tar::Writer::new(output);
    // Files with one body are hard links; the first path has the content.
    let mut links: HashMap<*const crate::tree::Body, &RelativePath> = HashMap::new();
    for (path, node) in tree.iter() {
        context.check_cancel()?;
        let mtime_secs = if node.owner.is_some() { clamp(node.mtime_secs) } else { newest };
        let mut header = header(path, node, mtime_secs);
        let mut content: Box<dyn Read + '_> = Box::new(io::empty());
        if let Kind::File(body) = &node.kind {
            if let Some(first) = links.get(&Arc::as_ptr(body)) {
                header.kind = EntryKind::HardLink((*first).clone());
                header.size = 0;
                header.xattrs = BTreeMap::new();
            } else {
                links.insert(Arc::as_ptr(body), path);
                header.size = body.size();
                content = body.reader();
            }
        }
        writer.append(&header, &mut *content).map_err(layer)?;
    }
    let output = writer.finish().map_err(layer)?;
    let diff_id = output.hasher.finish();
    let blob = output.gzip.finish().map_err(|source| layer(source.into()))?;
    let (digest, size) = blob.commit(None)?;
    Ok(Layer { descriptor: Descriptor::new(media_type::LAYER_GZIP, digest, size), diff_id })
}

/// Writes config and manifest.
pub(crate) fn write_image(
    store: &Store,
    layer: &Layer,
    facts: &Facts<'_>,
) -> Result<Descriptor, Error> {
    let created = facts.created.to_string();
    let config = Raw::encode(ImageConfig {
        created: Some(created.clone()),
        architecture: facts.platform.architecture.clone(),
        variant: facts.platform.variant.clone(),
        os: facts.platform.os.clone(),
        config: container_config(facts.body),
        rootfs: RootFs { diff_ids: vec![layer.diff_id.clone()], ..RootFs::default() },
        history: vec![History {
            created: Some(created.clone()),
            created_by: Some(format!("sealift base build # recipe {}", facts.recipe)),
            comment: Some(facts.archive.to_owned()),
            ..History::default()
        }],
        ..ImageConfig::default()
    });
    store.put_blob(config.bytes())?;
    let descriptor = Descriptor::new(media_type::CONFIG, config.digest().clone(), config.size());
    let mut manifest = Manifest::new(descriptor, vec![layer.descriptor.clone()]);
    manifest.annotations = BTreeMap::from([
        (ANNOTATION_CREATED.to_owned(), created),
        (ANNOTATION_RECIPE.to_owned(), facts.recipe.to_string()),
        (ANNOTATION_ARCHIVE.to_owned(), facts.archive.to_owned()),
    ]);
    let manifest = Raw::encode(manifest);
    store.put_blob(manifest.bytes())?;
    let mut descriptor =
        Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size());
    descriptor.platform = Some(facts.platform.clone());
    Ok(descriptor)
}

fn header(path: &RelativePath, node: &Node, mtime_secs: i64) -> Header {
    let kind = match &node.kind {
        Kind::Directory => EntryKind::Directory,
        Kind::Symlink(target) => EntryKind::Symlink(target.clone()),
        Kind::File(_) => EntryKind::File,
    };
    Header {
        mode: node.mode & 0o7777,
        uid: node.uid,
        gid: node.gid,
        mtime: Mtime { secs: mtime_secs, nanos: 0 },
        xattrs: node.xattrs.clone(),
        ..Header::new(path.clone(), kind)
    }
}

fn container_config(body: &Body) -> ContainerConfig {
    let mut env: Vec<String> =
        body.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !body.env.contains_key("PATH") {
        env.insert(0, format!("PATH={PATH_DEFAULT}"));
    }
    ContainerConfig {
        user: body.user.clone().unwrap_or_default(),
        env,
        entrypoint: body.entrypoint.clone(),
        cmd: body.cmd.clone(),
        working_dir: body.workdir.clone().unwrap_or_default(),
        labels: body.labels.clone(),
        ..ContainerConfig::default()
    }
}

// Compresses and hashes what is not compressed yet.
struct Tee<W: Write> {
    gzip: GzipWriter<W>,
    hasher: Hasher,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.gzip.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.gzip.flush()
    }
}
