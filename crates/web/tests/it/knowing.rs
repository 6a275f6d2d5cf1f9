//! Made-up knowledge of images, with words of somebody who means ill; and a clerk who remembers what he was told.

use std::sync::Mutex;

use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;
use sealift_crypto::Secret;
use sealift_depot::Target;
use sealift_oci::{Digest, RepositoryName};
use sealift_registry::hooks::UpstreamState;
use sealift_web::{
    Counts, Details, Finding, Going, Insight, LogAsked, LogEvent, LogPart, LogPlace, Office,
    Package, Robot, Signature, Summary, Verdict,
};

pub(crate) const EVIL: &str = "<script>alert(3)</script>\"'\u{202e}><img src=x onerror=alert(4)>";

/// What is known of every image.
#[derive(Default)]
pub(crate) struct Knowing {
    pub(crate) findings: usize,
}

impl Knowing {
    fn counts(&self) -> Counts {
        Counts { critical: self.findings, high: 2, secrets: 1, ..Counts::default() }
    }
}

impl Insight for Knowing {
    fn summary<'a>(
        &'a self,
        _: &'a RepositoryName,
        _: &'a Digest,
    ) -> BoxFuture<'a, Option<Summary>> {
        Box::pin(ready(Some(Summary {
            examined: Timestamp::from_second(1_700_000_000).unwrap(),
            status: "failed",
            reason: Some(EVIL.to_owned()),
            counts: self.counts(),
            packages: 2,
        })))
    }

    fn history<'a>(
        &'a self,
        _: &'a RepositoryName,
        _: &'a Digest,
    ) -> BoxFuture<'a, Vec<(Timestamp, Counts)>> {
        let at = |secs| Timestamp::from_second(secs).unwrap();
        Box::pin(ready(vec![(at(1), Counts::default()), (at(9_000_000), self.counts())]))
    }

    fn details<'a>(
        &'a self,
        _: &'a RepositoryName,
        _: &'a Digest,
    ) -> BoxFuture<'a, Option<Details>> {
        let finding = |number: usize| Finding {
            id: format!("CVE-2026-{number:04}"),
            severity: if number.is_multiple_of(2) { "critical" } else { "low" }.to_owned(),
            package: EVIL.to_owned(),
            version: "1".to_owned(),
            fixed: (number.is_multiple_of(3)).then(|| EVIL.to_owned()),
            title: EVIL.to_owned(),
            url: Some("javascript:alert(5)".to_owned()),
            is_exploited: number == 7,
            likelihood: Some(123),
        };
        let package = Package {
            name: EVIL.to_owned(),
            version: EVIL.to_owned(),
            kind: EVIL.to_owned(),
            license: EVIL.to_owned(),
            layer: Some(1),
        };
        let findings = (0..self.findings).map(finding).collect();
        Box::pin(ready(Some(Details { packages: vec![package], findings })))
    }

    fn signatures<'a>(
        &'a self,
        _: &'a RepositoryName,
        _: &'a Digest,
    ) -> BoxFuture<'a, Vec<Signature>> {
        let signature = |what: &str, is_proved| Signature {
            what: what.to_owned(),
            by: EVIL.to_owned(),
            at: None,
            is_proved,
        };
        Box::pin(ready(vec![signature("signature", true), signature(EVIL, false)]))
    }

    fn verdict<'a>(
        &'a self,
        _: &'a RepositoryName,
        _: &'a Target,
    ) -> BoxFuture<'a, Option<Verdict>> {
        let evil = || EVIL.to_owned();
        Box::pin(ready(Some(Verdict {
            reasons: vec![(evil(), evil(), evil())],
            warnings: vec![evil()],
            is_dry_run: true,
        })))
    }
}

/// Remembers what he was told, and gives out the log that he was given.
pub(crate) struct Clerk {
    pub(crate) deeds: Mutex<Vec<String>>,
    pub(crate) asked: Mutex<LogAsked>,
    pub(crate) log: Mutex<Result<LogPart, String>>,
}

