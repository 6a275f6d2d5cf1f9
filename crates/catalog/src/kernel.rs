//! Linux kernels and their modules.

use std::io::Cursor;

use sealift_archive::{RelativePath, read_bounded};
use sealift_image::{FileMeta, Look};
use sealift_model::{Method, PackageKind};
use sealift_program::{kernel, signature};

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Found};
use crate::component::{NAME_BYTES_MAX, component, license};

const NAME: &str = "linux-kernel";
const MODULE_BYTES_MAX: u64 = 128 << 20;

/// True for files with a name as kernels and modules have.
pub(crate) fn is_candidate(path: &RelativePath, meta: &FileMeta) -> bool {
    let name = path.file_name().unwrap_or_default();
    meta.size > 64 && (is_image(name) || is_module(name))
}

fn is_image(name: &[u8]) -> bool {
    [&b"vmlinuz"[..], b"vmlinux", b"bzImage"].iter().any(|start| name.starts_with(start))
        || name == b"Image"
}

fn is_module(name: &[u8]) -> bool {
    [&b".ko"[..], b".ko.gz", b".ko.xz", b".ko.zst"].iter().any(|end| name.ends_with(end))
}

/// The beginning of a compressed kernel, all of others and of modules.
pub(crate) fn look(path: &RelativePath, start: &[u8]) -> Look {
    let name = path.file_name().unwrap_or_default();
    let is_plain = start.starts_with(b"\x7fELF") || start.get(0x38..0x3c) == Some(b"ARMd");
    match (is_module(name), is_image(name)) {
        (true, _) => Look::Whole,
        (_, true) if is_plain => Look::Whole,
        (_, true) => Look::Head(kernel::HEAD_BYTES),
        _ => Look::Pass,
    }
}

/// The part `kernel` with its release, or the parts of a module.
pub(crate) fn extract(path: &RelativePath, content: &[u8]) -> Option<Extract> {
    let name = path.file_name().unwrap_or_default();
    let part = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    if is_image(name) {
        let image = kernel::image(content)?;
        let parts = vec![part("kernel", &image.release), part("architecture", image.architecture)];
        return Some(Extract { parts, complaints: Vec::new() });
    }
    let unpacked;
    let module = if name.ends_with(b".ko") {
        content
    } else {
        let read = sealift_archive::open(Box::new(Cursor::new(content.to_vec())))
            .and_then(|reader| read_bounded(reader, MODULE_BYTES_MAX));
        match read {
            Ok(bytes) => unpacked = bytes,
            Err(error) => {
                let complaint = format!("the module cannot be unpacked: {error}");
                return Some(Extract { parts: Vec::new(), complaints: vec![complaint] });
            }
        }
        &unpacked
    };
    let module = kernel::module(module)?;
    let stem = String::from_utf8_lossy(name);
    let stem = stem.split(".ko").next().unwrap_or_default().replace('-', "_");
    let mut parts = vec![part("module", module.name.as_deref().unwrap_or(&stem))];
    let release = module.release().unwrap_or_default().to_owned();
    parts.push(part("release", &release));
    parts.push(part("version", module.version.as_deref().unwrap_or_default()));
    parts.push(part("license", module.license.as_deref().unwrap_or_default()));
    parts.push(part("description", module.description.as_deref().unwrap_or_default()));
    parts.push(part("depends", &module.depends.join(",")));
    Some(Extract { parts, complaints: Vec::new() })
}

/// The kernel or the module, which needs its kernel and other modules.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint)));
    let text = |name| String::from_utf8_lossy(extract.part(name).unwrap_or_default());
    let evidence = context.evidence(Method::BuildRecord);
    let kernel_key = |release: &str| format!("{NAME}#{release}");
    let module_key = |release: &str, name: &str| format!("{NAME}#{release}#{name}");
    let release = text("kernel");
    if !release.is_empty() {
        let mut draft = component(PackageKind::Kernel, NAME, Some(&release), evidence, context);
        let architecture = text("architecture");
        draft.package.architecture = (architecture != "unknown").then(|| architecture.into_owned());
        let upstream = release.split(['-', '+']).next().unwrap_or_default();
        let cpe = signature::cpe("linux:linux_kernel", upstream);
        // A kernel is an operating system in those names.
        draft.package.cpes.extend(cpe.map(|cpe| cpe.replacen("cpe:2.3:a:", "cpe:2.3:o:", 1)));
        draft.provides = vec![kernel_key(&release)];
        found.drafts.push(draft);
        return found;
    }
    let (name, release, version) = (text("module"), text("release"), text("version"));
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return found;
    }
    let mut draft = component(PackageKind::Kernel, &name, Some(&version), evidence, context);
    draft.package.licenses.extend(license(&text("license")));
    let summary = text("description");
    draft.package.summary = (!summary.is_empty()).then(|| summary.into_owned());
    draft.provides = vec![module_key(&release, &name)];
    draft.requires = vec![vec![kernel_key(&release)]];
    let needs = text("depends");
    let needs = needs.split(',').filter(|need| !need.is_empty());
    draft.requires.extend(needs.map(|need| vec![module_key(&release, &need.replace('-', "_"))]));
    found.drafts.push(draft);
    found
}
