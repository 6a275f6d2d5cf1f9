//! The scan of one text: its anchors, what is tried there, and what of it remains.

use std::borrow::Cow;
use std::ops::Range;

use sealift_model::{Confidence, Severity};

use crate::allow::is_allowed;
use crate::anchors::{ANCHORS, Action, Anchors, Reading, each_anchor};
use crate::assignment::{is_word_of_name, name_around, value, value_start};
use crate::checks::{Told, ask};
use crate::custom::Rules;
use crate::files;
use crate::formats::Check;
use crate::names::{can_be_secret, is_secret_name, is_secret_name_in_text};
use crate::paths::{Care, Place, care};
use crate::secret::{Secret, fingerprint, mask};
use crate::shape::{WORD, is_in};
use crate::special::{self, Kind};
use crate::value::{entropy_tenths, is_example, is_mixed, is_reference, is_wordy};

/// What to look for, and what not to report.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rules of the user, and what they say of ours.
    pub rules: Rules,
    /// Bytes of a file that are looked at.
    pub file_bytes_max: usize,
    /// Of our own rules nothing is reported that is less sure.
    pub confidence_min: Confidence,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            file_bytes_max: FILE_BYTES_MAX,
            confidence_min: Confidence::Low,
        }
    }
}

/// Bytes of a file that are looked at if nobody says otherwise.
pub const FILE_BYTES_MAX: usize = 16 << 20;
const PAIRS_MAX: usize = 10_000;
const CANDIDATES_MAX: usize = 10_000;
const SECRETS_MAX: usize = 1000;
const BINARY_HEAD: usize = 8000;
const GENERIC_MIN: usize = 10;
const GENERIC_MAX: usize = 150;
const GENERIC_ENTROPY: u32 = 35;

/// Looks for secrets.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    config: Config,
}

/// What a scan of one text found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The secrets, in the order of the text.
    pub secrets: Vec<Secret>,
    /// What was not looked at.
    pub notes: Vec<String>,
}

impl Scanner {
    /// One with these settings.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether a file of this path is looked at at all.
    pub fn wants(&self, path: &str) -> bool {
        let place = Place::of(path);
        (care(&place) > Care::Pass || files::by_name(&place).is_some())
            && !self.config.rules.passes_over(path)
    }

    /// The secrets in a file.
    pub fn scan(&self, path: &str, bytes: &[u8]) -> Found {
        let mut found = Found::default();
        let place = Place::of(path);
        let (care, kind) = (care(&place), files::by_name(&place));
        if care == Care::Pass && kind.is_none() || self.config.rules.passes_over(path) {
            return found;
        }
        let bytes = match bytes.get(..self.config.file_bytes_max) {
            Some(start) if bytes.len() > start.len() => {
                let limit = start.len();
                found.notes.push(format!("only its first {limit} bytes were searched for secrets"));
                start
            }
            _ => bytes,
        };
        let decoded = decode_wide(bytes);
        let text = decoded.as_deref().map_or(bytes, str::as_bytes);
        let mut candidates = self.candidates();
        if let Some(kind) = kind {
            candidates.special(kind, 0..text.len().min(64));
        }
        if memchr::memchr(0, &text[..text.len().min(BINARY_HEAD)]).is_none() {
            found.notes.append(&mut self.search(path, (&place, care), text, &mut candidates));
        }
        if candidates.is_full() {
            found.notes.push(format!(
                "it has more than {CANDIDATES_MAX} places like secrets; the rest was passed over"
            ));
        }
        self.finish(path, text, candidates, &mut found);
        found
    }

    /// The secrets in `name=value` as an environment or a label has it. What the name calls a secret is one, however it
    /// looks.
    pub fn scan_pair(&self, place: &str, pair: &str) -> Found {
        let whole = pair.find('=').map(|at| (0..at, at + 1..pair.len()));
        self.scan_named(place, pair, whole)
    }

