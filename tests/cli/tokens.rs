//! Keys in tokens, and passphrases that come through a descriptor. The token is SoftHSM, which tests/setup installs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sealift_testkit::{Outcome, TestContext};

use crate::lab::run;
use crate::{assert_one_error, with_image};

const MODULES: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
const PIN: &str = "12345678";
const REPOSITORY: &str = "localhost:5999/team/app";

/// `trust serve` on a free port, without TLS and open to this machine.
struct TrustServer(Child, String);

impl TrustServer {
    fn start(context: &TestContext) -> Self {
        let mut server = context
            .command(&["trust", "serve", "--listen", "127.0.0.1:0", "--no-tls", "--data", "served"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let port = lines.find_map(|line| line.split(" on 127.0.0.1:").nth(1).map(str::to_owned));
        let url = format!("http://127.0.0.1:{}", port.unwrap());
        // Whoever does not read stops the server.
        std::thread::spawn(move || lines.for_each(drop));
        Self(server, url)
    }
}

impl Drop for TrustServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// A context with an image and a token `ci` with a key `release`; the URI of the key.
fn with_token() -> Option<(TestContext, String)> {
    let module = MODULES.into_iter().find(|path| Path::new(path).exists());
    let has_tool = |name| Command::new(name).arg("--version").output().is_ok();
    let Some(module) = module.filter(|_| has_tool("softhsm2-util") && has_tool("pkcs11-tool"))
    else {
        #[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
        {
            eprintln!("SKIPPED: no SoftHSM and OpenSC; tests/setup installs them");
        }
        return None;
    };
    let mut context = with_image();
    let tokens = context.work().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    context.write("softhsm2.conf", format!("directories.tokendir = {}\n", tokens.display()));
    let config = context.work().join("softhsm2.conf").display().to_string();
    context.set("SOFTHSM2_CONF", &config);
    let tool = |program: &str, arguments: &[&str]| {
        let mut whole = vec![format!("SOFTHSM2_CONF={config}"), program.to_owned()];
        whole.extend(arguments.iter().map(|&argument| argument.to_owned()));
        run("env", &whole.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let init = ["--init-token", "--free", "--label", "ci", "--so-pin", "0000", "--pin", PIN];
    tool("softhsm2-util", &init);
    let token = ["--module", module, "--token-label", "ci", "--login", "--pin", PIN];
    let key = ["--keypairgen", "--key-type", "EC:prime256v1", "--label", "release", "--id", "01"];
    tool("pkcs11-tool", &[&token[..], &key].concat());
    context.write("pin", format!("{PIN}\n"));
    Some((context, format!("pkcs11:token=ci;object=release?module-path={module}")))
}

#[test]
fn a_key_in_a_token_is_named_on_the_command_line_in_the_settings_and_in_the_keyring() {
    let Some((context, uri)) = with_token() else { return };
    let verify = ["verify", "--require", "signature", "--key", "ci.pub", "small:1"];
    // The keyring gets a file that stands for the key, and its public part; the PIN is in neither.
    let load = ["trust", "key", "load", "--passphrase-file", "pin", "--name", "ci", &uri];
    context.expect(0, &load);
    let keys = context.home().join(".config/sealift/keys");
    let file = std::fs::read_to_string(keys.join("ci.key")).unwrap();
    assert!(file.starts_with("-----BEGIN PKCS11 KEY REFERENCE-----\npublic: "), "{file}");
    context.write("ci.pub", std::fs::read(keys.join("ci.pub")).unwrap());
    assert!(context.expect(0, &["trust", "key", "list"]).stdout.starts_with("ci   "));
    assert_one_error(&context.run(&load), 2, &["has a key `ci` already"]);
    let nameless = ["trust", "key", "load", "--passphrase-file", "pin", &uri];
    assert_one_error(&context.run(&nameless), 2, &["--name"]);
    assert_one_error(&context.run(&verify), 4, &["signature"]);

    let signed =
        context.expect(0, &["sign", "--key", &uri, "--passphrase-file", "pin", "small:1"]).stderr;
    assert!(signed.contains("release in ci"), "{signed}");
    context.expect(0, &verify);
    // A signature that is there already is not made again, so that each way signs another image.
    for (number, settings, arguments) in [
        (
            2,
            format!(
                "[sign]\nkey = \"{uri}&pin-source=file:{}\"\n",
                context.work().join("pin").display()
            ),
            &[][..],
        ),
        (3, format!("[sign]\nkey = \"{uri}\"\npassphrase_file = \"pin\"\n"), &[]),
        (
            4,
            String::new(),
            &["--passphrase-file", "pin", "--key", &keys.join("ci.key").display().to_string()],
        ),
    ] {
        let name = format!("small:{number}");
        let label = format!("number={number}");
        context.expect(0, &["build", "--quiet", "-t", &name, "--label", &label, "small"]);
        context.write("sealift.toml", settings);
        context.expect(0, &[&["sign", "--quiet"], arguments, &[&name]].concat());
        context.expect(0, &[&verify[..5], &[&name]].concat());
    }
    let wrong = ["sign", "--key", &uri, "--passphrase-file", "softhsm2.conf", "small:1"];
    assert_one_error(&context.run(&wrong), 3, &["does not take the PIN"]);
    let with_pin = format!("{uri}&pin-value={PIN}");
    let refused = context.run(&["sign", "--key", &with_pin, "small:1"]);
    assert_one_error(&refused, 2, &["every process", "pin-source"]);
    assert!(!refused.stderr.contains(PIN), "{}", refused.stderr);
}

// Runs with a line in a pipe that descriptor 3 is; whoever reads it twice gets nothing the second time.
fn with_line_in_pipe(context: &TestContext, line: &str, arguments: &[&str]) -> Outcome {
    let script = "line=$1; shift; printf '%s\\nmore\\n' \"$line\" | \"$0\" \"$@\" 3<&0";
    let command = context.command(arguments);
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_sealift"), line])
        .args(arguments)
        .current_dir(context.work())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn trust_sign_with_a_key_in_a_token() {
    let Some((mut context, uri)) = with_token() else { return };
    context.set("SEALIFT_ROOT_PASSPHRASE", "of roots");
    let server = TrustServer::start(&context);
    context.set("SEALIFT_TRUST_SERVER", &server.1);
    let tag = format!("{REPOSITORY}:1");
    context.expect(0, &["build", "--quiet", "-t", &tag, "small"]);
    context.expect(0, &["trust", "key", "load", "--passphrase-file", "pin", "--name", "ci", &uri]);
    let keys = context.home().join(".config/sealift/keys");
    let public = keys.join("ci.pub").display().to_string();
    let add =
        ["trust", "signer", "add", "--passphrase-file", "pin", "--key", &public, "ci", REPOSITORY];
    context.expect(0, &add);
    let signers = |tag: &str| {
        let table = context.expect(0, &["trust", "inspect", "--pretty", REPOSITORY]).stdout;
        let line = table.lines().find(|line| line.starts_with(tag)).unwrap_or_default();
        line.split_whitespace().last().unwrap_or_default().to_owned()
    };
    // By the file in the keyring; then by the URI, with no such file there.
    context.expect(0, &["trust", "sign", "--passphrase-file", "pin", &tag]);
    assert_eq!(signers("1 "), "ci");
    for name in ["ci.key", "ci.pub"] {
        std::fs::rename(keys.join(name), context.work().join(name)).unwrap();
    }
    let second = format!("{REPOSITORY}:2");
    context.expect(0, &["build", "--quiet", "-t", &second, "--label", "a=b", "small"]);
    let sign = ["trust", "sign", "--passphrase-fd", "3", "--private-key", &uri, &second];
    let outcome = with_line_in_pipe(&context, PIN, &sign);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(signers("2 "), "ci");
    // Two formats in one run, with one line from the pipe.
    let third = format!("{REPOSITORY}:3");
    context.expect(0, &["build", "--quiet", "-t", &third, "--label", "a=c", "small"]);
    let sign = ["sign", "--as", "cosign,dct", "--key", &uri, "--passphrase-fd", "3", &third];
    let outcome = with_line_in_pipe(&context, PIN, &sign);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(signers("3 "), "ci");
    context.expect(0, &["verify", "--require", "signature", "--key", "ci.pub", &third]);
}

#[test]
fn a_passphrase_through_a_descriptor() {
    let context = with_image();
    let sign = ["sign", "--passphrase-fd", "3", "small:1"];
    let made = with_line_in_pipe(&context, "correct horse", &sign);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(!made.stderr.contains("no passphrase"), "{}", made.stderr);
    assert_eq!(with_line_in_pipe(&context, "correct horse", &sign).code, 0);
    let wrong = with_line_in_pipe(&context, "battery staple", &sign);
    assert_one_error(&wrong, 3, &["passphrase is wrong"]);
    assert!(!wrong.stderr.contains("battery"), "{}", wrong.stderr);
    let long = with_line_in_pipe(&context, &"a".repeat(5000), &sign);
    assert_one_error(&long, 2, &["more than 4096 bytes", "--passphrase-fd"]);
    // One that is not open.
    let closed = context.run(&["sign", "--passphrase-fd", "77", "small:1"]);
    assert_one_error(&closed, 2, &["descriptor 77", "--passphrase-fd"]);
    let both = ["sign", "--passphrase-fd", "3", "--passphrase-file", "x", "small:1"];
    assert_eq!(context.run(&both).code, 2);
}
