//! The history: every version of every file, with the commit that brought it, and the messages of commits and tags.
//!
//! Commits come parents first, the older of two first. A version is told once, of the first commit that has it; folders
//! that an earlier commit had as they are, are not looked at again, so that the whole takes time in proportion to what is
//! stored. What no commit leads to any more (what was amended, dropped from the stash, or rewritten) is told too.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::object::{commit, message, tree};
use crate::{Commit, Error, Id, Kind, Repository};

/// How deep folders are followed, and how long a path may be.
const DEPTH_MAX: usize = 256;
const PATH_BYTES_MAX: usize = 4096;
/// Objects of which each is named in a note that it could not be read.
const NAMED_MAX: usize = 5;

/// A version of a file, or a message.
#[derive(Debug)]
pub struct Version<'a> {
    /// The first commit that has it; nothing if none leads to it, or for the message of a tag.
    pub commit: Option<(Id, &'a Commit)>,
    /// The file's path; empty if no commit leads to it, and for a message.
    pub path: &'a str,
    /// Whether it is what somebody wrote about a commit or a tag.
    pub is_message: bool,
    /// The id of the object that has it.
    pub id: Id,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Shows every version of every file whose path is wanted, and every message after the files of its commit; notes tell
/// what could not be read.
pub fn history(
    repository: &Repository,
    wanted: &dyn Fn(&str) -> bool,
    visit: &mut dyn FnMut(&Version<'_>),
) -> Vec<String> {
    let mut walk = Walk {
        repository,
        wanted,
        visit,
        seen: HashSet::new(),
        failures: 0,
        notes: repository.notes.clone(),
    };
    let mut commits = HashMap::new();
    let (mut blobs, mut tags) = (Vec::new(), Vec::new());
    for id in repository.ids() {
        match repository.kind(&id) {
            Ok(Kind::Commit) if !commits.contains_key(&id) => {
                if let Some(found) = walk.read(&id).and_then(|object| commit(&object.bytes)) {
                    commits.insert(id, found);
                }
            }
            Ok(Kind::Blob) => blobs.push(id),
            Ok(Kind::Tag) => tags.push(id),
            Ok(_) => {}
            Err(error) => walk.fail(&id, &error),
        }
    }
    for id in in_order(&commits) {
        walk.commit(id, &commits[&id]);
        walk.message(Some(&commits[&id]), id);
    }
    for id in tags {
        walk.message(None, id);
    }
    for id in blobs {
        walk.blob(None, "", id);
    }
    walk.finish()
}

/// Parents before children, the older one of several first.
fn in_order(commits: &HashMap<Id, Commit>) -> Vec<Id> {
    let mut waits: HashMap<Id, usize> = HashMap::new();
    let mut children: HashMap<Id, Vec<Id>> = HashMap::new();
    for (id, commit) in commits {
        let parents: HashSet<&Id> =
            commit.parents.iter().filter(|parent| commits.contains_key(*parent)).collect();
        waits.insert(*id, parents.len());
        for parent in parents {
            children.entry(*parent).or_default().push(*id);
        }
    }
    let key = |id: Id| Reverse((commits[&id].date_secs, id));
    let mut ready: BinaryHeap<_> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(id, _)| key(*id)).collect();
    let mut order = Vec::new();
    while let Some(Reverse((_, id))) = ready.pop() {
        order.push(id);
        waits.remove(&id);
        for child in children.remove(&id).unwrap_or_default() {
            if let Some(count) = waits.get_mut(&child) {
                *count -= 1;
                if *count == 0 {
                    ready.push(key(child));
                }
            }
        }
    }
    // Ids that are no hashes may go round in a circle.
    let mut rest: Vec<Id> = waits.into_keys().collect();
    rest.sort_unstable();
    order.extend(rest);
    order
}

struct Walk<'a> {
    repository: &'a Repository,
    wanted: &'a dyn Fn(&str) -> bool,
    visit: &'a mut dyn FnMut(&Version<'_>),
    seen: HashSet<Id>,
    failures: usize,
    notes: Vec<String>,
}

