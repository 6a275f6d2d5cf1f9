//! `RUN --mount=…`: a comma-separated list of `key=value`.

use sealift_diagnostic::{Span, closest};
use thiserror::Error;

use crate::variables;

/// A mount of a `RUN` instruction. Values that hold a variable stay as written until [`Mount::resolve`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The value of the flag, as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// `type`; `bind` when it is not given.
    pub kind: MountKind,
    /// `from`: stage, image or named context.
    pub from: Option<String>,
    /// `source`.
    pub source: Option<String>,
    /// `target`; without one the mount is at the working directory, for a secret at `/run/secrets/ID`.
    pub target: Option<String>,
    /// Whether it is read-only: by default a bind mount is.
    pub read_only: bool,
    /// Whether a missing secret or agent is an error.
    pub required: bool,
    /// `size` of a tmpfs, in bytes.
    pub size_bytes: Option<u64>,
    /// `id` of a cache, secret or agent.
    pub id: Option<String>,
    /// `sharing` of a cache.
    pub sharing: Sharing,
    /// `mode`, octal.
    pub mode: Option<u32>,
    /// `uid`.
    pub uid: Option<u32>,
    /// `gid`.
    pub gid: Option<u32>,
    /// `env`: variable that a secret is put in.
    pub env: Option<String>,
}

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // The language's own words.
pub enum MountKind {
    #[default]
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

/// Who may use a cache at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // The language's own words.
pub enum Sharing {
    #[default]
    Shared,
    Private,
    Locked,
}

/// Why a mount cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // Each field is named in its message.
pub enum MountError {
    #[error("a mount has no option `{key}`")]
    UnknownKey { key: String },
    #[error("option `{key}` of the mount has no value")]
    NoValue { key: String },
    #[error("option `{key}` of the mount cannot be `{value}`")]
    Value { key: String, value: String },
    #[error("option `{key}` does not go with a mount of type `{kind}`")]
    Mismatch { key: String, kind: &'static str },
    #[error("a secret mount needs an id, a source or a target")]
    NoSecret,
    #[error("a secret mount has either an id or a source")]
    SecretTwice,
    #[error("option `from` of the mount cannot hold a variable: `{value}`")]
    VariableInFrom { value: String },
    #[error("quotes in the mount do not match")]
    Quotes,
    #[error(transparent)]
    Variable(#[from] variables::Error),
}

const KEYS: [&str; 16] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "required",
    "size",
    "id",
    "sharing",
    "mode",
];

impl MountError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { key } => closest(key, KEYS.into_iter().chain(["uid", "gid", "env"]))
                .map(|key| format!("did you mean `{key}`?")),
            Self::Value { key, .. } => Some(match key.as_str() {
                "type" => "it is `bind`, `cache`, `tmpfs`, `secret` or `ssh`".to_owned(),
                "sharing" => "it is `shared`, `private` or `locked`".to_owned(),
                "mode" => "write it in octal, such as `0755`".to_owned(),
                "size" => "write bytes, or a number with `k`, `m` or `g`".to_owned(),
                _ => return None,
            }),
            Self::VariableInFrom { .. } => {
                Some("name a stage for it: `FROM $IMAGE AS name`, then `from=name`".to_owned())
            }
            _ => None,
        }
    }
}

impl MountKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Tmpfs => "tmpfs",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
        }
    }
}

/// Read the value of a `--mount` flag; options whose value holds a variable are taken as written.
pub fn parse_mount(text: &str, span: Span) -> Result<Mount, MountError> {
    read(text, span, None)
}

impl Mount {
    /// The same mount with its variables expanded.
    pub fn resolve(
        &self,
        lookup: &variables::Lookup<'_>,
        escape: char,
    ) -> Result<Self, MountError> {
        read(&self.text, self.span, Some((lookup, escape)))
    }
}

type Expander<'a> = Option<(&'a variables::Lookup<'a>, char)>;

