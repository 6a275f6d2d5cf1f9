//! Orders that are written down in the manuals, and texts that are refused.

use std::cmp::Ordering;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use sealift_version::{Scheme, VERSION_BYTES_MAX, Version, compare, pep440_canonical};

fn ascending(scheme: Scheme, texts: &[&str]) {
    let versions: Vec<Version> =
        texts.iter().map(|text| Version::parse(scheme, text).unwrap()).collect();
    for (i, left) in versions.iter().enumerate() {
        for (j, right) in versions.iter().enumerate() {
            assert_eq!(left.cmp(right), i.cmp(&j), "{left} {right}");
        }
    }
}

fn equal(scheme: Scheme, texts: &[&str]) {
    for text in texts {
        assert_eq!(compare(scheme, texts[0], text), Ok(Ordering::Equal), "{} {text}", texts[0]);
    }
}

fn refused(scheme: Scheme, texts: &[&str], expected: Expect) {
    let mut actual = String::new();
    for text in texts {
        actual.push_str(&Version::parse(scheme, text).unwrap_err().to_string());
        actual.push('\n');
    }
    expected.assert_eq(&actual);
}

#[test]
fn dpkg_order() {
    ascending(
        Scheme::Dpkg,
        &[
            "0~~",
            "0~~a",
            "0~",
            "0",
            "0a",
            "1.0~rc1-1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+deb12u1",
            "1.0-1+deb12u10",
            "1.0-1.1",
            "1.0a",
            "1.0+dfsg-1",
            "1.0.1",
            "1.9",
            "1.10",
            "99999999999999999999999999999999999999",
            "99999999999999999999999999999999999999.1",
            "1:0.1",
            "1:1.2.13.dfsg-1",
            "10:0",
        ],
    );
    equal(Scheme::Dpkg, &["1.0", "0:1.0", "1.0-0", "01.00-0", " 1.0 "]);
}

