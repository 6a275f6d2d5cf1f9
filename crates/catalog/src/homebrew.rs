//! What Homebrew installed: a receipt in each formula's folder, `Cellar/NAME/VERSION/INSTALL_RECEIPT.json` (docs.brew.sh,
//! "Formula Cookbook"), and its formula beside that.

use sealift_model::{Method, PackageKind};
use serde_json::{Map, Value};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data, license, shorten};

/// Formulae in Homebrew's cellar.
pub(crate) const RECEIPT: Cataloger = Cataloger {
    name: "homebrew-formula",
    what: "Homebrew's formulae",
    evidence: &[Pattern::Named("", "INSTALL_RECEIPT.json")],
    companions: &[Pattern::InAny(".brew", ".rb")],
    read,
};

const RECEIPT_BYTES_MAX: usize = 8 << 20;
const NEEDS_MAX: usize = 1_000;
const FILES_MAX: usize = 50_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = context.path();
    let Some((name, version, keg)) = place(&path) else { return found };
    if bytes.len() > RECEIPT_BYTES_MAX {
        found.notes.push(context.note("it is too large for a receipt"));
        return found;
    }
    let receipt: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(receipt) => receipt,
        Err(error) => {
            // The folder alone tells name and version.
            found.notes.push(context.note(format!("it is no receipt: {error}")));
            Map::new()
        }
    };
    let evidence = context.evidence(Method::Database);
    let mut draft = component(PackageKind::Homebrew, name, Some(version), evidence, context);
    let package = &mut draft.package;
    let tap = receipt.get("source").and_then(|it| it.get("tap")?.as_str());
    let tap = tap.filter(|tap| *tap != "homebrew/core" && tap.len() <= NAME_BYTES_MAX);
    package.purl.namespace = tap.map(str::to_owned);
    let formula = context.companion(format!("{}/.brew/{name}.rb", &keg[1..]).as_bytes());
    if let Some(formula) = formula {
        let text = String::from_utf8_lossy(formula.bytes);
        let quoted = |key: &str| {
            let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(key))?;
            line.strip_prefix(" \"")?.strip_suffix('"')
        };
        package.licenses = quoted("license").and_then(license).into_iter().collect();
        package.homepage = quoted("homepage").map(shorten);
        package.summary = quoted("desc").map(shorten);
    }
    package.files = context.files_below(&keg[1..], FILES_MAX);
    if is_test_data(&path) {
        package.scope = sealift_model::Scope::TestData;
    }
    draft.provides = vec![name.to_owned()];
    let needs = receipt.get("runtime_dependencies").and_then(Value::as_array);
    draft.requires = needs
        .into_iter()
        .flatten()
        .filter_map(|need| need.get("full_name")?.as_str()?.rsplit('/').next())
        .take(NEEDS_MAX)
        .map(|need| vec![need.to_owned()])
        .collect();
    found.drafts.push(draft);
    found
}

// Name, version and folder of `/…/Cellar/NAME/VERSION/INSTALL_RECEIPT.json`.
fn place(path: &str) -> Option<(&str, &str, &str)> {
    let keg = path.strip_suffix("/INSTALL_RECEIPT.json")?;
    let mut parts = keg.rsplit('/');
    let (version, name, cellar) = (parts.next()?, parts.next()?, parts.next()?);
    let is_keg = cellar == "Cellar" && version.starts_with(|c: char| c.is_ascii_alphanumeric());
    (is_keg && name.len() <= NAME_BYTES_MAX).then_some((name, version, keg))
}
