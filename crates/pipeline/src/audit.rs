//! Auditing images, containers that run, and files, to one kind of finding.

use sealift_audit::{ImageFinding, Place, Subject};
use sealift_diagnostic::{Diagnostic, Level, line_column};
use sealift_image::ReadLimits;
use sealift_lint::Config;
use sealift_model::Note;

use crate::inputs::LintKind;
use crate::lint::Linted;
use crate::open::open;
use crate::{Error, Session};

/// Something that was looked at.
#[derive(Clone, Debug)]
pub struct Audited {
    /// What people call it.
    pub title: String,
    /// What benchmarks call its kind.
    pub subject: Subject,
    /// What was found, the worst first.
    pub findings: Vec<AuditFinding>,
}

/// A finding with its place in words.
#[derive(Clone, Debug)]
pub struct AuditFinding {
    /// What.
    pub diagnostic: Diagnostic,
    /// `/etc/shadow`, `compose.yaml:3:5`; empty for the thing as a whole.
    pub place: String,
    /// The layer, lowest is 1.
    pub layer: Option<usize>,
}

/// Audits an image, wherever it is. Its layers are read once, and nothing of them is kept.
pub fn audit_image(session: &Session<'_>, text: &str, config: &Config) -> Result<Audited, Error> {
    let opened = open(session, text)?;
    let limits = ReadLimits::default();
    let tree = sealift_image::read(&opened.image, &sealift_audit::wanted, &limits)?;
    let name = opened.reference.as_ref();
    let findings = sealift_audit::audit_image(&opened.image, name, &tree, config);
    let findings = findings.into_iter().map(of_image).collect();
    Ok(Audited { title: opened.title, subject: Subject::Images, findings })
}

fn of_image(found: ImageFinding) -> AuditFinding {
    let ImageFinding { diagnostic, place } = found;
    match place {
        Place::Configuration => AuditFinding { diagnostic, place: String::new(), layer: None },
        Place::Layer(layer) => {
            AuditFinding { diagnostic, place: String::new(), layer: Some(layer + 1) }
        }
        Place::File { path, layer } => {
            AuditFinding { diagnostic, place: path, layer: Some(layer + 1) }
        }
    }
}

/// Audits the containers that run in Docker and Podman. An engine that does not answer is a note.
pub fn audit_containers(
    session: &Session<'_>,
    config: &Config,
) -> Result<(Vec<Audited>, Vec<Note>), Error> {
    let daemons = session.daemons;
    let (mut all, mut notes) = (Vec::new(), Vec::new());
    for (word, socket) in [("docker", &daemons.docker), ("podman", &daemons.podman)] {
        let Some(socket) = socket.as_deref().filter(|socket| socket.exists()) else { continue };
        let note = |error: &dyn std::fmt::Display| Note {
            subject: word.to_owned(),
            message: format!("its containers cannot be audited: {error}"),
        };
        let containers = match sealift_image::running_containers(socket) {
            Ok(containers) => containers,
            Err(error) => {
                notes.push(note(&error));
                continue;
            }
        };
        for container in containers {
            let said = match sealift_image::inspect_container(socket, &container) {
                Ok(said) => said,
                Err(error) => {
                    notes.push(note(&error));
                    continue;
                }
            };
            match sealift_audit::audit_container(&said, config) {
                Ok(found) => {
                    let mut findings: Vec<AuditFinding> = found
                        .into_iter()
                        .map(|diagnostic| AuditFinding {
                            diagnostic,
                            place: String::new(),
                            layer: None,
                        })
                        .collect();
                    findings.sort_by_key(|it| std::cmp::Reverse(it.diagnostic.level));
                    let title = format!("{word}: {} ({})", container.name, container.image);
                    all.push(Audited { title, subject: Subject::Containers, findings });
                }
                Err(error) => notes.push(note(&error)),
            }
        }
    }
    Ok((all, notes))
}

/// A file that was linted, in the same form.
pub fn audited_file(linted: &Linted) -> Audited {
    let title = linted.path.display().to_string();
    let subject = match linted.kind {
        LintKind::Compose | LintKind::Variables => Subject::Containers,
        LintKind::Kubernetes => Subject::Manifests,
        LintKind::Dockerfile => Subject::Images,
    };
    let findings = linted.diagnostics.iter().map(|found| {
        let (line, column) = line_column(&linted.text, found.span.start);
        let place = format!("{title}:{line}:{column}");
        AuditFinding { diagnostic: found.clone(), place, layer: None }
    });
    Audited { findings: findings.collect(), title, subject }
}

impl Audited {
    /// One line: how many of which level.
    pub fn summary(&self) -> String {
        let counts: Vec<String> = Level::ALL
            .iter()
            .map(|level| {
                (level, self.findings.iter().filter(|it| it.diagnostic.level == *level).count())
            })
            .filter(|(_, count)| *count > 0)
            .map(|(level, count)| format!("{count} {}", level.as_str()))
            .collect();
        if counts.is_empty() {
            format!("{} is clean", self.title)
        } else {
            format!("{}: {}", self.title, counts.join(", "))
        }
    }

    /// Whether a finding is at or above a level.
    pub fn fails(&self, least: Option<Level>) -> bool {
        least.is_some_and(|least| self.findings.iter().any(|it| it.diagnostic.level >= least))
    }
}
