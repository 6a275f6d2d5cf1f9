//! Names of licences as people spell them: SPDX's full names in any spelling, what ecosystems write, and addresses.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::name;

// Spellings that have meant more than one licence.
const AMBIGUOUS: &[&str] = &["apache", "go", "unlimited"];

// Spellings that the list's own names do not lead to, reduced as `key` does it.
const ALIASES: &[(&str, &str)] = &[
    ("apache 2", "Apache-2.0"),
    ("apache software 2", "Apache-2.0"),
    ("apache public 2", "Apache-2.0"),
    ("apache software foundation 2", "Apache-2.0"),
    ("asl 2", "Apache-2.0"),
    ("al 2", "Apache-2.0"),
    ("apache software 1.1", "Apache-1.1"),
    ("0 clause bsd", "0BSD"),
    ("bsd 0 clause", "0BSD"),
    ("2 clause bsd", "BSD-2-Clause"),
    ("bsd 2", "BSD-2-Clause"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 2 clause simplified", "BSD-2-Clause"),
    ("simplified bsd", "BSD-2-Clause"),
    ("freebsd", "BSD-2-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("bsd 3", "BSD-3-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("bsd 3 clause new or revised", "BSD-3-Clause"),
    ("bsd new", "BSD-3-Clause"),
    ("bsd revised", "BSD-3-Clause"),
    ("bsd 3 clause modified", "BSD-3-Clause"),
    ("modified bsd", "BSD-3-Clause"),
    ("new bsd", "BSD-3-Clause"),
    ("revised bsd", "BSD-3-Clause"),
    ("new or revised bsd", "BSD-3-Clause"),
    ("bouncy castle", "MIT"),
    ("expat", "MIT"),
    ("mit expat", "MIT"),
    ("mit x11", "MIT"),
    ("mit x", "MIT"),
    ("mit no attribution", "MIT-0"),
    ("boost", "BSL-1.0"),
    ("boost software", "BSL-1.0"),
    ("boost software 1", "BSL-1.0"),
    ("bsl 1", "BSL-1.0"),
    ("cc0 1 universal", "CC0-1.0"),
    ("cc0", "CC0-1.0"),
    ("cc0 1 universal cc0 1 public domain dedication", "CC0-1.0"),
    ("cddl 1", "CDDL-1.0"),
    ("cddl 1.1", "CDDL-1.1"),
    ("common development and distribution cddl 1", "CDDL-1.0"),
    ("common development and distribution cddl 1.1", "CDDL-1.1"),
    ("eclipse distribution 1", "BSD-3-Clause"),
    ("eclipse distribution edl 1", "BSD-3-Clause"),
    ("edl 1", "BSD-3-Clause"),
    ("eclipse public 1", "EPL-1.0"),
    ("eclipse public 2", "EPL-2.0"),
    ("epl 1", "EPL-1.0"),
    ("epl 2", "EPL-2.0"),
    ("eupl 1.2", "EUPL-1.2"),
    ("historical permission notice and disclaimer hpnd", "HPND"),
    ("isc iscl", "ISC"),
    ("mozilla public 1.1", "MPL-1.1"),
    ("mozilla public 2", "MPL-2.0"),
    ("mozilla public 2 mpl 2", "MPL-2.0"),
    ("mpl 1.1", "MPL-1.1"),
    ("mpl 2", "MPL-2.0"),
    ("perl 5", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
    ("artistic 2", "Artistic-2.0"),
    ("psf", "PSF-2.0"),
    ("psfl", "PSF-2.0"),
    ("psf 2", "PSF-2.0"),
    ("python software foundation", "PSF-2.0"),
    ("public domain", "LicenseRef-public-domain"),
    ("publicdomain", "LicenseRef-public-domain"),
    ("ruby s", "Ruby"),
    ("sil ofl 1.1", "OFL-1.1"),
    ("sil open font 1.1", "OFL-1.1"),
    ("sil open font 1.1 ofl 1.1", "OFL-1.1"),
    ("ofl 1.1", "OFL-1.1"),
    ("unlicense unlicense", "Unlicense"),
    ("universal permissive upl", "UPL-1.0"),
    ("upl 1", "UPL-1.0"),
    ("w3c software notice and", "W3C"),
    ("zope public 2.1", "ZPL-2.1"),
    ("zpl 2.1", "ZPL-2.1"),
    ("zlib libpng", "Zlib"),
];

// Addresses without scheme, `www.`, and what ends them.
const ADDRESSES: &[(&str, &str)] = &[
    ("apache.org/licenses/license-2.0", "Apache-2.0"),
    ("apache.org/license/license-2.0", "Apache-2.0"),
    ("opensource.org/licenses/apache2.0", "Apache-2.0"),
    ("opensource.org/licenses/apache-2.0", "Apache-2.0"),
    ("opensource.org/licenses/mit-license", "MIT"),
    ("opensource.org/licenses/mit", "MIT"),
    ("opensource.org/license/mit", "MIT"),
    ("jquery.org/license", "MIT"),
    ("bouncycastle.org/licence", "MIT"),
    ("slf4j.org/license", "MIT"),
    ("opensource.org/licenses/bsd-2-clause", "BSD-2-Clause"),
    ("opensource.org/licenses/bsd-3-clause", "BSD-3-Clause"),
    ("opensource.org/licenses/isc", "ISC"),
    ("opensource.org/licenses/mpl-2.0", "MPL-2.0"),
    ("opensource.org/licenses/epl-1.0", "EPL-1.0"),
    ("opensource.org/licenses/cddl1", "CDDL-1.0"),
    ("opensource.org/licenses/zlib", "Zlib"),
    ("opensource.org/licenses/unlicense", "Unlicense"),
    ("mozilla.org/mpl/2.0", "MPL-2.0"),
    ("mozilla.org/mpl/mpl-1.1", "MPL-1.1"),
    ("mozilla.org/en-us/mpl/2.0", "MPL-2.0"),
    ("eclipse.org/legal/epl-v10", "EPL-1.0"),
    ("eclipse.org/legal/epl-v20", "EPL-2.0"),
    ("eclipse.org/legal/epl-2.0", "EPL-2.0"),
    ("eclipse.org/org/documents/edl-v10", "BSD-3-Clause"),
    ("eclipse.org/org/documents/epl-v10", "EPL-1.0"),
    ("eclipse.org/org/documents/epl-2.0/epl-2.0", "EPL-2.0"),
    ("creativecommons.org/publicdomain/zero/1.0", "CC0-1.0"),
    ("creativecommons.org/licenses/by/4.0", "CC-BY-4.0"),
    ("creativecommons.org/licenses/by/3.0", "CC-BY-3.0"),
    ("creativecommons.org/licenses/by-sa/4.0", "CC-BY-SA-4.0"),
    ("gnu.org/licenses/agpl-3.0", "AGPL-3.0-only"),
    ("gnu.org/licenses/gpl-3.0", "GPL-3.0-only"),
    ("gnu.org/licenses/gpl-2.0", "GPL-2.0-only"),
    ("gnu.org/licenses/old-licenses/gpl-2.0", "GPL-2.0-only"),
    ("gnu.org/licenses/lgpl-3.0", "LGPL-3.0-only"),
    ("gnu.org/licenses/lgpl-2.1", "LGPL-2.1-only"),
    ("gnu.org/licenses/old-licenses/lgpl-2.1", "LGPL-2.1-only"),
    ("unlicense.org", "Unlicense"),
    ("wtfpl.net", "WTFPL"),
    ("boost.org/license_1_0", "BSL-1.0"),
    ("json.org/license", "JSON"),
];

static NAMES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut names: HashMap<String, &'static str> = HashMap::new();
    let mut doubtful = Vec::new();
    for license in spdx::identifiers::LICENSES {
        let is_old = spdx::license_id(license.name).is_none_or(spdx::LicenseId::is_deprecated);
        // The names of the GNU licences are read by their parts.
        if is_old || license.full_name.starts_with("GNU ") || license.name.contains("NOASSERTION") {
            continue;
        }
        let key = key(license.full_name);
        if names.insert(key.clone(), license.name).is_some() {
            doubtful.push(key);
        }
    }
    for key in doubtful {
        names.remove(&key);
    }
    names.extend(ALIASES.iter().map(|(key, id)| ((*key).to_owned(), *id)));
    for key in AMBIGUOUS {
        names.remove(*key);
    }
    names
});

/// The SPDX expression of a name or an address.
pub(crate) fn expression(text: &str) -> Option<String> {
    if text.len() > 200 {
        return None;
    }
    if text.contains("://") || text.starts_with("www.") {
        return address(text).map(str::to_owned);
    }
    let key = key(text);
    gnu(&key).or_else(|| NAMES.get(&key).map(|id| (*id).to_owned()))
}

fn address(text: &str) -> Option<&'static str> {
    let lower = text.trim().to_ascii_lowercase();
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let rest = rest.strip_prefix("www.").unwrap_or(rest).trim_end_matches('/');
    if let Some(id) = rest.strip_prefix("spdx.org/licenses/") {
        let id = id.trim_end_matches(".html").trim_end_matches(".txt");
        let known = spdx::identifiers::LICENSES.iter().map(|known| known.name);
        return known.into_iter().find(|known| known.eq_ignore_ascii_case(id));
    }
    let ends = [".html", ".txt", ".php", ".htm", "-standalone.html", "/legalcode", ".en.html"];
    let is_same = |known: &str| {
        rest.strip_prefix(known).is_some_and(|end| end.is_empty() || ends.contains(&end))
    };
    ADDRESSES.iter().find(|(known, _)| is_same(known)).map(|(_, id)| *id)
}

