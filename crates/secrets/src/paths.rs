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

/// How closely to look at the file of this path.
pub(crate) fn care(path: &str) -> Care {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    if let Some((stem, ending)) = name.rsplit_once('.')
        && !stem.is_empty()
        && PICTURE_ENDINGS.contains(&ending)
    {
        return Care::Pass;
    }
    if !path.contains('/') {
        return if is_lock(&name) { Care::Sure } else { Care::Full };
    }
    let is_system = SYSTEM_FOLDERS.iter().any(|folder| path.starts_with(folder))
        || path.starts_with("var/lib/dpkg/")
        || path.contains("go/pkg/mod/")
        || path.contains("/vendor/")
        || path.starts_with("vendor/");
    let mut folders = path.split('/').rev().skip(1);
    let is_foreign = is_system
        || folders
            .clone()
            .any(|folder| FOREIGN_FOLDERS.contains(&folder) || folder.ends_with(".dist-info"));
    let is_show =
        folders.any(|folder| SHOW_FOLDERS.contains(&folder.to_ascii_lowercase().as_str()));
    match (is_foreign, is_show) {
        (true, true) => Care::Pass,
        (true, false) => Care::Sure,
        _ if is_lock(&name) => Care::Sure,
        _ => Care::Full,
    }
}

fn is_lock(name: &str) -> bool {
    LOCK_FILES.contains(&name)
        || name.ends_with(".min.js")
        || name.rsplit_once('.').is_some_and(|(_, ending)| ending == "map")
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
        ] {
            assert_eq!(care(path), expected, "{path}");
        }
    }
}
