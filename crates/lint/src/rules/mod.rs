//! All rules, in the order of their ids; a file for each topic.

mod bases;
mod caches;
mod commands;
mod context;
mod definitions;
mod downloads;
mod exposure;
mod folders;
mod labels;
mod languages;
mod layers;
mod mounts;
mod origins;
mod packages;
mod permissions;
mod pipes;
mod platforms;
mod ports;
mod script;
mod secrets;
mod size;
mod sources;
mod staging;
mod style;
mod support;
mod transport;
mod users;
mod variables;
mod versions;

use sealift_diagnostic::{Level, Rule};

use crate::{
    Check,
    suppress::{INLINE_SUPPRESSION, SUPPRESSION_WITHOUT_EFFECT, UNUSED_SUPPRESSION},
};

pub(crate) use ports::{ADMIN, DATABASE};
pub(crate) use script::{ScriptFault, faults};
pub use secrets::HIDDEN;
pub(crate) use secrets::find_secrets;
pub(crate) use transport::unchecked_files;

/// Errors of the parser, so that they have documentation like any other finding.
const SYNTAX: Check = Check {
    rule: Rule {
        id: sealift_dockerfile::SYNTAX_RULE,
        name: "syntax-error",
        level: Level::Error,
        aliases: &["DL1000", "DL3043", "DL3061"],
        why: "what the builder cannot read it cannot build",
        fix: "correct it as the message says; this rule cannot be ignored",
        since: "0.1.0",
        bad: "FROM alpine:3.22\nRUNN apk upgrade\n",
        good: "FROM alpine:3.22\nRUN apk upgrade\n",
        references: &["https://docs.docker.com/reference/dockerfile/"],
    },
    run: |_, _| {},
};

