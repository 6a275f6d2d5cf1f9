//! The words of `policy lint`'s rules.

use sealift_diagnostic::{Level, Rule};

const OPA: &str = "https://www.openpolicyagent.org/docs/policy-language";

/// A condition that nothing can meet.
pub(crate) const NEVER: Rule = Rule {
    id: "SL9001",
    name: "policy-never-fires",
    level: Level::Warning,
    aliases: &[],
    why: "a rule that can never fire refuses nothing, and looks as if it did",
    fix: "compare values of one kind, or delete the rule",
    since: "0.2.0",
    bad: "deny[msg] { input.Config.Env[_] == regex.match(\"PASSWORD\", input.Config.Env[_]); msg := \"x\" }",
    good: "deny[msg] { regex.match(\"PASSWORD\", input.Config.Env[_]); msg := \"x\" }",
    references: &[OPA],
};

/// A path into the facts that leads nowhere.
pub(crate) const UNKNOWN_FACT: Rule = Rule {
    id: "SL9002",
    name: "policy-unknown-fact",
    level: Level::Warning,
    aliases: &[],
    why: "what does not exist is undefined: a rule that asks for it does not fire, and a `not` always does",
    fix: "see docs/facts.md for what there is; what `--data NAME=VALUE` adds is known if it is given here too",
    since: "0.2.0",
    bad: "deny[msg] { input.Config.Usr == \"\"; msg := \"x\" }",
    good: "deny[msg] { input.Config.User == \"\"; msg := \"x\" }",
    references: &[OPA],
};

/// An import that nothing uses.
pub(crate) const UNUSED_IMPORT: Rule = Rule {
    id: "SL9003",
    name: "policy-unused-import",
    level: Level::Info,
    aliases: &[],
    why: "readers look for what it is for",
    fix: "delete it",
    since: "0.2.0",
    bad: "import data.lib.names",
    good: "",
    references: &[OPA],
};

/// A rule or function that nothing uses.
pub(crate) const UNUSED_RULE: Rule = Rule {
    id: "SL9004",
    name: "policy-unused-rule",
    level: Level::Info,
    aliases: &[],
    why: "a rule that was meant to judge has a name by which nobody asks for it",
    fix: "call it `deny`, `deny_…`, `violation`, `warn` or `allow`, use it, or delete it",
    since: "0.2.0",
    bad: "denied[msg] { input.image.runs_as_root; msg := \"x\" }",
    good: "deny[msg] { input.image.runs_as_root; msg := \"x\" }",
    references: &[OPA],
};

/// A variable of the name of something else.
pub(crate) const SHADOWED: Rule = Rule {
    id: "SL9005",
    name: "policy-shadowed-name",
    level: Level::Warning,
    aliases: &[],
    why: "the rule means the variable where the reader thinks of the other",
    fix: "give the variable a name of its own",
    since: "0.2.0",
    bad: "allowed := [\"a\"]\ndeny[msg] { allowed := input.image.registry; allowed == \"x\"; msg := \"x\" }",
    good: "allowed := [\"a\"]\ndeny[msg] { registry := input.image.registry; registry == \"x\"; msg := \"x\" }",
    references: &[OPA],
};

/// A condition that everything meets.
pub(crate) const ALWAYS: Rule = Rule {
    id: "SL9006",
    name: "policy-always-true",
    level: Level::Warning,
    aliases: &[],
    why: "a condition that always holds decides nothing",
    fix: "compare values of one kind, or delete the condition",
    since: "0.2.0",
    bad: "deny[msg] { input.image.created != \"\"; msg := \"x\" }",
    good: "deny[msg] { input.image.created != 0; msg := \"x\" }",
    references: &[OPA],
};

/// The syntax of OPA before 1.0.
pub(crate) const V0_SYNTAX: Rule = Rule {
    id: "SL9007",
    name: "policy-v0-syntax",
    level: Level::Info,
    aliases: &[],
    why: "newer tools read it with an option only",
    fix: "it is read here as it is; `opa fmt --rego-v1` rewrites it",
    since: "0.2.0",
    bad: "package a\ndeny[msg] { input.x; msg := \"x\" }",
    good: "package a\nimport rego.v1\ndeny contains msg if { input.x; msg := \"x\" }",
    references: &["https://www.openpolicyagent.org/docs/v0-upgrade"],
};

/// All of them, in order of id.
pub const RULES: [&Rule; 7] =
    [&NEVER, &UNKNOWN_FACT, &UNUSED_IMPORT, &UNUSED_RULE, &SHADOWED, &ALWAYS, &V0_SYNTAX];
