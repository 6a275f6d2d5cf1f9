//! How much of an image's files its packages account for: every regular file is owned, explained or unowned.

use sealift_image::{FileTree, Numbered};
use sealift_model::{
    Coverage, FileCount, Method, Package, PackageKind, Scope, UNOWNED_FILES_MAX, UnownedFile,
};

use crate::explanation::explanation;

/// How far above the file that shows a package its folder is, for kinds that have a folder of their own.
const FOLDERS: &[(PackageKind, usize)] = &[
    (PackageKind::Npm, 1),
    (PackageKind::Cran, 1),
    (PackageKind::LuaRocks, 1),
    (PackageKind::Wordpress, 1),
    (PackageKind::Otp, 2),
];

/// What is known of a file, by number.
struct Owned(Vec<bool>);

/// Counts the files.
pub(crate) fn coverage(packages: &[Package], tree: &FileTree) -> Coverage {
    let mut owned = Owned(vec![false; tree.numbers()]);
    let mut finder = tree.finder();
    for package in packages.iter().filter(|package| is_there(package)) {
        for file in &package.files {
            owned.add(finder.number_of(file.as_bytes()));
        }
        for evidence in &package.evidence {
            let path = evidence.path.split("!/").next().unwrap_or_default();
            // A database is of all packages, and a lock file of none.
            let is_its = !matches!(evidence.method, Method::Database | Method::LockFile);
            if is_its || package.kind == PackageKind::Gem {
                owned.add(tree.number_of(path.as_bytes()));
            }
            if let Some(folder) = folder(package, path) {
                owned.add_below(tree, &folder);
            }
        }
    }
    count(&owned, tree)
}

fn is_there(package: &Package) -> bool {
    !matches!(package.scope, Scope::Declared | Scope::BuiltFrom)
}

// The folder that is a package's alone.
fn folder(package: &Package, path: &str) -> Option<String> {
    let above = |levels: usize| path.rsplitn(levels + 1, '/').nth(levels);
    match package.kind {
        PackageKind::Gem => {
            // `…/specifications/[default/]NAME.gemspec` stands beside `…/gems/NAME`.
            let (root, name) = path.rsplit_once("/specifications/")?;
            let name = name.rsplit('/').next()?.strip_suffix(".gemspec")?;
            Some(format!("{root}/gems/{name}"))
        }
        PackageKind::Composer => {
            let vendor = path.strip_suffix("/composer/installed.json")?;
            Some(format!("{vendor}/{}", package.name))
        }
        // The folder of an application is not only its manifest's.
        PackageKind::Npm if !above(1)?.contains("/node_modules/") => None,
        kind => {
            let (_, levels) = FOLDERS.iter().find(|(known, _)| *known == kind)?;
            above(*levels).filter(|folder| !folder.is_empty()).map(str::to_owned)
        }
    }
}

impl Owned {
    fn add(&mut self, number: Option<u32>) {
        if let Some(owned) = number.and_then(|number| self.0.get_mut(number as usize)) {
            *owned = true;
        }
    }

    fn add_below(&mut self, tree: &FileTree, folder: &str) {
        for number in
            tree.number_of(folder.as_bytes()).into_iter().flat_map(|it| tree.numbers_below(it))
        {
            self.add(Some(number));
        }
    }

    fn has(&self, number: u32) -> bool {
        self.0.get(number as usize).copied().unwrap_or_default()
    }
}

fn count(owned: &Owned, tree: &FileTree) -> Coverage {
    let mut coverage = Coverage::default();
    let mut unowned: Vec<Numbered> = Vec::new();
    for file in tree.numbered() {
        let counted = if owned.has(file.number) {
            &mut coverage.owned
        } else if is_explained(owned, tree, file.number) {
            &mut coverage.explained
        } else {
            unowned.push(file);
            &mut coverage.unowned
        };
        add(counted, file.size);
    }
    // The sort keeps the order of paths where sizes are equal.
    unowned.sort_by_key(|file| std::cmp::Reverse(file.size));
    unowned.truncate(UNOWNED_FILES_MAX);
    coverage.unowned_files = unowned
        .into_iter()
        .map(|file| UnownedFile {
            path: format!("/{}", tree.path_of(file.number)),
            size_bytes: file.size,
            layer: file.layer,
        })
        .collect();
    coverage
}

fn add(count: &mut FileCount, size: u64) {
    count.files += 1;
    count.bytes = count.bytes.saturating_add(size);
}