/// Every rule, in the order of their ids.
pub const CHECKS: &[Check] = &[
    SYNTAX,
    secrets::SECRET_IN_VARIABLE,
    secrets::SECRET_VALUE,
    secrets::SECRET_FILE,
    transport::PIPE_TO_SHELL,
    transport::REMOTE_FILE_UNCHECKED,
    permissions::WORLD_WRITABLE,
    transport::TLS_CHECK_OFF,
    ports::ADMIN_PORT,
    ports::DATABASE_PORT,
    users::SUDO,
    users::ROOT_USER,
    users::NO_USER,
    exposure::NETWORK_TOOLS,
    secrets::LITERAL_PASSWORD,
    exposure::UNCONFINED_RUN,
    permissions::SETUID_BIT,
    exposure::SYSTEM_FOLDER,
    exposure::UNUSED_DOWNLOADER,
    context::DOCKERIGNORE_GAPS,
    support::UNTRUSTED_REGISTRY,
    mounts::ROOT_COPIED,
    mounts::SECRET_KEPT,
    support::END_OF_LIFE,
    mounts::PASSWORDLESS_SUDO,
    users::NAMED_USER,
    bases::MUTABLE_TAG,
    bases::NO_DIGEST,
    versions::UNPINNED_APT,
    versions::UNPINNED_APK,
    versions::UNPINNED_PIP,
    versions::UNPINNED_NPM,
    versions::UPGRADE,
    versions::UPDATE_ALONE,
    versions::UNPINNED_RPM,
    languages::UNPINNED_GEM,
    languages::UNPINNED_GO,
    languages::CARGO_UNLOCKED,
    languages::LOCK_FILE_UNUSED,
    languages::PIP_UNHASHED,
    languages::UNPINNED_COMPOSER,
    languages::MOVING_CLONE,
    downloads::CURL_WITHOUT_FAIL,
    sources::PACKAGE_NOT_FOUND,
    staging::UNDEFINED_STAGE,
    staging::STAGE_OR_IMAGE,
    staging::DUPLICATE_STAGE,
    commands::SEVERAL_COMMANDS,
    folders::RELATIVE_WORKDIR,
    style::MAINTAINER,
    commands::SHELL_FORM,
    commands::MALFORMED_ARRAY,
    commands::PROGRAM_NOT_INSTALLED,
    sources::VIRTUAL_PACKAGE,
    folders::WORKDIR_AFTER_COPY,
    folders::CD_NOT_WORKDIR,
    packages::APT_NOT_APT_GET,
    packages::NO_ASSUME_YES,
    style::ADD_NOT_COPY,
    folders::COPY_TO_FILE,
    staging::RESERVED_STAGE_NAME,
    bases::UNDECLARED_ARGUMENT,
    ports::INVALID_PORT,
    style::MIXED_CASE,
    style::AS_CASE,
    style::LEGACY_PAIRS,
    style::BLANK_CONTINUATION,
    UNUSED_SUPPRESSION,
    SUPPRESSION_WITHOUT_EFFECT,
    INLINE_SUPPRESSION,
    labels::INVALID_LABEL_NAME,
    labels::MISSING_LABEL,
    labels::SUPERFLUOUS_LABEL,
    labels::EMPTY_LABEL,
    labels::MALFORMED_LABEL,
    labels::REPEATED_LABEL,
    variables::UNDEFINED_VARIABLE,
    variables::INVALID_DEFAULT,
    platforms::CONSTANT_PLATFORM,
    platforms::REDUNDANT_PLATFORM,
    definitions::COPY_IGNORED,
    definitions::DEFINITION_DESCRIPTION,
    definitions::PROTOCOL_CASE,
    definitions::STAGE_NAME_CASE,
    pipes::PIPE_WITHOUT_PIPEFAIL,
    pipes::SHELL_BY_LINK,
    pipes::POINTLESS_COMMAND,
    origins::OWN_REFERENCE,
    origins::COPY_WITHOUT_WORKDIR,
    platforms::OTHER_PLATFORM,
    caches::APT_LISTS,
    size::APT_RECOMMENDS,
    size::CURL_AND_WGET,
    caches::PIP_CACHE,
    context::NO_DOCKERIGNORE,
    context::GIT_IN_CONTEXT,
    context::COPY_BEFORE_DEPENDENCIES,
    users::NO_HEALTHCHECK,
    caches::APK_CACHE,
    size::BUILD_TOOLS,
    caches::RPM_CACHE,
    caches::APK_UPDATE,
    caches::YARN_CACHE,
    caches::NPM_CACHE,
    downloads::WGET_PROGRESS,
    size::USERADD_LOG,
    layers::CONSECUTIVE_RUNS,
    downloads::COPY_ARCHIVE,
    downloads::ARCHIVE_LEFT,
    layers::REMOVED_LATER,
    caches::CACHE_MOUNT,
    size::TOOLCHAIN_BASE,
    script::SHELL_SYNTAX,
    script::quoting::UNQUOTED_VARIABLE,
    script::quoting::UNQUOTED_SUBSTITUTION,
    script::commands::UNCHECKED_CD,
    script::quoting::SINGLE_QUOTED_EXPANSION,
    script::commands::PATTERN_AS_OPTION,
    script::commands::ECHO_ESCAPE,
    script::commands::HIDDEN_STATUS,
    script::commands::USELESS_NEGATION,
    script::quoting::LOOP_ONCE,
    script::commands::REMOVE_ROOT,
    script::quoting::BACKQUOTES,
    script::quoting::USELESS_ECHO,
    script::commands::OLD_GREP,
    script::commands::FIND_REDIRECTION,
    script::quoting::PLAIN_ESCAPE,
    script::commands::AND_OR,
    script::commands::READ_BACKSLASH,
    script::quoting::LOOP_OVER_NAMES,
    script::quoting::UNQUOTED_ARGUMENTS,
    script::quoting::JOINED_ARGUMENTS,
    script::commands::TEST_AND_OR,
    script::commands::FOLDER_MODE,
    script::commands::STATUS_LATER,
    script::commands::FIND_XARGS,
    script::lists::USELESS_CAT,
    script::lists::FOLDER_AND_BACK,
    script::lists::MANY_APPENDS,
    script::portability::ECHO_FLAGS,
    script::portability::PIPEFAIL_IN_SH,
    script::portability::BASH_TEST,
    script::portability::BASH_ARRAY,
    script::portability::BASH_REDIRECTION,
    script::portability::BASH_EXPANSION,
    script::portability::BASH_COMMAND,
    script::portability::BASH_ARITHMETIC,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_well_formed() {
        let rules: Vec<&Rule> = crate::rules().collect();
        for (index, rule) in rules.iter().enumerate() {
            assert!(rule.id.len() == 6 && rule.id.starts_with("SL"), "{}", rule.id);
            if let Some(next) = rules.get(index + 1) {
                assert!(rule.id < next.id, "{} {}", rule.id, next.id);
            }
            assert!(
                rules.iter().filter(|other| other.name == rule.name).count() == 1,
                "{}",
                rule.name
            );
            for text in [rule.why, rule.fix] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}", rule.id);
            }
            assert_eq!(rule.since.split('.').count(), 3, "{}", rule.id);
        }
    }
}
