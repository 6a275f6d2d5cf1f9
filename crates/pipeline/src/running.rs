//! What runs on this machine: the containers of Docker, Podman and containerd, and processes with a root of their own
//! that none of them started.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_client::RunningContainer;
use sealift_image::Container;
use sealift_model::Note;
use sealift_oci::Reference;

use crate::examine::{Examined, examine_folder, examine_opened};
use crate::open::{Opened, Referrers};
use crate::secrets::SecretRequest;
use crate::{Error, Session, containerd};

/// Something that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// How people know it: `docker: web (app:1)`.
    pub title: String,
    /// Its short name.
    pub name: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Daemon { socket: PathBuf, container: Container },
    Containerd { socket: PathBuf, namespace: String, image: String },
    Root(PathBuf),
}

/// Finds what runs. A daemon that does not answer is a note: what it runs is found by its processes, if they can be
/// seen.
pub fn running(session: &Session<'_>) -> (Vec<Running>, Vec<Note>) {
    let (mut found, mut notes, mut known) = (Vec::new(), Vec::new(), Known::default());
    let daemons = session.daemons;
    for (word, socket) in [("docker", &daemons.docker), ("podman", &daemons.podman)] {
        let Some(socket) = socket.as_deref().filter(|socket| socket.exists()) else { continue };
        match sealift_image::running_containers(socket) {
            Ok(containers) => {
                for container in containers {
                    known.ids.push(container.id.clone());
                    found.push(Running {
                        title: format!("{word}: {} ({})", container.name, container.image),
                        name: container.name.clone(),
                        place: Place::Daemon { socket: socket.to_owned(), container },
                    });
                }
            }
            Err(error) => notes.push(silent(word, &error)),
        }
    }
    if let Some(socket) = daemons.containerd.as_deref().filter(|socket| socket.exists()) {
        match containerd::running(session, socket) {
            Ok(containers) => found.extend(of_containerd(socket, containers, &mut known)),
            Err(error) => notes.push(silent("containerd", &error)),
        }
    }
    found.extend(of_processes(Path::new("/proc"), &known, &mut notes));
    (found, notes)
}

/// What is inside of it.
pub fn examine(
    session: &Session<'_>,
    running: &Running,
    secrets: Option<&SecretRequest>,
) -> Result<Examined, Error> {
    let mut examined = match &running.place {
        Place::Daemon { socket, container } => {
            let folder = session.store.temporary_dir("daemon")?;
            let image = sealift_image::open_daemon_container(socket, container, folder.path())?;
            let source = Arc::clone(image.blobs());
            let opened = Opened {
                descriptor: image.descriptor.clone(),
                image,
                reference: Reference::parse(&container.image).ok(),
                title: running.title.clone(),
                referrers: Referrers { manifests: Vec::new(), source },
            };
            examine_opened(session, opened, secrets)?
        }
        Place::Containerd { socket, namespace, image } => {
            let image =
                containerd::open_named(session, socket, namespace, std::slice::from_ref(image))?;
            let source = Arc::clone(image.blobs());
            let opened = Opened {
                descriptor: image.descriptor.clone(),
                reference: image.name.as_deref().and_then(|name| Reference::parse(name).ok()),
                image,
                title: running.title.clone(),
                referrers: Referrers { manifests: Vec::new(), source },
            };
            examine_opened(session, opened, secrets)?
        }
        Place::Root(folder) => examine_folder(session, folder, secrets)?,
    };
    examined.artifact.name.clone_from(&running.title);
    Ok(examined)
}

fn silent(word: &str, error: &dyn std::fmt::Display) -> Note {
    Note { subject: word.to_owned(), message: format!("its containers cannot be listed: {error}") }
}

// What is found already.
#[derive(Default)]
struct Known {
    ids: Vec<String>,
    processes: Vec<u64>,
}

// Docker's containers are containerd's too, in a namespace without images; those are found already.
fn of_containerd(
    socket: &Path,
    containers: Vec<(String, RunningContainer)>,
    known: &mut Known,
) -> Vec<Running> {
    let mut found = Vec::new();
    for (namespace, container) in containers {
        // What has no image is found by its process.
        if container.image.is_empty() || known.ids.contains(&container.id) {
            continue;
        }
        known.processes.push(container.process);
        known.ids.push(container.id.clone());
        found.push(Running {
            title: format!("containerd: {namespace}/{} ({})", container.id, container.image),
            name: container.id,
            place: Place::Containerd {
                socket: socket.to_owned(),
                namespace,
                image: container.image,
            },
        });
    }
    found
}

// Processes whose root is neither this one's nor that of a container that is known, one for each root.
fn of_processes(proc: &Path, known: &Known, notes: &mut Vec<Note>) -> Vec<Running> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    let own = identity(Path::new("/"));
    let Ok(entries) = fs::read_dir(proc) else { return Vec::new() };
    let mut ids: Vec<u64> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .collect();
    ids.sort_unstable();
    let (mut roots, mut hidden) = (BTreeMap::new(), 0);
    for id in ids {
        let process = proc.join(id.to_string());
        let root = process.join("root");
        match fs::metadata(&root) {
            Ok(metadata) if Some((metadata.dev(), metadata.ino())) == own => {}
            Ok(metadata) => {
                let places = roots.entry((metadata.dev(), metadata.ino())).or_insert_with(Vec::new);
                places.push((id, process));
            }
            // Those of the kernel have none; others are somebody else's, or have ended.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => hidden += 1,
            Err(_) => {}
        }
    }
    if hidden > 0 {
        notes.push(Note {
            subject: "/proc".to_owned(),
            message: format!(
                "{hidden} processes of others cannot be looked into; as root they can, if they have a root of their own"
            ),
        });
    }
    let is_known = |(id, process): &(u64, PathBuf)| {
        let groups = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        known.processes.contains(id) || known.ids.iter().any(|known| groups.contains(known))
    };
    let unknown = roots.into_values().filter(|processes| !processes.iter().any(is_known));
    let mut found: Vec<(u64, Running)> = unknown
        .filter_map(|processes| {
            let (id, process) = processes.into_iter().next()?;
            let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
            let name: String = name.trim().chars().filter(|it| !it.is_control()).collect();
            let running = Running {
                title: format!("process {id} ({name})"),
                name: format!("process-{id}"),
                place: Place::Root(process.join("root")),
            };
            Some((id, running))
        })
        .collect();
    found.sort_by_key(|(id, _)| *id);
    found.into_iter().map(|(_, running)| running).collect()
}
