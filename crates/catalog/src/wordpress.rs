//! WordPress, its plugins and its themes, from the comments at the top of their main files (WordPress Plugin Handbook,
//! "Header Requirements"; Theme Handbook, "Main Stylesheet").

use sealift_model::{License, Method, PackageKind, Supplier};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, license, shorten};

/// `wp-includes/version.php`.
pub(crate) const CORE: Cataloger = Cataloger {
    name: "wordpress",
    what: "WordPress itself",
    evidence: &[Pattern::InAny("wp-includes", "version.php")],
    companions: &[],
    read: core,
};

/// `wp-content/plugins/*.php` and `wp-content/plugins/*/*.php`.
pub(crate) const PLUGIN: Cataloger = Cataloger {
    name: "wordpress-plugin",
    what: "WordPress plugins",
    evidence: &[
        Pattern::InAny("wp-content/plugins", ".php"),
        Pattern::OneBelowAny("wp-content/plugins", ".php"),
        Pattern::InAny("wp-content/mu-plugins", ".php"),
    ],
    companions: &[],
    read: plugin,
};

/// `wp-content/themes/*/style.css`.
pub(crate) const THEME: Cataloger = Cataloger {
    name: "wordpress-theme",
    what: "WordPress themes",
    evidence: &[Pattern::OneBelowAny("wp-content/themes", "style.css")],
    companions: &[],
    read: theme,
};

const FILES_MAX: usize = 100_000;
// WordPress looks for the header in so many bytes (`get_file_data`).
const HEADER_BYTES: usize = 8 << 10;
const VERSION_FILE_BYTES_MAX: usize = 64 << 10;

fn core(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(VERSION_FILE_BYTES_MAX)]);
    // `$wp_version = '6.4.2';`
    let assigned = text.lines().find_map(|line| {
        let value = line.trim().strip_prefix("$wp_version")?.trim_start().strip_prefix('=')?;
        value.split(['\'', '"']).nth(1)
    });
    match assigned.filter(|version| !version.is_empty() && version.len() <= NAME_BYTES_MAX) {
        Some(version) => {
            let mut draft = draft("core", "wordpress", Some(version), context);
            let path = String::from_utf8_lossy(context.path_bytes()).into_owned();
            let root = path.strip_suffix("wp-includes/version.php").unwrap_or_default();
            for folder in ["wp-admin", "wp-includes"] {
                let files = context.files_below(&format!("{root}{folder}"), FILES_MAX);
                draft.package.files.extend(files);
            }
            found.drafts.push(draft);
        }
        None => found.notes.push(context.note("it does not say which version of WordPress it is")),
    }
    found
}

fn plugin(bytes: &[u8], context: &Context<'_>) -> Found {
    let header = Header::of(bytes);
    let Some(title) = header.get("Plugin Name") else { return Found::default() };
    described(&header, title, "plugin", "Plugin URI", context)
}

fn theme(bytes: &[u8], context: &Context<'_>) -> Found {
    let header = Header::of(bytes);
    let Some(title) = header.get("Theme Name") else { return Found::default() };
    described(&header, title, "theme", "Theme URI", context)
}

