//! From a header to a package.

use sealift_model::{
    Hash, HashAlgorithm, License, Method, Package, PackageKind, SourcePackage, Supplier,
};

use super::header::{self, Header};
use crate::cataloger::{Context, Draft};
use crate::os_purl::{self, Parts};
use crate::{os_license, supplier};

/// Bytes of the file names of a database: a directory counts once for each of its files.
pub(super) const FILES_BYTES_MAX: usize = 256 << 20;

const NAME_BYTES_MAX: usize = 300;
const TEXT_CHARS_MAX: usize = 4096;
const RELATIONS_MAX: usize = 50_000;
// `rpmlib(...)`: something that rpm itself must be able to do.
const SENSE_RPMLIB: u32 = 1 << 24;
const TYPE_MASK: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;

/// A package and what was wrong with it, or why it is none.
pub(super) fn draft(
    blob: &[u8],
    context: &Context<'_>,
    files_bytes: &mut usize,
) -> Result<(Draft, Option<&'static str>), &'static str> {
    let header = Header::parse(blob)?;
    let text = |tag| header.text(tag).map(|text| text.chars().take(TEXT_CHARS_MAX).collect());
    let name: String = text(header::NAME).ok_or("has no name")?;
    if name.len() > NAME_BYTES_MAX {
        return Err("has a name that is too long");
    }
    let identity = Identity {
        epoch: header.numbers(header::EPOCH).next(),
        version: text(header::VERSION),
        release: text(header::RELEASE),
        architecture: text(header::ARCHITECTURE),
        source_rpm: text(header::SOURCE_RPM),
        vendor: text(header::VENDOR),
        name,
    };
    let mut draft = of(identity, context);
    let (files, mut complaint) = files(&header, files_bytes);
    if draft.package.version.is_none() {
        complaint = Some("has no version");
    }
    let package = &mut draft.package;
    package.introduced_by = context.layer_of(&files).or_else(|| context.introduced());
    package.files = files;
    package.homepage = text(header::URL);
    package.summary = text(header::SUMMARY);
    if let Some(declared) = text(header::LICENSE) {
        package.licenses =
            vec![License::declared(declared.clone(), os_license::expression(&declared))];
    }
    if package.supplier.is_none() {
        let packager: Option<String> = text(header::PACKAGER);
        package.supplier = packager.as_deref().and_then(supplier::supplier);
    }
    package.hashes = hash(&header).into_iter().collect();
    if let Some(label) = text(header::MODULARITY_LABEL) {
        package.purl.qualifiers.insert("rpmmod".to_owned(), label);
    }
    let provided = header.texts(header::PROVIDE_NAMES).take(RELATIONS_MAX);
    draft.provides.extend(provided.map(|name| String::from_utf8_lossy(name).into_owned()));
    draft.requires = requires(&header);
    Ok((draft, complaint))
}

// Of the package's header, which has the hashes of its files in it.
fn hash(header: &Header<'_>) -> Option<Hash> {
    let of = |tag, algorithm, n_digits| {
        let hex = header.text(tag)?.to_ascii_lowercase();
        let is_hash = hex.len() == n_digits && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then_some(Hash { algorithm, hex })
    };
    of(header::HEADER_SHA256, HashAlgorithm::Sha256, 64)
        .or_else(|| of(header::HEADER_SHA1, HashAlgorithm::Sha1, 40))
}

/// What every record of a package has.
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) epoch: Option<u32>,
    pub(super) version: Option<String>,
    pub(super) release: Option<String>,
    pub(super) architecture: Option<String>,
    pub(super) source_rpm: Option<String>,
    pub(super) vendor: Option<String>,
}

/// A package of which no more is known.
pub(super) fn of(identity: Identity, context: &Context<'_>) -> Draft {
    let Identity { name, epoch, version, release, architecture, source_rpm, vendor } = identity;
    let plain = version.map(|version| match release {
        Some(release) => format!("{version}-{release}"),
        None => version,
    });
    let epoch = epoch.filter(|epoch| *epoch > 0);
    let whole = plain.as_ref().map(|plain| match epoch {
        Some(epoch) => format!("{epoch}:{plain}"),
        None => plain.clone(),
    });
    let mut purl = os_purl::purl(&Parts {
        kind: PackageKind::Rpm,
        name: &name,
        version: plain.as_deref(),
        architecture: architecture.as_deref(),
        distro: context.distro,
        namespace: None,
        upstream: source_rpm.as_deref(),
    });
    if let Some(epoch) = epoch {
        purl.qualifiers.insert("epoch".to_owned(), epoch.to_string());
    }
    Draft {
        built_from: Vec::new(),
        surroundings: architecture.clone().unwrap_or_default(),
        provides: vec![name.clone()],
        requires: Vec::new(),
        package: Package {
            name,
            version: whole,
            architecture,
            source: source_rpm.as_deref().and_then(source),
            purl,
            supplier: vendor.map(Supplier::Organization),
            evidence: vec![context.evidence(Method::Database)],
            introduced_by: context.introduced(),
            ..Package::new(PackageKind::Rpm, "")
        },
    }
}

