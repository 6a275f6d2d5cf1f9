//! Keys and messages made by gpg in the test.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sealift_crypto::openpgp::{Keyring, verify_cleartext};

use crate::{has_program, must_run};

fn gpg(home: &Path, arguments: &[&str]) -> String {
    let common = ["--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""];
    must_run(home, "gpg", &[&common[..], arguments].concat())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn messages_of_gpg() {
    if !has_program("gpg", "OpenPGP against a fresh key of gpg") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let text = "a\n\n- b  \n-----END PGP SIGNATURE-----\nFrom c\n\u{e4}\n";
    fs::write(home.join("text"), text).unwrap();
    for (index, algorithm) in ["rsa2048", "ed25519", "rsa3072"].iter().enumerate() {
        let user = format!("{algorithm}@example.invalid");
        gpg(home, &["--quick-generate-key", &user, algorithm, "cert,sign", "2d"]);
        let keys = format!("keys-{index}");
        let armor = if index == 0 { "--armor" } else { "--no-armor" };
        gpg(home, &[armor, "--output", &keys, "--export", &user]);
        let keyring = Keyring::parse(&fs::read(home.join(&keys)).unwrap()).unwrap();
        assert_eq!(keyring.keys()[0].user_id, user);
        for hash in ["SHA256", "SHA384", "SHA512"] {
            gpg(
                home,
                &["--digest-algo", hash, "-u", &user, "--output", "out", "--clear-sign", "text"],
            );
            let message = fs::read(home.join("out")).unwrap();
            let (payload, signer) = verify_cleartext(&message, &keyring, now() + 60).unwrap();
            assert_eq!(payload, text.replace("  \n", "\n").as_bytes());
            assert_eq!(signer.user_id, user);
            assert!(verify_cleartext(&message, &keyring, now() + 3 * 86_400).is_err());
            let altered = String::from_utf8(message).unwrap().replace("From c", "From d");
            assert!(verify_cleartext(altered.as_bytes(), &keyring, now() + 60).is_err());
        }
    }
    must_run(home, "gpgconf", &["--kill", "all"]);
}
