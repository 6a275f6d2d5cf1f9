//! Names of licences as Debian and Python write them, as SPDX expressions.

use crate::expression::{self, valid};
use crate::notice::PUBLIC_DOMAIN;
use crate::spelled;

/// A machine-readable copyright file's licence (copyright-format 1.0, "Syntax" of `License`) as an SPDX expression.
pub fn debian_expression(synopsis: &str) -> Option<String> {
    expression::read_debian(synopsis, &debian_term)
}

/// True for Debian's names that can only mean one licence, so that its text need not be looked at.
pub(crate) fn is_strict(lower: &str) -> bool {
    let family = lower.split_once('-').map(|(family, _)| family);
    let is_gnu =
        matches!(family, Some("gpl" | "lgpl" | "agpl" | "gfdl")) && gnu_id(lower).is_some();
    is_gnu
        || matches!(
            lower,
            "expat" | "apache-2.0" | "mpl-2.0" | "mpl-1.1" | "cc0-1.0" | "artistic-2.0"
        )
}

/// A name of Debian's, perhaps with an exception: `GPL-2+ with OpenSSL exception`.
pub(crate) fn debian_term(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, rest) = words.split_first()?;
    let license = debian_id(name.trim_end_matches(','));
    match rest {
        [] => license,
        [with, exception @ ..] if with.eq_ignore_ascii_case("with") => {
            let license = license?;
            let text = exception.join(" ").to_ascii_lowercase();
            let text = text.trim_end_matches(',');
            let text = text.strip_suffix('s').unwrap_or(text);
            let text = text.strip_suffix("exception").unwrap_or(text).trim_end_matches([' ', '-']);
            expression::valid(&format!("{license} WITH {}", exception_id(text, &license)?))
        }
        _ => None,
    }
}

fn debian_id(name: &str) -> Option<String> {
    if let Some(id) = id(name) {
        return Some(id);
    }
    let lower = name.to_ascii_lowercase();
    let known = match lower.as_str() {
        "boost" => "BSL-1.0",
        "edl-1" | "edl-1.0" => "BSD-3-Clause",
        // Section 9 of the GNU licences: who names no version grants all that there are.
        "gpl" => "GPL-1.0-or-later",
        "lgpl" => "LGPL-2.0-or-later",
        "gplv2" => "GPL-2.0-only",
        "gplv2+" => "GPL-2.0-or-later",
        "gplv3" => "GPL-3.0-only",
        "gplv3+" => "GPL-3.0-or-later",
        "gfdl-1.3+-no-invariant" => "GFDL-1.3-no-invariants-or-later",
        "zend-engine-2.00" => "Zend-2.0",
        "ms-pl" => "MS-PL",
        "sil-1.1" | "sil-ofl-1.1" => "OFL-1.1",
        "sgi-2" => "SGI-B-2.0",
        "sgi-1.1" => "SGI-B-1.1",
        "bsd-tcp_wrappers" => "TCP-wrappers",
        "rubylicense" => "Ruby",
        // The same terms, each with the name of another holder.
        _ if lower.starts_with("bsd-2-clause-") => "BSD-2-Clause",
        _ if lower.starts_with("bsd-3-clause-") => "BSD-3-Clause",
        _ if lower.starts_with("bsd-4-clause-") => "BSD-4-Clause",
        _ if is_public_domain(&lower) => PUBLIC_DOMAIN,
        _ => return None,
    };
    Some(known.to_owned())
}

// `public-domain`, `PD`, `public-domain-md5`, `Kuchling-PD`: whoever dedicated it.
fn is_public_domain(lower: &str) -> bool {
    let joined: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_worded = joined.contains("publicdomain");
    let is_short = lower == "pd" || lower.ends_with("-pd") || lower.starts_with("pd-");
    (is_worded || is_short) && !lower.starts_with("probably") && !lower.starts_with("not")
}

fn exception_id(name: &str, license: &str) -> Option<&'static str> {
    Some(match name {
        // What nearly all mean by this is the exception of `config.guess`, not that of the output of Autoconf.
        "autoconf" | "autoconf-data" | "autoconf data" if license.starts_with("GPL-2") => {
            "Autoconf-exception-generic"
        }
        "autoconf" | "autoconf-data" | "autoconf data" if license.starts_with("GPL-3") => {
            "Autoconf-exception-generic-3.0"
        }
        "bison" => "Bison-exception-2.2",
        "classpath" => "Classpath-exception-2.0",
        "font" => "Font-exception-2.0",
        "gcc" | "gcc-runtime-3.1" | "gcc-runtime-library" | "gcc runtime library" => {
            "GCC-exception-3.1"
        }
        "libtool" => "Libtool-exception",
        "linux-syscall-note" => "Linux-syscall-note",
        "llvm" => "LLVM-exception",
        "texinfo" => "Texinfo-exception",
        other => spdx::identifiers::EXCEPTIONS
            .iter()
            .map(|known| known.name)
            .find(|known| known.eq_ignore_ascii_case(other))?,
    })
}

