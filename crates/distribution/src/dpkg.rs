//! Debian packages, from dpkg's status file and from the status directory of images without dpkg.

use sealift_model::{Distro, LayerRef, Method, Package, PackageKind, Purl, Scope, SourcePackage};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::copyright::Copyrights;
use crate::deb822::{self, Paragraph};
use crate::{dpkg_relations, supplier};

/// `/var/lib/dpkg/status`.
pub(crate) const STATUS: Cataloger = Cataloger {
    name: "dpkg",
    what: "Debian's packages, as dpkg's database lists them, and the sources that were linked into them",
    evidence: &[Pattern::Exact("var/lib/dpkg/status")],
    companions: &[
        Pattern::In("var/lib/dpkg/info", ".list"),
        Pattern::In("var/lib/dpkg/info", ".md5sums"),
        Pattern::OneBelow("usr/share/doc", "copyright"),
    ],
    read,
};

/// `/var/lib/dpkg/status.d/*`: one file a package, as images assembled from single packages have them.
pub(crate) const STATUS_DIRECTORY: Cataloger = Cataloger {
    name: "dpkg-status-directory",
    what: "Debian's packages in images without dpkg (distroless)",
    evidence: &[Pattern::In("var/lib/dpkg/status.d", "")],
    companions: &[Pattern::OneBelow("usr/share/doc", "copyright")],
    read,
};

const NAME_BYTES_MAX: usize = 300;
const FILES_MAX: usize = 500_000;
// The architecture of a source package (package-url, PURL-TYPES, `deb`).
const SOURCE: &str = "source";

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if context.path_bytes().ends_with(b".md5sums") {
        return found;
    }
    let (paragraphs, complaints) = deb822::parse(bytes, deb822::LIMITS);
    found.notes.extend(complaints.into_iter().map(|complaint| context.note(complaint)));
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        found.notes.push(context.note("the last line has no end, the file may be cut off"));
    }
    let mut copyrights = Copyrights::default();
    for (number, paragraph) in paragraphs.iter().enumerate() {
        if !is_installed(paragraph) {
            continue;
        }
        match paragraph.some("Package") {
            Some(name) if name.len() <= NAME_BYTES_MAX => {
                let draft = draft(name, paragraph, context, &mut copyrights, &mut found.notes);
                found.drafts.extend(sources(&draft, context));
                found.drafts.push(draft);
            }
            Some(_) => found
                .notes
                .push(context.note(format!("package {} has a name that is too long", number + 1))),
            None => found.notes.push(context.note(format!("package {} has no name", number + 1))),
        }
    }
    found
}

// The third word of `Status` (dpkg(1), "Package states"). Files of a package in any other state are there, at least
// in part; the status directory has no such field.
fn is_installed(paragraph: &Paragraph) -> bool {
    let state = paragraph.get("Status").and_then(|status| status.split_whitespace().nth(2));
    !matches!(state, Some("not-installed" | "config-files"))
}

fn draft<'a>(
    name: &str,
    paragraph: &Paragraph,
    context: &Context<'a>,
    copyrights: &mut Copyrights<'a>,
    notes: &mut Vec<sealift_model::Note>,
) -> Draft {
    let version = paragraph.line("Version").map(str::to_owned);
    if version.is_none() {
        notes.push(context.note(format!("package `{name}` has no version")));
    }
    let architecture = paragraph.line("Architecture").map(str::to_owned);
    let (files, listed_in) = files(name, architecture.as_deref(), context);
    if files.len() >= FILES_MAX {
        notes.push(context.note(format!("package `{name}` has more files than the limit")));
    }
    let (licenses, copyright) = context
        .companion(format!("usr/share/doc/{name}/copyright").as_bytes())
        .map(|companion| copyrights.read(companion.bytes))
        .unwrap_or_default();
    let fields = ["Pre-Depends", "Depends"];
    let requires = fields
        .iter()
        .filter_map(|field| paragraph.get(field))
        .flat_map(dpkg_relations::needs)
        .collect();
    let mut provides = vec![name.to_owned()];
    provides.extend(paragraph.get("Provides").map(dpkg_relations::provided).unwrap_or_default());

    Draft {
        built_from: built_from(name, paragraph, context, notes),
        surroundings: architecture.clone().unwrap_or_default(),
        provides,
        requires,
        package: Package {
            name: name.to_owned(),
            source: source(name, paragraph.line("Source"), version.as_deref()),
            purl: purl(name, version.as_deref(), architecture.as_deref(), context.distro),
            version,
            architecture,
            licenses,
            copyright,
            supplier: paragraph.line("Maintainer").and_then(supplier::supplier),
            homepage: paragraph.line("Homepage").map(str::to_owned),
            summary: paragraph.line("Description").map(str::to_owned),
            evidence: vec![context.evidence(Method::Database)],
            // dpkg writes the list of files when it unpacks the package, and never again; the status file it
            // rewrites for every other package.
            introduced_by: listed_in.or_else(|| context.introduced()),
            files,
            ..Package::new(PackageKind::Deb, "")
        },
    }
}

// Debian Policy §7.8; dpkg 1.21.3 knows both fields: sources whose licence wants them kept, and linked statically.
fn built_from(
    name: &str,
    paragraph: &Paragraph,
    context: &Context<'_>,
    notes: &mut Vec<sealift_model::Note>,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for field in ["Built-Using", "Static-Built-Using"] {
        let Some(value) = paragraph.get(field) else { continue };
        let (mut sources, n_others) = dpkg_relations::built_from(value);
        let n_all = sources.len() + n_others;
        sources.retain(|(source, _)| source.len() <= NAME_BYTES_MAX);
        let n_others = n_all - sources.len();
        all.extend(sources);
        if n_others > 0 {
            let message = format!(
                "package `{name}` names {n_others} in `{field}` without a version, or with a name that is too long"
            );
            notes.push(context.note(message));
        }
    }
    all.sort();
    all.dedup();
    all
}

