//! Mending a Dockerfile and its ignore file: as patches, or on disk.
//!
//! Invariants: a file is written whole or not at all, keeps its mode and owner, and is not written when it is no longer
//! what was linted; secrets that were found are masked in every patch.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sealift_diagnostic::{Diagnostic, Fix, Fixed, NewFile, Tier, apply, patch};
use sealift_lint::{DOCKERIGNORE, mask, secrets};

use crate::Error;
use crate::lint::{LintRequest, Linted, Scene, read_dockerfile};

/// A Dockerfile before and after its fixes; nothing is written yet.
#[derive(Clone, Debug)]
pub struct Mended {
    /// It as it was, with what was found.
    pub before: Linted,
    /// It after its fixes.
    pub fixed: Fixed,
    ignore_path: PathBuf,
    ignore_before: Option<String>,
}

/// A way to mend that was not taken.
#[derive(Clone, Debug)]
pub struct Advice {
    /// Id of the rule.
    pub rule: String,
    /// How sure it is.
    pub tier: Tier,
    /// What it does.
    pub title: String,
    /// What it changes.
    pub patch: String,
}

/// Mends a Dockerfile, as far as a tier allows.
pub fn mend(
    path: &Path,
    context: &Path,
    request: &LintRequest,
    tier: Tier,
) -> Result<Mended, Error> {
    mend_text(read_dockerfile(path)?, path, context, request, tier)
}

/// Mends the text of a Dockerfile that would be at a path.
pub fn mend_text(
    text: String,
    path: &Path,
    context: &Path,
    request: &LintRequest,
    tier: Tier,
) -> Result<Mended, Error> {
    let scene = Scene::read(path, context, request)?;
    let diagnostics = scene.lint(path, &text);
    let fixed = scene.fix(path, &text, tier);
    let kind = scene.kind_of(path, &text);
    let path = path.to_owned();
    let before = Linted { path, text, kind, diagnostics, fail_on: request.fail_on };
    Ok(Mended { before, fixed, ignore_path: scene.ignore_path, ignore_before: scene.dockerignore })
}

impl Mended {
    /// True if any file would change.
    pub fn is_changed(&self) -> bool {
        self.before.text != self.fixed.text || !self.fixed.files.is_empty()
    }

    /// What is still found afterwards.
    pub fn after(&self) -> Linted {
        Linted {
            path: self.before.path.clone(),
            text: self.fixed.text.clone(),
            kind: self.before.kind,
            diagnostics: self.fixed.left.clone(),
            fail_on: self.before.fail_on,
        }
    }

    /// Everything that changes, as one patch.
    pub fn patch(&self) -> String {
        let files = self.fixed.files.iter().map(|file| self.file_patch(file));
        let own = text_patch(
            &self.before.path,
            &self.before.text,
            &self.before.diagnostics,
            &self.fixed.text,
            &self.fixed.left,
        );
        std::iter::once(own).chain(files).collect()
    }

    /// The fixes that were not made: for a person to judge or to finish.
    pub fn advice(&self) -> Vec<Advice> {
        self.fixed
            .left
            .iter()
            .filter_map(|finding| {
                let fix = finding.fixes.first()?;
                Some(Advice {
                    rule: finding.rule.as_deref().unwrap_or_default().to_owned(),
                    tier: fix.tier,
                    title: fix.title.clone(),
                    patch: self.advised(fix),
                })
            })
            .collect()
    }

    fn advised(&self, fix: &Fix) -> String {
        let text = &self.fixed.text;
        let after = apply(text, &[fix]).text;
        let own = text_patch(&self.before.path, text, &self.fixed.left, &after, &[]);
        let file = fix.file.as_ref().map(|file| self.file_patch(file)).unwrap_or_default();
        own + &file
    }

    fn file_patch(&self, file: &NewFile) -> String {
        let made = self.fixed.files.iter().find(|made| made.path == file.path && *made != file);
        let before = match made {
            Some(made) => Some(made.content.as_str()),
            None => self.ignore_before.as_deref().filter(|_| file.path == DOCKERIGNORE),
        };
        patch(&shown(&self.place(file)), before, &file.content)
    }