/// The SPDX identifier of a single name.
pub fn id(name: &str) -> Option<String> {
    if name.len() > 100 {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    if let Some(gnu) = gnu_id(&lower) {
        return Some(gnu);
    }
    let known = match lower.as_str() {
        "expat" | "mit/expat" | "mit/x11" | "mit" => "MIT",
        "apache-2" | "apache-2.0" | "asl-2.0" => "Apache-2.0",
        "artistic" => "Artistic-1.0-Perl",
        "artistic-1" => "Artistic-1.0",
        "artistic-2" => "Artistic-2.0",
        "bsd-0-clause" => "0BSD",
        "bsd-2" | "bsd2" => "BSD-2-Clause",
        "bsd-3" | "bsd3" => "BSD-3-Clause",
        "bsd-4" => "BSD-4-Clause",
        "boost-1.0" | "bsl" => "BSL-1.0",
        "bzip2" => "bzip2-1.0.6",
        "cc0" => "CC0-1.0",
        "epl-1" => "EPL-1.0",
        "epl-2" => "EPL-2.0",
        "mpl-1" => "MPL-1.0",
        "mpl-2" => "MPL-2.0",
        "openldap-2.8" => "OLDAP-2.8",
        "psf-2" => "PSF-2.0",
        "zope-2.1" => "ZPL-2.1",
        // Names of the list that mean something else, or nothing certain, in Debian.
        "none" | "noassertion" | "python" => return None,
        _ => spdx::identifiers::LICENSES
            .iter()
            .map(|known| known.name)
            .find(|known| known.eq_ignore_ascii_case(&lower))?,
    };
    Some(known.to_owned())
}

// `GPL-2+`, `LGPL-2.1`, `GFDL-NIV-1.3+`: version, and a plus for "or any later".
fn gnu_id(lower: &str) -> Option<String> {
    let (family, rest) = lower.split_once('-')?;
    let family = match family {
        "gpl" => "GPL",
        "lgpl" => "LGPL",
        "agpl" => "AGPL",
        "gfdl" => "GFDL",
        _ => return None,
    };
    let (family, rest) = match rest.strip_prefix("niv-") {
        Some(rest) if family == "GFDL" => ("GFDL-NIV", rest),
        _ => (family, rest),
    };
    match rest.strip_suffix('+') {
        Some(version) => gnu(family, version, "or-later"),
        None => gnu(family, rest, "only"),
    }
}

/// The identifier of a GNU licence by family, version, and `only` or `or-later`.
pub(crate) fn gnu(family: &str, version: &str, suffix: &str) -> Option<String> {
    let (family, variant) = match family {
        "GFDL-NIV" => ("GFDL", "-no-invariants"),
        other => (other, ""),
    };
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let id = format!("{family}-{version}{variant}-{suffix}");
    spdx::license_id(&id).is_some_and(|known| known.name == id).then_some(id)
}

/// What a manifest of a language says in one line, as an SPDX expression.
pub fn python_expression(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > expression::BYTES_MAX {
        return None;
    }
    if let Some(expression) = valid(text) {
        return Some(expression);
    }
    if let Some(expression) = language_term(text).or_else(|| expression::read(text, &language_term))
    {
        return Some(expression);
    }
    // Cargo once wrote alternatives so.
    if text.contains("://") || !text.contains('/') {
        return None;
    }
    expression::read(&text.replace('/', " or "), &language_term)
}

fn language_term(text: &str) -> Option<String> {
    debian_term(text).filter(|_| !is_vague(text)).or_else(|| spelled::expression(text))
}

// Names that are certain in Debian, whose policy says what they mean, but not elsewhere.
fn is_vague(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(lower.as_str(), "gpl" | "lgpl" | "artistic" | "boost" | "apache-2")
        || lower.starts_with("gpl with")
        || lower.starts_with("lgpl with")
}

/// A trove classifier's licence as an SPDX identifier; only those that leave no doubt about the version.
pub fn classifier_id(classifier: &str) -> Option<&'static str> {
    Some(match classifier {
        "Apache Software License" => "Apache-2.0",
        "Boost Software License 1.0 (BSL-1.0)" => "BSL-1.0",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication" => "CC0-1.0",
        "Eclipse Public License 1.0 (EPL-1.0)" => "EPL-1.0",
        "Eclipse Public License 2.0 (EPL-2.0)" => "EPL-2.0",
        "European Union Public Licence 1.1 (EUPL 1.1)" => "EUPL-1.1",
        "European Union Public Licence 1.2 (EUPL 1.2)" => "EUPL-1.2",
        "GNU Affero General Public License v3" => "AGPL-3.0-only",
        "GNU Affero General Public License v3 or later (AGPLv3+)" => "AGPL-3.0-or-later",
        "GNU General Public License v2 (GPLv2)" => "GPL-2.0-only",
        "GNU General Public License v2 or later (GPLv2+)" => "GPL-2.0-or-later",
        "GNU General Public License v3 (GPLv3)" => "GPL-3.0-only",
        "GNU General Public License v3 or later (GPLv3+)" => "GPL-3.0-or-later",
        "GNU Lesser General Public License v2 (LGPLv2)" => "LGPL-2.0-only",
        "GNU Lesser General Public License v2 or later (LGPLv2+)" => "LGPL-2.0-or-later",
        "GNU Lesser General Public License v3 (LGPLv3)" => "LGPL-3.0-only",
        "GNU Lesser General Public License v3 or later (LGPLv3+)" => "LGPL-3.0-or-later",
        "Historical Permission Notice and Disclaimer (HPND)" => "HPND",
        "ISC License (ISCL)" => "ISC",
        "MIT License" => "MIT",
        "MIT No Attribution License (MIT-0)" => "MIT-0",
        "Mozilla Public License 1.0 (MPL)" => "MPL-1.0",
        "Mozilla Public License 1.1 (MPL 1.1)" => "MPL-1.1",
        "Mozilla Public License 2.0 (MPL 2.0)" => "MPL-2.0",
        "Python Software Foundation License" => "PSF-2.0",
        "SIL Open Font License 1.1 (OFL-1.1)" => "OFL-1.1",
        "The Unlicense (Unlicense)" => "Unlicense",
        "Universal Permissive License (UPL)" => "UPL-1.0",
        "zlib/libpng License" => "Zlib",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_names() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(debian_expression(text).as_deref(), expected, "{text}");
        };
        check("Expat", Some("MIT"));
        check("GPL-2+", Some("GPL-2.0-or-later"));
        check("GPL-3", Some("GPL-3.0-only"));
        check("LGPL-2.1+", Some("LGPL-2.1-or-later"));
        check("GFDL-NIV-1.3+", Some("GFDL-1.3-no-invariants-or-later"));
        check("BSD-3-clause", Some("BSD-3-Clause"));
        check("zlib", Some("Zlib"));
        check("GPL-1+ or Artistic", Some("GPL-1.0-or-later OR Artistic-1.0-Perl"));
        check("GPL-2+ or MIT and ISC", Some("GPL-2.0-or-later OR MIT AND ISC"));
        check(
            "GPL-1+ or Artistic, and Expat",
            Some("(GPL-1.0-or-later OR Artistic-1.0-Perl) AND MIT"),
        );
        check(
            "GPL-2+ with Autoconf exception",
            Some("GPL-2.0-or-later WITH Autoconf-exception-generic"),
        );
        check(
            "GPL-2 with Linux-syscall-note exception",
            Some("GPL-2.0-only WITH Linux-syscall-note"),
        );
        check("Apache-2.0 with LLVM exceptions", Some("Apache-2.0 WITH LLVM-exception"));
        for unknown in [
            "",
            "and",
            "or or",
            "GPL-9",
            "GPL-2+ and mine",
            "GPL-2+ with odd exception",
            "none",
            "MIT ISC",
            ",",
            "GPL-2+ with",
            "with x",
            "Python",
        ] {
            check(unknown, None);
        }
        check(&"MIT and ".repeat(100_000), None);
    }

    #[test]
    fn python_names() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(python_expression(text).as_deref(), expected, "{text}");
        };
        check("MIT", Some("MIT"));
        check("MIT OR Apache-2.0", Some("MIT OR Apache-2.0"));
        check("The MIT License", Some("MIT"));
        check("Apache License, Version 2.0", Some("Apache-2.0"));
        check("BSD", None);
        check("MIT/Apache-2.0", Some("MIT OR Apache-2.0"));
        check("(MIT OR GPL-2.0)", Some("(MIT OR GPL-2.0-only)"));
        check("Apache License 2.0 and BSD 3-Clause", Some("Apache-2.0 AND BSD-3-Clause"));
        check("GPL", None);
        check("UNKNOWN", None);
        check("Dual License", None);
    }

    #[test]
    fn all_that_is_said_is_valid() {
        for classifier in ["MIT License", "zlib/libpng License", "Apache Software License"] {
            assert!(spdx::license_id(classifier_id(classifier).unwrap()).is_some());
        }
        assert_eq!(classifier_id("BSD License"), None);
    }
}
