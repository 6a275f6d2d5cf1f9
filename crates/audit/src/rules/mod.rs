//! Rules on what a container may do, in the order of their ids; a file for each topic.
//!
//! A rule that Dockerfiles have too keeps its id and name there, with words for these files here.

mod capabilities;
mod files;
mod images;
mod isolation;
mod limits;
mod namespaces;
mod ports;
mod secrets;
mod users;

pub(crate) use sealift_diagnostic::Sink;
use sealift_diagnostic::{Diagnostic, Rule};

use crate::workload::Workload;

pub(crate) use secrets::{SECRET_IN_VARIABLE, SECRET_VALUE};

/// A rule with what looks for its findings.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) rule: Rule,
    pub(crate) run: fn(&Workload<'_>, &mut Sink),
}

/// Rules that look at variables alone.
const SECRET_CHECKS: [Check; 2] = [
    Check { rule: SECRET_IN_VARIABLE, run: secrets::secret_in_variable },
    Check { rule: SECRET_VALUE, run: secrets::secret_value },
];

/// Every rule on containers, in the order of their ids.
pub(crate) const CHECKS: &[Check] = &[
    SECRET_CHECKS[0],
    SECRET_CHECKS[1],
    ports::ADMIN_PORT,
    ports::DATABASE_PORT,
    users::ROOT_USER,
    users::NO_USER,
    images::MUTABLE_TAG,
    images::NO_DIGEST,
    limits::NO_HEALTHCHECK,
    capabilities::PRIVILEGED,
    capabilities::DANGEROUS_CAPABILITY,
    capabilities::CAPABILITIES_KEPT,
    capabilities::NEW_PRIVILEGES,
    files::WRITABLE_ROOT,
    files::ENGINE_SOCKET,
    files::HOST_FOLDER,
    namespaces::HOST_NETWORK,
    namespaces::HOST_PROCESSES,
    namespaces::HOST_IPC,
    namespaces::HOST_NAME,
    namespaces::HOST_USERS,
    limits::NO_MEMORY_LIMIT,
    limits::NO_CPU_LIMIT,
    limits::NO_PROCESS_LIMIT,
    isolation::NO_SECCOMP,
    isolation::NO_APPARMOR,
    isolation::NO_SELINUX,
    ports::PRIVILEGED_PORT,
    ports::ALL_INTERFACES,
    limits::ENDLESS_RESTART,
    isolation::HOST_DEVICE,
    limits::UNLIMITED,
    isolation::SHARED_MOUNT,
    isolation::CGROUP_PARENT,
    namespaces::DEFAULT_BRIDGE,
    isolation::UNSAFE_SYSCTL,
];

/// What the rules on variables find, where nothing else is known.
pub(crate) fn run_on_variables(workload: &Workload<'_>) -> Vec<Diagnostic> {
    run_all(&SECRET_CHECKS, workload)
}

/// What the rules find in one container.
pub(crate) fn run(workload: &Workload<'_>) -> Vec<Diagnostic> {
    run_all(CHECKS, workload)
}

fn run_all(checks: &'static [Check], workload: &Workload<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for check in checks {
        let mut sink = Sink::new(&check.rule);
        (check.run)(workload, &mut sink);
        findings.append(&mut sink.findings);
    }
    findings
}
