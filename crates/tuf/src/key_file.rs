//! Docker's key files: PEM with the headers `role` and `gun`, encrypted as PKCS#8, and public keys for signers.

use sealift_crypto::pem::Block;
use sealift_crypto::{Certificate, PublicKey, Secret, SigningKey};

use crate::{Error, Gun, Key, Role};

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PLAIN: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
const CERTIFICATE: &str = "CERTIFICATE";

/// A private key's file, not yet opened.
pub struct KeyFile {
    /// Role or name of the signer, if it says one.
    pub role: Option<String>,
    /// Repository, if it says one: keys of `targets` and `snapshot` do.
    pub gun: Option<String>,
    block: Block,
}

fn error(error: &sealift_crypto::Error) -> Error {
    Error::Key(error.to_string())
}

impl KeyFile {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let block = Block::parse(text).map_err(|source| error(&source))?;
        if block.header("DEK-Info").is_some() {
            let reason = "it is encrypted in the way of Notary 0.4 and older; load it once with docker, which writes it anew";
            return Err(Error::Key(reason.to_owned()));
        }
        if !matches!(block.label.as_str(), ENCRYPTED | PLAIN | "EC PRIVATE KEY" | "RSA PRIVATE KEY")
        {
            let label = crate::error::printable(&block.label);
            return Err(Error::Key(format!("`{label}` is not a private key")));
        }
        let header = |name| block.header(name).map(str::to_owned);
        Ok(Self { role: header("role"), gun: header("gun"), block })
    }

    /// Whether it needs a passphrase.
    pub fn is_encrypted(&self) -> bool {
        self.block.label == ENCRYPTED
    }

    /// The key.
    pub fn open(&self, passphrase: Option<&Secret>) -> Result<SigningKey, Error> {
        let key = match (self.is_encrypted(), passphrase) {
            (true, Some(passphrase)) => {
                SigningKey::from_encrypted_pkcs8_der(self.block.content.expose(), passphrase)
            }
            (true, None) => Err(sealift_crypto::Error::Encrypted),
            (false, _) if self.block.label == PLAIN => {
                SigningKey::from_pkcs8_der(self.block.content.expose())
            }
            (false, _) => {
                let content = Secret::new(self.block.content.expose().to_vec());
                let bare = Block { label: self.block.label.clone(), headers: Vec::new(), content };
                bare.to_text().and_then(|text| SigningKey::from_pem(&text))
            }
        };
        key.map_err(|source| error(&source))
    }

    /// Writes a file as Docker does. Its encryption withstands guessing badly: for exports only.
    pub fn seal(
        key: &SigningKey,
        role: &str,
        gun: Option<&Gun>,
        passphrase: &Secret,
    ) -> Result<String, Error> {
        let mut headers = Vec::new();
        // Docker's names are in order, and only these two roles belong to one repository.
        if let Some(gun) =
            gun.filter(|_| [Role::TARGETS.as_str(), Role::SNAPSHOT.as_str()].contains(&role))
        {
            headers.push(("gun".to_owned(), gun.to_string()));
        }
        headers.push(("role".to_owned(), role.to_owned()));
        let content = key.to_docker_pkcs8_der(passphrase).map_err(|source| error(&source))?;
        let content = Secret::new(content);
        let block = Block { label: ENCRYPTED.to_owned(), headers, content };
        block.to_text().map_err(|source| error(&source))
    }

    /// Name of the file of a key: the id of the bare key.
    pub fn name(key: &SigningKey) -> String {
        format!("{}.key", Key::bare(&key.public()).id())
    }
}

/// Reads the file of a signer's public key: a key or a certificate, and the name that stands in it.
pub fn read_public_key(text: &str) -> Result<(Key, Option<String>), Error> {
    let block = Block::parse(text).map_err(|source| error(&source))?;
    let role = block.header("role").map(str::to_owned);
    let key = match block.label.as_str() {
        PUBLIC => {
            let key = PublicKey::from_spki_der(block.content.expose());
            Key::bare(&key.map_err(|source| error(&source))?)
        }
        CERTIFICATE => {
            let certificate = Certificate::from_der(block.content.expose());
            Key::of_certificate(&certificate.map_err(|source| error(&source))?)?
        }
        label => {
            let label = crate::error::printable(label);
            return Err(Error::Key(format!("`{label}` is neither a public key nor a certificate")));
        }
    };
    Ok((key, role))
}

/// Writes the file of a signer's public key as Docker does.
pub fn write_public_key(key: &PublicKey, name: &str) -> Result<String, Error> {
    let headers = vec![("role".to_owned(), name.to_owned())];
    let content = Secret::new(key.spki_der().to_vec());
    let block = Block { label: PUBLIC.to_owned(), headers, content };
    block.to_text().map_err(|source| error(&source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn round_trip() {
        let gun = Gun::parse("localhost:5443/team/app").unwrap();
        for key in [SigningKey::generate_p256(), SigningKey::generate_ed25519()] {
            let text = KeyFile::seal(&key, "targets", Some(&gun), &passphrase("p")).unwrap();
            let head = "-----BEGIN ENCRYPTED PRIVATE KEY-----\ngun: localhost:5443/team/app\nrole: targets\n\n";
            assert!(text.starts_with(head), "{text}");
            let file = KeyFile::parse(&text).unwrap();
            assert_eq!(
                (file.role.as_deref(), file.gun.as_deref()),
                (Some("targets"), Some(gun.as_str()))
            );
            assert_eq!(file.open(Some(&passphrase("p"))).unwrap().public(), key.public());
            for wrong in [Some(passphrase("q")), None] {
                assert!(file.open(wrong.as_ref()).is_err());
            }
            assert!(
                !KeyFile::seal(&key, "alice", Some(&gun), &passphrase("p"))
                    .unwrap()
                    .contains("gun")
            );
            let public = write_public_key(&key.public(), "alice").unwrap();
            let (read, name) = read_public_key(&public).unwrap();
            assert_eq!((read, name.as_deref()), (Key::bare(&key.public()), Some("alice")));
            assert!(KeyFile::parse(&public).is_err() && read_public_key(&text).is_err());
        }
    }

    #[test]
    fn old_files_are_named() {
        let text = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,cff7\nrole: root\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
        let error = KeyFile::parse(text).err().unwrap().to_string();
        assert!(error.contains("Notary 0.4"), "{error}");
        assert!(
            KeyFile::seal(&SigningKey::generate_p256(), "a\nb", None, &passphrase("p")).is_err()
        );
    }
}
