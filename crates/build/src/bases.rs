//! Which base images a build will ask for, known before it begins.

use sealift_oci::Reference;

use crate::plan::{Plan, StageBase};
use crate::{Error, Request};

/// The images that the `FROM`s of the needed stages name, in the order of the file, each once.
pub fn base_references(request: &Request) -> Result<Vec<Reference>, Error> {
    let plan = Plan::new(request)?;
    let mut found: Vec<Reference> = Vec::new();
    for stage in plan.stages.iter().flatten() {
        if let StageBase::Image(reference) = &stage.base
            && !found.contains(reference)
        {
            found.push(reference.clone());
        }
    }
    Ok(found)
}
