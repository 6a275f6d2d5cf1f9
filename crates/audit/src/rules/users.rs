//! Who runs in the container.

use sealift_diagnostic::{Level, Rule};

use super::{Check, Sink};
use crate::workload::{Remedy, Workload};

pub(super) const ROOT_USER: Check = Check {
    rule: Rule {
        id: "SL1011",
        name: "root-user",
        level: Level::Warning,
        aliases: &["KSV-0105", "CKV_K8S_6"],
        why: "root in a container is root on the host for whatever gets out of it, and for every mounted file",
        fix: "give a user that is not root, by number, such as `10001:10001`",
        since: "0.1.0",
        bad: "services:\n  web:\n    image: nginx\n    user: root\n",
        good: "services:\n  web:\n    image: nginx\n    user: \"10001:10001\"\n",
        references: &[],
    },
    run: root_user,
};

/// Whether a user, as an engine reads it, is root.
fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or("").trim();
    name.eq_ignore_ascii_case("root") || name.parse::<u64>() == Ok(0)
}

fn root_user(workload: &Workload<'_>, sink: &mut Sink) {
    let Some(user) = workload.user.as_ref().filter(|user| is_root(&user.value)) else { return };
    let message = format!("{} runs as root", workload.title());
    sink.add_with(user.span, message, workload.fix(Remedy::User));
}

pub(super) const NO_USER: Check = Check {
    rule: Rule {
        id: "SL1012",
        name: "no-user",
        level: Level::Warning,
        aliases: &["KSV-0012", "CKV_K8S_23"],
        why: "without a user the image decides, and most images run as root",
        fix: "compose: `user: \"10001:10001\"`; Kubernetes: `runAsNonRoot: true` with `runAsUser: 10001`",
        since: "0.1.0",
        bad: "services:\n  web:\n    image: nginx\n",
        good: "services:\n  web:\n    image: nginx\n    user: \"10001:10001\"\n",
        references: &[],
    },
    run: no_user,
};

fn no_user(workload: &Workload<'_>, sink: &mut Sink) {
    if workload.user.is_some() || workload.must_not_be_root || workload.image_has_user {
        return;
    }
    let message = format!("{} runs as whoever its image says, which may be root", workload.title());
    sink.add_with(workload.span, message, workload.fix(Remedy::User));
}
