//! Help, version, and mistakes on the command line.

use crate::{assert_one_error, context};

/// Every command, and every group of commands.
const COMMANDS: [&str; 79] = [
    "",
    "registry",
    "registry serve",
    "registry config",
    "admit",
    "admit serve",
    "ship",
    "verify",
    "verify-blob",
    "lint",
    "audit",
    "explain",
    "lsp",
    "base",
    "base build",
    "build",
    "db",
    "db update",
    "db build",
    "db status",
    "db explain",
    "db search",
    "db export",
    "db import",
    "sbom",
    "sbom convert",
    "sbom diff",
    "sbom merge",
    "sbom validate",
    "sbom analyze",
    "scan",
    "secrets",
    "policy",
    "policy check",
    "policy test",
    "policy lint",
    "policy explain",
    "policy build",
    "policy push",
    "policy pull",
    "policy packs",
    "policy show",
    "policy schema",
    "sign",
    "attest",
    "trust",
    "trust init",
    "trust key",
    "trust key generate",
    "trust key load",
    "trust key list",
    "trust signer",
    "trust signer add",
    "trust signer remove",
    "trust sign",
    "trust inspect",
    "trust revoke",
    "trust rotate",
    "trust delegate",
    "trust delegate add",
    "trust delegate remove",
    "trust delegate list",
    "trust witness",
    "trust pin",
    "trust cert",
    "trust cert generate",
    "trust cert add",
    "trust cert list",
    "trust cert delete",
    "trust import",
    "trust export",
    "trust serve",
    "push",
    "pull",
    "save",
    "images",
    "inspect",
    "config",
    "config show",
];

fn words<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    command.split_whitespace().chain(more.iter().copied()).collect()
}

#[test]
fn help_of_every_command_has_examples() {
    let context = context();
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let outcome = context.expect(0, &words(command, &[flag]));
            assert_eq!(outcome.stderr, "");
            let examples = outcome.stdout.split("Examples:").nth(1);
            let examples = examples.unwrap_or_else(|| panic!("`{command}`: no examples"));
            let starts = format!("  sealift {command}");
            let count = examples.lines().filter(|line| line.starts_with(starts.trim_end())).count();
            assert!(count >= 2, "`{command} {flag}`: {count} examples\n{}", outcome.stdout);
            let long = outcome.stdout.lines().find(|line| line.chars().count() > 100);
            assert_eq!(long, None, "`{command}`: too wide");
        }
    }
}

#[test]
fn the_list_of_commands_is_whole() {
    let listing = context().expect(0, &["--help"]).stdout;
    let commands = listing.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut names: Vec<&str> =
        commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    names.retain(|name| !name.is_empty());
    let mut known: Vec<&str> =
        COMMANDS.into_iter().filter(|name| !name.is_empty() && !name.contains(' ')).collect();
    known.push("help");
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[test]
fn examples_are_commands_that_exist() {
    let context = context();
    for command in COMMANDS {
        let help = context.expect(0, &words(command, &["--help"])).stdout;
        let examples = help.split("Examples:").nth(1).unwrap();
        for example in examples.lines().filter_map(|line| line.strip_prefix("  sealift ")) {
            let typed =
                example.split("  ").next().unwrap().split([';', '&', '>', '|']).next().unwrap();
            // With `--help` behind it, clap looks at every flag and does nothing.
            let outcome = context.run(&words(typed, &["--help"]));
            assert_eq!(outcome.code, 0, "`sealift {typed}`: {}", outcome.stderr);
            for flag in typed.split_whitespace().filter(|word| word.starts_with('-')) {
                assert!(outcome.stdout.contains(flag), "`sealift {typed}`: no {flag}");
            }
        }
    }
}

#[test]
fn version() {
    let context = context();
    for flag in ["--version", "-V"] {
        let outcome = context.expect(0, &[flag]);
        assert_eq!(outcome.stdout, concat!("sealift ", env!("CARGO_PKG_VERSION"), "\n"));
        assert_eq!(outcome.stderr, "");
    }
    // It needs nothing: no HOME, no store, no working configuration.
    let mut command = context.command(&["--version"]);
    context.write("sealift.toml", "[[[");
    let output = command.env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!context.store().exists());
}

#[test]
fn a_misspelt_word_gets_a_suggestion() {
    let context = context();
    for (arguments, expected) in [
        (&["shp"][..], "'ship'"),
        (&["inspct", "x"], "'inspect'"),
        (&["scan", "--sevrity", "HIGH", "x"], "'--severity'"),
        (&["build", "--secrets", "id=x", "."], "'--secret'"),
        (&["config", "shw"], "'show'"),
        (&["config", "show", "--orign"], "'--origin'"),
        (&["images", "--format", "jsn"], "'json'"),
        (&["--colour", "never", "images"], "'--color'"),
    ] {
        assert_one_error(&context.run(arguments), 2, &[expected]);
    }
    assert!(!context.store().exists(), "a mistake must not make a store");
}

#[test]
fn a_wrong_use_is_exit_code_2() {
    let context = context();
    for (arguments, expected) in [
        (&["scan"][..], "<IMAGE>"),
        (&["images", "--quiet", "--verbose"], "--verbose"),
        (&["base", "build", "--refresh", "--offline", "x.toml"], "--offline"),
        (&["scan", "x", "--exit-code", "256"], "256"),
        (&["build", "-t", "UPPER:1", "."], "UPPER"),
        (&["build", "nowhere"], "nowhere"),
        (&["lint", "nowhere"], "nowhere"),
        (&["lint", "--fail-on", "grave", "."], "grave"),
        (&["build", "--label", "novalue", "."], "novalue"),
        (&["sbom", "small:1", "-o", "nope"], "spdx-json"),
        (&["--config", "nowhere.toml", "images"], "nowhere.toml"),
    ] {
        context.write("Dockerfile", "FROM scratch\nLABEL a=b\n");
        assert_one_error(&context.run(arguments), 2, &[expected]);
    }
}

#[test]
fn nothing_to_do_is_help() {
    let context = context();
    let mut command = context.command(&[]);
    // A variable that stands for a flag counts as an argument.
    let output = command.env_remove("SEALIFT_STORE").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Examples:"));
}
