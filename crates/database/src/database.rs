//! Reading a database.

use std::cmp::Ordering;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sealift_model::{Ecosystem, Epss, Kev, Life, Note, Rating};
use serde::{Deserialize, Serialize};

use crate::Built;
use crate::file::{Damaged, File};
use crate::map::Bytes;
use crate::number::Input;
use crate::order;
use crate::rows::{self, Rows};
use crate::text::{self, Text, Texts};

pub(crate) const CORE_MAGIC: [u8; 8] = *b"SLFTcore";

pub(crate) const SCOPES: u64 = 1;
pub(crate) const PACKAGE_ENDS: u64 = 2;
pub(crate) const PACKAGES: u64 = 3;
pub(crate) const FLAW_ENDS: u64 = 4;
pub(crate) const FLAWS: u64 = 5;
pub(crate) const RECORD_ENDS: u64 = 6;
pub(crate) const RECORDS: u64 = 7;
pub(crate) const ALIASES: u64 = 8;
pub(crate) const SOURCES: u64 = 9;
pub(crate) const NOTES: u64 = 10;
pub(crate) const LIVES: u64 = 11;
pub(crate) const REPOSITORIES: u64 = 12;

/// Name of the file that a database is known by in its folder.
pub const CORE_NAME: &str = "core.db";
/// Name of the file of texts in a database's folder; it may be missing.
pub const TEXTS_NAME: &str = "texts.db";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot {what} `{path}`")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is not one, or not whole.
    #[error("the advisory database `{path}` cannot be used")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Damaged,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Damaged { .. } => {
                Some("make it again with `sealift db build`, or fetch it again".to_owned())
            }
        }
    }
}

/// Place of a flaw in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlawId(pub u32);

/// Place of a record in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u32);

/// One flaw, by whatever ids it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The preferred id: CVE, else GHSA, else the record's own.
    pub id: String,
    /// Other ids, sorted.
    pub aliases: Vec<String>,
    /// Records that speak of it.
    pub records: Vec<RecordId>,
    /// Whether it is known to be exploited.
    pub kev: Option<Kev>,
    /// How likely it is to be exploited.
    pub epss: Option<Epss>,
}

/// A publisher's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id, in its publisher's series.
    pub id: String,
    /// The flaws that it speaks of.
    pub flaws: Vec<FlawId>,
    /// How bad it says that they are.
    pub ratings: Vec<Rating>,
}

/// Where a part of a database comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Short name.
    pub id: String,
    /// Where it was read.
    pub location: String,
    /// Records that were taken.
    pub records: u64,
    /// The newest change among them, RFC 3339.
    pub newest: Option<String>,
    /// Who is to be named, and under which terms it may be used.
    pub license: String,
    /// True if all of it is example data: enough to try things out, never to judge an image.
    pub is_example: bool,
}

/// An advisory database.
pub struct Database {
    core: File,
    texts: Option<Texts>,
    scopes: Vec<Scope>,
    aliases: OnceLock<Result<Vec<(String, FlawId)>, Damaged>>,
}

struct Scope {
    ecosystem: Ecosystem,
    first: usize,
    count: usize,
}

