//! Copyright files of the Debian system that the tests run on, and texts as licences have them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot read its files is to fail, and one that is skipped is to say so"
)]

use sealift_license::{copyright, read_text};

// What has no identifier are licences that only one program has, under a name that only its copyright file knows.
const IDENTIFIED_PERCENT_MIN: usize = 95;
const FILES_MIN: usize = 100;

#[test]
fn most_licences_of_this_system_have_an_identifier() {
    let (mut n_files, mut n_values, mut n_identified) = (0, 0, 0);
    let folders = std::fs::read_dir("/usr/share/doc").into_iter().flatten().flatten();
    for folder in folders {
        let Ok(bytes) = std::fs::read(folder.path().join("copyright")) else { continue };
        n_files += 1;
        for license in copyright::read(&bytes).licenses {
            n_values += 1;
            n_identified += usize::from(license.spdx.is_some());
        }
    }
    if n_files < FILES_MIN {
        eprintln!("SKIPPED: this is no Debian system with copyright files, {n_files} were found");
        return;
    }
    let percent = n_identified * 100 / n_values;
    eprintln!(
        "{n_identified} of {n_values} licences in {n_files} files have an identifier, {percent} %"
    );
    assert!(percent >= IDENTIFIED_PERCENT_MIN, "only {percent} % have an identifier");
}

#[test]
fn every_text_of_the_list_is_itself() {
    for common in
        ["GPL-1", "GPL-2", "GPL-3", "LGPL-2", "LGPL-2.1", "Apache-2.0", "MPL-2.0", "CC0-1.0"]
    {
        let Ok(bytes) = std::fs::read(format!("/usr/share/common-licenses/{common}")) else {
            eprintln!("SKIPPED: this system has no text of {common}");
            continue;
        };
        let expected = match common.split_once('-').unwrap() {
            (family @ ("GPL" | "LGPL"), version) if version.contains('.') => {
                format!("{family}-{version}-only")
            }
            (family @ ("GPL" | "LGPL"), version) => format!("{family}-{version}.0-only"),
            _ => common.to_owned(),
        };
        assert_eq!(read_text(&bytes).expressions, [expected], "{common}");
    }
}

#[test]
fn a_restriction_makes_another_licence() {
    let mit = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and \
        associated documentation files (the \"Software\"), to deal in the Software without restriction, including \
        without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell \
        copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the \
        following conditions:\n\nThe above copyright notice and this permission notice shall be included in all \
        copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF \
        ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A \
        PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR \
        ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, \
        OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(read_text(text.as_bytes()).only(), expected, "{text}");
    };
    check(mit, Some("MIT"));
    check(&mit.replace("THE AUTHORS OR COPYRIGHT HOLDERS", "ACME LTD"), Some("MIT"));
    check(&format!("Copyright (c) 2001 A B\n\n{mit}"), Some("MIT"));
    check(&mit.replace("without restriction", "for non-commercial purposes only"), None);
    check(&mit.replace("sublicense, and/or sell", "and sublicense"), None);
    check(
        &format!(
            "{mit}\nThe Software shall be used for Good, not Evil, and never be sold, modified or distributed without permission and a fee for the advertising of the authors, except for research."
        ),
        None,
    );
    let notice = |version: &str| {
        format!(
            "This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation; {version}."
        )
    };
    check(
        &notice("either version 2 of the License, or (at your option) any later version"),
        Some("GPL-2.0-or-later"),
    );
    check(&notice("version 2 of the License"), Some("GPL-2.0-only"));
    check(
        &notice("either version 3, or (at your option) any later version"),
        Some("GPL-3.0-or-later"),
    );
}
