//! The passphrase of a private key: from a file, from a descriptor, from the environment, or asked for at the terminal. Never from the
//! command line, where every process of the machine can read it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sealift_crypto::Secret;

use crate::failure::Usage;

/// Variables that hold the passphrase of a signing key; the second is cosign's.
pub(crate) const KEY_VARIABLES: [&str; 2] = ["SEALIFT_KEY_PASSPHRASE", "COSIGN_PASSWORD"];
const PASSPHRASE_BYTES_MAX: usize = 4096;

/// Why a passphrase is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open a key that is there.
    Open,
    /// To seal a new key.
    Create,
}

/// Where else than in the environment or at the terminal a passphrase may come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// The first line of a file.
    File(&'a Path),
    /// The first line of an open descriptor.
    Descriptor(u32),
}

/// The passphrase, or `None` if there is no way to ask for it.
pub(crate) fn passphrase(
    source: Option<Source<'_>>,
    purpose: Purpose,
) -> anyhow::Result<Option<Secret>> {
    match source {
        Some(Source::File(path)) => return read_from(path, "--passphrase-file").map(Some),
        Some(Source::Descriptor(number)) => {
            let line = descriptor_line(number);
            return line.map(Some).map_err(|error| {
                let text = format!("cannot read the passphrase from descriptor {number}: {error}");
                Usage::error(text, "check `--passphrase-fd`")
            });
        }
        None => {}
    }
    for name in KEY_VARIABLES {
        if let Ok(text) = std::env::var(name) {
            return Ok(Some(Secret::from(text)));
        }
    }
    if !is_interactive() {
        return Ok(None);
    }
    if purpose == Purpose::Open {
        return Ok(Some(Secret::from(ask("Passphrase of the signing key: ")?)));
    }
    let first = ask("Passphrase for the new signing key (empty for none): ")?;
    if ask("The same again: ")? != first {
        return Err(Usage::error("the two passphrases differ", "try again"));
    }
    Ok(Some(Secret::from(first)))
}

/// The first line of a file: a passphrase. Whatever is read stays in one buffer, which is wiped.
pub(crate) fn first_line(path: &Path) -> io::Result<Secret> {
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX + 1));
    let mut file = std::fs::File::open(path)?;
    // No byte more than the line: whoever holds the other end of a pipe need not close it.
    let mut byte = zeroize::Zeroizing::new([0]);
    while file.read(&mut *byte)? == 1 && byte[0] != b'\n' {
        if bytes.len() == PASSPHRASE_BYTES_MAX {
            let text = format!("its first line has more than {PASSPHRASE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        bytes.push(byte[0]);
    }
    let line = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
    Ok(Secret::new(line.to_vec()))
}

/// The first line of an open descriptor. A pipe gives it once, and a command may sign in several ways with the same
/// passphrase: it is kept for them until the program ends.
pub(crate) fn descriptor_line(number: u32) -> io::Result<Secret> {
    static LINES: Mutex<BTreeMap<u32, Secret>> = Mutex::new(BTreeMap::new());
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let line = match lines.entry(number) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(first_line(Path::new(&format!("/dev/fd/{number}")))?),
    };
    Ok(Secret::new(line.expose().to_vec()))
}

fn read_from(path: &Path, flag: &str) -> anyhow::Result<Secret> {
    first_line(path).map_err(|error| {
        let text = format!("cannot read the passphrase from `{}`: {error}", path.display());
        Usage::error(text, format!("check `{flag}`"))
    })
}

/// Whether somebody is there to be asked.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks at the terminal, without showing what is typed.
pub(crate) fn ask(prompt: &str) -> anyhow::Result<String> {
    write!(io::stderr(), "{prompt}")?;
    io::stderr().flush()?;
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    writeln!(io::stderr())?;
    read?;
    line.truncate(line.trim_end_matches(['\n', '\r']).len());
    Ok(line)
}
