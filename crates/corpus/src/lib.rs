//! The functions that the fuzz targets and the replay test share: one for each parser of foreign bytes.
//!
//! Entry point: [`TARGETS`]. A target takes any bytes. It panics only if a promise of the project is broken: a parser
//! that panics, a text that is not the same after a round trip, a forged signature that passes. `fuzz/` runs them under
//! libFuzzer; this crate's test runs every file of `fuzz/seeds/` and small changes of it.

// A broken promise is what a panic is for here, and the hook of libFuzzer waits for it.
#![allow(clippy::unwrap_used)]

pub mod archive;
pub mod image;

pub mod audit;
pub mod dockerfile;
pub mod git;
pub mod shell;

pub mod crypto;
pub mod notation;
pub mod sign;
pub mod sigstore;
pub mod trust;
pub mod tuf;

pub mod debian;

pub mod advisory;
pub mod catalog;
pub mod exception;
pub mod family;
pub mod license;
pub mod policy;
pub mod program;
pub mod sbom;
pub mod secrets;
pub mod version;

pub mod admission;
pub mod client;
pub mod interface;
pub mod registry;

mod memory;

/// A name, which is the name of the seeds' folder too, and what to do with bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name.
    pub name: &'static str,
    /// Takes any bytes and panics if a promise is broken.
    pub run: fn(&[u8]),
    /// How many changes of one seed the replay test tries; targets that cost much have few.
    pub changes_max: usize,
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run, changes_max: 512 }
}

const fn slow(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run, changes_max: 24 }
}

/// All targets, from the lowest row of crates to the highest.
pub const TARGETS: &[Target] = &[
    target("reference", image::reference),
    target("documents", image::documents),
    target("version", version::version),
    target("tar", archive::tar),
    target("ar", archive::ar),
    target("zip", archive::zip),
    target("compressed", archive::compressed),
    target("git", git::git),
    target("dockerfile", dockerfile::dockerfile),
    target("shell", shell::shell),
    target("variables", dockerfile::variables),
    target("ignore_file", dockerfile::ignore_file),
    target("hadolint_config", dockerfile::hadolint_config),
    slow("audit", audit::audit),
    target("keyring", crypto::keyring),
    target("signed_text", crypto::signed_text),
    target("public_key", crypto::public_key),
    slow("key_file", crypto::key_file),
    target("token_key", crypto::token_key),
    target("envelope", crypto::envelope),
    target("json", crypto::json),
    target("program", program::program),
    target("layers", image::layers),
    target("image_archive", image::image_archive),
    target("challenge", client::challenge),
    target("containerd", client::containerd),
    target("bundle", sign::bundle),
    target("legacy_signatures", sign::legacy),
    target("referrer", sign::referrer),
    target("statement", sign::statement),
    slow("tuf", tuf::tuf),
    target("pins", tuf::pins),
    slow("notation_jws", notation::jws),
    slow("notation_cose", notation::cose),
    target("notation_policy", notation::policy),
    target("crl", notation::revocation_list),
    target("trusted_root", sigstore::trusted_root),
    slow("sigstore_bundle", sigstore::bundle),
    target("checkpoint", sigstore::checkpoint),
    slow("timestamp", sigstore::timestamp),
    slow("certificates", sigstore::certificates),
    target("recipe", debian::recipe),
    target("release", debian::release),
    target("packages", debian::packages),
    target("package", debian::package),
    target("license", license::license),
    target("catalog", catalog::catalog),
    target("python", family::python),
    target("node", family::node),
    target("ruby_and_php", family::ruby_and_php),
    target("lock", family::lock),
    target("language", family::language),
    target("settings", family::settings),
    target("distribution", family::distribution),
    target("java", family::java),
    target("models", family::models),
    target("binary", family::binary),
    target("rpm", catalog::rpm),
    target("advisory", advisory::advisory),
    target("feed", advisory::feed),
    target("database", advisory::database),
    target("report", advisory::report),
    target("ignores", exception::ignores),
    target("vex", exception::vex),
    target("expression", exception::expression),
    slow("sbom", sbom::sbom),
    target("template", sbom::template),
    target("secrets", secrets::secrets),
    target("secret_config", secrets::secret_config),
    slow("policy", policy::policy),
    target("configuration", policy::configuration),
    target("policy_bundle", policy::policy_bundle),
    target("trust_policy", trust::trust_policy),
    target("containers_policy", trust::containers_policy),
    target("tag_map", trust::tag_map),
    target("revocation", trust::revocation),
    target("form", registry::form),
    slow("access", registry::access),
    target("registry_config", registry::config),
    slow("token_request", registry::token_request),
    target("access_settings", registry::access_settings),
    target("store_answer", client::store_answer),
    target("admission_review", admission::review),
    target("registry_manifest", registry::manifest),
    target("registry_requests", interface::requests),
];

/// The line between the parts of an input that has several.
pub const SEPARATOR: &[u8] = b"\n=====\n";

/// The parts of an input; there is at least one.
fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut start = 0;
    for end in memchr::memmem::find_iter(bytes, SEPARATOR) {
        parts.push(&bytes[start..end]);
        start = end + SEPARATOR.len();
    }
    parts.push(&bytes[start..]);
    parts
}

/// The input as text; most texts are read as UTF-8 long before they come to a parser.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_input() {
        assert_eq!(parts(b""), [b""]);
        assert_eq!(parts(b"a\n=====\n\n=====\nb"), [&b"a"[..], b"", b"b"]);
        assert_eq!(parts(b"a\n=====\n=====\n"), [&b"a"[..], b"=====\n"]);
    }
}