impl Walk<'_> {
    fn commit(&mut self, id: Id, commit: &Commit) {
        let mut folders = vec![(commit.tree, String::new(), 0)];
        while let Some((folder, path, depth)) = folders.pop() {
            if !self.seen.insert(folder) {
                continue;
            }
            let Some(object) = self.read(&folder).filter(|object| object.kind == Kind::Tree) else {
                continue;
            };
            let mut below = Vec::new();
            for entry in tree(&object.bytes, self.repository.id_length) {
                let name = String::from_utf8_lossy(entry.name);
                let path =
                    if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
                if path.len() > PATH_BYTES_MAX || depth >= DEPTH_MAX {
                    self.fail(&entry.id, &Error::TooLarge("a path"));
                } else if entry.is_folder {
                    below.push((entry.id, path, depth + 1));
                } else if entry.is_file {
                    self.blob(Some((id, commit)), &path, entry.id);
                }
            }
            folders.extend(below.into_iter().rev());
        }
    }

    fn blob(&mut self, commit: Option<(Id, &Commit)>, path: &str, id: Id) {
        if self.seen.contains(&id) {
            return;
        }
        // A file that nobody wants by this path may be wanted by another.
        if !(self.wanted)(path) {
            return;
        }
        self.seen.insert(id);
        if let Some(object) = self.read(&id).filter(|object| object.kind == Kind::Blob) {
            let bytes = &object.bytes;
            (self.visit)(&Version { commit, path, is_message: false, id, bytes });
        }
    }

    fn message(&mut self, commit: Option<&Commit>, id: Id) {
        if !self.seen.insert(id) {
            return;
        }
        let Some(object) = self.read(&id) else { return };
        let (commit, bytes) = (commit.map(|commit| (id, commit)), message(&object.bytes));
        if !bytes.is_empty() {
            (self.visit)(&Version { commit, path: "", is_message: true, id, bytes });
        }
    }

    fn read(&mut self, id: &Id) -> Option<crate::Object> {
        self.repository.read(id).map_err(|error| self.fail(id, &error)).ok()
    }

    fn fail(&mut self, id: &Id, error: &Error) {
        self.failures += 1;
        if self.failures <= NAMED_MAX {
            let note = match error {
                Error::Missing(_) => error.to_string(),
                _ => format!("object {id}: {error}"),
            };
            self.notes.push(note);
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.failures > NAMED_MAX {
            let more = self.failures - NAMED_MAX;
            self.notes.push(format!("{more} more objects could not be read"));
        }
        self.notes
    }
}

