//! Licences as apk, RPM and pacman packages name them: SPDX expressions, and the names that Fedora and Alpine used before.

use crate::expression;
use crate::name as license;

/// The SPDX expression of a licence field; `None` if a part of it has no SPDX name.
pub fn expression(text: &str) -> Option<String> {
    expression::read(text, &|name| term(&name.split(' ').collect::<Vec<_>>()))
}

fn term(words: &[&str]) -> Option<String> {
    let whole = words.join(" ");
    if let [license, with, exception] = words
        && with.eq_ignore_ascii_case("with")
    {
        return license::python_expression(&format!("{} WITH {exception}", term(&[license])?));
    }
    if let Some(name) = former_name(&whole) {
        return Some(name.to_owned());
    }
    if let Some(id) = license::id(&whole) {
        return Some(id);
    }
    // Alpine once wrote lists with blanks between the names.
    let all: Option<Vec<String>> = words.iter().map(|word| license::id(word)).collect();
    let all = all.filter(|all| all.len() > 1)?;
    Some(format!("({})", all.join(" AND ")))
}

// Fedora's names before it took SPDX's (docs.fedoraproject.org, "Callaway short names"), where one name has one meaning.
fn former_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "AGPLv3" => "AGPL-3.0-only",
        "AGPLv3+" => "AGPL-3.0-or-later",
        "ASL 1.1" => "Apache-1.1",
        "ASL 2.0" => "Apache-2.0",
        "Artistic 2.0" => "Artistic-2.0",
        "Boost" => "BSL-1.0",
        "CC0" => "CC0-1.0",
        "EPL" | "EPL-1.0" => "EPL-1.0",
        "GPL+" => "GPL-1.0-or-later",
        "GPL2" | "GPLv2" => "GPL-2.0-only",
        "GPL2+" | "GPLv2+" => "GPL-2.0-or-later",
        "GPL3" | "GPLv3" => "GPL-3.0-only",
        "GPL3+" | "GPLv3+" => "GPL-3.0-or-later",
        "LGPL2" | "LGPLv2" => "LGPL-2.0-only",
        "LGPL2+" | "LGPLv2+" => "LGPL-2.0-or-later",
        "LGPL2.1" | "LGPLv2.1" => "LGPL-2.1-only",
        "LGPL2.1+" | "LGPLv2.1+" => "LGPL-2.1-or-later",
        "LGPL3" | "LGPLv3" => "LGPL-3.0-only",
        "LGPL3+" | "LGPLv3+" => "LGPL-3.0-or-later",
        "MPLv1.1" => "MPL-1.1",
        "MPLv2.0" => "MPL-2.0",
        "OpenLDAP" => "OLDAP-2.8",
        "OFL" => "OFL-1.1",
        "Python" => "PSF-2.0",
        "Sleepycat" => "Sleepycat",
        "Unicode" => "Unicode-DFS-2015",
        "Vim" | "vim" => "Vim",
        "WTFPL" => "WTFPL",
        "zlib" | "ZLIB" => "Zlib",
        "ZPLv2.1" => "ZPL-2.1",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(expression(text).as_deref(), expected, "{text}");
        };
        check("MIT", Some("MIT"));
        check("MIT AND GPL-2.0-only", Some("MIT AND GPL-2.0-only"));
        check(
            "GPL-2.0-or-later WITH GCC-exception-3.1",
            None.or(Some("GPL-2.0-or-later WITH GCC-exception-3.1")),
        );
        check("GPL-2.0+", Some("GPL-2.0-or-later"));
        check("GPLv2+ and (MIT or ASL 2.0)", Some("GPL-2.0-or-later AND (MIT OR Apache-2.0)"));
        check("MIT BSD-3-Clause GPL2+", None);
        check("MIT ISC", Some("(MIT AND ISC)"));
        for unknown in [
            "",
            "BSD",
            "GPLv3+ with exceptions",
            "Public Domain",
            "MIT and",
            "((MIT)",
            "custom:x",
            "and",
        ] {
            check(unknown, None);
        }
        check(&"MIT and ".repeat(100_000), None);
        check(&"(".repeat(1900), None);
    }
}
