//! RPM packages, from rpm's database in each of its three formats, and from the list of images without rpm.
//!
//! All formats hold the same headers (rpm's `docs/manual/hregions.md`, `tags.md`).

mod bdb;
mod bytes;
mod header;
mod manifest;
mod ndb;
mod package;
mod sqlite;

use std::collections::HashSet;

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};

/// rpm's database: Berkeley DB, then its own format, then SQLite.
pub(crate) const DATABASE: Cataloger = Cataloger {
    name: "rpm",
    evidence: &[
        Pattern::Exact("var/lib/rpm/Packages"),
        Pattern::Exact("var/lib/rpm/Packages.db"),
        Pattern::Exact("var/lib/rpm/rpmdb.sqlite"),
        Pattern::Exact("usr/lib/sysimage/rpm/Packages"),
        Pattern::Exact("usr/lib/sysimage/rpm/Packages.db"),
        Pattern::Exact("usr/lib/sysimage/rpm/rpmdb.sqlite"),
        Pattern::Exact("usr/share/rpm/Packages"),
        Pattern::Exact("usr/share/rpm/Packages.db"),
        Pattern::Exact("usr/share/rpm/rpmdb.sqlite"),
    ],
    companions: &[
        Pattern::Exact("var/lib/rpm/rpmdb.sqlite-wal"),
        Pattern::Exact("usr/lib/sysimage/rpm/rpmdb.sqlite-wal"),
        Pattern::Exact("usr/share/rpm/rpmdb.sqlite-wal"),
    ],
    read,
};

/// The list that distroless images of Azure Linux and Mariner have in place of a database.
pub(crate) const MANIFEST: Cataloger = Cataloger {
    name: "rpm-manifest",
    evidence: &[Pattern::Exact("var/lib/rpmmanifest/container-manifest-2")],
    companions: &[],
    read: manifest::read,
};

const PACKAGES_MAX: usize = 200_000;
const COMPLAINTS_MAX: usize = 20;

/// Gets the headers of a database, one by one.
type Each<'a> = dyn FnMut(&[u8]) + 'a;

/// What was wrong with a database; a few of many.
#[derive(Default)]
struct Complaints {
    first: Vec<String>,
    n_more: usize,
}

impl Complaints {
    fn add(&mut self, complaint: impl FnOnce() -> String) {
        if self.first.len() < COMPLAINTS_MAX {
            self.first.push(complaint());
        } else {
            self.n_more += 1;
        }
    }

    fn one(complaint: &str) -> Self {
        Self { first: vec![complaint.to_owned()], n_more: 0 }
    }
}

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut complaints = Complaints::default();
    let mut n_headers = 0_usize;
    let mut files_bytes = package::FILES_BYTES_MAX;
    let mut each = |blob: &[u8]| {
        n_headers += 1;
        if n_headers > PACKAGES_MAX {
            return;
        }
        match package::draft(blob, context, &mut files_bytes) {
            Ok((draft, complaint)) => {
                if let Some(complaint) = complaint {
                    complaints.add(|| format!("package `{}` {complaint}", draft.package.name));
                }
                found.drafts.push(draft);
            }
            Err(reason) => complaints.add(|| format!("package {n_headers} {reason}")),
        }
    };
    let of_format = if bytes.starts_with(sqlite::MAGIC) {
        let log = context.companion(&[context.path_bytes(), b"-wal"].concat());
        sqlite::headers(bytes, log.map_or(&[], |log| log.bytes), &mut each)
    } else if bytes.starts_with(ndb::MAGIC) {
        ndb::headers(bytes, &mut each)
    } else if bdb::is_hash(bytes) {
        bdb::headers(bytes, &mut each)
    } else {
        Complaints::one("it is no database of rpm")
    };
    if n_headers > PACKAGES_MAX {
        complaints.add(|| "has more packages than the limit, the rest is not read".to_owned());
    }
    let n_more = complaints.n_more + of_format.n_more;
    let all = of_format.first.into_iter().chain(complaints.first);
    found.notes.extend(all.map(|complaint| context.note(complaint)));
    if n_more > 0 {
        found.notes.push(context.note(format!("there are {n_more} more such complaints")));
    }
    provide_needed_files(&mut found.drafts);
    found
}

// A package may need a file, `/bin/sh`; whoever has it provides it.
fn provide_needed_files(drafts: &mut [Draft]) {
    let needed: HashSet<String> = drafts
        .iter()
        .flat_map(|draft| draft.requires.iter().flatten())
        .filter(|name| name.starts_with('/'))
        .cloned()
        .collect();
    for draft in drafts {
        let files = draft.package.files.iter().filter(|file| needed.contains(*file));
        draft.provides.extend(files.cloned());
    }
}