    /// The secrets in a command, where each word may be `name=value`.
    pub fn scan_words(&self, place: &str, text: &str) -> Found {
        let bytes = text.as_bytes();
        let pairs = memchr::memchr_iter(b'=', bytes).take(PAIRS_MAX).map(|sign| {
            let name =
                bytes[..sign].iter().rev().take_while(|byte| is_in(**byte, WORD) || **byte == b'-');
            let quote = usize::from(matches!(bytes.get(sign + 1), Some(b'"' | b'\'')));
            (sign - name.count()..sign, value(bytes, sign + 1 + quote))
        });
        self.scan_named(place, text, pairs)
    }

    fn scan_named(
        &self,
        place: &str,
        text: &str,
        pairs: impl IntoIterator<Item = (Range<usize>, Range<usize>)>,
    ) -> Found {
        let mut found = Found::default();
        let mut candidates = self.candidates();
        let read = Place::of(place);
        found.notes = self.search(place, (&read, care(&read)), text.as_bytes(), &mut candidates);
        for (name, value) in pairs {
            let (name, range) = (&text[name], value);
            let Some(value) = text.get(range.clone()) else { continue };
            let is_plain = !is_reference(value.as_bytes()) && !is_example(value.as_bytes());
            if is_plain
                && is_secret_name(name)
                && can_be_secret(value)
                && self.config.rules.uses_own()
            {
                candidates.special(&special::STRICT, range);
            }
        }
        self.finish(place, text.as_bytes(), candidates, &mut found);
        found
    }

    fn candidates(&self) -> Candidates {
        Candidates { list: Vec::new(), confidence_min: self.config.confidence_min }
    }

    fn search(
        &self,
        path: &str,
        (place, care): (&Place<'_>, Care),
        text: &[u8],
        candidates: &mut Candidates,
    ) -> Vec<String> {
        let rules = &self.config.rules;
        if rules.uses_own() {
            let search = Search { text, care, anchors: &ANCHORS };
            each_anchor(text, |actions, range| {
                for action in actions {
                    search.attempt(*action, range.clone(), candidates);
                }
                candidates.is_full()
            });
            for (kind, range) in files::secrets(place, text) {
                candidates.special(kind, range);
            }
        }
        rules.search(path, text, &mut |rule, range| candidates.custom(rule, range))
    }

    // What remains: of two at one place the surer, nothing that is allowed or known.
    fn finish(&self, path: &str, text: &[u8], candidates: Candidates, found: &mut Found) {
        let mut list = candidates.list;
        if list.is_empty() {
            return;
        }
        list.sort_by(|left, right| {
            right.rank().cmp(&left.rank()).then(left.range.start.cmp(&right.range.start))
        });
        let mut kept: std::collections::BTreeMap<usize, Candidate> =
            std::collections::BTreeMap::new();
        for candidate in list {
            let before = kept.range(..candidate.range.end).next_back();
            if before.is_none_or(|(_, other)| other.range.end <= candidate.range.start) {
                kept.insert(candidate.range.start, candidate);
            }
        }
        let mut lines = Lines::new(text);
        for (_, candidate) in kept {
            let secret = &text[candidate.range.clone()];
            let rules = &self.config.rules;
            let allowed = candidate.is_own && rules.replaces(&candidate.rule)
                || rules.allows(&candidate.rule, path, text, candidate.range.clone())
                || is_allowed(text, &candidate.range, &candidate.rule);
            if allowed {
                continue;
            }
            let fingerprint = fingerprint(&candidate.rule, secret, path);
            let (line, column) = lines.place(candidate.range.start);
            if found.secrets.len() >= SECRETS_MAX {
                found.notes.push(format!(
                    "it has more than {SECRETS_MAX} secrets; the rest is not listed"
                ));
                break;
            }
            let end_line = line + memchr::memchr_iter(b'\n', secret).count();
            found.secrets.push(Secret {
                title: candidate.title(),
                rule: candidate.rule,
                provider: candidate.provider,
                severity: candidate.severity,
                confidence: candidate.confidence,
                line,
                column,
                end_line,
                masked: mask(secret),
                fingerprint,
                range: candidate.range,
            });
        }
    }
}

// UTF-16 with its mark, as some systems write settings.
fn decode_wide(bytes: &[u8]) -> Option<String> {
    type Read = fn([u8; 2]) -> u16;
    let (rest, read): (&[u8], Read) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return None,
    };
    let units = rest.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    Some(
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
    )
}

