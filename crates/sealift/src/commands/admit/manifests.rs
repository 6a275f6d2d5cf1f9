//! `sealift admit manifests`

use std::path::Path;
use std::process::ExitCode;

use sealift_admission::{Install, manifests};
use sealift_pipeline::policies::read_text;

use crate::failure::Usage;
use crate::printer::Printer;
use sealift_arguments::{AdmitManifests, AdmitMode};

const FILE_BYTES_MAX: u64 = 1 << 20;
// Where the ConfigMap lies in the container.
const FOLDER: &str = "/etc/sealift/files";

pub(super) fn run(arguments: &AdmitManifests, printer: &Printer) -> anyhow::Result<ExitCode> {
    if arguments.trust.is_none() && arguments.policies.is_empty() {
        return Err(super::serve::nothing_to_judge_by());
    }
    let named = arguments.trust.iter().chain(&arguments.policies).chain(&arguments.files);
    let files = named
        .map(|path| Ok((name_of(path)?, read_text(path, FILE_BYTES_MAX)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut options = Vec::new();
    if let Some(path) = &arguments.trust {
        options.push(format!("--trust={FOLDER}/{}", name_of(path)?));
    }
    for path in &arguments.policies {
        options.push(format!("--policy={FOLDER}/{}", name_of(path)?));
    }
    if arguments.mode == AdmitMode::Warn {
        options.push("--mode=warn".to_owned());
    }
    let install = Install {
        namespace: arguments.namespace.clone(),
        image: arguments.image.clone(),
        authority: read_text(&arguments.ca, FILE_BYTES_MAX)?,
        files,
        options,
        exempt_namespaces: arguments.exempt_namespaces.clone(),
        replicas: arguments.replicas,
        has_mutation: !arguments.no_mutation,
    };
    let text = manifests(&install).map_err(|error| {
        Usage::error(error.to_string(), "docs/admission.md has an example of every option")
    })?;
    printer.data(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn name_of(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        Usage::error(
            format!("`{}` is no file that a ConfigMap can have", path.display()),
            "give a file whose name is letters, digits, `-`, `_` and `.`",
        )
    })
}