    fn place(&self, file: &NewFile) -> PathBuf {
        if file.path == DOCKERIGNORE {
            return self.ignore_path.clone();
        }
        self.ignore_path.parent().unwrap_or(Path::new("")).join(&file.path)
    }

    /// Write what has changed; returns the files that were written.
    pub fn write(&self) -> Result<Vec<PathBuf>, Error> {
        let mut written = Vec::new();
        for file in &self.fixed.files {
            let place = self.place(file);
            let before = self.ignore_before.as_deref().filter(|_| file.path == DOCKERIGNORE);
            replace(&place, before, &file.content)?;
            written.push(place);
        }
        if self.before.text != self.fixed.text {
            replace(&self.before.path, Some(&self.before.text), &self.fixed.text)?;
            written.push(self.before.path.clone());
        }
        Ok(written)
    }

    /// Lay the mended files into a folder, for a build that is only a trial; returns the Dockerfile there.
    pub(crate) fn lay_out(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join("Dockerfile");
        let made = self.fixed.files.iter().find(|file| file.path == DOCKERIGNORE);
        let ignore = made.map(|file| &file.content).or(self.ignore_before.as_ref());
        if let Some(ignore) = ignore {
            let place = folder.join("Dockerfile.dockerignore");
            fs::write(&place, ignore).map_err(|error| Error::file("write", &place, error))?;
        }
        fs::write(&path, &self.fixed.text).map_err(|error| Error::file("write", &path, error))?;
        Ok(path)
    }
}

/// The patch of one text, with its secrets masked on both sides.
fn text_patch(
    path: &Path,
    before: &str,
    found: &[Diagnostic],
    after: &str,
    left: &[Diagnostic],
) -> String {
    // A secret is masked by its bytes too: what would be found in the text after a fix may not be known.
    let (mut old, mut new) = (mask(before, found), mask(after, left));
    for secret in secrets(before, found) {
        let stars = "*".repeat(secret.chars().count());
        (old, new) = (old.replace(secret, &stars), new.replace(secret, &stars));
    }
    patch(&shown(path), Some(&old), &new)
}

/// A path as patches have it: relative.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.trim_start_matches("./").trim_start_matches('/').to_owned()
}

/// Put a text in the place of the one that was read there, through symbolic links.
fn replace(path: &Path, before: Option<&str>, text: &str) -> Result<(), Error> {
    let fail = |error| Error::file("write", path, error);
    let real = if before.is_some() { path.canonicalize().map_err(fail)? } else { path.to_owned() };
    let now = match fs::read(&real) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(fail(error)),
    };
    if now.as_deref() != before.map(str::as_bytes) {
        return Err(Error::usage(
            format!("`{}` was changed while it was being mended", path.display()),
            "run the command again",
        ));
    }
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)?;
    let mode = match fs::metadata(&real) {
        Ok(old) => {
            // Only root may give files away; for anyone else the file is his own already, or becomes it.
            let _ = std::os::unix::fs::fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
            old.permissions()
        }
        Err(_) => fs::Permissions::from_mode(0o644),
    };
    file.as_file().set_permissions(mode).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(&real).map_err(|error| fail(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(folder: &Path, text: &str, tier: Tier) -> Mended {
        let path = folder.join("Dockerfile");
        fs::write(&path, text).unwrap();
        mend(&path, folder, &LintRequest::default(), tier).unwrap()
    }

    #[test]
    fn files_are_replaced_through_links_and_keep_their_mode() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        let link = folder.path().join("link");
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        replace(&link, Some("old"), "new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let error = replace(&link, Some("old"), "newer").unwrap_err().to_string();
        assert!(error.contains("changed while"), "{error}");
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        // A new file does not take the place of one that came in the meantime.
        assert!(replace(&real, None, "x").is_err());
    }

    #[test]
    fn nothing_to_mend_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let text = "FROM scratch\nCOPY a /a\n";
        let mended = mended(folder.path(), text, Tier::Suggested);
        assert!(!mended.is_changed() && mended.patch().is_empty());
        assert!(mended.write().unwrap().is_empty());
    }
}
