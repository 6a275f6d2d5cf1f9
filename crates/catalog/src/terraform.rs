//! Providers of Terraform and OpenTofu, from the file that locks them (Terraform documentation, "Dependency Lock File").

use sealift_model::{Hash, HashAlgorithm, Method, PackageKind, Scope};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data};

/// `.terraform.lock.hcl`.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "terraform-lock",
    what: "Providers that a lock file of Terraform or OpenTofu names",
    evidence: &[Pattern::Named("", ".terraform.lock.hcl")],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 4 << 20;
const PROVIDERS_MAX: usize = 5_000;
const HASHES_MAX: usize = 200;

#[derive(Debug, Default, PartialEq, Eq)]
struct Provider {
    name: String,
    version: Option<String>,
    hashes: Vec<String>,
}

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a lock file"));
        return found;
    }
    let (providers, complaint) = parse(&String::from_utf8_lossy(bytes));
    found.notes.extend(complaint.map(|complaint| context.note(complaint)));
    let path = context.path();
    for provider in providers {
        let version = provider.version.as_deref();
        let folder = context.path_bytes().strip_suffix(b".terraform.lock.hcl").unwrap_or_default();
        let folder = String::from_utf8_lossy(folder);
        // Where `terraform init` puts it.
        let is_there = version.is_some_and(|version| {
            let place = format!("{folder}.terraform/providers/{}/{version}", provider.name);
            context.resolved(&place).is_some()
        });
        let evidence = context.evidence(Method::LockFile);
        let mut draft =
            component(PackageKind::Terraform, &provider.name, version, evidence, context);
        draft.package.scope = match is_there {
            _ if is_test_data(&path) => Scope::TestData,
            true => Scope::Installed,
            false => Scope::Declared,
        };
        draft.package.hashes = provider.hashes.iter().filter_map(|hash| zip_hash(hash)).collect();
        found.drafts.push(draft);
    }
    found
}

// `zh:` is a SHA-256 of the provider's zip, one for each platform; `h1:` is a hash of hashes that no tool knows.
fn zip_hash(text: &str) -> Option<Hash> {
    let hex = text.strip_prefix("zh:")?;
    let is_hash = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| Hash { algorithm: HashAlgorithm::Sha256, hex: hex.to_ascii_lowercase() })
}

// `provider "ADDRESS" { version = "…" hashes = [ "…", ] }`, as Terraform itself writes it.
fn parse(text: &str) -> (Vec<Provider>, Option<&'static str>) {
    let mut providers: Vec<Provider> = Vec::new();
    let mut open: Option<Provider> = None;
    let mut is_list = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        if let Some(rest) = line.strip_prefix("provider ") {
            let name = quoted(rest).filter(|name| is_address(name));
            let Some(name) = name.filter(|_| open.is_none()) else {
                return (providers, Some("it has a provider that cannot be read"));
            };
            if providers.len() >= PROVIDERS_MAX {
                return (providers, Some("it has more providers than the limit"));
            }
            open = Some(Provider { name: name.to_owned(), ..Provider::default() });
            continue;
        }
        let Some(provider) = &mut open else { continue };
        let (key, value) = line.split_once('=').unwrap_or(("", line));
        match key.trim() {
            "version" => {
                let version = quoted(value).filter(|text| text.len() <= NAME_BYTES_MAX);
                provider.version = version.map(str::to_owned);
            }
            "hashes" => {
                is_list = true;
                hashes(value, provider);
            }
            _ if is_list => hashes(line, provider),
            _ => {}
        }
        if line.ends_with(']') {
            is_list = false;
        } else if line == "}" {
            is_list = false;
            providers.extend(open.take());
        }
    }
    let complaint = open.is_some().then_some("the last provider has no end, it may be cut off");
    providers.extend(open);
    (providers, complaint)
}

fn hashes(text: &str, provider: &mut Provider) {
    for hash in text.split('"').skip(1).step_by(2) {
        if provider.hashes.len() < HASHES_MAX {
            provider.hashes.push(hash.to_owned());
        }
    }
}

fn quoted(text: &str) -> Option<&str> {
    text.split('"').nth(1).filter(|text| !text.is_empty())
}

// `registry.terraform.io/hashicorp/aws`: host, namespace, type.
fn is_address(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    name.len() <= NAME_BYTES_MAX
        && name.split('/').count() == 3
        && name
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "# x\nprovider \"registry.opentofu.org/hashicorp/aws\" {\n  version     = \"5.1.0\"\n  constraints = \"~> 5.0\"\n  hashes = [\n    \"h1:abc=\",\n    \"zh:00\",\n  ]\n}\n\nprovider \"h/n/t\" {\n  hashes = [\"a\", \"b\"]\n}\n";

    #[test]
    fn locks() {
        let (providers, complaint) = parse(LOCK);
        assert_eq!(complaint, None);
        assert_eq!(providers[0].name, "registry.opentofu.org/hashicorp/aws");
        assert_eq!(providers[0].version.as_deref(), Some("5.1.0"));
        assert_eq!(providers[0].hashes, ["h1:abc=", "zh:00"]);
        assert_eq!(providers[1].hashes, ["a", "b"]);
        assert_eq!((providers[1].version.as_deref(), providers.len()), (None, 2));
    }

    #[test]
    fn hostile() {
        for end in 0..LOCK.len() {
            parse(&LOCK[..end]);
        }
        for bad in
            ["provider {\n", "provider \"\" {\n}", "provider \"a/../b\" {", "provider \"a/b/c\" {"]
        {
            assert!(parse(bad).1.is_some(), "{bad}");
        }
        assert_eq!(
            parse(&"provider \"a/b/c\" {\n}\n".repeat(PROVIDERS_MAX + 1)).0.len(),
            PROVIDERS_MAX
        );
        assert_eq!(zip_hash("zh:00"), None);
    }
}
