//! What a service's own Dockerfile tells about its image.

use sealift_dockerfile::{InstructionKind, Limits, parse};

use super::files::join;
use super::service::Service;
use super::variables::expand;
use crate::Context;
use crate::yaml::{Tree, View};

/// A Dockerfile that a service is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Folder of the build context, relative to the compose file.
    pub context: String,
    /// The Dockerfile, relative to the compose file.
    pub dockerfile: String,
}

/// What the Dockerfile says of the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) has_user: bool,
    pub(super) has_health: bool,
}

/// The Dockerfiles of all services, each once; those in other places than files are left out.
pub(crate) fn builds(tree: &Tree<'_>) -> Vec<Build> {
    let mut found: Vec<Build> = Vec::new();
    for document in tree.documents() {
        for service in document.get("services").map(View::entries).unwrap_or_default() {
            let build = service.value.get("build").and_then(build_of);
            found.extend(build.filter(|build| !found.contains(build)));
        }
    }
    found
}

fn build_of(view: View<'_>) -> Option<Build> {
    let context = view.text().or_else(|| view.word("context"));
    let has_inline = view.get("dockerfile_inline").is_some();
    if has_inline { None } else { dockerfile(context, view.word("dockerfile")) }
}

/// Where the Dockerfile of a context lies, if both are files here.
fn dockerfile(context: Option<&str>, name: Option<&str>) -> Option<Build> {
    let context = expand(context.unwrap_or("."));
    let is_remote = context.contains("://") || context.contains('$') || context.starts_with("git@");
    if is_remote {
        return None;
    }
    let name = expand(name.unwrap_or("Dockerfile"));
    let folder = context.trim_end_matches('/');
    let dockerfile = match folder {
        "." | "" => name.clone(),
        _ if name.starts_with('/') => name.clone(),
        _ => format!("{folder}/{name}"),
    };
    let dockerfile = dockerfile.trim_start_matches("./").to_owned();
    (!dockerfile.contains('$')).then_some(Build { context, dockerfile })
}

/// What the Dockerfile of a service says, if it can be read.
pub(super) fn known(service: &Service<'_>, context: &Context<'_>) -> Known {
    let settings = service.all("build");
    let Some(nearest) = settings.first() else { return Known::default() };
    let word = |key: &str| settings.iter().find_map(|setting| setting.value.word(key));
    let folder =
        settings.iter().find_map(|it| it.value.text().or_else(|| it.value.word("context")));
    let text = match word("dockerfile_inline") {
        Some(text) => Some(text.to_owned()),
        None => dockerfile(folder, word("dockerfile"))
            .and_then(|build| (context.read)(&join(nearest.folder, &build.dockerfile)).text()),
    };
    let Some(text) = text else { return Known::default() };
    let mut known = Known::default();
    for instruction in &parse(&text, &Limits::default()).file.instructions {
        match &instruction.kind {
            InstructionKind::From(_) => known = Known::default(),
            InstructionKind::User(user) => {
                let user = user.split(':').next().unwrap_or("").trim();
                known.has_user = !matches!(user, "root" | "0" | "");
            }
            InstructionKind::Healthcheck(_) => known.has_health = true,
            _ => {}
        }
    }
    known
}