fn described(
    header: &Header,
    title: &str,
    what: &str,
    homepage: &str,
    context: &Context<'_>,
) -> Found {
    let mut found = Found::default();
    let path = String::from_utf8_lossy(context.path_bytes()).into_owned();
    // The folder's name is the one that wordpress.org knows; a plugin may also be a file without a folder.
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    let (slug, files) = match folder {
        "plugins" | "mu-plugins" => {
            (file.strip_suffix(".php").unwrap_or(file), vec![context.path()])
        }
        folder => {
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            (folder, context.files_below(directory, FILES_MAX))
        }
    };
    if slug.len() > NAME_BYTES_MAX {
        found.notes.push(context.note("its name is too long"));
        return found;
    }
    let version = header.get("Version").filter(|version| version.len() <= NAME_BYTES_MAX);
    if version.is_none() {
        found.notes.push(context.note(format!("{what} `{slug}` has no version")));
    }
    let mut draft = draft(what, slug, version, context);
    let package = &mut draft.package;
    package.licenses = header.get("License").and_then(gnu_or_other).into_iter().collect();
    package.supplier =
        header.get("Author").map(|author| Supplier::Organization(shorten(without_tags(author))));
    package.homepage = header.get(homepage).map(shorten);
    package.summary = Some(shorten(title));
    package.files = files;
    draft.provides = vec![format!("{what}/{slug}")];
    // A theme's parent, and the plugins that one needs.
    let parent = header.get("Template").map(|parent| format!("theme/{parent}"));
    let needed = header.get("Requires Plugins").unwrap_or_default().split(',').map(str::trim);
    let needed = needed.filter(|slug| !slug.is_empty()).map(|slug| format!("plugin/{slug}"));
    draft.requires = parent.into_iter().chain(needed).map(|name| vec![name]).collect();
    found.drafts.push(draft);
    found
}

fn draft(what: &str, slug: &str, version: Option<&str>, context: &Context<'_>) -> Draft {
    let evidence = context.evidence(Method::Manifest);
    let mut draft = component(PackageKind::Wordpress, slug, version, evidence, context);
    draft.package.purl.namespace = Some(what.to_owned());
    draft
}

// What WordPress's handbook and its generators write for its own licence.
fn gnu_or_other(text: &str) -> Option<License> {
    let words = text.to_ascii_lowercase().replace("gnu general public license", "gpl");
    let words: String = words.chars().filter(char::is_ascii_alphanumeric).collect();
    let words = words.replace("version", "v").replace("20", "2").replace("30", "3");
    let spdx = match words.as_str() {
        "gplv2orlater" | "gpl2orlater" => "GPL-2.0-or-later",
        "gplv3orlater" | "gpl3orlater" => "GPL-3.0-or-later",
        _ => return license(text),
    };
    Some(License::declared(shorten(text), Some(spdx.to_owned())))
}

// `<a href="…">Name</a>`.
fn without_tags(text: &str) -> &str {
    match text.split_once('>') {
        Some((before, rest)) if before.starts_with('<') => rest.split('<').next().unwrap_or(rest),
        _ => text,
    }
}

struct Header(String);

impl Header {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(HEADER_BYTES)]);
        Self(text.replace('\r', "\n"))
    }

    // As WordPress finds it: the name may be behind blanks and signs of a comment, the value ends where the comment does.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            let line = line.trim_start().strip_prefix("<?php").unwrap_or(line);
            let line = line.trim_start_matches([' ', '\t', '/', '*', '#', '@']);
            let start = line.get(..name.len())?;
            let value = line[name.len()..].strip_prefix(':')?;
            let value = value.split("*/").next()?.split("?>").next()?.trim();
            (start.eq_ignore_ascii_case(name) && !value.is_empty()).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let header = Header::of(
            b"<?php\r\n/**\r\n * @package x\r\n * Plugin Name: A & B */\r\n# version: 1.2\n<?php // Author: C\nLicense:\n \xff",
        );
        assert_eq!(header.get("Plugin Name"), Some("A & B"));
        assert_eq!(header.get("Version"), Some("1.2"));
        assert_eq!(header.get("Author"), Some("C"));
        assert_eq!(header.get("License"), None);
        assert_eq!(header.get("Theme Name"), None);
        let far = [&vec![b' '; HEADER_BYTES][..], b"\nVersion: 1"].concat();
        assert_eq!(Header::of(&far).get("Version"), None);
        assert_eq!(without_tags("<a href=\"x\">Y</a>"), "Y");
        assert_eq!(without_tags("Y"), "Y");
        let spdx = |text| gnu_or_other(text).and_then(|license| license.spdx);
        for text in
            ["GPLv2 or later", "GPL v2 or later", "GNU General Public License v2.0 or later"]
        {
            assert_eq!(spdx(text).as_deref(), Some("GPL-2.0-or-later"), "{text}");
        }
        assert_eq!(spdx("MIT").as_deref(), Some("MIT"));
    }
}
