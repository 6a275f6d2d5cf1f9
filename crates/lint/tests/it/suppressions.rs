//! Comments that silence findings, for us and for other tools, and findings on these comments.

use expect_test::{Expect, expect};
use sealift_diagnostic::{Level, render_short};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, Edition, lint};

/// All findings on a text, `# hadolint` and the others heeded, on a day of 2026.
fn check_with(source: &str, config: &Config, expected: Expect) {
    let context = Context { dockerignore: Some(""), ..Context::new(config) };
    let found = lint(&parse(source, &Limits::default()), &context);
    expected.assert_eq(&render_short(&found, "", source));
}

fn config() -> Config {
    let ignore = ["no-healthcheck", "no-user", "no-digest"].map(str::to_owned).to_vec();
    Config { ignore, today: Some("2026-06-01".to_owned()), ..Config::default() }
}

fn check(source: &str, expected: Expect) {
    check_with(source, &config(), expected);
}

#[test]
fn hadolint_heeds_the_next_line_only() {
    check(
        "# hadolint ignore=DL3006\nFROM debian\n# hadolint ignore=DL3004\n\nRUN sudo a\n# hadolint ignore=DL3004\n# words\nRUN sudo b\nRUN c && \\\n  # hadolint ignore=DL3004\n  sudo d\n# hadolint ignore=DL3004 # it must\nRUN e \\\n  && sudo f\n",
        expect![[r#"
            3:1 warning SL3031 this comment silences nothing: no instruction follows in the next line
            5:5 warning SL1010 `sudo` is used in the build
            6:1 warning SL3031 this comment silences nothing: no instruction follows in the next line
            8:1 info SL4018 this step could be part of the one before it
            8:5 warning SL1010 `sudo` is used in the build
            10:3 warning SL3031 this comment silences nothing: no instruction follows in the next line
            11:3 warning SL1010 `sudo` is used in the build
        "#]],
    );
    check(
        "FROM debian:13\n# hadolint ignore=DL3004 because\nRUN sudo a\n# Hadolint ignore=DL3004\nRUN sudo a\n",
        expect![[r#"
            2:1 warning SL3031 this comment silences nothing: `DL3004 because` is no id; a reason stands behind another `#`
            3:5 warning SL1010 `sudo` is used in the build
            5:1 info SL4018 this step could be part of the one before it
            5:5 warning SL1010 `sudo` is used in the build
        "#]],
    );
}

#[test]
fn hadolint_heeds_stages_and_files() {
    check(
        "# hadolint stage ignore=DL3004,DL3006\nFROM debian AS a\nRUN sudo a\nFROM debian:13\nRUN sudo b\n",
        expect![[r#"
            1:1 info SL3030 `DL3006` has nothing to silence here
            2:6 warning SL2001 image `debian` has no tag, so it is `latest`
            5:5 warning SL1010 `sudo` is used in the build
        "#]],
    );
    check("FROM debian\nRUN sudo a\n# hadolint global ignore=DL3004,DL3006\n", expect![""]);
    let config = Config { disregards_hadolint: true, ..config() };
    check_with(
        "# hadolint global ignore=DL3006\nFROM debian\n",
        &config,
        expect![[r#"
            2:6 warning SL2001 image `debian` has no tag, so it is `latest`
        "#]],
    );
}

#[test]
fn our_own_reach_further_and_end() {
    check(
        "# sealift: ignore=mutable-tag reason=it is a test until=2026-06-01\n\n# words\nFROM debian\nRUN a && \\\n  # sealift: ignore=SL1010\n  sudo b\n",
        expect![""],
    );
    check(
        "# sealift: ignore-stage=SL2001,SL1010\nFROM debian AS a\nRUN sudo b\nFROM debian\nRUN sudo c\n",
        expect![[r#"
            4:6 warning SL2001 image `debian` has no tag, so it is `latest`
            5:5 warning SL1010 `sudo` is used in the build
        "#]],
    );
    check(
        "# sealift: ignore=mutable-tag until=2026-05-31\nFROM debian\n# sealift: ignore=SL1010 until=soon\nRUN sudo a\n",
        expect![[r#"
            1:1 warning SL3031 the suppression of `mutable-tag` ended on 2026-05-31
            2:6 warning SL2001 image `debian` has no tag, so it is `latest`
            3:1 warning SL3031 this comment silences nothing: `soon` is no date such as `2026-12-31`
            4:5 warning SL1010 `sudo` is used in the build
        "#]],
    );
}

#[test]
fn trivy_heeds_stacked_comments_dates_and_patterns() {
    check(
        "#trivy:ignore:DS-0001:exp:2026-06-02\nFROM debian\n#trivy:ignore:AVD-DS-0010\n#trivy:ignore:DS-0017\nRUN sudo apt-get update\n# trivy:ignore:*\nRUN sudo b\n#trivy:ignore:DS010:exp:2026-06-01\nRUN sudo c\n",
        expect![[r#"
            5:5 warning SL4001 the package lists stay in the image
            7:1 info SL4018 this step could be part of the one before it
            8:1 warning SL3031 the suppression of `DS010` ended on 2026-06-01
            9:1 info SL4018 this step could be part of the one before it
            9:5 warning SL1010 `sudo` is used in the build
        "#]],
    );
    check(
        "FROM debian:13\n#trivy:ignore:DS-0010\n\nRUN sudo a\n",
        expect![[r#"
            2:1 warning SL3031 this comment silences nothing: no instruction follows in the next line
            4:5 warning SL1010 `sudo` is used in the build
        "#]],
    );
}

#[test]
fn checkov_heeds_the_whole_file() {
    check("FROM debian\nRUN sudo a\n# checkov:skip=CKV_DOCKER_7,CKV2_DOCKER_1:no\n", expect![""]);
}

#[test]
fn checks_of_buildkit() {
    check(
        "# check=skip=MaintainerDeprecated;error=true\nFROM debian:13 as a\nMAINTAINER x\nRUN sudo b\n",
        expect![[r#"
            2:19 error SL3021 `FROM` and `as` are written in different cases
            4:5 warning SL1010 `sudo` is used in the build
        "#]],
    );
    check("# check=skip=all\nFROM debian:13 as a\nMAINTAINER x\n", expect![""]);
    check(
        "# check=skip=NoSuch,FromAsCasing;eror=true\nFROM debian:13\n",
        expect![[r#"
            1:1 info SL3030 `FromAsCasing` has nothing to silence here
            1:1 warning SL3031 `eror` is no setting of checks
        "#]],
    );
}

#[test]
fn suppressions_without_use() {
    check(
        "# hadolint ignore=DL3004,SC2086\nFROM debian:13\n# sealift: ignore=no-user,no-such\nRUN a\n",
        expect![[r#"
            1:1 info SL3030 `DL3004` has nothing to silence here
            1:1 info SL3030 `SC2086` has nothing to silence here
            3:1 warning SL3031 there is no rule `no-such`
        "#]],
    );
    // A finding on a comment can be silenced like any other.
    check("# sealift: ignore-file=SL3030\n# hadolint ignore=DL3004\nFROM debian:13\n", expect![""]);
}

#[test]
fn a_rule_that_is_off_is_on_with_a_level() {
    let source = "# hadolint ignore=DL3006\nFROM debian\n";
    check(source, expect![""]);
    let mut config = config();
    config.levels.insert("DL1001".to_owned(), Level::Warning);
    check_with(
        source,
        &config,
        expect![[r#"
            1:1 warning SL3032 this comment silences findings in the file
        "#]],
    );
}

#[test]
fn an_edition_has_no_newer_rules() {
    let source = "# sealift: ignore=SL1010\nFROM debian\n";
    let config = Config { edition: Some(Edition::parse("0.1.0").unwrap()), ..config() };
    check_with(
        source,
        &config,
        expect![[r#"
            2:6 warning SL2001 image `debian` has no tag, so it is `latest`
        "#]],
    );
    let config = Config { edition: Some(Edition::parse("2026").unwrap()), ..config };
    check_with(
        source,
        &config,
        expect![[r#"
            1:1 info SL3030 `SL1010` has nothing to silence here
            2:6 warning SL2001 image `debian` has no tag, so it is `latest`
        "#]],
    );
}
