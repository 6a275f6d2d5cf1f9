//! `RUN --mount`: bind, cache, tmpfs and secret.
//!
//! A bind mount shows a copy, so that the context and other stages cannot be changed through it, and what is excluded
//! from the context is not seen.

use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown};
use std::path::Path;

use sealift_dockerfile::{Mount, MountKind, Sharing};
use sealift_oci::Digest;
use sealift_sandbox as sandbox;

use crate::build::Builder;
use crate::cache::Draft;
use crate::copy::{Target, copy};
use crate::copy_step::From;
use crate::error::{Error, Result};
use crate::ignore::Ignore;
use crate::key::KeyHasher;
use crate::select::{Selection, Wanted, digest, select};
use crate::stage::{State, Step, absolute};
use crate::users::Owner;
use crate::view::View;
use crate::writer::LayerWriter;

/// A mount with its variables expanded and its inputs known.
pub(crate) enum PlannedMount {
    Bind { from: From, source: String, inputs: Digest, target: String, read_only: bool },
    Cache { id: String, from: Option<(From, String)>, mount: Mount, target: String },
    Tmpfs { target: String, size_bytes: Option<u64> },
    Secret { id: String, file: std::path::PathBuf, mount: Mount, target: Option<String> },
}

impl PlannedMount {
    /// Takes part in the key of the step, with what can change the step's result.
    pub(crate) fn add_to_key(&self, hasher: &mut KeyHasher) {
        match self {
            Self::Bind { inputs, target, read_only, .. } => {
                hasher.field("bind", target.as_bytes());
                hasher.field("inputs", inputs.hex().as_bytes());
                hasher.number("read_only", u64::from(*read_only));
            }
            Self::Cache { id, target, .. } => {
                hasher.field("cache", target.as_bytes());
                hasher.field("id", id.as_bytes());
            }
            Self::Tmpfs { target, .. } => hasher.field("tmpfs", target.as_bytes()),
            Self::Secret { id, target, mount, .. } => {
                hasher.field("secret", id.as_bytes());
                hasher.option("target", target.as_deref());
                hasher.option("env", mount.env.as_deref());
            }
        }
    }
}