impl Database {
    /// Opens the database in a folder. Its texts may be missing; then findings have none.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(CORE_NAME);
        let damaged = |path: &Path, source| Error::Damaged { path: path.to_owned(), source };
        let io = |path: &Path, source| Error::Io { what: "read", path: path.to_owned(), source };
        let core = File::open(&path, CORE_MAGIC)
            .map_err(|source| io(&path, source))?
            .map_err(|source| damaged(&path, source))?;
        let texts_path = folder.join(TEXTS_NAME);
        let texts = match File::open(&texts_path, text::MAGIC) {
            Ok(file) => {
                let texts = file.and_then(|file| Texts::of(file, core.digest()));
                Some(texts.map_err(|source| damaged(&texts_path, source))?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(io(&texts_path, source)),
        };
        Self::of(core, texts).map_err(|source| damaged(&path, source))
    }

    /// The database of bytes in memory.
    pub fn of_bytes(core: Vec<u8>, texts: Option<Vec<u8>>) -> Result<Self, Damaged> {
        let core = File::of(Bytes::from(core), CORE_MAGIC)?;
        let texts = match texts {
            Some(bytes) => {
                let file = File::of(Bytes::from(bytes), text::MAGIC)?;
                Some(Texts::of(file, core.digest())?)
            }
            None => None,
        };
        Self::of(core, texts)
    }

    fn of(core: File, texts: Option<Texts>) -> Result<Self, Damaged> {
        let mut input = Input(core.section(SCOPES)?);
        let mut scopes = Vec::new();
        let mut first = 0_usize;
        while !input.0.is_empty() {
            let (name, release) = (input.text()?.to_owned(), input.text()?);
            let release = (!release.is_empty()).then(|| release.to_owned());
            let count = input.place()? as usize;
            scopes.push(Scope { ecosystem: Ecosystem { name, release }, first, count });
            first = first.checked_add(count).ok_or(Damaged::Content)?;
        }
        if first != core.section_len(PACKAGE_ENDS) / 4 {
            return Err(Damaged::Content);
        }
        Ok(Self { core, texts, scopes, aliases: OnceLock::new() })
    }

    /// Puts a database in the place of the one in a folder, at once for whoever opens it afterwards. Whoever has the old
    /// one open keeps it.
    pub fn install(folder: &Path, built: &Built) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(|source| Error::Io {
            what: "make",
            path: folder.to_owned(),
            source,
        })?;
        // Texts first: with the old core they do not fit, and are then as if they were missing for that moment.
        for (name, bytes) in [(TEXTS_NAME, &built.texts), (CORE_NAME, &built.core)] {
            let path = folder.join(name);
            if bytes.is_empty() {
                // A database without texts; those of the old one are not its.
                fs::remove_file(&path).ok();
                continue;
            }
            let write = || -> io::Result<()> {
                let mut file = tempfile::NamedTempFile::new_in(folder)?;
                file.write_all(bytes)?;
                file.as_file().sync_all()?;
                file.persist(&path)?;
                Ok(())
            };
            write().map_err(|source| Error::Io { what: "write", path: path.clone(), source })?;
        }
        Ok(())
    }

    /// Holds every byte against its sum.
    pub fn check(&self) -> Result<(), Damaged> {
        self.core.check_all()?;
        self.texts.as_ref().map_or(Ok(()), |texts| texts.file().check_all())
    }

    /// When it was made, in seconds since 1970.
    pub fn made_secs(&self) -> i64 {
        self.core.made_secs()
    }

    /// Bytes of the two files.
    pub fn sizes(&self) -> (usize, usize) {
        (self.core.len(), self.texts.as_ref().map_or(0, |texts| texts.file().len()))
    }

    /// Where it comes from.
    pub fn sources(&self) -> Result<Vec<Source>, Damaged> {
        postcard::from_bytes(self.core.section(SOURCES)?).map_err(|_| Damaged::Content)
    }

    /// What could not be read when it was made.
    pub fn notes(&self) -> Result<Vec<Note>, Damaged> {
        postcard::from_bytes(self.core.section(NOTES)?).map_err(|_| Damaged::Content)
    }

    /// How long a release is looked after, if that is known.
    pub fn life(&self, ecosystem: &Ecosystem) -> Result<Option<Life>, Damaged> {
        let section = self.core.section(LIVES)?;
        if section.is_empty() {
            return Ok(None);
        }
        let name = ecosystem.to_string();
        let lives = Input(section).list(|input| {
            let (known, ends, extended) = (input.text()?, input.text()?, input.text()?);
            let extended_ends = Some(extended.to_owned()).filter(|day| !day.is_empty());
            Ok((known, Life { ends: ends.to_owned(), extended_ends }))
        })?;
        Ok(lives.into_iter().find(|(known, _)| *known == name).map(|(_, life)| life))
    }

