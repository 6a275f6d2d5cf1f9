//! Which image of several.

use clap::Args;
use sealift_oci::Platform;

/// Which image of several; shared by the commands that look into images.
#[derive(Debug, Args)]
pub struct PlatformOptions {
    /// Platform to take of an image for several, OS/ARCH[/VARIANT] [default: this machine's]
    #[arg(
        long,
        value_name = "OS/ARCH[/VARIANT]",
        env = "SEALIFT_PLATFORM",
        hide_env = true,
        value_parser = platform
    )]
    pub platform: Option<Platform>,
}

/// Reads `OS/ARCH[/VARIANT]`.
pub fn platform(text: &str) -> Result<Platform, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let (os, architecture, variant) = match parts.as_slice() {
        [os, architecture] => (os, architecture, None),
        [os, architecture, variant] => (os, architecture, Some(variant)),
        _ => return Err("it is not OS/ARCH[/VARIANT], as in `linux/arm64`".to_owned()),
    };
    if parts.iter().any(|part| part.is_empty()) {
        return Err("a part of it is empty; write it as in `linux/arm/v7`".to_owned());
    }
    // As uname has them.
    let architecture = match *architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Ok(Platform {
        os: (*os).to_owned(),
        architecture: architecture.to_owned(),
        variant: variant.map(|variant| (*variant).to_owned()),
        os_version: None,
    })
}