// Lower case, without signs, articles, and the words that all names have; `2.0` is `2`.
fn key(text: &str) -> String {
    let mut key = String::new();
    let lower = text.to_ascii_lowercase();
    let separated = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '+'));
    for word in lower.split(separated).map(|word| word.trim_matches('.')) {
        let is_idle = matches!(
            word,
            "" | "the" | "license" | "licence" | "licenses" | "version" | "v" | "ver"
        );
        if is_idle {
            continue;
        }
        let number =
            word.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let word = number.unwrap_or(word);
        if !key.is_empty() {
            key.push(' ');
        }
        match word.strip_suffix(".0") {
            Some(short) if short.bytes().all(|byte| byte.is_ascii_digit()) => key.push_str(short),
            _ => key.push_str(word),
        }
    }
    key
}

// `gnu general public 2 or later`, `lgplv2.1+`, `gnu lgpl 3 only`: family, version, what comes after it.
fn gnu(key: &str) -> Option<String> {
    const FAMILIES: [(&str, &str); 9] = [
        ("affero general public", "AGPL"),
        ("lesser general public", "LGPL"),
        ("library or lesser general public", "LGPL"),
        ("library general public", "LGPL"),
        ("general public", "GPL"),
        ("free documentation", "GFDL"),
        ("agpl", "AGPL"),
        ("lgpl", "LGPL"),
        ("gpl", "GPL"),
    ];
    let rest = key.strip_prefix("gnu ").unwrap_or(key);
    let (family, rest) =
        FAMILIES.iter().find_map(|(words, family)| Some((*family, rest.strip_prefix(words)?)))?;
    let mut words = rest.split(' ').filter(|word| !word.is_empty()).peekable();
    // The acronym again, as classifiers have it.
    while words.peek().is_some_and(|word| matches!(*word, "gpl" | "lgpl" | "agpl" | "gnu" | "fdl"))
    {
        words.next();
    }
    let first = words.next()?;
    let number = first.strip_prefix('v').unwrap_or(first);
    let (number, has_plus) = match number.strip_suffix('+') {
        Some(number) => (number, true),
        None => (number, false),
    };
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = words.collect::<Vec<_>>().join(" ");
    let suffix = match rest.as_str() {
        "" | "only" if !has_plus => "only",
        "" => "or-later",
        "or later"
        | "or newer"
        | "or any later"
        | "and later"
        | "and above"
        | "or above"
        | "later"
        | "or greater"
        | "or at your option any later"
        | "+" => "or-later",
        // The acronym with the version at the end: `GPLv3+`.
        other => {
            let acronym = other.trim_start_matches("or later ");
            let is_same = ["gplv", "lgplv", "agplv"].iter().any(|start| {
                acronym.strip_prefix(start).is_some_and(|end| end.trim_end_matches('+') == number)
            });
            match (is_same, acronym.ends_with('+') || other.starts_with("or later")) {
                (false, _) => return None,
                (true, true) => "or-later",
                (true, false) => "only",
            }
        }
    };
    name::gnu(family, number, suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(expression(text).as_deref(), expected, "{text}");
        };
        check("The Apache Software License, Version 2.0", Some("Apache-2.0"));
        check("Apache License, Version 2.0", Some("Apache-2.0"));
        check("Apache-2.0 License", Some("Apache-2.0"));
        check("MIT License", Some("MIT"));
        check("The MIT License (MIT)", None);
        check("BSD 3-Clause \"New\" or \"Revised\" License", Some("BSD-3-Clause"));
        check("Eclipse Public License - v 2.0", Some("EPL-2.0"));
        check("Mozilla Public License 2.0 (MPL 2.0)", Some("MPL-2.0"));
        check("GNU Lesser General Public License v2.1", Some("LGPL-2.1-only"));
        check("GNU General Public License v2 or later (GPLv2+)", Some("GPL-2.0-or-later"));
        check("GNU General Public License v3 (GPLv3)", Some("GPL-3.0-only"));
        check("GNU GPL v3+", Some("GPL-3.0-or-later"));
        check("LGPLv2.1+", Some("LGPL-2.1-or-later"));
        check("GPL v2 or later", Some("GPL-2.0-or-later"));
        check("http://www.apache.org/licenses/LICENSE-2.0.txt", Some("Apache-2.0"));
        check("https://spdx.org/licenses/bsd-3-clause.html", Some("BSD-3-Clause"));
        check("https://opensource.org/licenses/MIT", Some("MIT"));
        check("Public Domain", Some("LicenseRef-public-domain"));
        for doubtful in [
            "",
            "BSD",
            "GPL",
            "LGPL",
            "Apache",
            "Apache License",
            "Artistic",
            "GPL 9",
            "SEE LICENSE IN x",
            "UNLICENSED",
            "Dual License",
            "http://example.org/licenses/MIT",
            "Proprietary",
            "GPL v2 or later x",
            "the license",
        ] {
            check(doubtful, None);
        }
    }
}