    /// The products that each of these repositories of Red Hat is for, as far as they are known.
    pub fn products(&self, repositories: &[String]) -> Result<Vec<(String, Vec<String>)>, Damaged> {
        let section = self.core.section(REPOSITORIES)?;
        if section.is_empty() || repositories.is_empty() {
            return Ok(Vec::new());
        }
        let known = Input(section).list(|input| Ok((input.text()?, input.list(Input::text)?)))?;
        let asked = known.into_iter().filter(|(name, _)| repositories.iter().any(|it| it == name));
        let owned = |products: Vec<&str>| products.into_iter().map(str::to_owned).collect();
        Ok(asked.map(|(name, products)| (name.to_owned(), owned(products))).collect())
    }

    /// Whose packages it has, with how many of them.
    pub fn ecosystems(&self) -> impl Iterator<Item = (&Ecosystem, usize)> {
        self.scopes.iter().map(|scope| (&scope.ecosystem, scope.count))
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.core.section_len(RECORD_ENDS) / 4
    }

    /// How many entries there are: what a record says of a package.
    pub fn entries(&self) -> Result<usize, Damaged> {
        let mut entries = 0;
        self.each_package(|_, _, rows| {
            entries += rows.rows.len();
            true
        })?;
        Ok(entries)
    }

    /// Packages with this text in their names, and how many records speak of each; at most so many.
    pub fn search_packages(
        &self,
        text: &str,
        max: usize,
    ) -> Result<Vec<(Ecosystem, String, usize)>, Damaged> {
        let mut found = Vec::new();
        self.each_package(|ecosystem, name, rows| {
            if name.contains(text) {
                found.push((ecosystem.clone(), name.to_owned(), rows.rows.len()));
            }
            found.len() < max
        })?;
        Ok(found)
    }

    /// What a record says, package by package: whose, name, and the versions.
    pub fn said_by(&self, id: RecordId) -> Result<Vec<(Ecosystem, String, String)>, Damaged> {
        let mut found = Vec::new();
        self.each_package(|ecosystem, name, rows| {
            for row in rows.rows.iter().filter(|row| row.record == id.0) {
                found.push((ecosystem.clone(), name.to_owned(), rows.describe_row(row)));
            }
            true
        })?;
        Ok(found)
    }

    /// The same for several records at once: the place of the record among them, whose, name, and the versions.
    pub fn said_by_any(
        &self,
        ids: &[RecordId],
    ) -> Result<Vec<(usize, Ecosystem, String, String)>, Damaged> {
        let mut found = Vec::new();
        self.each_package(|ecosystem, name, rows| {
            for row in &rows.rows {
                if let Some(place) = ids.iter().position(|id| id.0 == row.record) {
                    let says = rows.describe_row(row);
                    found.push((place, ecosystem.clone(), name.to_owned(), says));
                }
            }
            true
        })?;
        Ok(found)
    }

