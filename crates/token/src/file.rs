//! A file that stands for a key in a token: its URI, and its public key, so that it is found among others without a PIN.
//!
//! The form is a PEM block with one header, `public`, and the URI as its content. Nothing in it is secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::pem::Block;
use sealift_crypto::{PublicKey, Secret, SigningKey};

use crate::{Error, Uri};

const LABEL: &str = "PKCS11 KEY REFERENCE";

/// A key in a token, as a file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    text: String,
    uri: Uri,
    public: PublicKey,
}

impl KeyFile {
    /// Names a key that was opened.
    pub fn new(uri: &str, public: PublicKey) -> Result<Self, Error> {
        Ok(Self { uri: Uri::parse(uri)?, text: uri.to_owned(), public })
    }

    /// Whether a text means such a file.
    pub fn is(text: &str) -> bool {
        text.trim_ascii_start()
            .strip_prefix("-----BEGIN ")
            .is_some_and(|rest| rest.starts_with(LABEL))
    }

    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let error = |reason: &str| Error::File(reason.to_owned());
        let block = Block::parse(text).map_err(|fault| Error::File(fault.to_string()))?;
        let [(name, value)] = block.headers.as_slice() else {
            return Err(error("it has other headers than `public`"));
        };
        if block.label != LABEL || name != "public" {
            return Err(error("it has other headers than `public`"));
        }
        let der = STANDARD.decode(value).map_err(|_| error("`public` is not base64"))?;
        let public =
            PublicKey::from_spki_der(&der).map_err(|fault| Error::File(fault.to_string()))?;
        let uri = std::str::from_utf8(block.content.expose());
        Self::new(uri.map_err(|_| error("its URI is no text"))?, public)
    }

    /// The file's text.
    pub fn to_text(&self) -> Result<String, Error> {
        let headers = vec![("public".to_owned(), STANDARD.encode(self.public.spki_der()))];
        let content = Secret::new(self.text.clone().into_bytes());
        Block { label: LABEL.to_owned(), headers, content }
            .to_text()
            .map_err(|fault| Error::File(fault.to_string()))
    }

    /// Where the key is.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The same as text.
    pub fn uri_text(&self) -> &str {
        &self.text
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Opens the key in its token. If another one lies there now, it is refused.
    pub fn open(&self, pin: Option<&Secret>) -> Result<SigningKey, Error> {
        let key = crate::open(&self.uri, pin)?;
        if key.public() != self.public {
            let reason = "another public key than the file says".to_owned();
            return Err(Error::Key { token: self.uri.token.clone().unwrap_or_default(), reason });
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "pkcs11:token=ci;object=release?module-path=/m.so";

    #[test]
    fn a_file_says_where_a_key_is() {
        let public = SigningKey::generate_p256().public();
        let file = KeyFile::new(URI, public.clone()).unwrap();
        let text = file.to_text().unwrap();
        assert!(KeyFile::is(&text), "{text}");
        let read = KeyFile::parse(&text).unwrap();
        assert_eq!(read, file);
        assert_eq!((read.uri_text(), read.public()), (URI, &public));
        assert!(!KeyFile::is(&public.to_pem()));
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let file = KeyFile::new(URI, SigningKey::generate_p256().public()).unwrap();
        let text = file.to_text().unwrap();
        let with = |from: &str, to: &str| {
            let altered = text.replacen(from, to, 1);
            assert_ne!(altered, text);
            KeyFile::parse(&altered).unwrap_err().to_string()
        };
        assert!(with("public:", "privat:").contains("headers"), "another header");
        assert!(with("public: ", "public: *").contains("base64"), "a header that is no key");
        assert!(with("public: M", "public: Q").contains("key file"), "another key");
        assert!(with("KEY REFERENCE", "KEY").contains("key file"), "another end");
        assert!(KeyFile::parse("").is_err());
        let with_pin = "pkcs11:object=a?module-path=/m.so&pin-value=1";
        assert!(KeyFile::new(with_pin, file.public().clone()).is_err(), "a PIN in a file");
    }
}
