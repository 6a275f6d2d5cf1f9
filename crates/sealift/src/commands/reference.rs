//! `sealift reference`: the pages under docs/ that are written from our own tables.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::CommandFactory;
use sealift_lint::Group;
use sealift_pipeline::contents::{self, INSPECTORS, Pattern};

use crate::printer::Printer;
use crate::settings::KEYS;
use sealift_arguments::{Arguments, Page, Reference};

pub(crate) fn run(arguments: &Reference, printer: &Printer) -> anyhow::Result<ExitCode> {
    let page = match arguments.page {
        Page::Commands => commands()?,
        Page::Configuration => configuration()?,
        Page::Rules => rules()?,
        Page::Catalogers => catalogers()?,
        Page::Facts => facts(),
    };
    printer.data(&page)?;
    Ok(ExitCode::SUCCESS)
}

fn facts() -> String {
    format!(
        "# Facts\n\nWritten by `cargo xtask docs` from the types of `crates/policy/src/wire.rs`. What policies see of an image as\n\
         `input`; `sealift policy check --show-input IMAGE` shows it for an image, `sealift policy schema` is the JSON schema.\n\
         `[_]` stands for each item of a list, or each name of an object. What may be absent is undefined in a rule: what asks\n\
         for it does not hold.\n\n{}",
        sealift_policy::facts_table()
    )
}

fn commands() -> anyhow::Result<String> {
    let mut page =
        "# Commands\n\nWritten by `cargo xtask docs` from the program's own help.\n".to_owned();
    let mut root = Arguments::command().max_term_width(100).term_width(100);
    root.build();
    describe(&mut page, &mut root, 2)?;
    Ok(page)
}

fn describe(page: &mut String, command: &mut clap::Command, depth: usize) -> anyhow::Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let help = command.clone().term_width(100).render_long_help().to_string();
    writeln!(page, "\n{} {name}\n\n```text", "#".repeat(depth.min(4)))?;
    for line in help.trim_end().lines() {
        writeln!(page, "{}", line.trim_end())?;
    }
    page.push_str("```\n");
    for below in command.get_subcommands_mut() {
        if !below.is_hide_set() && below.get_name() != "help" {
            describe(page, below, depth + 1)?;
        }
    }
    Ok(())
}

fn configuration() -> anyhow::Result<String> {
    let mut page = "\
# Configuration

Written by `cargo xtask docs` from the program's own table.

A value comes from the flag, else the environment, else `sealift.toml` of the project (in the folder or above it), else
`~/.config/sealift/config.toml`, else the default. `sealift config show --origin` prints each value and where it comes
from. An unknown key is an error. Paths are relative to their file. `*` stands for a name of your choice.

| key | variable | default | what it is |
|---|---|---|---|
"
    .to_owned();
    for key in KEYS {
        let variable = key.variable.map(|name| format!("`{name}`")).unwrap_or_default();
        writeln!(page, "| `{}` | {variable} | {} | {} |", key.name, key.default, key.about)?;
    }
    page.push_str(
        "
Also read: `SEALIFT_KEY_PASSPHRASE` (passphrase of the signing key), `SOURCE_DATE_EPOCH` (the time that documents and new
files carry), `DOCKER_CONFIG`, `SSL_CERT_FILE`, `NO_COLOR`, `XDG_CONFIG_HOME`, `XDG_DATA_HOME`.

## Linting

`lint.levels.\"RULE\"` and `lint.ignore` name rules by id, by name, or by their names in other tools. A rule that is off by
itself (docs/rules.md says which) is on with a level. hadolint's configuration is read as it stands: `.hadolint.yaml` or `.yml` in
the folder or above it up to the checkout's root, in the working directory, or among the user's own; what `sealift.toml`
says wins, ignored rules and registries add up. Ids of rules that only hadolint has are passed over.

Every rule knows the version that brought it. `edition = \"2026\"` keeps to the rules of that edition, so that a newer Sealift
finds nothing new until the edition is raised. Editions: 2026 has the rules up to 0.2.0; a version, such as `0.1.0`, is one too.

Comments in a Dockerfile silence findings:

| comment | holds for |
|---|---|
| `# sealift: ignore=RULE,RULE reason=words until=2026-12-31` | the next instruction, or the one it stands in |
| `# sealift: ignore-stage=RULE`, `# sealift: ignore-file=RULE` | the stage that begins next; the file |
| `# hadolint ignore=DL3008 # words` | the instruction in the next line |
| `# hadolint stage ignore=…`, `# hadolint global ignore=…` | the stage behind the `FROM` in the next line; the file |
| `#trivy:ignore:DS-0002:exp:2026-12-31` | the instruction in the next line, until that day; `*` is any text |
| `#checkov:skip=CKV_DOCKER_3:words` | the file |
| `# check=skip=RULE;error=true` | the file; `error=true` makes errors of findings of BuildKit's rules |

Up to and including its day `until=` holds. A comment that silences nothing (SL3030), or cannot (SL3031), is a finding itself.
",
    );
    Ok(page)
}

fn rules() -> anyhow::Result<String> {
    let mut page = "\
# Rules of `sealift lint`

Written by `cargo xtask docs` from the rules themselves. A rule can be named by its id, by its name, or by its name in other
tools: in `--ignore`, in `[lint] ignore`, and in a comment above the line.
"
    .to_owned();
    let mut rules: Vec<_> = sealift_lint::rules().chain(sealift_audit::rules()).collect();
    rules.sort_by_key(|rule| (Group::of(rule), rule.id));
    let mut group = None;
    for rule in rules {
        if group != Some(Group::of(rule)) {
            group = Some(Group::of(rule));
            writeln!(page, "\n## {}", Group::of(rule).title())?;
        }
        writeln!(page, "\n### {} {}\n", rule.id, rule.name)?;
        let aliases =
            if rule.aliases.is_empty() { "none".to_owned() } else { rule.aliases.join(", ") };
        writeln!(
            page,
            "Level {}{}. Elsewhere: {aliases}. Since {}.\n",
            rule.level.as_str(),
            if sealift_lint::is_on_by_default(rule) {
                ""
            } else {
                ", off unless it is given a level"
            },
            rule.since
        )?;
        writeln!(page, "{}\n\nInstead: {}", rule.why, rule.fix)?;
    }
    Ok(page)
}

fn catalogers() -> anyhow::Result<String> {
    let mut page = "\
# What is catalogued

Written by `cargo xtask docs` from the catalogers' own declarations.

A cataloger reads files by their paths; `*` is any text without a slash, `**` any folders. Of the files in the last column
it reads more on the packages that the others show. Inspectors look into programs and archives while a layer is read.

| cataloger | what it finds | files that show packages | files that tell more |
|---|---|---|---|
"
    .to_owned();
    let mut rows: Vec<_> = contents::catalogers().collect();
    rows.sort_by_key(|cataloger| cataloger.name);
    for row in rows {
        let (evidence, companions) = (globs(row.evidence), globs(row.companions));
        writeln!(page, "| `{}` | {} | {evidence} | {companions} |", row.name, row.what)?;
    }
    page.push_str("\n| inspector | what it finds |\n|---|---|\n");
    let mut rows: Vec<_> = INSPECTORS.iter().collect();
    rows.sort_by_key(|inspector| inspector.name);
    for row in rows {
        writeln!(page, "| `{}` | {} |", row.name, row.what)?;
    }
    Ok(page)
}

fn globs(patterns: &[Pattern]) -> String {
    let globs: Vec<String> =
        patterns.iter().map(|pattern| format!("`{}`", pattern.glob())).collect();
    globs.join(", ")
}
