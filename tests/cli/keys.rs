//! Signing keys and their passphrases.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sealift_testkit::TestContext;

use crate::lab::run;
use crate::{assert_one_error, with_image};

fn keys(context: &TestContext) -> [PathBuf; 2] {
    let folder = context.home().join(".config/sealift/keys");
    [folder.join("default.key"), folder.join("default.pub")]
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_key_is_made_once_and_for_its_owner_only() {
    let context = with_image();
    let [private, public] = keys(&context);
    // Also where files are open to all by default.
    let output = std::process::Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" sign small:1", env!("CARGO_BIN_EXE_sealift")])
        .current_dir(context.work())
        .envs(context.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("default.key") && errors.contains("no passphrase"), "{errors}");
    assert_eq!(mode(&private), 0o600);
    assert_eq!(mode(private.parent().unwrap()), 0o700);
    let made = [&private, &public].map(|path| fs::read(path).unwrap());
    assert!(made[0].starts_with(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"));
    let described =
        run("openssl", &["pkey", "-pubin", "-in", public.to_str().unwrap(), "-noout", "-text"]);
    assert!(described.contains("P-256"), "{described}");

    // No later command writes over it, and what is signed stays proved.
    context.expect(0, &["sign", "small:1"]);
    context.expect(0, &["build", "--quiet", "-t", "other:1", "--label", "a=b", "small"]);
    context.expect(0, &["sign", "other:1"]);
    assert_eq!([&private, &public].map(|path| fs::read(path).unwrap()), made);
    for name in ["small:1", "other:1"] {
        context.expect(0, &["verify", "--require", "signature", name]);
    }
    // Nor when its other half is lost.
    fs::remove_file(&private).unwrap();
    assert_one_error(&context.run(&["sign", "small:1"]), 2, &["default.pub", "hint:"]);
    assert_eq!(fs::read(&public).unwrap(), made[1]);
    assert!(!private.exists());
}

#[test]
fn a_key_that_others_can_read_or_that_is_damaged_is_refused() {
    let context = with_image();
    context.expect(0, &["sign", "--quiet", "small:1"]);
    let [private, _] = keys(&context);
    fs::set_permissions(&private, fs::Permissions::from_mode(0o640)).unwrap();
    assert_one_error(&context.run(&["sign", "small:1"]), 2, &["640", "chmod 600"]);
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
    let whole = fs::read(&private).unwrap();
    for damaged in
        [&b""[..], b"\xff\xff", &whole[..whole.len() / 2], &[&b"x"[..], &whole[1..]].concat()]
    {
        fs::write(&private, damaged).unwrap();
        assert_one_error(&context.run(&["sign", "small:1"]), 3, &["default.key"]);
    }
    assert_one_error(
        &context.run(&["sign", "--key", "nowhere.key", "small:1"]),
        2,
        &["nowhere.key"],
    );
}

#[test]
fn passphrases() {
    let context = with_image();
    context.write("passphrase", "correct horse\nnot this line\n");
    context.write("wrong", "battery staple\n");
    let with = |name: &str, value: &str, arguments: &[&str]| {
        let output = context.command(arguments).env(name, value).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    // Made with one from a file, opened with the same from the environment, and the other way round.
    let made = context.expect(0, &["sign", "--passphrase-file", "passphrase", "small:1"]);
    assert!(!made.stderr.contains("no passphrase"), "{}", made.stderr);
    let sign = ["sign", "small:1"];
    assert_eq!(with("SEALIFT_KEY_PASSPHRASE", "correct horse", &sign).0, 0);
    assert_eq!(with("SEALIFT_PASSPHRASE_FILE", "passphrase", &sign).0, 0);
    context.write("sealift.toml", "[sign]\npassphrase_file = \"passphrase\"\n");
    context.expect(0, &sign);
    context.write("sealift.toml", "");

    let refused = context.run(&sign);
    assert_one_error(&refused, 3, &["default.key", "encrypted", "SEALIFT_KEY_PASSPHRASE"]);
    let refused = context.run(&["sign", "--passphrase-file", "wrong", "small:1"]);
    assert_one_error(&refused, 3, &["default.key", "passphrase is wrong", "hint:"]);
    for wrong in ["battery staple", "correct horse ", "Correct horse", ""] {
        let (code, errors) = with("SEALIFT_KEY_PASSPHRASE", wrong, &sign);
        assert_eq!(code, 3, "{errors}");
        assert_eq!(errors.matches("error:").count(), 1, "{errors}");
        assert!(wrong.is_empty() || !errors.contains(wrong), "the passphrase is shown: {errors}");
    }
    let refused = context.run(&["sign", "--passphrase-file", "nowhere", "small:1"]);
    assert_one_error(&refused, 2, &["nowhere"]);
    // The passphrase itself is never an argument.
    assert_eq!(context.run(&["sign", "--passphrase", "correct horse", "small:1"]).code, 2);
}