// `bash-5.1.8-6.el9.src.rpm`.
fn source(file: &str) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".rpm")?;
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage { name: name.to_owned(), version: format!("{version}-{release}") })
}

fn requires(header: &Header<'_>) -> Vec<Vec<String>> {
    let flags = header.numbers(header::REQUIRE_FLAGS).chain(std::iter::repeat(0));
    header
        .texts(header::REQUIRE_NAMES)
        .zip(flags)
        .take(RELATIONS_MAX)
        .filter(|(name, flags)| flags & SENSE_RPMLIB == 0 && !name.starts_with(b"rpmlib("))
        .flat_map(|(name, _)| needs(&String::from_utf8_lossy(name)))
        .collect()
}

// A name, or `(a >= 1 or b)`; conditions are left out, what they need may not be needed here.
fn needs(text: &str) -> Vec<Vec<String>> {
    let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return vec![vec![text.to_owned()]];
    };
    let is_plain =
        [" if ", " unless ", " with ", " without "].iter().all(|word| !inner.contains(word));
    let has_both = inner.contains(" and ") && inner.contains(" or ");
    if !is_plain || has_both {
        return Vec::new();
    }
    let name = |part: &str| part.split_whitespace().next().map(str::to_owned);
    inner
        .split(" and ")
        .map(|need| need.split(" or ").filter_map(name).collect())
        .filter(|alternatives: &Vec<String>| !alternatives.is_empty())
        .collect()
}

fn files(header: &Header<'_>, files_bytes: &mut usize) -> (Vec<String>, Option<&'static str>) {
    let directories: Vec<&[u8]> = header.texts(header::DIRECTORY_NAMES).collect();
    let indices = header.numbers(header::DIRECTORY_INDICES);
    let new = header.texts(header::BASE_NAMES).zip(indices).map(|(base, index)| {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        directories.get(index).map(|directory| (*directory, base))
    });
    let old = header.texts(header::OLD_FILE_NAMES).map(|name| Some((&b""[..], name)));
    let modes = header.numbers(header::FILE_MODES).chain(std::iter::repeat(0));
    let promised = header.count(header::BASE_NAMES).max(header.count(header::OLD_FILE_NAMES));
    let mut files = Vec::new();
    let mut n_read = 0;
    for (parts, mode) in new.chain(old).zip(modes) {
        let Some((directory, base)) = parts else {
            return (files, Some("has a file in a directory that is not in its list"));
        };
        n_read += 1;
        if mode & TYPE_MASK == DIRECTORY {
            continue;
        }
        let Some(left) = files_bytes.checked_sub(directory.len() + base.len()) else {
            return (files, Some("has more file names than the limit"));
        };
        *files_bytes = left;
        files.push(String::from_utf8_lossy(&[directory, base].concat()).into_owned());
    }
    let complaint = (n_read < promised).then_some("has a list of files that is cut off");
    (files, complaint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let check = |file, expected: Option<(&str, &str)>| {
            let source = source(file);
            let found =
                source.as_ref().map(|source| (source.name.as_str(), source.version.as_str()));
            assert_eq!(found, expected, "{file}");
        };
        check("bash-5.1.8-6.el9.src.rpm", Some(("bash", "5.1.8-6.el9")));
        check("a-b-1-2.nosrc.rpm", Some(("a-b", "1-2")));
        check("bash-5.1.src.rpm", None);
        check("bash-5.1.8-6.x86_64.rpm", None);
        check("", None);
    }

    #[test]
    fn rich_needs() {
        let check = |text, expected: &[&[&str]]| assert_eq!(needs(text), expected, "{text}");
        check("libc.so.6(GLIBC_2.34)(64bit)", &[&["libc.so.6(GLIBC_2.34)(64bit)"]]);
        check("(a >= 1 or b)", &[&["a", "b"]]);
        check("(a and b = 2)", &[&["a"], &["b"]]);
        check("(a if b)", &[]);
        check("((a or b) and c)", &[]);
        check("()", &[]);
    }
}
