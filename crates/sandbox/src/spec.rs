//! What to run: the command, the file system it sees, and what it may reach.
//!
//! These are the words between the caller and the sandbox. The same types travel as JSON from [`crate::run`] to
//! the init process, so they carry only values, never open files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// One command, run once in its own namespaces over its own view of the layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Directories of the layers below, lowest first; may be empty for an image made from scratch.
    pub lower_dirs: Vec<PathBuf>,
    /// Existing directory that receives every change: files, whiteouts, opaque directories. When it is empty it
    /// is given the mode and owner of the topmost layer's root, because it becomes `/` of the command.
    pub upper_dir: PathBuf,
    /// Existing directory on the same file system as `upper_dir`, for overlayfs alone. It is of no use afterwards.
    pub work_dir: PathBuf,
    /// Program and arguments. A program without a slash is looked up in `PATH` of `env`.
    pub argv: Vec<String>,
    /// The whole environment; nothing is added to it and nothing of the caller's is inherited.
    pub env: Vec<(String, String)>,
    /// Working directory inside the image; it must exist, as the sandbox leaves no traces of its own.
    pub cwd: String,
    /// Who runs the command.
    pub user: User,
    /// Mounts beyond the usual ones, made in this order.
    pub mounts: Vec<Mount>,
    /// What the command can reach.
    pub network: Network,
    /// Host name inside the sandbox.
    pub hostname: String,
}

/// Numeric identity of the command inside the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User id; 0 keeps the default capabilities, any other has none.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Vec<u32>,
}

/// One more mount in the command's view. Missing mount points are provided without a trace in `upper_dir`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mount {
    /// A file or directory of the host, visible at `target`.
    Bind {
        /// Path on the host.
        source: PathBuf,
        /// Absolute path inside; symbolic links in it are followed within the image.
        target: PathBuf,
        /// Whether writes fail.
        read_only: bool,
    },
    /// An empty file system in memory.
    Tmpfs {
        /// Absolute path inside.
        target: PathBuf,
        /// Limit in bytes; without one the kernel's default of half the memory holds.
        size: Option<u64>,
    },
}

impl Mount {
    /// Where the mount appears.
    pub fn target(&self) -> &Path {
        match self {
            Self::Bind { target, .. } | Self::Tmpfs { target, .. } => target,
        }
    }
}

/// What the command can reach over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// The caller's network, with its name servers and its `/etc/hosts`.
    #[default]
    Host,
    /// Only a loopback interface of its own.
    None,
}

/// Which of the command's outputs a piece of bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// It exited by itself with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

impl Exit {
    /// Whether the command exited with code 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code as a shell reports it: 128 + n for signal n.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// Overlayfs stacks at most 500 lower layers; one is the sandbox's own.
const LAYERS_MAX: usize = 499;

impl Spec {
    /// Refuses what could not be handed to the kernel, before anything is started.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.argv.first().is_none_or(String::is_empty) {
            return Err(invalid("the command is empty"));
        }
        let texts = self.argv.iter().chain([&self.cwd, &self.hostname]);
        let pairs = self.env.iter().flat_map(|(name, value)| [name, value]);
        if texts.chain(pairs).any(|text| text.contains('\0')) {
            return Err(invalid("the command or its environment contains a NUL character"));
        }
        if let Some((name, _)) =
            self.env.iter().find(|(name, _)| name.is_empty() || name.contains('='))
        {
            return Err(invalid(&format!("`{name}` is not the name of an environment variable")));
        }
        if !self.cwd.starts_with('/') {
            return Err(invalid(&format!("working directory `{}` is not absolute", self.cwd)));
        }
        // The kernel's limit is 64 bytes; a name longer than a DNS label is a mistake anyway.
        if self.hostname.is_empty() || self.hostname.len() > 63 {
            return Err(invalid("the host name must have 1 to 63 characters"));
        }
        if self.lower_dirs.len() > LAYERS_MAX {
            let n_layers = self.lower_dirs.len();
            return Err(invalid(&format!("{n_layers} layers are more than {LAYERS_MAX}")));
        }
        for mount in &self.mounts {
            let target = mount.target();
            let climbs = target.components().any(|part| part == std::path::Component::ParentDir);
            if !target.is_absolute() || climbs || target == Path::new("/") {
                let target = target.display();
                return Err(invalid(&format!("`{target}` cannot be a mount point")));
            }
        }
        Ok(())
    }
}

fn invalid(what: &str) -> Error {
    Error::InvalidSpec { what: what.to_owned() }
}
