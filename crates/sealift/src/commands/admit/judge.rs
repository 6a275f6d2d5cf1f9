//! What an image is worth to a cluster: by the trust policy and the policies that `verify` and `pull` take too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sealift_admission::{Decision, Judge, Question, Verdict};
use sealift_custody::marks::Marks;
use sealift_custody::policy_file::{self, PolicyFile};
use sealift_custody::{Trust, revocations};
use sealift_model::Outcome;
use sealift_notary::States;
use sealift_oci::{Descriptor, Digest};
use sealift_pipeline::admit::{self, Admission};
use sealift_pipeline::judge::PolicyRequest;
use sealift_pipeline::keys::TrustedKey;
use sealift_pipeline::{Error, Kind, Session, transfer};
use sealift_store::Temporary;
use sealift_trust::Outcome as TrustOutcome;

use crate::commands::{policy, request, trusting};
use crate::session::Workshop;
use sealift_arguments::{AdmitServe, PolicyOptions};

const TRACES_DEPTH_MAX: usize = 4;

/// The judge of `admit serve`. Policies are read anew for each image, so that a change counts at once.
pub(super) struct Bench {
    pub(super) workshop: Workshop,
    pub(super) arguments: AdmitServe,
}

// What a judgement leaves behind: marks, and what was seen of trust data.
struct Traces {
    marks: PathBuf,
    trust: PathBuf,
    // For a dry run they are copies, which go with it.
    _copies: Option<Temporary>,
}

impl Judge for Bench {
    fn judge(&self, question: &Question) -> Verdict {
        match self.verdict(question) {
            Ok(verdict) => verdict,
            Err(error) => {
                let decision = match error.downcast_ref::<Error>().map(Error::kind) {
                    Some(Kind::Findings | Kind::Refused) => Decision::Deny(one_line(&error)),
                    _ => Decision::Failed(one_line(&error)),
                };
                Verdict { decision, digest: None }
            }
        }
    }
}

impl Bench {
    /// The trust policy, read anew, and the other policies.
    pub(super) fn policies(&self) -> anyhow::Result<(Option<PolicyFile>, PolicyOptions)> {
        let Some(path) = &self.arguments.trust else {
            return trusting::choose(&self.arguments.policy, &self.arguments.keys, &self.workshop);
        };
        let key_folder = self.workshop.folders.config.join("keys");
        let file = policy_file::open(path, &key_folder)?;
        Ok((Some(file), self.arguments.policy.clone()))
    }

    fn verdict(&self, question: &Question) -> anyhow::Result<Verdict> {
        let (trust, options) = self.policies()?;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let session = Session {
            now_secs: i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX),
            started: Instant::now(),
            ..self.workshop.session()
        };
        let mut remarks = Vec::new();
        let (mut judged, mut keys) = (None, None);
        if let Some(file) = &trust {
            let (descriptor, trusted) = self.by_trust(&session, file, question, &mut remarks)?;
            (judged, keys) = (Some(descriptor), Some(trusted));
        }
        let policies = request::policy(&options, &self.workshop.settings)?;
        if !policies.is_empty() || trust.is_none() {
            let keys = match keys {
                Some(keys) => keys,
                None => request::trusted(&self.arguments.keys, &self.workshop)?,
            };
            let found = judged.take();
            judged =
                Some(self.by_policies(&session, policies, &keys, found, question, &mut remarks)?);
        }
        let decision = if remarks.is_empty() { Decision::Allow } else { Decision::Warn(remarks) };
        let digest: Option<Digest> = judged.map(|descriptor| descriptor.digest);
        Ok(Verdict { decision, digest })
    }

    fn by_trust(
        &self,
        session: &Session<'_>,
        file: &PolicyFile,
        question: &Question,
        remarks: &mut Vec<String>,
    ) -> anyhow::Result<(Descriptor, Vec<TrustedKey>)> {
        let traces = self.traces(question.is_dry_run)?;
        let marks = Marks::new(&traces.marks);
        let revocations = revocations::of_policy(session, file, &marks)?;
        let image = &question.image;
        let mut server = trusting::server(&self.workshop, image, &self.arguments.server, false)?;
        server.states = States::new(&traces.trust);
        let trust =
            Trust { file, signer: None, revocations: &revocations, marks: &marks, server: &server };
        let (descriptor, judged) = sealift_custody::fetch(session, &trust, image)?;
        judged.check()?;
        sealift_custody::check_bytes(session, &descriptor, image, &judged)?;
        if judged.judgement.outcome == TrustOutcome::Warned {
            remarks.push("the trust policy admits it and proves less than it should".to_owned());
        }
        Ok((descriptor, judged.keys))
    }

    fn by_policies(
        &self,
        session: &Session<'_>,
        mut policies: PolicyRequest,
        keys: &[TrustedKey],
        found: Option<Descriptor>,
        question: &Question,
        remarks: &mut Vec<String>,
    ) -> anyhow::Result<Descriptor> {
        policy::resolve(&mut policies, keys, &self.workshop)?;
        for (name, value) in
            [("namespace", &question.namespace), ("serviceAccount", &question.service_account)]
        {
            if !policies.data.iter().any(|(known, _)| known == name) {
                policies.data.push((name.to_owned(), value.clone()));
            }
        }
        let scan = policy::scan_request(&self.arguments.scan, &self.workshop)?;
        let admission = Admission { policy: &policies, scan: &scan, keys };
        // What the trust policy judged is what these judge too.
        let descriptor = if let Some(descriptor) = found {
            descriptor
        } else {
            let (client, image) = (session.network.client(), &question.image);
            let (named, _) = client.run(async |client| client.manifest(image).await)?;
            transfer::pull(session, &image.at_digest(&named.digest))?
        };
        let judged = admit::judge(session, &descriptor, &question.image, &admission)?;
        let verdict = &judged.judgement.verdict;
        if verdict.outcome == Outcome::Warn {
            let said = verdict.violations.iter().map(|violation| violation.message.clone());
            remarks.extend(said.take(5));
        }
        Ok(descriptor)
    }

    fn traces(&self, is_dry_run: bool) -> anyhow::Result<Traces> {
        let data = &self.workshop.folders.data;
        let (marks, trust) = (data.join("marks"), data.join("trust"));
        if !is_dry_run {
            return Ok(Traces { marks, trust, _copies: None });
        }
        let copies = self.workshop.store.temporary_dir("dry-run")?;
        let copied = |from: &Path, name: &str| {
            let to = copies.path().join(name);
            copy_folder(from, &to, TRACES_DEPTH_MAX).map(|()| to)
        };
        let (marks, trust) = (copied(&marks, "marks")?, copied(&trust, "trust")?);
        Ok(Traces { marks, trust, _copies: Some(copies) })
    }
}

fn copy_folder(from: &Path, to: &Path, depth_max: usize) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() && depth_max > 0 {
            copy_folder(&entry.path(), &target, depth_max - 1)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn one_line(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
