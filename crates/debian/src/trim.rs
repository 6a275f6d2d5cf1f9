//! Which files of packages are left out: documentation and translations, as Debian's own slim images do it.

use sealift_archive::RelativePath;

use crate::recipe::Body;

const DOCUMENTATION: [&str; 9] = [
    "usr/share/doc-base",
    "usr/share/man",
    "usr/share/info",
    "usr/share/groff",
    "usr/share/lintian",
    "usr/share/linda",
    "usr/share/omf",
    "usr/share/gnome/help",
    "usr/share/bug",
];

/// True if the recipe wants a file of a package.
pub(crate) fn wants(path: &RelativePath, body: &Body) -> bool {
    let Some(text) = path.as_str() else { return true };
    if !body.locales && is_below(text, "usr/share/locale") {
        return false;
    }
    if body.documentation {
        return true;
    }
    if let Some(below) = text.strip_prefix("usr/share/doc/") {
        // Licences ask for their texts to be kept. A package's folder may be a link to another's.
        return below.ends_with("/copyright") || !below.contains('/');
    }
    !DOCUMENTATION.iter().any(|directory| is_below(text, directory))
}

// The directory itself stays: programs expect some of them.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::literal;

    #[test]
    fn licences_stay() {
        let recipe = crate::Recipe::parse(
            "packages = ['a1']\n[[source]]\nurl = 'http://d'\nsuites = ['s']\n",
        )
        .unwrap();
        for (path, is_wanted) in [
            ("usr/bin/a", true),
            ("usr/share/doc/a", true),
            ("usr/share/doc/a/copyright", true),
            ("usr/share/doc/a/changelog.gz", false),
            ("usr/share/doc/a/examples/copyright", true),
            ("usr/share/man", true),
            ("usr/share/man/man1", false),
            ("usr/share/manual", true),
            ("usr/share/locale/de/LC_MESSAGES/a.mo", false),
            ("usr/share/common-licenses/GPL-3", true),
        ] {
            assert_eq!(wants(&literal(path), recipe.body()), is_wanted, "{path}");
        }
    }
}
