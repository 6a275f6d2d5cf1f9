//! Images and containers of a containerd daemon, for callers that are not async.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use sealift_client::{Containerd, Content, RunningContainer};
use sealift_image::{BlobSource, Image, image_for_platform};
use sealift_oci::{Descriptor, Reference};
use tokio::runtime::{Builder, Runtime};

use crate::{Error, Session};

/// Opens an image of a containerd daemon. Its blobs are read from the daemon when they are needed.
pub(crate) fn open(
    session: &Session<'_>,
    socket: &Path,
    reference: &Reference,
) -> Result<Image, Error> {
    let namespace = session.daemons.containerd_namespace.as_deref().unwrap_or("default");
    // Kubernetes and nerdctl write names in full; what `ctr` imports has the name that the archive has.
    let names = [reference.to_string(), reference.familiar()];
    let image = open_named(session, socket, namespace, &names)?;
    Ok(image.named(Some(reference.familiar())))
}

/// The same, by the first of these names that there is.
pub(crate) fn open_named(
    session: &Session<'_>,
    socket: &Path,
    namespace: &str,
    names: &[String],
) -> Result<Image, Error> {
    let runtime = runtime(socket)?;
    let daemon = runtime.block_on(Containerd::connect(socket, namespace))?;
    let mut found = None;
    for name in names {
        found = match found {
            None => runtime.block_on(daemon.image(name))?.map(|target| (name, target)),
            found => found,
        };
    }
    let Some((name, target)) = found else {
        let name = names.first().map_or("", String::as_str);
        let reason = format!("there is no image `{name}` in the namespace `{namespace}`");
        return Err(failed(socket, reason).into());
    };
    let blobs = Blobs { runtime: Arc::new(runtime), daemon };
    let image = image_for_platform(Arc::new(blobs), &target, &session.wanted_platform())?;
    Ok(image.named(Some(name.clone())))
}

/// The containers that run, each with its namespace: in the one that is set, or in all.
pub(crate) fn running(
    session: &Session<'_>,
    socket: &Path,
) -> Result<Vec<(String, RunningContainer)>, Error> {
    let runtime = runtime(socket)?;
    runtime.block_on(async {
        let namespaces = match &session.daemons.containerd_namespace {
            Some(namespace) => vec![namespace.clone()],
            None => Containerd::connect(socket, "default").await?.namespaces().await?,
        };
        let mut found = Vec::new();
        for namespace in namespaces {
            let running = Containerd::connect(socket, &namespace).await?.running().await?;
            found.extend(running.into_iter().map(|container| (namespace.clone(), container)));
        }
        Ok(found)
    })
}

fn runtime(socket: &Path) -> Result<Runtime, sealift_client::Error> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| failed(socket, error.to_string()))
}

fn failed(socket: &Path, reason: String) -> sealift_client::Error {
    sealift_client::Error::Containerd { socket: socket.to_owned(), reason }
}

struct Blobs {
    runtime: Arc<Runtime>,
    daemon: Containerd,
}

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, sealift_image::Error> {
        let digest = &descriptor.digest;
        let content = self.runtime.block_on(self.daemon.blob(digest)).map_err(|error| {
            sealift_image::Error::blob(digest, "containerd", io::Error::other(error))
        })?;
        let runtime = Arc::clone(&self.runtime);
        Ok(Box::new(Blob { runtime, content, chunk: Vec::new(), place: 0 }))
    }
}

struct Blob {
    runtime: Arc<Runtime>,
    content: Content,
    chunk: Vec<u8>,
    place: usize,
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.place == self.chunk.len() {
            let next = self.runtime.block_on(self.content.next()).map_err(io::Error::other)?;
            let Some(chunk) = next else { return Ok(0) };
            (self.chunk, self.place) = (chunk, 0);
        }
        let count = Read::read(&mut &self.chunk[self.place..], buffer)?;
        self.place += count;
        Ok(count)
    }
}
