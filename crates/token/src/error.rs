//! What can go wrong with a token. No message has a PIN in it.

/// What can go wrong with a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a URI that names a key.
    #[error("not the URI of a key in a token: {0}")]
    Uri(String),
    /// Not a file that names a key.
    #[error("not a key file of a token: {0}")]
    File(String),
    /// The program cannot load modules.
    #[error("this program was built without PKCS#11, since it is linked statically")]
    NoModules,
    /// The module cannot be loaded.
    #[error("the PKCS#11 module `{path}` cannot be used: {reason}")]
    Module {
        /// Its path.
        path: String,
        /// Why.
        reason: String,
    },
    /// Not exactly one token fits.
    #[error("{count} tokens fit the URI, not one{}", list(names))]
    Tokens {
        /// How many fit.
        count: usize,
        /// The labels of all tokens that are there.
        names: Vec<String>,
    },
    /// The PIN is not right.
    #[error("the token `{token}` does not take the PIN: {reason}")]
    Pin {
        /// Label of the token.
        token: String,
        /// What it says.
        reason: String,
    },
    /// Not exactly one private key fits.
    #[error("{count} private keys of the token `{token}` fit the URI, not one")]
    Keys {
        /// Label of the token.
        token: String,
        /// How many fit.
        count: usize,
    },
    /// The key is of no kind that is known, or its public key cannot be found.
    #[error("the key in the token `{token}` cannot be used: {reason}")]
    Key {
        /// Label of the token.
        token: String,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Uri(_) => {
                "write it as `pkcs11:token=NAME;object=KEY?module-path=/PATH/module.so`"
            }
            Self::File(_) => "make it anew with `sealift trust key load --name NAME 'pkcs11:…'`",
            Self::NoModules => "use a build that is linked dynamically",
            Self::Module { .. } => "check `module-path`",
            Self::Tokens { .. } => "name one of them with `token=` or `serial=`",
            Self::Pin { .. } => {
                "a token may lock itself after some wrong PINs; give it with `pin-source=file:…`, `--passphrase-file` or at the prompt"
            }
            Self::Keys { count: 0, .. } => "check `object=` and `id=`, and that the PIN was given",
            Self::Keys { .. } => "tell them apart with `id=`",
            Self::Key { .. } => "keep the public key beside the private one in the token",
        })
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "; there is none at all".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("; there are {}", names.join(", "))
}
