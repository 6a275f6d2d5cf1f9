//! The decision on a review.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealift_oci::Reference;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::images::{self, Place};
use crate::metrics::Counters;
use crate::review::Answer;
use crate::verdicts::Verdicts;
use crate::{Decision, Entry, Judge, Log, Mode, Question, Review, Settings, Verdict};

// The answer has to be there before Kubernetes stops to wait for it.
const MARGIN: Duration = Duration::from_millis(500);
// Of an object with very many faults, the first ones are said.
const REASONS_MAX: usize = 10;

/// A webhook. Its requests come by [`sealift_registry::serve`].
pub struct Webhook {
    pub(crate) settings: Settings,
    pub(crate) counters: Counters,
    verdicts: Arc<Verdicts>,
    log: Box<dyn Log>,
}

/// What was asked of the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Validate,
    Mutate,
}

impl Path {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Mutate => "mutate",
        }
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Whether the object may be.
    pub is_allowed: bool,
    /// Why it may not, or what was remarked.
    pub reasons: Vec<String>,
    /// The review that answers.
    pub json: Vec<u8>,
}

struct Judged<'a> {
    place: &'a Place,
    verdict: Verdict,
}

impl Webhook {
    /// A webhook with a judge, and somebody who writes down what was decided.
    pub fn new(settings: Settings, judge: Arc<dyn Judge>, log: Box<dyn Log>) -> Self {
        let verdicts = Arc::new(Verdicts::new(judge, &settings));
        Self { settings, verdicts, log, counters: Counters::default() }
    }

    /// Forgets all verdicts: the policy is another.
    pub fn forget(&self) {
        self.verdicts.forget();
    }

    /// Decides whether an object may be. `given` is the time that Kubernetes waits.
    pub async fn validate(&self, review: &Review, given: Option<Duration>) -> Decided {
        self.settle(Path::Validate, review, given).await
    }

    /// Replaces the tags of an object's images by digests. What may not be is left to the other webhook to deny.
    pub async fn mutate(&self, review: &Review, given: Option<Duration>) -> Decided {
        self.settle(Path::Mutate, review, given).await
    }

