//! The real keyring and the real `InRelease` files of the machine's apt.

use std::fs;
use std::path::Path;

use sealift_crypto::openpgp::{Keyring, verify_cleartext};

const KEYRINGS: &str = "/usr/share/keyrings";
const LISTS: &str = "/var/lib/apt/lists";

fn archive_keyring() -> Option<Keyring> {
    let path = Path::new(KEYRINGS).join("debian-archive-keyring.gpg");
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("SKIPPED: no `{}`, the real archive keyring is not tested", path.display());
        return None;
    };
    Some(Keyring::parse(&bytes).unwrap())
}

// The day after the `Date` field, so that neither the file's nor the machine's age matters.
fn day_after_date(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let date = text.lines().find_map(|line| line.strip_prefix("Date: ")).unwrap();
    let date = date.replace(" UTC", " +0000");
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&date).unwrap();
    u64::try_from(time.as_second()).unwrap() + 86_400
}

#[test]
fn every_keyring_of_debian_is_read() {
    let Some(keyring) = archive_keyring() else { return };
    assert!(keyring.keys().iter().any(|key| key.user_id.contains("ftpmaster@debian.org")));
    for name in ["debian-archive-removed-keys.gpg", "debian-archive-bookworm-stable.gpg"] {
        if let Ok(bytes) = fs::read(Path::new(KEYRINGS).join(name)) {
            assert!(!Keyring::parse(&bytes).unwrap().keys().is_empty(), "{name}");
        }
    }
}

#[test]
fn signed_lists_of_apt_verify() {
    let Some(keyring) = archive_keyring() else { return };
    let mut n_files = 0;
    for entry in fs::read_dir(LISTS).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with("_InRelease") || !name.contains("_dists_bookworm") {
            continue;
        }
        let text = fs::read(entry.path()).unwrap();
        let now = day_after_date(&text);
        let (payload, signer) = verify_cleartext(&text, &keyring, now).unwrap();
        assert!(payload.starts_with(b"Origin: Debian\n"), "{name}");
        assert!(signer.user_id.contains("Debian"), "{signer:?}");
        assert!(verify_cleartext(&text, &keyring, 1_000_000_000).is_err(), "long ago");
        assert!(verify_cleartext(&text, &keyring, 4_000_000_000).is_err(), "far ahead");
        for index in (0..text.len()).step_by(997) {
            let mut altered = text.clone();
            altered[index] ^= 1;
            assert!(verify_cleartext(&altered, &keyring, now).is_err(), "{name} byte {index}");
        }
        n_files += 1;
    }
    if n_files == 0 {
        eprintln!("SKIPPED: no `InRelease` of bookworm in {LISTS}, real ones are not tested");
    }
}