struct Search<'a> {
    text: &'a [u8],
    care: Care,
    anchors: &'static Anchors,
}

impl Search<'_> {
    fn attempt(&self, action: Action, hit: Range<usize>, candidates: &mut Candidates) {
        let text = self.text;
        match action {
            Action::Shape { format, shape } => {
                let reading = &self.anchors.readings[usize::from(format)];
                if let Some(range) = reading.shapes[usize::from(shape)].around(text, hit.start) {
                    self.offer(reading, range, Confidence::High, candidates);
                }
            }
            Action::Near { format } if self.care == Care::Full => {
                let reading = &self.anchors.readings[usize::from(format)];
                if let Some(range) = self.near(reading, &hit) {
                    self.offer(reading, range, Confidence::Medium, candidates);
                }
            }
            Action::Word if self.care == Care::Full && candidates.wants(&special::GENERIC) => {
                self.word(hit, candidates);
            }
            Action::Url if self.care == Care::Full => {
                candidates.extend(special::url_password(text, hit.end));
            }
            Action::Curl if self.care == Care::Full => {
                special::curl(text, hit.end, &mut |found| candidates.extend([found]));
            }
            Action::PrivateKey => candidates.extend(special::private_key(text, hit.start)),
            Action::PuttyKey => candidates.extend(special::putty_key(text, hit.start)),
            Action::WebToken if self.care == Care::Full => {
                let range = special::web_token(text, hit.start);
                let range = range.filter(|it| ask(Check::WebToken, &text[it.clone()]) == Told::Yes);
                candidates.extend(
                    range
                        .filter(|it| !is_example(&text[it.clone()]))
                        .map(|it| (&special::WEB_TOKEN, it)),
                );
            }
            Action::WebTokenTwice if self.care == Care::Full => {
                candidates.extend(special::web_token_twice(text, hit.start));
            }
            _ => {}
        }
    }

    fn near(&self, reading: &Reading, hit: &Range<usize>) -> Option<Range<usize>> {
        if !is_word_of_name(self.text, hit.clone()) {
            return None;
        }
        let start = value_start(self.text, hit.end)?;
        let end = reading.shapes.iter().find_map(|shape| shape.from(self.text, start))?;
        // A word that goes on with a dot or a slash is a name or a path.
        let is_end = self
            .text
            .get(end)
            .is_none_or(|byte| !matches!(byte, b'.' | b'/' | b'(' | b'-' | b'@' | b'#' | b'%'));
        is_end.then_some(start..end)
    }

    fn offer(
        &self,
        reading: &Reading,
        range: Range<usize>,
        sure: Confidence,
        candidates: &mut Candidates,
    ) {
        let key = &self.text[range.clone()];
        let format = reading.format;
        if entropy_tenths(key) < u32::from(format.entropy_tenths)
            || is_example(key)
            || is_reference(key)
        {
            return;
        }
        let (confidence, account) = match ask(format.check, key) {
            Told::No => return,
            Told::Nothing => (sure, None),
            Told::Yes => (Confidence::High, None),
            Told::Account(account) => (Confidence::High, Some(account)),
        };
        candidates.push(Candidate {
            rule: Cow::Borrowed(format.id),
            provider: Cow::Borrowed(format.provider),
            what: Cow::Borrowed(format.what),
            account,
            severity: format.severity,
            confidence,
            is_own: true,
            range,
        });
    }

    // Any value that a name of a secret has, if it looks made by chance.
    fn word(&self, hit: Range<usize>, candidates: &mut Candidates) {
        let Some(start) = value_start(self.text, hit.end) else { return };
        let range = value(self.text, start);
        let secret = &self.text[range.clone()];
        let sound = (GENERIC_MIN..=GENERIC_MAX).contains(&secret.len())
            && secret
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.=-+/~!@#^*%:".contains(byte))
            && is_mixed(secret)
            && entropy_tenths(secret) >= GENERIC_ENTROPY;
        if !sound
            || is_example(secret)
            || is_reference(secret)
            || is_wordy(secret)
            || is_place(secret)
        {
            return;
        }
        let name = name_around(self.text, hit);
        let name = String::from_utf8_lossy(&self.text[name]);
        if is_secret_name_in_text(&name) {
            candidates.special(&special::GENERIC, range);
        }
    }
}