    pub(crate) async fn settle(
        &self,
        path: Path,
        review: &Review,
        given: Option<Duration>,
    ) -> Decided {
        let limit = given.map_or(self.settings.timeout(), |given| {
            given.saturating_sub(MARGIN).min(self.settings.timeout())
        });
        let start = Instant::now();
        let answer = self.decide(path, review, start + limit).await;
        self.counters.decided(path, &answer);
        let reasons: Vec<String> = answer.message.iter().chain(&answer.warnings).cloned().collect();
        self.log.record(&Entry {
            webhook: path.as_str(),
            uid: &review.uid,
            operation: &review.operation,
            object: &review.title(),
            user: &review.user_info.username,
            dry_run: review.is_dry_run(),
            allowed: answer.allowed,
            reasons: &reasons,
            duration_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        Decided { is_allowed: answer.allowed, reasons, json: answer.to_json(&review.uid) }
    }

    async fn decide(&self, path: Path, review: &Review, deadline: Instant) -> Answer {
        let allowed = || Answer { allowed: true, ..Answer::default() };
        // What goes away runs nothing, and what is called (`CONNECT`) runs already.
        if !matches!(review.operation.as_str(), "CREATE" | "UPDATE") {
            return match review.operation.as_str() {
                "DELETE" | "CONNECT" => allowed(),
                _ => self.refuse(review, vec!["the operation is not known".to_owned()]),
            };
        }
        if self.settings.is_exempt(&review.namespace) {
            let annotations = vec![("exempt", format!("namespace {}", review.namespace))];
            return Answer { annotations, ..allowed() };
        }
        let found = images::pod(review, self.settings.containers_max).and_then(|pod| {
            Ok((pod, images::images_before(review, self.settings.containers_max)?))
        });
        let (pod, before) = match found {
            Ok(found) => found,
            Err(reason) => return self.refuse(review, vec![reason]),
        };
        // What ran before is not judged again: labels, the status and the end of a pod must not depend on it.
        let is_update = review.operation == "UPDATE";
        let before: std::collections::HashSet<&String> =
            before.iter().filter(|_| is_update).collect();
        let places: Vec<&Place> =
            pod.images.iter().filter(|place| !before.contains(&place.image)).collect();
        let mut judged = Vec::new();
        let mut questions = HashMap::new();
        let mut reasons = Vec::new();
        for place in &places {
            match Reference::parse(&place.image) {
                Ok(image) => {
                    questions.entry(place.image.as_str()).or_insert_with(|| Question {
                        image: image.or_latest(),
                        namespace: review.namespace.clone(),
                        service_account: pod.service_account.clone(),
                        is_dry_run: review.is_dry_run(),
                    });
                }
                Err(error) => reasons.push(format!("{}: {error}", place.of)),
            }
        }
        let verdicts = self.judge_all(&questions, deadline).await;
        for place in places {
            if let Some(verdict) = verdicts.get(place.image.as_str()) {
                judged.push(Judged { place, verdict: verdict.clone() });
            }
        }
        match path {
            Path::Mutate => Answer { patch: patch(&judged), ..allowed() },
            Path::Validate => self.conclude(review, &judged, reasons),
        }
    }

    // The verdict on each image, by its name. What is not there at the deadline has failed.
    async fn judge_all(
        &self,
        questions: &HashMap<&str, Question>,
        deadline: Instant,
    ) -> HashMap<String, Verdict> {
        let mut running = JoinSet::new();
        let mut found: HashMap<String, Verdict> = HashMap::new();
        for (name, question) in questions {
            let late = Verdict::failed("it was not judged in time; the next try finds the verdict");
            found.insert((*name).to_owned(), late);
            let (verdicts, question) = (Arc::clone(&self.verdicts), question.clone());
            let name = (*name).to_owned();
            running.spawn(async move { (name, verdicts.get(&question).await) });
        }
        while let Ok(Some(next)) = timeout_at(deadline.into(), running.join_next()).await {
            if let Ok((name, (verdict, was_known))) = next {
                self.counters.judged(&verdict, was_known);
                found.insert(name, verdict);
            }
        }
        found
    }

    fn conclude(&self, review: &Review, judged: &[Judged<'_>], mut reasons: Vec<String>) -> Answer {
        let mut warnings = Vec::new();
        let mut digests = Vec::new();
        for Judged { place, verdict } in judged {
            let said = |reason: &String| format!("{} ({}): {reason}", place.of, place.image);
            match &verdict.decision {
                Decision::Allow => {}
                Decision::Warn(remarks) => warnings.extend(remarks.iter().map(said)),
                Decision::Deny(reason) => reasons.push(said(reason)),
                Decision::Failed(reason) => {
                    reasons.push(said(&format!("it cannot be judged: {reason}")));
                }
            }
            let has_digest = place.image.contains('@');
            if self.settings.require_digest && !has_digest {
                reasons.push(said(&"it has no digest".to_owned()));
            }
            if let Some(digest) = &verdict.digest {
                digests.push(format!("{}={digest}", place.image));
            }
        }
        digests.sort_unstable();
        digests.dedup();
        let mut annotations = Vec::new();
        if !digests.is_empty() {
            annotations.push(("images", digests.join(" ")));
        }
        if reasons.is_empty() {
            return Answer { allowed: true, warnings, annotations, ..Answer::default() };
        }
        let refusal = self.refuse(review, reasons);
        Answer {
            warnings: [warnings, refusal.warnings].concat(),
            annotations: [annotations, refusal.annotations].concat(),
            ..refusal
        }
    }

    // A denial, or in its place warnings.
    fn refuse(&self, review: &Review, reasons: Vec<String>) -> Answer {
        let more = reasons.len().saturating_sub(REASONS_MAX);
        let mut text = reasons[..reasons.len() - more].join("; ");
        if more > 0 {
            text = format!("{text}; and {more} more");
        }
        let text = format!("{}: {text}", review.title());
        match self.settings.mode {
            Mode::Enforce => Answer {
                allowed: false,
                annotations: vec![("denied", text.clone())],
                message: Some(text),
                ..Answer::default()
            },
            Mode::Warn => Answer {
                allowed: true,
                annotations: vec![("would-deny", text.clone())],
                warnings: vec![format!("would be denied: {text}")],
                ..Answer::default()
            },
        }
    }
}

// Names that say which bytes they mean. Only what may run is named so.
fn patch(judged: &[Judged<'_>]) -> Vec<Value> {
    let may_run =
        |verdict: &Verdict| matches!(verdict.decision, Decision::Allow | Decision::Warn(_));
    judged
        .iter()
        .filter(|judged| may_run(&judged.verdict) && !judged.place.image.contains('@'))
        .filter_map(|Judged { place, verdict }| {
            let digest = verdict.digest.as_ref()?;
            let value = format!("{}@{digest}", place.image);
            Some(json!({ "op": "replace", "path": place.pointer, "value": value }))
        })
        .collect()
}
