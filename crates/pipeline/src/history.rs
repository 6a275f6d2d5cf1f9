//! Secrets in the history of a Git repository: in files that were changed or deleted since, in what no branch has any
//! more, and in the messages of commits and tags. A secret is told once, with the first commit that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sealift_git::{Limits, Repository, Version, history};
use sealift_model::{CommitRef, Note, SecretPlace};
use sealift_secrets::fingerprint;

use crate::Error;
use crate::secrets::{SecretRequest, Secrets, finding};

/// Adds the secrets of a folder's history to those of its files. What is in both is one finding, which gets its commit.
pub fn add_history(
    secrets: &mut Secrets,
    folder: &Path,
    request: &SecretRequest,
) -> Result<(), Error> {
    let repository = Repository::open(folder, &Limits::default()).map_err(|error| {
        let hint =
            "name the folder that has `.git`; a clone with all of the history has most to tell";
        Error::usage(error.to_string(), hint)
    })?;
    let mut found = Found { secrets, request, places: BTreeMap::new(), known: BTreeSet::new() };
    let places = found.secrets.findings.iter().enumerate();
    found.places = places.map(|(at, it)| (it.fingerprint.clone(), at)).collect();
    let wanted = |path: &str| request.scanner.wants(path);
    let notes = history(&repository, &wanted, &mut |version| found.look(version));
    let subject = || folder.display().to_string();
    secrets.notes.extend(notes.into_iter().map(|message| Note { subject: subject(), message }));
    secrets.select(request);
    Ok(())
}

struct Found<'a> {
    secrets: &'a mut Secrets,
    request: &'a SecretRequest,
    /// Findings by their fingerprints.
    places: BTreeMap<String, usize>,
    /// What the history has, wherever: fingerprints without a path.
    known: BTreeSet<String>,
}

impl Found<'_> {
    fn look(&mut self, version: &Version<'_>) {
        let lost = || format!(".git/objects/{}", version.id);
        let path = if version.path.is_empty() { lost() } else { version.path.to_owned() };
        let said = self.request.scanner.scan(&path, version.bytes);
        let notes = said.notes.into_iter();
        self.secrets.notes.extend(notes.map(|message| Note { subject: path.clone(), message }));
        let commit = version.commit.map(|(id, commit)| CommitRef {
            id: id.to_string(),
            author: commit.author.clone(),
            date_secs: commit.date_secs,
        });
        for secret in said.secrets {
            let value = version.bytes.get(secret.range.clone()).unwrap_or_default();
            let is_new = self.known.insert(fingerprint(&secret.rule, value, ""));
            // What is lost or only spoken of, and known elsewhere, is no news.
            if (commit.is_none() || version.is_message) && !is_new {
                continue;
            }
            if let Some(at) = self.places.get(&secret.fingerprint) {
                let earlier = &mut self.secrets.findings[*at];
                earlier.commit = earlier.commit.take().or_else(|| commit.clone());
                continue;
            }
            self.places.insert(secret.fingerprint.clone(), self.secrets.findings.len());
            let mut finding = finding(secret, SecretPlace::File(path.clone()));
            finding.commit.clone_from(&commit);
            self.secrets.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn deleted_and_lost() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.current_dir(folder.path()).args(["-c", "user.name=A", "-c", "user.email=a@b"]);
            command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder.path());
            command.env("GIT_AUTHOR_DATE", "1700000000 +0000").args(arguments);
            command.output().is_ok_and(|output| output.status.success())
        };
        if !git(&["init", "-q"]) {
            eprintln!("SKIPPED: git is not installed");
            return;
        }
        let key = |last: char| format!("line\npassword = \"k7Qz9vTb2LmX4s{last}\"\n");
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("gone.env", &key('a'));
        write("kept.env", &key('b'));
        assert!(git(&["add", "-A"]) && git(&["commit", "-q", "-m", "x"]));
        std::fs::remove_file(folder.path().join("gone.env")).unwrap();
        write("kept.env", &format!("# more\n{}", key('b')));
        // The second has the secret of a file, which is told of the file alone.
        let message = format!("y\n\n{}", key('d'));
        assert!(git(&["add", "-A"]) && git(&["commit", "-q", "-m", &message, "-m", &key('a')]));
        assert!(git(&["tag", "-a", "v1", "-m", &key('e')]));
        // Staged, and taken back before any commit.
        write("lost.env", &key('c'));
        assert!(git(&["add", "-A"]) && git(&["rm", "-q", "-f", "lost.env"]));
        let request = SecretRequest::default();
        let mut secrets = Secrets::default();
        add_history(&mut secrets, folder.path(), &request).unwrap();
        let told: Vec<_> = secrets
            .findings
            .iter()
            .map(|it| (it.place.describe(), it.line, it.commit.as_ref().map(|it| it.date_secs)))
            .collect();
        let (objects, files): (Vec<_>, Vec<_>) =
            told.iter().partition(|it| it.0.starts_with(".git/objects/"));
        let mut objects: Vec<_> = objects.into_iter().map(|it| (it.1, it.2)).collect();
        objects.sort_unstable();
        // The tag's message, the lost file's second line, the commit's message.
        assert_eq!(objects, [(2, None), (2, None), (4, Some(1_700_000_000))]);
        let file = |name: &str| (name.to_owned(), 2, Some(1_700_000_000));
        assert_eq!(files, [&file("gone.env"), &file("kept.env")]);
        let author =
            |it: &sealift_model::SecretFinding| it.commit.as_ref().map(|it| it.author.clone());
        assert!(secrets.findings.iter().filter_map(author).all(|author| author == "A <a@b>"));
        assert!(add_history(&mut secrets, &folder.path().join("nothing"), &request).is_err());
    }
}
