//! Images of a containerd daemon, for callers that are not async.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use sealift_client::{Containerd, Content};
use sealift_image::{BlobSource, Image, image_for_platform};
use sealift_oci::{Descriptor, Platform, Reference};
use tokio::runtime::{Builder, Runtime};

use crate::{Error, Session};

/// Opens an image of a containerd daemon. Its blobs are read from the daemon when they are needed.
pub(crate) fn open(
    session: &Session<'_>,
    socket: &Path,
    reference: &Reference,
    platform: &Platform,
) -> Result<Image, Error> {
    let failed =
        |reason: String| sealift_client::Error::Containerd { socket: socket.to_owned(), reason };
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    let namespace = session.daemons.containerd_namespace.as_deref().unwrap_or("default");
    let daemon = runtime.block_on(Containerd::connect(socket, namespace))?;
    // Kubernetes and nerdctl write names in full; what `ctr` imports has the name that the archive has.
    let names = [reference.to_string(), reference.familiar()];
    let mut found = None;
    for name in &names {
        found = match found {
            None => runtime.block_on(daemon.image(name))?,
            found => found,
        };
    }
    let Some(target) = found else {
        let reason = format!("there is no image `{}` in the namespace `{namespace}`", names[0]);
        return Err(failed(reason).into());
    };
    let blobs = Blobs { runtime: Arc::new(runtime), daemon };
    let image = image_for_platform(Arc::new(blobs), &target, platform)?;
    Ok(image.named(Some(reference.familiar())))
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