// A path, an address, a version, a call.
fn is_place(value: &[u8]) -> bool {
    let slashes = memchr::memchr_iter(b'/', value).count();
    let dots = memchr::memchr_iter(b'.', value).count();
    matches!(value.first(), Some(b'/' | b'.' | b'@' | b'#' | b'-'))
        || memchr::memmem::find(value, b"://").is_some()
        || (slashes >= 1 && value.len() < 32)
        || dots >= 3
        || memchr::memchr(b'@', value)
            .is_some_and(|at| memchr::memchr(b'.', &value[at..]).is_some())
}

struct Candidate {
    rule: Cow<'static, str>,
    provider: Cow<'static, str>,
    what: Cow<'static, str>,
    account: Option<String>,
    severity: Severity,
    confidence: Confidence,
    // Not by the user's rule, which comes first.
    is_own: bool,
    range: Range<usize>,
}

impl Candidate {
    // A provider's key tells more than what has no provider, a longer one more than a part of it.
    fn rank(&self) -> (bool, Confidence, bool, Severity, usize) {
        let named = self.provider != special::PROVIDER;
        (!self.is_own, self.confidence, named, self.severity, self.range.len())
    }

    fn title(&self) -> String {
        let account = self.account.as_ref().map(|account| format!(" of account {account}"));
        let account = account.unwrap_or_default();
        if self.provider == special::PROVIDER {
            format!("{}{account}", self.what)
        } else {
            format!("{} {}{account}", self.provider, self.what)
        }
    }
}

struct Candidates {
    list: Vec<Candidate>,
    // Of our own.
    confidence_min: Confidence,
}

impl Candidates {
    fn is_full(&self) -> bool {
        self.list.len() >= CANDIDATES_MAX
    }

    fn wants(&self, kind: &Kind) -> bool {
        kind.confidence >= self.confidence_min
    }

    fn push(&mut self, candidate: Candidate) {
        let is_sure = !candidate.is_own || candidate.confidence >= self.confidence_min;
        if is_sure && !self.is_full() {
            self.list.push(candidate);
        }
    }

    fn extend(&mut self, found: impl IntoIterator<Item = special::Found>) {
        for (kind, range) in found {
            self.special(kind, range);
        }
    }

    fn special(&mut self, kind: &'static Kind, range: Range<usize>) {
        self.push(Candidate {
            rule: Cow::Borrowed(kind.id),
            provider: Cow::Borrowed(special::PROVIDER),
            what: Cow::Borrowed(kind.what),
            account: None,
            severity: kind.severity,
            confidence: kind.confidence,
            is_own: true,
            range,
        });
    }

    fn custom(&mut self, rule: &crate::custom::Rule, range: Range<usize>) {
        self.push(Candidate {
            rule: Cow::Owned(rule.id.clone()),
            provider: Cow::Borrowed(special::PROVIDER),
            what: Cow::Owned(rule.title()),
            account: None,
            severity: Severity::High,
            confidence: Confidence::High,
            is_own: false,
            range,
        });
    }
}

// Lines and columns of ascending places.
struct Lines<'a> {
    text: &'a [u8],
    line: usize,
    start: usize,
    at: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, line: 1, start: 0, at: 0 }
    }

    fn place(&mut self, at: usize) -> (usize, usize) {
        for newline in memchr::memchr_iter(b'\n', &self.text[self.at..at]) {
            self.line += 1;
            self.start = self.at + newline + 1;
        }
        self.at = at;
        // Bytes that go on with a character are none of their own.
        let characters =
            self.text[self.start..at].iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        (self.line, characters + 1)
    }
}
