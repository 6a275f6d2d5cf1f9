//! What a user named, whatever it is, and what is inside: an image, or files without one.

use sealift_image::{ReadLimits, Target};
use sealift_model::{Artifact, ArtifactKind, Inventory};
use sealift_oci::Reference;
use sealift_sbom::Subject;

use crate::contents;
use crate::open::Opened;
use crate::{Error, Session};

/// What a user named, and what is inside.
pub struct Examined {
    /// What is inside.
    pub inventory: Inventory,
    /// How a report names it.
    pub artifact: Artifact,
    /// What an SBOM says it is about.
    pub subject: Subject,
    /// The image, if it is one.
    pub opened: Option<Opened>,
}

/// What is inside what the user named.
pub fn examine(session: &Session<'_>, text: &str) -> Result<Examined, Error> {
    match Target::parse(text)? {
        Target::Dir(folder) => {
            let tree = sealift_image::open_directory_inspected(
                &folder,
                &contents::wanted,
                &sealift_catalog::INSPECTION,
                &ReadLimits::default(),
            )?;
            let inventory = sealift_catalog::catalog(&tree);
            Ok(files(session, folder.display().to_string(), inventory))
        }
        _ => image(session, crate::open::open(session, text)?),
    }
}

fn image(session: &Session<'_>, opened: Opened) -> Result<Examined, Error> {
    let inventory = contents::inventory(session, &opened.image)?;
    let subject = if let Some(name) = &opened.reference {
        crate::seal::sbom_subject(&opened, name)
    } else {
        let subject = crate::seal::sbom_subject(&opened, &Reference::parse("image")?);
        Subject { name: opened.title.clone(), reference: None, ..subject }
    };
    let artifact = contents::artifact(&opened);
    Ok(Examined { inventory, artifact, subject, opened: Some(opened) })
}

// Files have no time of their own: the document is as old as its making.
fn files(session: &Session<'_>, name: String, inventory: Inventory) -> Examined {
    let subject =
        Subject { name: name.clone(), created_secs: session.document_secs(), ..Subject::default() };
    let artifact = Artifact { name, kind: ArtifactKind::Filesystem, image: None };
    Examined { inventory, artifact, subject, opened: None }
}
