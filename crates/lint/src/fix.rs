//! Mending a Dockerfile: what its rules know how to mend, kept only where it does good.

use sealift_diagnostic::{Fixed, NewFile, Tier, mend};
use sealift_dockerfile::{Limits, parse};

use crate::{Context, lint};

/// Path of the ignore file in fixes; whoever writes it knows where the build reads it from.
pub const DOCKERIGNORE: &str = ".dockerignore";

/// Apply all fixes up to a tier. Every byte that no fix is about stays as it is.
pub fn fix(text: &str, context: &Context<'_>, limits: &Limits, tier: Tier) -> Fixed {
    mend(text, tier, &mut |text, files: &[NewFile]| {
        let made = files.iter().find(|file| file.path == DOCKERIGNORE);
        let dockerignore = made.map(|file| file.content.as_str()).or(context.dockerignore);
        lint(&parse(text, limits), &Context { dockerignore, ..*context })
    })
}
