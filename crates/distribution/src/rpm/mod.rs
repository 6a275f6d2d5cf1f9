//! RPM packages, from rpm's database in each of its three formats, and from the list of images without rpm.
//!
//! All formats hold the same headers (rpm's `docs/manual/hregions.md`, `tags.md`).

mod bdb;
mod header;
mod manifest;
mod ndb;
mod package;

use std::collections::HashSet;

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::complaints::Complaints;
use crate::sqlite;

/// rpm's database: Berkeley DB, then its own format, then SQLite.
pub(crate) const DATABASE: Cataloger = Cataloger {
    name: "rpm",
    what: "RPM packages, from the database in all three of its forms (Berkeley DB, ndb, SQLite)",
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
    what: "RPM packages in images without rpm (distroless Mariner and Azure Linux)",
    evidence: &[Pattern::Exact("var/lib/rpmmanifest/container-manifest-2")],
    companions: &[],
    read: manifest::read,
};

const PACKAGES_MAX: usize = 200_000;

/// Gets the headers of a database, one by one.
type Each<'a> = dyn FnMut(&[u8]) + 'a;

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
        let mut each = |row: &sqlite::Row<'_>| {
            if let Some(blob) = row.bytes(1) {
                each(blob);
            }
        };
        let tables = &mut [("Packages", &mut each as &mut dyn FnMut(&sqlite::Row<'_>))];
        sqlite::rows(bytes, log.map_or(&[], |log| log.bytes), tables)
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
    found.notes.extend(of_format.and(complaints).notes(context));
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
