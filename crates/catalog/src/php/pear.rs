//! What PEAR and PECL installed: a record for each package, `.registry/**/*.reg`, in PHP's serialisation (php.net,
//! `serialize`; pear.php.net, "package.xml 2.0").

use sealift_model::{Method, PackageKind};

use super::serialized::{Value, parse};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data, license, shorten};
use crate::supplier::supplier;

/// PEAR's registry. That of other channels than PEAR's own is one folder deeper.
pub(crate) const REGISTRY: Cataloger = Cataloger {
    name: "pear-registry",
    what: "PHP extensions and packages that PECL and PEAR installed",
    evidence: &[Pattern::InAny(".registry", ".reg"), Pattern::OneBelowAny(".registry", ".reg")],
    companions: &[],
    read,
};

const RECORD_BYTES_MAX: usize = 16 << 20;
const NEEDS_MAX: usize = 500;
const FILES_MAX: usize = 50_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > RECORD_BYTES_MAX {
        found.notes.push(context.note("it is too large for a record"));
        return found;
    }
    let record = match parse(bytes) {
        Ok(record) => record,
        Err(error) => {
            found.notes.push(context.note(format!("it is no record of a package: {error}")));
            return found;
        }
    };
    match draft(&record, context) {
        Some(draft) => found.drafts.push(draft),
        None => found.notes.push(context.note("it has no name")),
    }
    if found.drafts.first().is_some_and(|it| it.package.version.is_none()) {
        found.notes.push(context.note("it has no version"));
    }
    found
}

fn draft(record: &Value<'_>, context: &Context<'_>) -> Option<Draft> {
    // Version 1 of the format has the name in `package`, version 2 in `name`.
    let name = record.text("name").or_else(|| record.text("package"))?;
    let name = Some(name).filter(|name| name.len() <= NAME_BYTES_MAX && !name.contains('/'))?;
    let version = match record.get("version") {
        Some(versions @ Value::List(_)) => versions.text("release"),
        _ => record.text("version"),
    };
    let version = version.filter(|version| version.len() <= NAME_BYTES_MAX);
    let channel = record.text("channel").unwrap_or("pear.php.net");
    let evidence = context.evidence(Method::Database);
    let mut draft = component(PackageKind::Pecl, name, version, evidence, context);
    let package = &mut draft.package;
    let is_usual = channel == "pecl.php.net" || channel.len() > NAME_BYTES_MAX;
    package.purl.namespace = (!is_usual).then(|| channel.to_owned());
    let terms = record.get("license");
    let terms = terms.and_then(|it| it.as_text().or_else(|| it.text("_content")));
    package.licenses = terms.and_then(license).into_iter().collect();
    package.summary = record.text("summary").map(shorten);
    let lead = record.get("lead").or_else(|| record.get("maintainers"));
    let lead = lead.and_then(|it| it.text("name").or_else(|| it.values().next()?.text("name")));
    package.supplier = lead.and_then(supplier);
    // The registry itself adds the places to which files went.
    let files = record.get("filelist").into_iter().flat_map(Value::values);
    let places = files.filter_map(|file| file.text("installed_as"));
    package.files =
        places.filter(|it| it.starts_with('/')).take(FILES_MAX).map(str::to_owned).collect();
    if is_test_data(&context.path()) {
        package.scope = sealift_model::Scope::TestData;
    }
    let key = |channel: &str, name: &str| format!("{channel}/{name}").to_ascii_lowercase();
    draft.provides = vec![key(channel, name)];
    let required = record.get("dependencies").and_then(|it| it.get("required")?.get("package"));
    let needs = required.into_iter().flat_map(|it| match it.text("name") {
        Some(_) => vec![it],
        None => it.values().take(NEEDS_MAX).collect(),
    });
    let need = |it: &Value<'_>| Some(vec![key(it.text("channel")?, it.text("name")?)]);
    draft.requires = needs.filter_map(need).collect();
    Some(draft)
}
