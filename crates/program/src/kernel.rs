//! Linux kernels and their modules: the version in an image's header (`Documentation/arch/x86/boot.rst`), and a module's
//! section `.modinfo`.

use std::collections::BTreeMap;

use crate::bytes::{Endian, text, u16_at, u32_at};
use crate::container::Program;

/// So much of an image's beginning has its version, if it is one for x86.
pub const HEAD_BYTES: usize = 64 << 10;
const VERSION_BYTES_MAX: usize = 200;
const FIELDS_MAX: usize = 10_000;
const VALUE_BYTES_MAX: usize = 1000;

/// A kernel's image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its release: `6.1.0-56-amd64`.
    pub release: String,
    /// The processors it is for.
    pub architecture: &'static str,
}

/// Reads a compressed image for x86, of which the beginning suffices, or an image that is not compressed.
pub fn image(bytes: &[u8]) -> Option<Image> {
    x86(bytes).or_else(|| plain(bytes))
}

fn x86(bytes: &[u8]) -> Option<Image> {
    let little = Endian::Little;
    if u16_at(bytes, 0x1fe, little)? != 0xaa55 || bytes.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let at = usize::from(u16_at(bytes, 0x20e, little)?);
    let version = text(bytes.get(at + 0x200..)?, VERSION_BYTES_MAX);
    // `6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1 SMP …`
    let release = release(version)?;
    Some(Image { release, architecture: "x86_64" })
}

fn plain(bytes: &[u8]) -> Option<Image> {
    let is_arm64 = u32_at(bytes, 0x38, Endian::Little)? == 0x644d_5241;
    let is_elf = bytes.starts_with(b"\x7fELF");
    if !is_arm64 && !is_elf {
        return None;
    }
    let marker = b"Linux version ";
    // A format of that text comes before the text.
    memchr::memmem::find_iter(bytes, marker).take(100).find_map(|place| {
        let release = release(&bytes[place + marker.len()..])?;
        Some(Image { release, architecture: if is_arm64 { "arm64" } else { "unknown" } })
    })
}

fn release(text: &[u8]) -> Option<String> {
    let text = &text[..text.len().min(VERSION_BYTES_MAX)];
    let end = text.iter().position(|byte| !byte.is_ascii_graphic()).unwrap_or(text.len());
    let release = std::str::from_utf8(&text[..end]).ok()?;
    let is_release = release.starts_with(|c: char| c.is_ascii_digit()) && release.contains('.');
    is_release.then(|| release.to_owned())
}

/// A kernel's module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: Option<String>,
    /// Its own version, which most have not.
    pub version: Option<String>,
    /// Its licence, as the kernel knows licences.
    pub license: Option<String>,
    /// The kernel's release and what it was built with.
    pub vermagic: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// The modules that it needs.
    pub depends: Vec<String>,
}

impl Module {
    /// The release of the kernel that it is for.
    pub fn release(&self) -> Option<&str> {
        self.vermagic.as_deref()?.split(' ').next().filter(|it| !it.is_empty())
    }
}

/// Reads a module that is not compressed.
pub fn module(bytes: &[u8]) -> Option<Module> {
    let content = Program::parse(bytes)?.section(".modinfo")?;
    let mut fields: BTreeMap<&[u8], String> = BTreeMap::new();
    for field in content.split(|byte| *byte == 0).filter(|it| !it.is_empty()).take(FIELDS_MAX) {
        let Some(equals) = memchr::memchr(b'=', field) else { continue };
        let value = &field[equals + 1..];
        let value = &value[..value.len().min(VALUE_BYTES_MAX)];
        fields
            .entry(&field[..equals])
            .or_insert_with(|| String::from_utf8_lossy(value).trim().to_owned());
    }
    let mut text = |key: &[u8]| fields.remove(key).filter(|value| !value.is_empty());
    let depends = text(b"depends").unwrap_or_default();
    Some(Module {
        name: text(b"name"),
        version: text(b"version"),
        license: text(b"license"),
        vermagic: text(b"vermagic"),
        description: text(b"description"),
        author: text(b"author"),
        depends: depends.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        let mut bytes = vec![0; 0x400];
        bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&[0x00, 0x01]);
        bytes.extend_from_slice(b"\0");
        bytes[0x300..0x330].fill(b' ');
        bytes[0x300..0x30e].copy_from_slice(b"6.1.0-56-amd64");
        let found = image(&bytes).map(|it| it.release);
        assert_eq!(found.as_deref(), Some("6.1.0-56-amd64"));
        for end in 0..0x300 {
            assert_eq!(image(&bytes[..end]), None);
        }
        let mut arm = vec![0; 64];
        arm[0x38..0x3c].copy_from_slice(b"ARMd");
        arm.extend_from_slice(b"Linux version %s (%s)\0Linux version 5.10.0-x (y)\0");
        assert_eq!(image(&arm).map(|it| it.release).as_deref(), Some("5.10.0-x"));
    }
}
