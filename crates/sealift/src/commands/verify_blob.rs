//! `sealift verify-blob`: a file and its sigstore bundle, offline.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use sealift_crypto::{Hash, PublicKey};
use sealift_oci::{Algorithm, Hasher};
use sealift_pipeline::Error;
use sealift_sigstore::{
    Artifact, IdentityPolicy, Matcher, Proof, Refusal, Signer, TrustedRoot, verify_bundle,
};
use serde_json::json;

use crate::failure::Usage;
use crate::printer::Printer;
use sealift_arguments::{TextOrJson, VerifyBlob};

// Larger files are not held in memory; their SHA-256 stands for them.
const WHOLE_BYTES_MAX: u64 = 64 << 20;
const DOCUMENT_BYTES_MAX: u64 = 129 << 20;

pub(crate) fn run(arguments: &VerifyBlob, printer: &Printer) -> anyhow::Result<ExitCode> {
    let root = arguments.trusted_root.as_deref().map(read_root).transpose()?;
    let policy = policy(arguments)?;
    let key = arguments.key.as_deref().map(read_key).transpose()?;
    let signer = match (&key, &policy, &root) {
        (Some(key), _, root) => Signer::Key(key, root.as_ref()),
        (None, Some(policy), Some(root)) => Signer::Identity(policy, root),
        _ => {
            return Err(Usage::error(
                "who must have signed is not said",
                "give `--key FILE`, or `--certificate-identity`, `--certificate-oidc-issuer` and `--trusted-root`",
            ));
        }
    };
    let bundle = read(&arguments.bundle)?;
    let content = Blob::read(&arguments.artifact)?;
    let proof = verify_bundle(&bundle, content.artifact(), signer, jiff::Timestamp::now())
        .map_err(|refusal| refused(&arguments.artifact, &refusal))?;
    match arguments.format {
        TextOrJson::Text => printer.data(&text(&arguments.artifact, &proof, arguments.explain))?,
        TextOrJson::Json => {
            printer.data(&serde_json::to_string_pretty(&document(&arguments.artifact, &proof))?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(artifact: &str, refusal: &Refusal) -> anyhow::Error {
    let why = match refusal.hint() {
        Some(hint) => format!("{refusal} ({hint})"),
        None => refusal.to_string(),
    };
    Error::Refused { what: format!("`{artifact}`"), why }.into()
}

fn policy(arguments: &VerifyBlob) -> anyhow::Result<Option<IdentityPolicy>> {
    let wrong = |refusal: Refusal| {
        let known: Vec<&str> = sealift_sigstore::CLAIMS.iter().map(|(name, _)| *name).collect();
        Usage::error(refusal.to_string(), format!("known claims: {}", known.join(", ")))
    };
    let matcher = |exact: &Option<String>, expression: &Option<String>| {
        let expression = expression.as_deref().map(Matcher::expression).transpose();
        expression.map(|found| found.or_else(|| exact.as_deref().map(Matcher::exact)))
    };
    let identity = matcher(&arguments.certificate_identity, &arguments.certificate_identity_regexp)
        .map_err(wrong)?;
    let issuer =
        matcher(&arguments.certificate_oidc_issuer, &arguments.certificate_oidc_issuer_regexp)
            .map_err(wrong)?;
    let mut policy = match (identity, issuer) {
        (Some(identity), Some(issuer)) => IdentityPolicy::new(identity, issuer),
        (None, None) if arguments.claims.is_empty() => return Ok(None),
        _ => {
            return Err(Usage::error(
                "an identity means nothing without who vouches for it",
                "give both `--certificate-identity` and `--certificate-oidc-issuer`",
            ));
        }
    };
    for claim in &arguments.claims {
        let (name, value) = claim.split_once('=').ok_or_else(|| {
            Usage::error(
                format!("`{claim}` is no claim"),
                "write NAME=VALUE, as in ref=refs/heads/main",
            )
        })?;
        policy = policy.with_claim(name, Matcher::exact(value)).map_err(wrong)?;
    }
    Ok(Some(policy))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let context = || format!("cannot read `{}`", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(context)?;
    file.take(DOCUMENT_BYTES_MAX).read_to_end(&mut bytes).with_context(context)?;
    Ok(bytes)
}

fn read_root(path: &Path) -> anyhow::Result<TrustedRoot> {
    TrustedRoot::from_json(&read(path)?).map_err(|refusal| {
        let hint = refusal.hint().unwrap_or_default();
        Usage::error(format!("`{}`: {refusal}", path.display()), hint)
    })
}

fn read_key(path: &Path) -> anyhow::Result<PublicKey> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    PublicKey::from_pem(&text).map_err(|error| {
        Usage::error(
            format!("`{}`: {error}", path.display()),
            "a public key is a PEM file that begins with `-----BEGIN PUBLIC KEY-----`",
        )
    })
}

enum Blob {
    Bytes(Vec<u8>),
    Digest(Vec<u8>),
}

impl Blob {
    fn read(text: &str) -> anyhow::Result<Self> {
        let path = Path::new(text);
        if let Some(digest) = text.strip_prefix("sha256:").filter(|_| !path.exists()) {
            return unhex(digest).map(Self::Digest).ok_or_else(|| {
                Usage::error(
                    format!("`{text}` is neither a file nor a digest"),
                    "a digest is `sha256:` and 64 lower-case hexadecimal digits",
                )
            });
        }
        let context = || format!("cannot read `{text}`");
        let mut file = File::open(path).with_context(context)?;
        if file.metadata().with_context(context)?.len() <= WHOLE_BYTES_MAX {
            return Ok(Self::Bytes(fs::read(path).with_context(context)?));
        }
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).with_context(context)? {
                0 => break,
                n_read => hasher.update(&buffer[..n_read]),
            }
        }
        let digest = unhex(hasher.finish().hex());
        Ok(Self::Digest(digest.expect("a digest is hexadecimal")))
    }

    fn artifact(&self) -> Artifact<'_> {
        match self {
            Self::Bytes(bytes) => Artifact::Bytes(bytes),
            Self::Digest(digest) => Artifact::Digest(Hash::Sha256, digest),
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let is_sound = text.len() == 64
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    is_sound.then(|| (0..32).map(|index| pair(index * 2)).collect())?
}

fn text(artifact: &str, proof: &Proof, is_explained: bool) -> String {
    let mut text = match &proof.identity {
        Some(identity) => {
            format!("{artifact}: signed by {}, vouched for by {}", identity.name, identity.issuer)
        }
        None => format!("{artifact}: signed by the key"),
    };
    if let Some(time) = proof.time {
        write!(text, ", at {time}").expect("a string takes everything");
    }
    let n_steps = if is_explained { proof.steps.len() } else { 0 };
    for (index, step) in proof.steps.iter().take(n_steps).enumerate() {
        let branch = if index + 1 == n_steps { "└─" } else { "├─" };
        write!(text, "\n{branch} {}: {}", step.what, step.found)
            .expect("a string takes everything");
    }
    text
}

fn document(artifact: &str, proof: &Proof) -> serde_json::Value {
    let identity = proof.identity.as_ref().map(|identity| {
        let claims: serde_json::Map<_, _> = identity
            .claims
            .iter()
            .map(|claim| (claim.name.to_owned(), json!(claim.value)))
            .collect();
        json!({
            "name": identity.name,
            "issuer": identity.issuer,
            "certificate": identity.certificate,
            "claims": claims,
        })
    });
    let steps: Vec<_> =
        proof.steps.iter().map(|step| json!({"what": step.what, "found": step.found})).collect();
    json!({
        "artifact": artifact,
        "verified": true,
        "identity": identity,
        "time": proof.time.map(|time| time.to_string()),
        "steps": steps,
    })
}