#[cfg(test)]
#[allow(clippy::format_collect)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::sample::{Form, deflate, id, pack};
    use crate::{Limits, loose};

    fn told(repository: &Repository) -> (Vec<String>, Vec<String>) {
        let mut all = Vec::new();
        let notes = history(repository, &|_| true, &mut |version| {
            if version.is_message {
                return;
            }
            let by = version.commit.map_or("nobody", |(_, commit)| &commit.author);
            let text = String::from_utf8_lossy(version.bytes);
            all.push(format!("{}: {text} by {by}", version.path));
        });
        (all, notes)
    }

    fn folder(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (mode, name, number) in entries {
            bytes.extend(format!("{mode} {name}\0").bytes());
            bytes.extend(id(*number).as_bytes());
        }
        bytes
    }

    fn state(tree: u8, parents: &[u8], author: &str, date: u32) -> Vec<u8> {
        let parents: String = parents.iter().map(|it| format!("parent {}\n", id(*it))).collect();
        format!("tree {}\n{parents}author {author} <a> {date} +0000\n\nwhy\n", id(tree))
            .into_bytes()
    }

    // Two commits, the later with an earlier date; a file that changed as a delta; one that nobody has any more.
    fn sample() -> Vec<(u8, Form, Vec<u8>)> {
        vec![
            (10, Form::Blob, b"0123456789".to_vec()),
            (11, Form::UponOffset(10), vec![10, 7, 2, b'x', b'y', 0x91, 3, 5]),
            (12, Form::UponId(11), vec![7, 3, 0x90, 3]),
            (13, Form::Blob, b"lost".to_vec()),
            (20, Form::Tree, folder(&[("100644", "a", 10), ("40000", "d", 21)])),
            (21, Form::Tree, folder(&[("120000", "link", 12), ("160000", "sub", 99)])),
            (22, Form::Tree, folder(&[("100644", "a", 11), ("40000", "d", 21)])),
            (30, Form::Commit, state(20, &[], "First", 500)),
            (31, Form::Commit, state(22, &[30, 98], "Second", 100)),
        ]
    }

    #[test]
    fn versions_with_who_brought_them() {
        let (index, bytes) = pack(&sample());
        let repository = Repository::of_pack(index, bytes, &Limits::default()).unwrap();
        let (all, notes) = told(&repository);
        assert_eq!(
            all,
            [
                "a: 0123456789 by First <a>",
                "d/link: xy3 by First <a>",
                "a: xy34567 by Second <a>",
                ": lost by nobody"
            ]
        );
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn messages_of_commits_and_tags() {
        let mut objects = sample();
        let tag = format!("object {}\ntype commit\ntag v1\n\nit is out\n", id(30));
        let signed = format!("{tag}-----BEGIN PGP SIGNATURE-----\niQ\n");
        objects.push((40, Form::Tag, signed.into_bytes()));
        objects.push((41, Form::Tag, b"object x".to_vec()));
        let (index, bytes) = pack(&objects);
        let repository = Repository::of_pack(index, bytes, &Limits::default()).unwrap();
        let mut all = Vec::new();
        history(&repository, &|_| false, &mut |version| {
            assert!(version.is_message && version.path.is_empty());
            let text = String::from_utf8_lossy(version.bytes).into_owned();
            all.push((version.id, version.commit.map(|(id, _)| id), text));
        });
        let told = |number, text: &str| (id(number), Some(id(number)), text.to_owned());
        let tag = (id(40), None, "it is out\n".to_owned());
        assert_eq!(all, [told(30, "why\n"), told(31, "why\n"), tag]);
    }

    #[test]
    fn circles_and_bombs_end() {
        // A folder in itself, a commit that is its own parent, deltas upon each other.
        let odd = [
            (20, Form::Tree, folder(&[("40000", "d", 20), ("40000", "e", 20)])),
            (30, Form::Commit, state(20, &[30, 31], "A", 1)),
            (31, Form::Commit, state(77, &[30], "B", 1)),
            (40, Form::UponId(41), vec![1, 1, 1, 1]),
            (41, Form::UponId(40), vec![1, 1, 1, 1]),
        ];
        let (index, bytes) = pack(&odd);
        let repository = Repository::of_pack(index, bytes, &Limits::default()).unwrap();
        let (all, notes) = told(&repository);
        assert!(all.is_empty(), "{all:?}");
        assert!(notes.iter().any(|note| note.contains("chain of deltas")), "{notes:?}");
        assert!(notes.iter().any(|note| note.ends_with("is missing")), "{notes:?}");
        // Folders within folders, each twice, double with every level.
        let mut levels: Vec<(u8, Form, Vec<u8>)> = (20..80)
            .map(|it| (it, Form::Tree, folder(&[("40000", "a", it + 1), ("40000", "b", it + 1)])))
            .collect();
        levels.push((80, Form::Tree, folder(&[("100644", "f", 10)])));
        levels.push((10, Form::Blob, b"x".to_vec()));
        levels.push((90, Form::Commit, state(20, &[], "A", 1)));
        let (index, bytes) = pack(&levels);
        let repository = Repository::of_pack(index, bytes, &Limits::default()).unwrap();
        assert_eq!(told(&repository).0.len(), 1);
        let limits = Limits { unpacked_bytes: 2000, ..Limits::default() };
        let (index, bytes) = pack(&levels);
        let repository = Repository::of_pack(index, bytes, &limits).unwrap();
        let (all, notes) = told(&repository);
        assert!(
            all.is_empty() && notes.last().unwrap().ends_with("could not be read"),
            "{notes:?}"
        );
    }

    #[test]
    fn every_cut_and_every_changed_byte_ends() {
        let (index, bytes) = pack(&sample());
        let limits = Limits { unpacked_bytes: 1 << 20, object_bytes: 1 << 16, ..Limits::default() };
        for at in 0..bytes.len() {
            for changed in [bytes[..at].to_vec(), {
                let mut changed = bytes.clone();
                changed[at] ^= 0x55;
                changed
            }] {
                if let Ok(repository) = Repository::of_pack(index.clone(), changed, &limits) {
                    told(&repository);
                }
            }
        }
        for at in 0..index.len() {
            let mut changed = index.clone();
            changed[at] ^= 0x55;
            for index in [changed, index[..at].to_vec()] {
                if let Ok(repository) = Repository::of_pack(index, bytes.clone(), &limits) {
                    told(&repository);
                }
            }
        }
    }

    #[test]
    fn loose_objects_and_pointers() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join("main/.git");
        let write = |path: &Path, content: &[u8]| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        write(&git.join("HEAD"), b"ref: refs/heads/main\n");
        let put = |number: u8, head: &str, content: &[u8]| {
            let hex = id(number).to_string();
            let bytes = [format!("{head} {}\0", content.len()).as_bytes(), content].concat();
            write(&git.join("objects").join(&hex[..2]).join(&hex[2..]), &deflate(&bytes));
        };
        put(10, "blob", b"text");
        put(20, "tree", &super::tests::folder(&[("100644", "a", 10)]));
        put(30, "commit", &state(20, &[], "A", 1));
        let expected = ["a: text by A <a>"];
        let open = |name: &str| Repository::open(&folder.path().join(name), &Limits::default());
        assert_eq!(told(&open("main").unwrap()).0, expected);
        assert_eq!(told(&open("main/.git").unwrap()).0, expected, "as a bare one");
        // A further work tree, and one that borrows.
        write(&folder.path().join("tree/.git"), b"gitdir: ../main/.git/worktrees/tree\n");
        write(&git.join("worktrees/tree/commondir"), b"../..\n");
        write(&git.join("worktrees/tree/HEAD"), b"x");
        assert_eq!(told(&open("tree").unwrap()).0, expected);
        let borrowed = folder.path().join("borrows/.git");
        write(&borrowed.join("HEAD"), b"x");
        let from = git.join("objects");
        write(&borrowed.join("objects/info/alternates"), from.to_str().unwrap().as_bytes());
        assert_eq!(told(&open("borrows").unwrap()).0, expected);
        assert!(matches!(open("nothing"), Err(Error::NoRepository { .. })));
        assert!(loose(b"", &Limits::default()).is_err());
    }

    // What git itself writes, packed and not, in both kinds of hashes.
    #[test]
    fn what_git_writes() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.current_dir(folder.path()).args(["-c", "user.name=A", "-c", "user.email=a@b"]);
            command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder.path());
            command.env("GIT_AUTHOR_DATE", "1700000000 +0100").args(arguments);
            command.output().is_ok_and(|output| output.status.success())
        };
        if !git(&["--version"]) {
            eprintln!("SKIPPED: git is not installed");
            return;
        }
        for format in ["sha1", "sha256"] {
            drop(std::fs::remove_dir_all(folder.path().join(".git")));
            if !git(&["init", "-q", "--object-format", format]) {
                eprintln!("SKIPPED: git is too old for {format}");
                continue;
            }
            for number in 0..20 {
                let lines: String =
                    (0..200).map(|line| format!("{line} {}\n", line * number)).collect();
                std::fs::create_dir_all(folder.path().join("d")).unwrap();
                std::fs::write(folder.path().join("d/f"), lines).unwrap();
                assert!(git(&["add", "-A"]) && git(&["commit", "-q", "-m", "x"]));
            }
            for _ in 0..2 {
                let repository = Repository::open(folder.path(), &Limits::default()).unwrap();
                let (all, notes) = told(&repository);
                assert!(notes.is_empty(), "{notes:?}");
                assert_eq!(all.len(), 20, "{format}");
                assert!(all[19].starts_with("d/f: 0 0\n1 19\n") && all[19].ends_with("by A <a@b>"));
                assert!(git(&["gc", "-q", "--aggressive", "--prune=now"]));
            }
        }
    }
}