impl Default for Clerk {
    fn default() -> Self {
        let evil = || Some(EVIL.to_owned());
        let event = LogEvent {
            line: 7,
            time: None,
            event: EVIL.to_owned(),
            user: evil(),
            address: evil(),
            repository: evil(),
            tag: evil(),
            digest: evil(),
            reason: evil(),
        };
        let place = Some(LogPlace { line: 7, event: 1 });
        let log = LogPart {
            lines: 9,
            read: Some((1, 9)),
            fault: Some((3, EVIL.to_owned())),
            events: vec![event],
            newer: place,
            older: place,
        };
        let (deeds, asked) = (Mutex::default(), Mutex::default());
        Self { deeds, asked, log: Mutex::new(Ok(log)) }
    }
}

impl Clerk {
    fn told(&self, text: String) {
        self.deeds.lock().unwrap().push(text);
    }
}

impl Office for Clerk {
    fn users(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        let names = ["anna", "ben", "carl", "dora", EVIL];
        Box::pin(ready(Ok(names.map(str::to_owned).into())))
    }

    fn can_change_users(&self) -> bool {
        true
    }

    fn set_password(&self, name: String, password: Secret) -> BoxFuture<'_, Result<bool, String>> {
        self.told(format!("password of {name}: {} bytes", password.expose().len()));
        Box::pin(ready(Ok(false)))
    }

    fn remove_user(&self, name: String) -> BoxFuture<'_, Result<(), String>> {
        self.told(format!("remove {name}"));
        Box::pin(ready(Ok(())))
    }

    fn robots(&self) -> BoxFuture<'_, Result<Option<Vec<Robot>>, String>> {
        let robot = Robot {
            name: EVIL.to_owned(),
            may: vec![EVIL.to_owned()],
            made: Timestamp::UNIX_EPOCH,
            until: Some(Timestamp::UNIX_EPOCH),
        };
        Box::pin(ready(Ok(Some(vec![robot]))))
    }

    fn add_robot(
        &self,
        name: String,
        permission: String,
        days: u32,
    ) -> BoxFuture<'_, Result<String, String>> {
        self.told(format!("robot {name} {permission} {days}"));
        Box::pin(ready(Ok("sealift_robot_x".to_owned())))
    }

    fn remove_robot(&self, name: String) -> BoxFuture<'_, Result<(), String>> {
        self.told(format!("no robot {name}"));
        Box::pin(ready(Err(EVIL.to_owned())))
    }

    fn collect(&self, is_dry: bool) -> BoxFuture<'_, Result<String, String>> {
        self.told(format!("collect, dry: {is_dry}"));
        Box::pin(ready(Ok("3 blobs left the disk.".to_owned())))
    }

    fn retention_rules(&self) -> Vec<String> {
        vec![EVIL.to_owned()]
    }

    fn retention(&self) -> BoxFuture<'_, Result<Vec<Going>, String>> {
        let repository = RepositoryName::parse("team/app").unwrap();
        let going = Going { repository, tag: None, digest: Digest::sha256(b"x") };
        Box::pin(ready(Ok(vec![going; 600])))
    }

    fn gate(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        Box::pin(ready(vec![("Advisories".to_owned(), EVIL.to_owned())]))
    }

    fn log(&self, asked: LogAsked) -> BoxFuture<'_, Result<LogPart, String>> {
        *self.asked.lock().unwrap() = asked;
        Box::pin(ready(self.log.lock().unwrap().clone()))
    }

    fn log_kinds(&self) -> Vec<&'static str> {
        vec!["login", "manifest.pushed"]
    }

    fn upstreams(&self) -> Vec<UpstreamState> {
        let state = UpstreamState {
            host: EVIL.to_owned(),
            hits: 9,
            misses: 1,
            pause: Some((30, EVIL.to_owned())),
            ..UpstreamState::default()
        };
        vec![state]
    }

    fn is_mirrored(&self, repository: &RepositoryName) -> bool {
        repository.as_str().starts_with("hub/")
    }
}