fn is_explained(owned: &Owned, tree: &FileTree, number: u32) -> bool {
    let path = tree.path_of(number);
    explanation(path.as_bytes()).is_some()
        || source_of_compiled(path.as_bytes())
            .and_then(|source| tree.number_of(&source))
            .is_some_and(|source| owned.has(source))
}

// `a/__pycache__/b.cpython-311.pyc` is compiled from `a/b.py` (PEP 3147).
fn source_of_compiled(path: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::rfind(path, b"/__pycache__/")?;
    let name = path[start + b"/__pycache__/".len()..].strip_suffix(b".pyc")?;
    let stem = name.split(|byte| *byte == b'.').next()?;
    Some([&path[..start], b"/", stem, b".py"].concat())
}

#[cfg(test)]
mod tests {
    use sealift_archive::{EntryKind, Header};
    use sealift_image::tree_of;
    use sealift_model::{Confidence, Evidence};

    use super::*;

    fn tree(files: &[(&str, usize)]) -> FileTree {
        let entry = |(path, size): &(&str, usize)| {
            let header = Header::new(path.parse().unwrap(), EntryKind::File);
            (header, vec![b'x'; *size])
        };
        tree_of(vec![files.iter().map(entry).collect()]).unwrap()
    }

    fn package(kind: PackageKind, name: &str, path: &str, files: &[&str]) -> Package {
        let evidence = Evidence {
            path: path.to_owned(),
            layer: None,
            method: Method::Manifest,
            confidence: Confidence::High,
        };
        Package {
            evidence: vec![evidence],
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            ..Package::new(kind, name)
        }
    }

    #[test]
    fn every_file_is_counted_once() {
        let tree = tree(&[
            ("app/node_modules/a/package.json", 1),
            ("app/node_modules/a/lib/a.js", 10),
            ("app/package.json", 2),
            ("app/server.js", 100),
            ("etc/ld.so.cache", 5),
            ("gems/x-1/lib/x.rb", 20),
            ("lib/__pycache__/m.cpython-311.pyc", 7),
            ("lib/__pycache__/n.cpython-311.pyc", 8),
            ("lib/m.py", 30),
            ("specifications/x-1.gemspec", 3),
            ("vendor/composer/installed.json", 4),
            ("vendor/v/p/p.php", 40),
        ]);
        let mut declared = package(PackageKind::Python, "n", "/app/server.js", &["/app/server.js"]);
        declared.scope = Scope::Declared;
        let packages = [
            package(PackageKind::Npm, "a", "/app/node_modules/a/package.json", &[]),
            package(PackageKind::Npm, "app", "/app/package.json", &[]),
            package(PackageKind::Gem, "x", "/specifications/x-1.gemspec", &[]),
            package(PackageKind::Composer, "v/p", "/vendor/composer/installed.json", &[]),
            package(PackageKind::Python, "m", "/lib/m.py", &["/lib/m.py", "/not/there"]),
            declared,
        ];
        let coverage = coverage(&packages, &tree);
        assert_eq!(
            coverage.owned,
            FileCount { files: 8, bytes: 1 + 10 + 2 + 20 + 30 + 3 + 4 + 40 }
        );
        assert_eq!(coverage.explained, FileCount { files: 2, bytes: 5 + 7 });
        assert_eq!(coverage.unowned, FileCount { files: 2, bytes: 108 });
        let unowned: Vec<&str> =
            coverage.unowned_files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(unowned, ["/app/server.js", "/lib/__pycache__/n.cpython-311.pyc"]);
        assert_eq!(coverage.unowned_basis_points(), 10_000 * 108 / 230);
    }

    #[test]
    fn links_are_followed_above_a_file_only() {
        let link = |path: &str, target: &str| {
            let kind = EntryKind::Symlink(target.as_bytes().to_vec());
            (Header::new(path.parse().unwrap(), kind), Vec::new())
        };
        let file = |path: &str| (Header::new(path.parse().unwrap(), EntryKind::File), vec![1]);
        let entries = vec![
            link("bin", "usr/bin"),
            file("usr/bin/sh"),
            file("srv/data"),
            link("data", "srv/data"),
        ];
        let tree = tree_of(vec![entries]).unwrap();
        let packages = [package(PackageKind::Deb, "a", "/x", &["/bin/sh", "/data"])];
        let coverage = coverage(&packages, &tree);
        assert_eq!((coverage.owned.files, coverage.unowned.files), (1, 1));
    }
}