fn read(text: &str, span: Span, expander: Expander<'_>) -> Result<Mount, MountError> {
    let fields = fields(text).ok_or(MountError::Quotes)?;
    let mut mount = Mount {
        text: text.to_owned(),
        span,
        kind: MountKind::Bind,
        from: None,
        source: None,
        target: None,
        read_only: true,
        required: false,
        size_bytes: None,
        id: None,
        sharing: Sharing::Shared,
        mode: None,
        uid: None,
        gid: None,
        env: None,
    };
    let mut write: Option<bool> = None;
    let mut seen = Vec::new();
    for field in fields {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value.to_owned())),
            None => (field.to_ascii_lowercase(), None),
        };
        let value = match (value, expander) {
            (Some(value), Some((lookup, escape))) => {
                Some(variables::expand(&value, lookup, escape)?)
            }
            (value, _) => value,
        };
        if let (None, "from", Some(value)) = (expander, key.as_str(), &value)
            && value.trim_end_matches('$').contains('$')
        {
            return Err(MountError::VariableInFrom { value: value.clone() });
        }
        match key.as_str() {
            "readonly" | "ro" => write = Some(!switch(&key, value.as_deref())?),
            "readwrite" | "rw" => write = Some(switch(&key, value.as_deref())?),
            "required" => mount.required = switch(&key, value.as_deref())?,
            _ => mount.set(&key, value.ok_or_else(|| MountError::NoValue { key: key.clone() })?)?,
        }
        seen.push(key);
    }
    mount.read_only = !write.unwrap_or(matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs));
    mount.check(&seen)?;
    Ok(mount)
}

impl Mount {
    fn set(&mut self, key: &str, value: String) -> Result<(), MountError> {
        let wrong = || MountError::Value { key: key.to_owned(), value: value.clone() };
        // A variable is known only when the stage is built; `resolve` reads the option again.
        let unknown_yet = value.contains('$');
        match key {
            "type" => {
                self.kind = match value.to_ascii_lowercase().as_str() {
                    "bind" => MountKind::Bind,
                    "cache" => MountKind::Cache,
                    "tmpfs" => MountKind::Tmpfs,
                    "secret" => MountKind::Secret,
                    "ssh" => MountKind::Ssh,
                    _ if unknown_yet => return Ok(()),
                    _ => return Err(wrong()),
                };
            }
            "from" => self.from = Some(value),
            "source" | "src" => self.source = Some(value),
            "target" | "dst" | "destination" => self.target = Some(value),
            "id" => self.id = Some(value),
            "env" => self.env = Some(value),
            "sharing" => {
                self.sharing = match value.to_ascii_lowercase().as_str() {
                    "shared" => Sharing::Shared,
                    "private" => Sharing::Private,
                    "locked" => Sharing::Locked,
                    _ if unknown_yet => return Ok(()),
                    _ => return Err(wrong()),
                };
            }
            "size" | "mode" | "uid" | "gid" if unknown_yet => {}
            "size" => self.size_bytes = Some(size_bytes(&value).ok_or_else(wrong)?),
            "mode" => self.mode = Some(u32::from_str_radix(&value, 8).map_err(|_| wrong())?),
            "uid" => self.uid = Some(value.parse().map_err(|_| wrong())?),
            "gid" => self.gid = Some(value.parse().map_err(|_| wrong())?),
            _ => return Err(MountError::UnknownKey { key: key.to_owned() }),
        }
        Ok(())
    }

    fn check(&self, seen: &[String]) -> Result<(), MountError> {
        let kind = self.kind.as_str();
        let mismatch = seen.iter().find(|key| {
            use MountKind::{Bind, Cache, Secret, Ssh, Tmpfs};
            let allowed: &[MountKind] = match key.as_str() {
                "from" => &[Bind, Cache, Tmpfs, Ssh],
                "size" => &[Tmpfs],
                "sharing" => &[Cache],
                "required" => &[Secret, Ssh],
                "mode" | "uid" | "gid" => &[Cache, Secret, Ssh],
                _ => return false,
            };
            !allowed.contains(&self.kind)
        });
        if let Some(key) = mismatch {
            return Err(MountError::Mismatch { key: key.clone(), kind });
        }
        if self.kind == MountKind::Secret && self.id.is_some() && self.source.is_some() {
            return Err(MountError::SecretTwice);
        }
        let nameless = self.target.is_none() && self.id.is_none() && self.source.is_none();
        if self.kind == MountKind::Secret && nameless { Err(MountError::NoSecret) } else { Ok(()) }
    }
}

fn switch(key: &str, value: Option<&str>) -> Result<bool, MountError> {
    match value {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some(value) if value.contains('$') => Ok(false),
        Some(value) => Err(MountError::Value { key: key.to_owned(), value: value.to_owned() }),
    }
}

fn size_bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &lower[number.len()..] {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Fields of one CSV record (RFC 4180): commas inside double quotes do not separate.
fn fields(text: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut()?;
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            _ => field.push(letter),
        }
    }
    (!quoted).then_some(fields)
}
