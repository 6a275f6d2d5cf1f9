//! The passphrase of a private key: from a file, from the environment, or asked for at the terminal. Never from the
//! command line, where every process of the machine can read it.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sealift_crypto::Secret;

use crate::failure::Usage;

const VARIABLE: &str = "SEALIFT_KEY_PASSPHRASE";

/// Why a passphrase is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open a key that is there.
    Open,
    /// To seal a new key.
    Create,
}

/// The passphrase, or `None` if there is no way to ask for it.
pub(crate) fn passphrase(file: Option<&Path>, purpose: Purpose) -> anyhow::Result<Option<Secret>> {
    if let Some(path) = file {
        let line = first_line(path).map_err(|error| {
            Usage::error(
                format!("cannot read the passphrase from `{}`: {error}", path.display()),
                "check `--passphrase-file`",
            )
        })?;
        return Ok(Some(Secret::from(line)));
    }
    if let Ok(text) = std::env::var(VARIABLE) {
        return Ok(Some(Secret::from(text)));
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

/// The first line of a file: a passphrase.
pub(crate) fn first_line(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
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
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