impl Builder<'_> {
    /// Understands a mount; `None` if it is an optional secret that was not given.
    pub(crate) fn plan_mount(
        &self,
        step: &Step<'_>,
        mount: &Mount,
        state: &State,
    ) -> Result<Option<PlannedMount>> {
        let scope = &state.scope;
        let mount = mount
            .resolve(&|name| scope.get(name), scope.escape())
            .map_err(|source| Error::Mount { text: mount.text.clone(), source })?;
        let place = |target: &str| absolute(&state.image.config.working_dir, target);
        let target = mount.target.as_deref().map(place);
        let here = || target.clone().unwrap_or_else(|| place("."));
        let source = mount.source.clone().unwrap_or_else(|| "/".to_owned());
        Ok(Some(match mount.kind {
            MountKind::Bind => {
                let from = self.from(step, mount.from.as_deref())?;
                let (_, inputs) = self.mount_inputs(&from, &source)?;
                PlannedMount::Bind {
                    from,
                    source,
                    inputs,
                    target: here(),
                    read_only: mount.read_only,
                }
            }
            MountKind::Cache => {
                let from = match &mount.from {
                    Some(from) => Some((self.from(step, Some(from))?, source)),
                    None => None,
                };
                let id = mount.id.clone().unwrap_or_else(here);
                PlannedMount::Cache { id, from, target: here(), mount }
            }
            MountKind::Tmpfs => {
                PlannedMount::Tmpfs { target: here(), size_bytes: mount.size_bytes }
            }
            MountKind::Secret => return self.plan_secret(mount, target),
            MountKind::Ssh => {
                return Err(Error::Unsupported {
                    what: "RUN --mount=type=ssh".to_owned(),
                    instead: "give a key or token by --mount=type=secret".to_owned(),
                });
            }
        }))
    }

    /// Makes what a mount shows.
    pub(crate) fn make_mount(
        &self,
        mount: &PlannedMount,
        index: usize,
        draft: &Draft,
        mounts: &mut Vec<sandbox::Mount>,
        env: &mut Vec<(String, String)>,
    ) -> Result<()> {
        match mount {
            PlannedMount::Bind { from, source, target, read_only, .. } => {
                let folder = draft.other(&format!("mount-{index}"))?;
                let source = self.copy_for_mount(from, source, &folder)?;
                mounts.push(sandbox::Mount::Bind {
                    source,
                    target: target.into(),
                    read_only: *read_only,
                });
            }
            PlannedMount::Cache { from, mount, target, .. } => {
                let folder = self.cache.mount(&mount_name(mount, target));
                self.make_cache_folder(&folder, from.as_ref(), mount)?;
                mounts.push(sandbox::Mount::Bind {
                    source: folder,
                    target: target.into(),
                    read_only: mount.read_only,
                });
            }
            PlannedMount::Tmpfs { target, size_bytes } => {
                mounts.push(sandbox::Mount::Tmpfs { target: target.into(), size: *size_bytes });
            }
            PlannedMount::Secret { file, mount, target, .. } => {
                let bytes = fs::read(file).map_err(Error::io("read the secret", file))?;
                if let Some(name) = &mount.env {
                    env.retain(|(own, _)| own != name);
                    let value = String::from_utf8_lossy(&bytes).into_owned();
                    env.push((name.clone(), value));
                }
                let Some(target) = target else { return Ok(()) };
                let source = draft.secret()?.join(index.to_string());
                let owner = Owner { uid: mount.uid.unwrap_or(0), gid: mount.gid.unwrap_or(0) };
                write_private(&source, &bytes, mount.mode.unwrap_or(0o400), Some(owner))?;
                mounts.push(sandbox::Mount::Bind {
                    source,
                    target: target.into(),
                    read_only: true,
                });
            }
        }
        Ok(())
    }

    /// Waits for caches that only one step may use at a time.
    pub(crate) fn lock_mounts(&self, mounts: &[PlannedMount]) -> Result<Vec<File>> {
        let mut names: Vec<String> = mounts
            .iter()
            .filter_map(|mount| match mount {
                PlannedMount::Cache { mount, target, .. } if mount.sharing != Sharing::Shared => {
                    Some(format!("mount-{}", mount_name(mount, target)))
                }
                _ => None,
            })
            .collect();
        // In one order everywhere, so that two steps do not wait for each other.
        names.sort();
        names.dedup();
        names.iter().map(|name| self.cache.lock_named(name, self.stop)).collect()
    }

    fn plan_secret(&self, mount: Mount, target: Option<String>) -> Result<Option<PlannedMount>> {
        let name = |path: &Option<String>| {
            path.as_deref().and_then(|path| path.rsplit('/').next()).map(str::to_owned)
        };
        let id = mount.id.clone().or_else(|| name(&mount.source)).or_else(|| name(&mount.target));
        let id = id.unwrap_or_default();
        let given = self.request.secrets.iter().find(|(own, _)| *own == id);
        let Some((_, file)) = given else {
            return if mount.required { Err(Error::MissingSecret(id)) } else { Ok(None) };
        };
        let target = match (target, &mount.env) {
            (Some(target), _) => Some(target),
            (None, Some(_)) => None,
            (None, None) => Some(format!("/run/secrets/{id}")),
        };
        Ok(Some(PlannedMount::Secret { id, file: file.clone(), mount, target }))
    }

    fn mount_inputs(&self, from: &From, source: &str) -> Result<(bool, Digest)> {
        let sources = [source.to_owned()];
        let nothing = Ignore::default();
        self.with_tree(from, &mut |tree| {
            let found = select(&wanted(tree, &sources, &nothing))?;
            let is_directory = found.roots.first().is_some_and(|root| root.node.is_directory());
            Ok((is_directory, digest(tree.tree, &found)?))
        })
    }

    fn copy_for_mount(
        &self,
        from: &From,
        source: &str,
        folder: &Path,
    ) -> Result<std::path::PathBuf> {
        let sources = [source.to_owned()];
        let nothing = Ignore::default();
        let empty = View::new(Vec::new(), self.cache.flavor());
        self.with_tree(from, &mut |tree| {
            let found: Selection = select(&wanted(tree, &sources, &nothing))?;
            let mut writer = LayerWriter::new(self.ground(&empty), folder)?;
            let target = Target {
                path: "/".to_owned(),
                is_directory: true,
                owner: None,
                mode: None,
                extracts: false,
            };
            copy(&mut writer, tree.tree, &found, &target)?;
            self.warn_all(writer.finish()?);
            let Some(root) = found.roots.first() else { return Ok(folder.to_owned()) };
            if root.node.is_directory() {
                return Ok(folder.to_owned());
            }
            let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(&root.name);
            Ok(folder.join(name))
        })
    }

    fn make_cache_folder(
        &self,
        folder: &Path,
        from: Option<&(From, String)>,
        mount: &Mount,
    ) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        if let Some((from, source)) = from {
            self.copy_for_mount(from, source, folder)?;
        }
        let mode = fs::Permissions::from_mode(mount.mode.unwrap_or(0o755));
        fs::set_permissions(folder, mode).map_err(Error::io("set the mode of", folder))?;
        lchown(folder, Some(mount.uid.unwrap_or(0)), Some(mount.gid.unwrap_or(0)))
            .map_err(Error::io("set the owner of", folder))
    }
}

/// Writes a file that nobody else can read before it has its owner.
pub(crate) fn write_private(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    owner: Option<Owner>,
) -> Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("write", path))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    if let Some(owner) = owner {
        lchown(path, Some(owner.uid), Some(owner.gid))
            .map_err(Error::io("set the owner of", path))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(Error::io("set the mode of", path))
}

fn wanted<'a>(tree: &Wanted<'a>, sources: &'a [String], exclude: &'a Ignore) -> Wanted<'a> {
    Wanted {
        tree: tree.tree,
        context: tree.context,
        place: tree.place.clone(),
        sources,
        parents: false,
        exclude,
    }
}

fn mount_name(mount: &Mount, target: &str) -> String {
    let id = mount.id.as_deref().unwrap_or(target);
    Digest::sha256(id.as_bytes()).hex()[..32].to_owned()
}
