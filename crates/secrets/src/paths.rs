//! What a path says of a file: whose work it is, and what can be in it.

/// How closely a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Care {
    /// Not at all.
    Pass,
    /// For what tells by itself what it is: what others wrote has names and values of every kind.
    Sure,
    /// For everything.
    Full,
}

#[rustfmt::skip]
const LOCK_FILES: [&str; 18] = [
    "go.sum", "go.mod", "go.work.sum", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
    "poetry.lock", "pipfile.lock", "uv.lock", "cargo.lock", "composer.lock", "gemfile.lock", "gradle.lockfile", "deno.lock",
    "packages.lock.json", "verification-metadata.xml",
];

#[rustfmt::skip]
const FOREIGN_FOLDERS: [&str; 12] = [
    "node_modules", "bower_components", "site-packages", "dist-packages", "gems", "__pycache__", "jspm_packages",
    "pkgconfig", "locale", "zoneinfo", "terminfo", "dist-info",
];

#[rustfmt::skip]
const SYSTEM_FOLDERS: [&str; 14] = [
    "usr/share/", "usr/lib/", "usr/lib64/", "usr/libexec/", "usr/include/", "usr/bin/", "usr/sbin/", "lib/", "lib64/", "bin/", "sbin/",
    "usr/local/lib/", "usr/local/share/", "usr/local/include/",
];

#[rustfmt::skip]
const SHOW_FOLDERS: [&str; 14] = [
    "test", "tests", "testing", "testdata", "test-data", "example", "examples", "doc", "docs", "fixtures", "spec", "samples", "demo", "man",
];

#[rustfmt::skip]
const PICTURE_ENDINGS: [&str; 28] = [
    "bmp", "gif", "jpg", "jpeg", "png", "svg", "tif", "tiff", "ico", "webp", "eot", "otf", "ttf", "woff", "woff2", "mo", "gmo", "pyc",
    "class", "so", "a", "o", "pdf", "wasm", "gz", "xz", "zst", "bz2",
];

/// A path, read once for all that is asked of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    // Without the root.
    path: &'a str,
    folders: Option<&'a str>,
    /// The name of the file.
    pub(crate) name: &'a str,
    /// What is before the last dot of the name, and behind it.
    pub(crate) ending: Option<(&'a str, &'a str)>,
}

impl<'a> Place<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        let mut path = path;
        while let Some(rest) = path.strip_prefix("./") {
            path = rest;
        }
        let path = path.trim_start_matches('/');
        let part = |text: &'a str, sign: u8| {
            let at = text.bytes().rposition(|byte| byte == sign)?;
            Some((&text[..at], &text[at + 1..]))
        };
        let (folders, name) = part(path, b'/').map_or((None, path), |(a, b)| (Some(a), b));
        Self { path, folders, name, ending: part(name, b'.') }
    }

    /// The name of the folder that it is in.
    pub(crate) fn folder(&self) -> &'a str {
        self.folders.and_then(|it| it.rsplit('/').next()).unwrap_or_default()
    }
}

/// How closely to look at the file of this path.
pub(crate) fn care(place: &Place<'_>) -> Care {
    let &Place { path, ending, .. } = place;
    if let Some((stem, ending)) = ending
        && !stem.is_empty()
        && is_one_of(ending, &PICTURE_ENDINGS)
    {
        return Care::Pass;
    }
    let Some(folders) = place.folders else {
        return if is_lock(place) { Care::Sure } else { Care::Full };
    };
    let is_system = SYSTEM_FOLDERS.iter().any(|folder| path.starts_with(folder))
        || path.starts_with("var/lib/dpkg/")
        || path.contains("go/pkg/mod/")
        || path.contains("/vendor/")
        || path.starts_with("vendor/");
    let mut folders = folders.split('/').rev();
    let is_foreign = is_system
        || folders
            .clone()
            .any(|folder| FOREIGN_FOLDERS.contains(&folder) || folder.ends_with(".dist-info"));
    let is_show = folders.any(|folder| is_one_of(folder, &SHOW_FOLDERS));
    match (is_foreign, is_show) {
        (true, true) => Care::Pass,
        (true, false) => Care::Sure,
        _ if is_lock(place) => Care::Sure,
        _ => Care::Full,
    }
}

fn is_lock(place: &Place<'_>) -> bool {
    // All of them have a dot.
    place.ending.is_some_and(|(stem, ending)| {
        is_one_of(place.name, &LOCK_FILES)
            || ending.eq_ignore_ascii_case("map")
            || ending.eq_ignore_ascii_case("js")
                && stem.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("min"))
    })
}

fn is_one_of(word: &str, small: &[&str]) -> bool {
    small.iter().any(|it| it.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, expected) in [
            ("app/.env", Care::Full),
            ("/usr/src/app/config.py", Care::Full),
            ("/usr/local/bin/entrypoint.sh", Care::Full),
            ("usr/lib/python3.11/site-packages/a.py", Care::Sure),
            ("app/node_modules/x/index.js", Care::Sure),
            ("app/node_modules/x/test/key.pem", Care::Pass),
            ("app/test/key.pem", Care::Full),
            ("app/yarn.lock", Care::Sure),
            ("a/logo.PNG", Care::Pass),
            (".png", Care::Full),
            ("Cargo.LOCK", Care::Sure),
            ("a/Lib.MIN.js", Care::Sure),
            ("x.Map", Care::Sure),
            ("min.js", Care::Full),
            ("Dockerfile", Care::Full),
            ("var/lib/dpkg/EXAMPLES/x", Care::Pass),
        ] {
            assert_eq!(care(&Place::of(path)), expected, "{path}");
        }
    }
}