#[test]
fn dpkg_refuses() {
    refused(
        Scheme::Dpkg,
        &[
            "",
            "a",
            "1:",
            ":1",
            "x:1",
            "1-",
            "1_2",
            "1 2",
            "-1",
            "99999999999:1",
            "<unfixed>",
            "1\u{e9}",
        ],
        expect![[r"
            `` is not a dpkg version: it is empty
            `a` is not a dpkg version: the upstream part does not start with a digit
            `1:` is not a dpkg version: it has no upstream part
            `:1` is not a dpkg version: the epoch before `:` is empty
            `x:1` is not a dpkg version: the epoch before `:` is not a number
            `1-` is not a dpkg version: nothing stands after the last `-`
            `1_2` is not a dpkg version: the upstream part has a character that is not allowed
            `1 2` is not a dpkg version: the upstream part has a character that is not allowed
            `-1` is not a dpkg version: it has no upstream part
            `99999999999:1` is not a dpkg version: the epoch before `:` is too large
            `<unfixed>` is not a dpkg version: the upstream part does not start with a digit
            `1é` is not a dpkg version: the upstream part has a character that is not allowed
        "]],
    );
}

#[test]
fn pep440_order() {
    ascending(
        Scheme::Pep440,
        &[
            "1.dev0",
            "1.0.dev456",
            "1.0a1.dev1",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0+5.1",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1.2.0.1",
            "2018.1",
            "1!0.1",
        ],
    );
    equal(Scheme::Pep440, &["1.0", "v1", "1.0.0", "01.0", "0!1", " 1.0\n"]);
    equal(Scheme::Pep440, &["1.0rc1", "1.0-RC.1", "1.0_c1", "1.0.preview-1", "1pre01"]);
    equal(Scheme::Pep440, &["1.0.post1", "1.0-1", "1.0r1", "1.0.rev_1", "1-post-1"]);
    equal(Scheme::Pep440, &["1+ubuntu.1", "1+Ubuntu-01", "1+ubuntu_1"]);
    equal(Scheme::Pep440, &["0", "0.0.0", "00"]);
}

#[test]
fn pep440_refuses() {
    refused(
        Scheme::Pep440,
        &[
            "",
            "abc",
            "1.0-",
            "1.0+",
            "1.0+a..b",
            "1.0x",
            "!1",
            "1.0.dev1.dev2",
            "1.0 beta",
            "1,0",
            "v",
        ],
        expect![[r"
            `` is not a PEP 440 version: it is empty
            `abc` is not a PEP 440 version: it does not start with a number
            `1.0-` is not a PEP 440 version: what follows the release is no pre-, post- or development release
            `1.0+` is not a PEP 440 version: the local version after `+` has an empty part or a character that is not allowed
            `1.0+a..b` is not a PEP 440 version: the local version after `+` has an empty part or a character that is not allowed
            `1.0x` is not a PEP 440 version: what follows the release is no pre-, post- or development release
            `!1` is not a PEP 440 version: the epoch before `!` is not a number
            `1.0.dev1.dev2` is not a PEP 440 version: what follows the release is no pre-, post- or development release
            `1.0 beta` is not a PEP 440 version: what follows the release is no pre-, post- or development release
            `1,0` is not a PEP 440 version: what follows the release is no pre-, post- or development release
            `v` is not a PEP 440 version: it does not start with a number
        "]],
    );
}

#[test]
fn canonical_text() {
    for (text, expected) in [
        ("1.0-RC.1", "1.0rc1"),
        ("v2.0", "2.0"),
        ("01!1.02-3", "1!1.2.post3"),
        ("1alpha.dev", "1a0.dev0"),
        ("1+Local_007.x", "1+local.7.x"),
    ] {
        assert_eq!(pep440_canonical(text).as_deref(), Ok(expected));
    }
}

#[test]
fn long_texts() {
    let longest = "1".repeat(VERSION_BYTES_MAX);
    assert!(Version::parse(Scheme::Dpkg, &longest).is_ok());
    assert!(Version::parse(Scheme::Pep440, &longest).is_ok());
    let too_long = "1".repeat(VERSION_BYTES_MAX + 1);
    assert!(Version::parse(Scheme::Dpkg, &too_long).is_err());
    assert!(Version::parse(Scheme::Pep440, &too_long).is_err());
}

#[test]
fn versions_of_two_schemes_are_never_equal() {
    let dpkg = Version::parse(Scheme::Dpkg, "1.0").unwrap();
    let python = Version::parse(Scheme::Pep440, "1.0").unwrap();
    assert_ne!(dpkg, python);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        let _ = Version::parse(Scheme::Dpkg, &text);
        let _ = Version::parse(Scheme::Pep440, &text);
    }

    #[test]
    fn order_is_transitive(texts in proptest::array::uniform3("[0-9][0-9a-c.~+]{0,5}(-[0-9a~]{1,3})?")) {
        let mut versions: Vec<Version> =
            texts.iter().filter_map(|text| Version::parse(Scheme::Dpkg, text).ok()).collect();
        versions.sort();
        for pair in versions.windows(2) {
            prop_assert!(compare(Scheme::Dpkg, pair[0].as_str(), pair[1].as_str()).unwrap().is_le());
        }
        if let (Some(first), Some(last)) = (versions.first(), versions.last()) {
            prop_assert!(first <= last);
        }
    }
}

#[test]
fn apk_order() {
    ascending(
        Scheme::Apk,
        &[
            "0.1.0_alpha",
            "0.1.0_alpha1",
            "0.1.0_beta",
            "0.1.0_pre2",
            "0.1.0_rc1_pre1",
            "0.1.0_rc1",
            "0.1.0_rc2",
            "0.1.0",
            "0.1.0-r0",
            "0.1.0-r1",
            "0.1.0-r10",
            "0.1.0~ab-r1",
            "0.1.0_cvs",
            "0.1.0_git20240101",
            "0.1.0_p1",
            "0.1.0_p10",
            "0.1.0a",
            "0.1.0b_p1",
            "0.1.0.1",
            "0.1.05",
            "0.1.5",
            "0.1.10",
            "1",
            "1.0",
            "99999999999999999999999999999999999999",
        ],
    );
    equal(Scheme::Apk, &["1.2", " 1.2 ", "01.2"]);
}

#[test]
fn apk_refuses() {
    refused(
        Scheme::Apk,
        &["", "a", "1.", "1_", "1_new", "1ab", "1-1", "1-r", "1-r1-r2", "1~", "1 2"],
        expect![[r"
            `` is not a apk version: it is empty
            `a` is not a apk version: it does not start with a digit
            `1.` is not a apk version: no digit stands after a `.`
            `1_` is not a apk version: it has a suffix that is not known
            `1_new` is not a apk version: it has a suffix that is not known
            `1ab` is not a apk version: it has a part that is not allowed there
            `1-1` is not a apk version: it has a part that is not allowed there
            `1-r` is not a apk version: no number stands after `-r`
            `1-r1-r2` is not a apk version: it has a part that is not allowed there
            `1~` is not a apk version: no hash stands after the `~`
            `1 2` is not a apk version: it has a part that is not allowed there
        "]],
    );
}

#[test]
fn rpm_order() {
    ascending(
        Scheme::Rpm,
        &[
            "1.0~rc1-1",
            "1.0~rc2-1",
            "1.0",
            "1.0-1.el8",
            "1.0-1.el8_4",
            "1.0-1.el9",
            "1.0-1.1",
            "1.0-2",
            "1.0^git1-1",
            "1.0a-1",
            "1.0.1-1",
            "1.10-1",
            "1:0.1-1",
        ],
    );
    equal(Scheme::Rpm, &["1.0-1", "0:1.0-1", "1_0-01", "1.0.-1."]);
}

#[test]
fn rpm_refuses() {
    refused(
        Scheme::Rpm,
        &["", ":1", "x:1", "99999999999:1", "1-", "-1", "1 2", "1/2", "\u{e4}"],
        expect![[r"
            `` is not a RPM version: it is empty
            `:1` is not a RPM version: the epoch before `:` is not a number
            `x:1` is not a RPM version: the epoch before `:` is not a number
            `99999999999:1` is not a RPM version: the epoch before `:` is too large
            `1-` is not a RPM version: nothing stands after the last `-`
            `-1` is not a RPM version: it has no version part
            `1 2` is not a RPM version: it has a character that is not allowed
            `1/2` is not a RPM version: it has a character that is not allowed
            `ä` is not a RPM version: it has a character that is not allowed
        "]],
    );
}

// The comment of pacman's own test: "1.0a < 1.0b < 1.0beta < 1.0p < 1.0pre < 1.0rc < 1.0 < 1.0.a < 1.0.1".
#[test]
fn pacman_order() {
    ascending(
        Scheme::Pacman,
        &[
            "1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0-1", "1.0-2",
            "1.0-10", "1.0.a", "1.0.1", "1.1", "1..0", "2", "1:0",
        ],
    );
    equal(Scheme::Pacman, &["1.0-1", "0:1.0-1", "1_0-01"]);
    refused(
        Scheme::Pacman,
        &["1.0.", "a:1", ":1", "1-", "1 2"],
        expect![[r"
            `1.0.` is not a pacman version: a part ends in a separator
            `a:1` is not a pacman version: the epoch before `:` is not a number
            `:1` is not a pacman version: the epoch before `:` is not a number
            `1-` is not a pacman version: nothing stands after the last `-`
            `1 2` is not a pacman version: it has a character that is not allowed
        "]],
    );
}