    // Goes through all packages for as long as it is told to.
    fn each_package(
        &self,
        mut one: impl FnMut(&Ecosystem, &str, &Rows<'_>) -> bool,
    ) -> Result<(), Damaged> {
        for scope in &self.scopes {
            let scheme = order::scheme(&scope.ecosystem.name).ok_or(Damaged::Content)?;
            for place in scope.first..scope.first + scope.count {
                let mut input = Input(self.core.entry(PACKAGE_ENDS, PACKAGES, place)?);
                let name = input.text()?;
                if !one(&scope.ecosystem, name, &rows::decode(scheme, input)?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// How many flaws there are.
    pub fn flaws(&self) -> usize {
        self.core.section_len(FLAW_ENDS) / 4
    }

    /// True if there is any advisory for an ecosystem, or for all its releases.
    pub fn knows(&self, ecosystem: &Ecosystem) -> bool {
        self.scope(ecosystem).is_some()
            || self.scope(&Ecosystem { name: ecosystem.name.clone(), release: None }).is_some()
    }

    fn scope(&self, ecosystem: &Ecosystem) -> Option<&Scope> {
        let found = self.scopes.binary_search_by(|scope| scope.ecosystem.cmp(ecosystem));
        found.ok().map(|place| &self.scopes[place])
    }

    /// What is said of a package, by its normal name: for this very release, or for all of them.
    pub fn rows(&self, ecosystem: &Ecosystem, name: &str) -> Result<Option<Rows<'_>>, Damaged> {
        let Some(scope) = self.scope(ecosystem) else { return Ok(None) };
        let packages = scope.first..scope.first + scope.count;
        let Some(place) = self.search((PACKAGE_ENDS, PACKAGES), packages, name)? else {
            return Ok(None);
        };
        let mut input = Input(self.core.entry(PACKAGE_ENDS, PACKAGES, place)?);
        input.text()?;
        let scheme = order::scheme(&ecosystem.name).ok_or(Damaged::Content)?;
        rows::decode(scheme, input).map(Some)
    }

    /// A flaw.
    pub fn flaw(&self, id: FlawId) -> Result<Flaw, Damaged> {
        let mut input = Input(self.core.entry(FLAW_ENDS, FLAWS, id.0 as usize)?);
        let input = &mut input;
        let id = input.text()?.to_owned();
        let aliases = input.list(|input| Ok(input.text()?.to_owned()))?;
        let records = places(input)?.into_iter().map(RecordId).collect();
        let kev = match input.byte()? {
            0 => None,
            head => {
                let added = input.text()?.to_owned();
                let due = Some(input.text()?.to_owned()).filter(|due| !due.is_empty());
                Some(Kev { added, due, is_used_by_ransomware: head == 2 })
            }
        };
        let epss = match input.place()?.checked_sub(1) {
            Some(score_millionths) => {
                Some(Epss { score_millionths, percentile_millionths: input.place()? })
            }
            None => None,
        };
        Ok(Flaw { id, aliases, records, kev, epss })
    }

    /// The flaws with this id: its own, another of it, or that of a record on it.
    pub fn find(&self, id: &str) -> Result<Vec<FlawId>, Damaged> {
        if let Some(place) = self.search((FLAW_ENDS, FLAWS), 0..self.flaws(), id)? {
            return Ok(vec![FlawId(u32::try_from(place).unwrap_or(u32::MAX))]);
        }
        let aliases = self.aliases.get_or_init(|| self.read_aliases()).as_ref();
        let aliases = aliases.map_err(Clone::clone)?;
        let start = aliases.partition_point(|(alias, _)| alias.as_str() < id);
        let same = aliases[start..].iter().take_while(|(alias, _)| alias == id);
        let found: Vec<FlawId> = same.map(|(_, flaw)| *flaw).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        match self.search((RECORD_ENDS, RECORDS), 0..self.records(), id)? {
            Some(place) => {
                Ok(self.record(RecordId(u32::try_from(place).unwrap_or(u32::MAX)))?.flaws)
            }
            None => Ok(Vec::new()),
        }
    }

    // The place of the entry that begins with this text, among those in a range, which are sorted by it.
    fn search(
        &self,
        (ends, kind): (u64, u64),
        range: Range<usize>,
        text: &str,
    ) -> Result<Option<usize>, Damaged> {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match Input(self.core.entry(ends, kind, middle)?).text()?.cmp(text) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Some(middle)),
            }
        }
        Ok(None)
    }

    fn read_aliases(&self) -> Result<Vec<(String, FlawId)>, Damaged> {
        let mut input = Input(self.core.section(ALIASES)?);
        input.list(|input| Ok((input.text()?.to_owned(), FlawId(input.place()?))))
    }

    /// A record.
    pub fn record(&self, id: RecordId) -> Result<Record, Damaged> {
        let mut input = Input(self.core.entry(RECORD_ENDS, RECORDS, id.0 as usize)?);
        Ok(Record {
            id: input.text()?.to_owned(),
            flaws: places(&mut input)?.into_iter().map(FlawId).collect(),
            ratings: rows::ratings(&mut input)?,
        })
    }

    /// What people read of a record; nothing if the file of texts is not there.
    pub fn text(&self, id: RecordId) -> Result<Text, Damaged> {
        self.texts.as_ref().map_or_else(|| Ok(Text::default()), |texts| texts.text(id.0))
    }
}

fn places(input: &mut Input<'_>) -> Result<Vec<u32>, Damaged> {
    let mut place = 0_u32;
    input.list(|input| {
        place = place.checked_add(input.place()?).ok_or(Damaged::Content)?;
        Ok(place)
    })
}
