//! Every id of other linters: the rule that has it, or why there is none. docs/lint-compatibility.md has the table.

use std::fmt::Write as _;
use std::path::Path;

use sealift_lint::rules;

/// Where the table stands in the page.
const BEGIN: &str = "<!-- The table below is written by `UPDATE_EXPECT=1 cargo test -p sealift-lint compatib`. -->\n";
const END: &str = "<!-- End of the table. -->\n";

/// A linter, and its ids.
const LINTERS: [(&str, &[&str]); 5] = [
    (
        "hadolint",
        &[
            "DL1000", "DL1001", "DL3000", "DL3001", "DL3002", "DL3003", "DL3004", "DL3005",
            "DL3006", "DL3007", "DL3008", "DL3009", "DL3010", "DL3011", "DL3012", "DL3013",
            "DL3014", "DL3015", "DL3016", "DL3017", "DL3018", "DL3019", "DL3020", "DL3021",
            "DL3022", "DL3023", "DL3024", "DL3025", "DL3026", "DL3027", "DL3028", "DL3029",
            "DL3030", "DL3031", "DL3032", "DL3033", "DL3034", "DL3035", "DL3036", "DL3037",
            "DL3038", "DL3039", "DL3040", "DL3041", "DL3042", "DL3043", "DL3044", "DL3045",
            "DL3046", "DL3047", "DL3048", "DL3049", "DL3050", "DL3051", "DL3052", "DL3053",
            "DL3054", "DL3055", "DL3056", "DL3057", "DL3058", "DL3059", "DL3060", "DL3061",
            "DL3062", "DL3063", "DL3064", "DL3065", "DL3066", "DL3067", "DL4000", "DL4001",
            "DL4003", "DL4004", "DL4005", "DL4006",
        ],
    ),
    (
        "BuildKit",
        &[
            "ConsistentInstructionCasing",
            "CopyIgnoredFile",
            "DuplicateStageName",
            "ExposeInvalidFormat",
            "ExposeProtoCasing",
            "FromAsCasing",
            "FromPlatformFlagConstDisallowed",
            "InvalidBaseImagePlatform",
            "InvalidDefaultArgInFrom",
            "InvalidDefinitionDescription",
            "JSONArgsRecommended",
            "LegacyKeyValueFormat",
            "MaintainerDeprecated",
            "MultipleInstructionsDisallowed",
            "NoEmptyContinuation",
            "RedundantTargetPlatform",
            "ReservedStageName",
            "SecretsUsedInArgOrEnv",
            "StageNameCasing",
            "UndefinedArgInFrom",
            "UndefinedVar",
            "WorkdirRelativePath",
        ],
    ),
    (
        "trivy",
        &[
            "DS-0001", "DS-0002", "DS-0004", "DS-0005", "DS-0006", "DS-0007", "DS-0008", "DS-0009",
            "DS-0010", "DS-0011", "DS-0012", "DS-0013", "DS-0014", "DS-0015", "DS-0016", "DS-0017",
            "DS-0019", "DS-0020", "DS-0021", "DS-0022", "DS-0023", "DS-0024", "DS-0025", "DS-0026",
            "DS-0027", "DS-0029", "DS-0030", "DS-0031",
        ],
    ),
    (
        "checkov",
        &[
            "CKV_DOCKER_1",
            "CKV_DOCKER_2",
            "CKV_DOCKER_3",
            "CKV_DOCKER_4",
            "CKV_DOCKER_5",
            "CKV_DOCKER_6",
            "CKV_DOCKER_7",
            "CKV_DOCKER_8",
            "CKV_DOCKER_9",
            "CKV_DOCKER_10",
            "CKV_DOCKER_11",
            "CKV2_DOCKER_1",
            "CKV2_DOCKER_2",
            "CKV2_DOCKER_3",
            "CKV2_DOCKER_4",
            "CKV2_DOCKER_5",
            "CKV2_DOCKER_6",
            "CKV2_DOCKER_7",
            "CKV2_DOCKER_8",
            "CKV2_DOCKER_9",
            "CKV2_DOCKER_10",
            "CKV2_DOCKER_11",
            "CKV2_DOCKER_12",
            "CKV2_DOCKER_13",
            "CKV2_DOCKER_14",
            "CKV2_DOCKER_15",
            "CKV2_DOCKER_16",
            "CKV2_DOCKER_17",
        ],
    ),
    (
        "dockle and CIS",
        &[
            "CIS-DI-0001",
            "CIS-DI-0002",
            "CIS-DI-0003",
            "CIS-DI-0004",
            "CIS-DI-0005",
            "CIS-DI-0006",
            "CIS-DI-0007",
            "CIS-DI-0008",
            "CIS-DI-0009",
            "CIS-DI-0010",
            "CIS-DI-0011",
            "DKL-DI-0001",
            "DKL-DI-0002",
            "DKL-DI-0003",
            "DKL-DI-0004",
            "DKL-DI-0005",
            "DKL-DI-0006",
            "DKL-LI-0001",
            "DKL-LI-0002",
            "DKL-LI-0003",
            "CIS-4.1",
            "CIS-4.2",
            "CIS-4.3",
            "CIS-4.4",
            "CIS-4.5",
            "CIS-4.6",
            "CIS-4.7",
            "CIS-4.8",
            "CIS-4.9",
            "CIS-4.10",
            "CIS-4.11",
            "CIS-4.12",
        ],
    ),
];

