//! Debian's ports (wiki.debian.org/SupportedArchitectures) by the platforms of OCI.

use object::elf;
use sealift_oci::Platform;

use crate::Error;
use crate::system::linker_cache::Abi;

/// A port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    /// Debian's name.
    pub architecture: &'static str,
    /// Multiarch triplet.
    pub multiarch: &'static str,
    /// What the loader looks for.
    pub abi: Abi,
}

/// The port for a platform.
pub(crate) fn port(platform: &Platform) -> Result<Port, Error> {
    let unknown = || Error::Platform { platform: platform.to_string() };
    if platform.os != "linux" {
        return Err(unknown());
    }
    let port = |architecture, multiarch, machine, is_64, flag| Port {
        architecture,
        multiarch,
        abi: Abi { machine, is_64, flag },
    };
    // The flags are those of glibc's `sysdeps/generic/ldconfig.h`.
    match (platform.architecture.as_str(), platform.variant.as_deref()) {
        ("amd64", None) => Ok(port("amd64", "x86_64-linux-gnu", elf::EM_X86_64, true, 0x0300)),
        ("arm64", None | Some("v8")) => {
            Ok(port("arm64", "aarch64-linux-gnu", elf::EM_AARCH64, true, 0x0a00))
        }
        ("arm", None | Some("v7")) => {
            Ok(port("armhf", "arm-linux-gnueabihf", elf::EM_ARM, false, 0x0900))
        }
        ("386", None) => Ok(port("i386", "i386-linux-gnu", elf::EM_386, false, 0)),
        ("ppc64le", None) => {
            Ok(port("ppc64el", "powerpc64le-linux-gnu", elf::EM_PPC64, true, 0x0500))
        }
        ("riscv64", None) => Ok(port("riscv64", "riscv64-linux-gnu", elf::EM_RISCV, true, 0x1000)),
        _ => Err(unknown()),
    }
}
