//! A private key in a token: found, logged in to, and used through its module.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Fault, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sealift_crypto::{ExternalKey, PublicKey, Secret, SigningInput};

use crate::{Error, Uri};

/// A key and the session that it is used in.
pub(crate) struct TokenKey {
    // A session is for one thread at a time.
    session: Mutex<Session>,
    handle: ObjectHandle,
    public: PublicKey,
}

/// Finds the key that a URI names.
pub(crate) fn open(uri: &Uri, pin: Option<&Secret>) -> Result<TokenKey, Error> {
    let module = load(&uri.module_path)?;
    let fail = |error: Fault| Error::Module {
        path: uri.module_path.display().to_string(),
        reason: error.to_string(),
    };
    let (slot, token) = find_token(&module, uri, &fail)?;
    let session = module.open_ro_session(slot).map_err(fail)?;
    if let Some(pin) = pin {
        log_in(&session, &token, pin)?;
    }
    let unusable = |reason: String| Error::Key { token: token.clone(), reason };
    let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
    template.extend(uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
    template.extend(uri.id.as_ref().map(|id| Attribute::Id(id.clone())));
    let found = session.find_objects(&template).map_err(|error| unusable(error.to_string()))?;
    let [handle] = found[..] else {
        return Err(Error::Keys { token, count: found.len() });
    };
    let public = public_key(&session, handle).map_err(unusable)?;
    Ok(TokenKey { session: Mutex::new(session), handle, public })
}

// A module is initialised once in a program, and stays loaded: others may use it at the same time.
fn load(path: &Path) -> Result<Pkcs11, Error> {
    static MODULES: OnceLock<Mutex<HashMap<PathBuf, Pkcs11>>> = OnceLock::new();
    let fail = |reason: String| Error::Module { path: path.display().to_string(), reason };
    let modules = MODULES.get_or_init(Mutex::default);
    let mut modules = modules.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path).map_err(|error| fail(error.to_string()))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Fault::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(fail(error.to_string())),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

fn find_token(
    module: &Pkcs11,
    uri: &Uri,
    fail: &dyn Fn(Fault) -> Error,
) -> Result<(Slot, String), Error> {
    let mut names = Vec::new();
    let mut fitting = Vec::new();
    for slot in module.get_slots_with_token().map_err(fail)? {
        let info = module.get_token_info(slot).map_err(fail)?;
        if !info.token_initialized() {
            continue;
        }
        let fits = |wanted: &Option<String>, actual: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == actual.trim_end())
        };
        let is_wanted = fits(&uri.token, info.label())
            && fits(&uri.serial, info.serial_number())
            && fits(&uri.manufacturer, info.manufacturer_id())
            && fits(&uri.model, info.model())
            && uri.slot.is_none_or(|wanted| wanted == slot.id());
        let name = printable(info.label().trim_end());
        if is_wanted {
            fitting.push((slot, name.clone()));
        }
        names.push(name);
    }
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        count => Err(Error::Tokens { count, names }),
    }
}

fn log_in(session: &Session, token: &str, pin: &Secret) -> Result<(), Error> {
    let refused = |reason: String| Error::Pin { token: token.to_owned(), reason };
    let text =
        std::str::from_utf8(pin.expose()).map_err(|_| refused("it is no text".to_owned()))?;
    // The type wipes its copy.
    match session.login(UserType::User, Some(&AuthPin::from(text.to_owned()))) {
        Ok(()) | Err(Fault::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Fault::Pkcs11(reason, _)) => Err(refused(reason.to_string())),
        Err(error) => Err(refused(error.to_string())),
    }
}

fn public_key(session: &Session, private: ObjectHandle) -> Result<PublicKey, String> {
    let read = |object, wanted: &[AttributeType]| {
        session.get_attributes(object, wanted).map_err(|error| error.to_string())
    };
    let mut kind = None;
    let mut id = None;
    for attribute in read(private, &[AttributeType::KeyType, AttributeType::Id])? {
        match attribute {
            Attribute::KeyType(value) => kind = Some(value),
            Attribute::Id(value) => id = Some(value),
            _ => {}
        }
    }
    let kind = kind.ok_or("it does not say of what kind it is")?;
    // What an RSA key is stands in the private key; the point of a curve only in the public one.
    let object = if kind == KeyType::RSA {
        private
    } else {
        let id = id.ok_or("it has no id to find its public key by")?;
        let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Id(id)];
        let found = session.find_objects(&template).map_err(|error| error.to_string())?;
        *found.first().ok_or("its public key is not in the token")?
    };
    let (mut parameters, mut point, mut modulus, mut exponent) = (None, None, None, None);
    let wanted = match kind {
        KeyType::RSA => [AttributeType::Modulus, AttributeType::PublicExponent],
        KeyType::EC | KeyType::EC_EDWARDS => [AttributeType::EcParams, AttributeType::EcPoint],
        other => return Err(format!("keys of kind {other} do not sign here")),
    };
    for attribute in read(object, &wanted)? {
        match attribute {
            Attribute::EcParams(value) => parameters = Some(value),
            Attribute::EcPoint(value) => point = Some(value),
            Attribute::Modulus(value) => modulus = Some(value),
            Attribute::PublicExponent(value) => exponent = Some(value),
            _ => {}
        }
    }
    let key = match (parameters, point, modulus, exponent) {
        (Some(_), Some(point), ..) if kind == KeyType::EC_EDWARDS => {
            PublicKey::from_ed25519_bytes(point.strip_prefix(&[0x04, 32]).unwrap_or(&point))
        }
        (Some(parameters), Some(point), ..) => PublicKey::from_curve_point(&parameters, &point),
        (_, _, Some(modulus), Some(exponent)) => PublicKey::from_rsa_numbers(&modulus, &exponent),
        _ => return Err("the token does not show its public key".to_owned()),
    };
    key.map_err(|error| error.to_string())
}

impl ExternalKey for TokenKey {
    fn public(&self) -> PublicKey {
        self.public.clone()
    }

    fn sign(&self, input: &SigningInput<'_>) -> Result<Vec<u8>, String> {
        let (mechanism, bytes) = match *input {
            SigningInput::EcdsaDigest(digest) => (Mechanism::Ecdsa, digest),
            SigningInput::Ed25519Message(message) => {
                (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)), message)
            }
            SigningInput::RsaPkcs1DigestInfo(info) => (Mechanism::RsaPkcs, info),
            SigningInput::RsaPssDigest(digest) => (Mechanism::RsaPkcsPss(pss(digest)?), digest),
        };
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.sign(&mechanism, self.handle, bytes).map_err(|error| error.to_string())
    }
}

fn pss(digest: &[u8]) -> Result<PkcsPssParams, String> {
    let (hash_alg, mgf) = match digest.len() {
        32 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        48 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        64 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
        other => return Err(format!("no hash has {other} bytes")),
    };
    let s_len = digest.len().try_into().map_err(|_| "the salt is too long")?;
    Ok(PkcsPssParams { hash_alg, mgf, s_len })
}

fn printable(text: &str) -> String {
    let visible = |character: char| if character.is_control() { '\u{FFFD}' } else { character };
    text.chars().take(80).map(visible).collect()
}