/// Ids that no rule on a Dockerfile can have, and why.
const REASONS: &[(&str, &str)] = &[
    (
        "CIS-DI-0002",
        "how clients verify is no part of a Dockerfile: `sealift verify` with a policy",
    ),
    (
        "CIS-DI-0003",
        "dockle does not judge it either; network tools and compilers are SL1013 and SL4010",
    ),
    (
        "CIS-DI-0004",
        "dockle does not judge it either; `sealift scan` says what a rebuild would mend",
    ),
    (
        "CIS-DI-0005",
        "how clients verify is no part of a Dockerfile: `sealift verify` with a policy",
    ),
    (
        "CIS-DI-0011",
        "dockle does not judge it either; checks of signatures that are switched off are SL1007",
    ),
    ("DKL-LI-0002", "numbers of users are in the image: `sealift audit`"),
    (
        "DKL-LI-0003",
        "which files end up in the image is known only from the image: `sealift audit`",
    ),
    (
        "CIS-4.3",
        "what is needed only its author knows; network tools and compilers are SL1013 and SL4010",
    ),
    ("CIS-4.4", "flaws are found in the image, not in its Dockerfile: `sealift scan`"),
    ("CIS-4.5", "how clients verify is no part of a Dockerfile: `sealift verify` with a policy"),
    (
        "CIS-4.11",
        "who signs packages the package manager checks; checks that are switched off are SL1007",
    ),
    ("CIS-4.12", "signatures belong to the image: `sealift sign`, `sealift verify`"),
];

#[test]
fn every_id_of_others_has_a_rule_or_a_reason() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint-compatibility.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let wanted = written();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    let stale = |(row, wanted): (&str, &str)| row != wanted && !row.ends_with("| none yet |");
    assert!(
        table.lines().count() == wanted.lines().count()
            && !table.lines().zip(wanted.lines()).any(stale),
        "the table is old: UPDATE_EXPECT=1 cargo test -p sealift-lint compatib"
    );
}

fn written() -> String {
    let mut text = String::new();
    for (linter, ids) in LINTERS {
        write!(text, "\n### {linter}\n\n| id | rule |\n|---|---|\n").unwrap();
        for id in ids {
            let own: Vec<String> = rules()
                .filter(|rule| rule.is_called(id))
                .map(|rule| format!("{} {}", rule.id, rule.name))
                .collect();
            let reason = REASONS.iter().find(|(known, _)| known == id).map(|(_, reason)| *reason);
            let cell = match (own.as_slice(), reason) {
                ([], Some(reason)) => format!("none: {reason}"),
                ([], None) => "none yet".to_owned(),
                _ => own.join(", "),
            };
            writeln!(text, "| {id} | {cell} |").unwrap();
        }
    }
    text.push('\n');
    text
}

#[test]
fn reasons_are_given_only_where_there_is_no_rule() {
    for (id, reason) in REASONS {
        assert!(!rules().any(|rule| rule.is_called(id)), "{id} has a rule: {reason}");
        assert!(LINTERS.iter().any(|(_, ids)| ids.contains(id)), "{id}");
    }
}