// A source of which code is in a package: a component that no file shows but the package's own record.
fn sources(draft: &Draft, context: &Context<'_>) -> Vec<Draft> {
    let to_draft = |(name, version): &(String, String)| Draft {
        built_from: Vec::new(),
        surroundings: SOURCE.to_owned(),
        // Nothing can need it: it is not installed.
        provides: Vec::new(),
        requires: Vec::new(),
        package: Package {
            name: name.clone(),
            version: Some(version.clone()),
            architecture: Some(SOURCE.to_owned()),
            source: Some(SourcePackage { name: name.clone(), version: version.clone() }),
            purl: purl(name, Some(version), Some(SOURCE), context.distro),
            evidence: vec![context.evidence(Method::Database)],
            introduced_by: draft.package.introduced_by.clone(),
            scope: Scope::BuiltFrom,
            ..Package::new(PackageKind::Deb, "")
        },
    };
    draft.built_from.iter().map(to_draft).collect()
}

// `glibc`, or `glibc (2.36-9)` if the versions differ.
fn source(name: &str, field: Option<&str>, version: Option<&str>) -> Option<SourcePackage> {
    let (source, own_version) = match field {
        Some(field) => match field.split_once('(') {
            Some((source, rest)) => (source.trim(), rest.split(')').next().map(str::trim)),
            None => (field.trim(), None),
        },
        None => (name, None),
    };
    let version = own_version.filter(|version| !version.is_empty()).or(version)?;
    Some(SourcePackage { name: source.to_owned(), version: version.to_owned() })
}

fn purl(
    name: &str,
    version: Option<&str>,
    architecture: Option<&str>,
    distro: Option<&Distro>,
) -> Purl {
    let mut purl = Purl::new(PackageKind::Deb.purl_type(), &name.to_lowercase());
    let namespace = distro.map_or("debian", |distro| distro.id.as_str());
    purl.namespace = Some(namespace.to_owned());
    purl.version = version.map(str::to_owned);
    if let Some(architecture) = architecture {
        purl.qualifiers.insert("arch".to_owned(), architecture.to_owned());
    }
    if let Some(distro) = distro {
        let release = distro.version_id.as_ref().or(distro.codename.as_ref());
        let value = match release {
            Some(release) => format!("{}-{release}", distro.id),
            None => distro.id.clone(),
        };
        purl.qualifiers.insert("distro".to_owned(), value);
    }
    purl
}

// The files of a package and the layer that has their list: `NAME:ARCH.list` where several architectures may be
// installed together, `NAME.list` elsewhere; checksums beside the status file in a status directory.
fn files(
    name: &str,
    architecture: Option<&str>,
    context: &Context<'_>,
) -> (Vec<String>, Option<LayerRef>) {
    let info = "var/lib/dpkg/info";
    let mut stems = vec![format!("{info}/{name}")];
    stems.extend(architecture.map(|architecture| format!("{info}/{name}:{architecture}")));
    for stem in stems.iter().rev() {
        if let Some(list) = context.companion(format!("{stem}.list").as_bytes()) {
            return (listed_files(list.bytes), list.layer);
        }
    }
    for stem in stems.iter().rev() {
        if let Some(sums) = context.companion(format!("{stem}.md5sums").as_bytes()) {
            return (summed_files(sums.bytes), sums.layer);
        }
    }
    match context.companion(&[context.path_bytes(), b".md5sums"].concat()) {
        Some(sums) => (summed_files(sums.bytes), sums.layer),
        None => (Vec::new(), None),
    }
}

fn listed_files(bytes: &[u8]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"/")) {
        // A directory is followed by what is in it.
        let is_below = |directory: &String| {
            line.strip_prefix(directory.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
        };
        if files.last().is_some_and(is_below) {
            files.pop();
        }
        if files.len() >= FILES_MAX {
            break;
        }
        if line != b"/." {
            files.push(String::from_utf8_lossy(line).into_owned());
        }
    }
    files
}

fn summed_files(bytes: &[u8]) -> Vec<String> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let space = line.iter().position(|byte| *byte == b' ')?;
            let path = line[space..].trim_ascii_start();
            let path = path.strip_prefix(b"./").unwrap_or(path);
            (!path.is_empty()).then(|| format!("/{}", String::from_utf8_lossy(path)))
        })
        .take(FILES_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let check = |field, version, expected: Option<(&str, &str)>| {
            let source = source("libc6", field, version);
            let found = source.as_ref().map(|found| (found.name.as_str(), found.version.as_str()));
            assert_eq!(found, expected);
        };
        check(None, Some("1"), Some(("libc6", "1")));
        check(Some("glibc"), Some("1"), Some(("glibc", "1")));
        check(Some("glibc (2)"), Some("1"), Some(("glibc", "2")));
        check(Some("glibc ("), Some("1"), Some(("glibc", "1")));
        check(Some("glibc"), None, None);
    }

    #[test]
    fn file_lists() {
        assert_eq!(
            listed_files(
                b"/.\n/bin\n/bin/sh\n/usr\n/usr/share\n/usr/share/x\n/usr/share/x y\njunk\n/empty"
            ),
            ["/bin/sh", "/usr/share/x", "/usr/share/x y", "/empty"]
        );
        assert_eq!(summed_files(b"abc  bin/sh\nabc  ./x y\njunk\n \n"), ["/bin/sh", "/x y"]);
    }
}
