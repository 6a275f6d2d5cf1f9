//! Entries of the log of signatures, Rekor 1 and 2: that the log has them, and since when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::trusted_root::Log;
use crate::wire::hex;
use crate::{Checkpoint, Refusal, merkle};

/// An entry as a bundle brings it.
#[derive(Clone, Debug)]
pub(crate) struct LogEntry {
    pub(crate) index: u64,
    pub(crate) log_id: Vec<u8>,
    pub(crate) kind: String,
    pub(crate) version: String,
    pub(crate) integrated_time: Option<u64>,
    // The log's signature that it will include the entry, with the time.
    pub(crate) promise: Option<Vec<u8>>,
    pub(crate) proof: Option<InclusionProof>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct InclusionProof {
    pub(crate) index: u64,
    pub(crate) size: u64,
    pub(crate) root: Vec<u8>,
    pub(crate) hashes: Vec<Vec<u8>>,
    pub(crate) checkpoint: Option<String>,
}

/// What a log must have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A checkpoint with a proof that leads to it.
    Proof,
    /// At least its promise: what is older than proofs.
    PromiseOrProof,
}

/// An entry that a trusted log has.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    /// When the log took it, if it says so in a signature.
    pub(crate) time: Option<Timestamp>,
    /// What the log signed, for people.
    pub(crate) how: String,
}

impl LogEntry {
    /// Checks what a log signed about it.
    pub(crate) fn check(&self, log: &Log, need: Need, now: Timestamp) -> Result<Logged, Refusal> {
        let time = match &self.promise {
            Some(promise) => Some(self.check_promise(promise, log, now)?),
            None => None,
        };
        let is_proved = match &self.proof {
            Some(proof) => self.check_proof(proof, log)?,
            None => false,
        };
        if !is_proved && (need == Need::Proof || time.is_none()) {
            return Err(self.refuse("it has no inclusion proof with a checkpoint"));
        }
        let how = match (time, is_proved) {
            (Some(_), true) => "promise and inclusion proof",
            (Some(_), false) => "promise",
            (None, _) => "inclusion proof",
        };
        Ok(Logged { time, how: how.to_owned() })
    }

    pub(crate) fn refuse(&self, fault: &str) -> Refusal {
        Refusal::Entry { index: self.index, fault: fault.to_owned() }
    }

    // The signature over a canonical JSON of four fields.
    fn check_promise(
        &self,
        promise: &[u8],
        log: &Log,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        let seconds =
            self.integrated_time.ok_or_else(|| self.refuse("the log's promise has no time"))?;
        let signed = format!(
            r#"{{"body":"{}","integratedTime":{seconds},"logID":"{}","logIndex":{}}}"#,
            STANDARD.encode(&self.body),
            hex(&self.log_id),
            self.index
        );
        log.key
            .verify(signed.as_bytes(), promise)
            .map_err(|_| self.refuse("the log's promise is not its signature over this entry"))?;
        let time = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .ok_or_else(|| self.refuse("its time cannot be read"))?;
        if time > now {
            return Err(self.refuse(&format!("its time {time} is in the future")));
        }
        if !log.validity.contains(time) {
            let fault = format!("its log `{}` is not trusted at {time}", log.uri);
            return Err(self.refuse(&fault));
        }
        Ok(time)
    }

    // Whether a checkpoint of the log covers it. What is there and does not fit is a refusal.
    fn check_proof(&self, proof: &InclusionProof, log: &Log) -> Result<bool, Refusal> {
        let leaf = merkle::leaf(&self.body);
        let root = merkle::root(leaf, proof.index, proof.size, &proof.hashes)
            .ok_or_else(|| self.refuse("its inclusion proof is too long, too short or broken"))?;
        if root != proof.root {
            return Err(self.refuse("its inclusion proof leads to another root"));
        }
        let Some(note) = &proof.checkpoint else { return Ok(false) };
        let checkpoint = Checkpoint::parse(note)
            .map_err(|fault| self.refuse(&format!("its checkpoint cannot be read: {fault}")))?;
        if checkpoint.root != proof.root || checkpoint.size != proof.size {
            return Err(self.refuse("its checkpoint is of another tree"));
        }
        if !log.ids.iter().any(|id| checkpoint.is_signed_by(id, &log.key)) {
            let fault = format!("its checkpoint is not signed by the log `{}`", log.uri);
            return Err(self.refuse(&fault));
        }
        Ok(true)
    }
}
