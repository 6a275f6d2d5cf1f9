//! Controls of published benchmarks, each with the rules that answer for it.

/// A benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Benchmark {
    /// What the command line calls it.
    pub name: &'static str,
    /// Its whole name.
    pub title: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// Its controls, in its order.
    pub controls: &'static [Control],
}

/// What a benchmark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Images and the Dockerfiles that make them.
    Images,
    /// Compose files and containers.
    Containers,
    /// Kubernetes manifests.
    Manifests,
}

/// One control.
#[derive(Debug, Clone, Copy)]
pub struct Control {
    /// Its number or name there.
    pub id: &'static str,
    /// What it asks for, in short.
    pub title: &'static str,
    /// The rules that answer for it; a person must if there are none.
    pub rules: &'static [&'static str],
}

/// Whether a control holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// No rule found anything.
    Pass,
    /// A rule found something.
    Fail,
    /// A person must look.
    Manual,
    /// Nothing that the control is about was looked at.
    NotApplicable,
}

impl Standing {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Manual => "manual",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl Benchmark {
    /// How each control stands after these rules found something in something that the benchmark is about, or not.
    pub fn stand(&self, found: &[&str], was_looked_at: bool) -> Vec<(&'static Control, Standing)> {
        self.controls
            .iter()
            .map(|control| {
                let standing = match control.rules {
                    _ if !was_looked_at => Standing::NotApplicable,
                    [] => Standing::Manual,
                    rules if rules.iter().any(|rule| found.contains(rule)) => Standing::Fail,
                    _ => Standing::Pass,
                };
                (control, standing)
            })
            .collect()
    }
}

/// The benchmark of a name.
pub fn benchmark(name: &str) -> Option<&'static Benchmark> {
    BENCHMARKS.iter().find(|benchmark| benchmark.name.eq_ignore_ascii_case(name))
}

const fn control(id: &'static str, title: &'static str, rules: &'static [&'static str]) -> Control {
    Control { id, title, rules }
}

/// All benchmarks.
pub const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "cis-docker-4",
        title: "CIS Docker Benchmark, section 4: images",
        subject: Subject::Images,
        controls: CIS_DOCKER_4,
    },
    Benchmark {
        name: "cis-docker-5",
        title: "CIS Docker Benchmark, section 5: containers",
        subject: Subject::Containers,
        controls: CIS_DOCKER_5,
    },
    Benchmark {
        name: "nsa-k8s",
        title: "Kubernetes Hardening Guide of NSA and CISA",
        subject: Subject::Manifests,
        controls: NSA,
    },
    Benchmark {
        name: "pss-baseline",
        title: "Pod Security Standards: baseline",
        subject: Subject::Manifests,
        controls: BASELINE,
    },
    Benchmark {
        name: "pss-restricted",
        title: "Pod Security Standards: restricted, beyond baseline",
        subject: Subject::Manifests,
        controls: RESTRICTED,
    },
];

const CIS_DOCKER_4: &[Control] = &[
    control("4.1", "a user for the container", &["SL1011", "SL1012"]),
    control("4.2", "trusted base images only", &[]),
    control("4.3", "no unnecessary packages", &[]),
    control("4.4", "images are scanned and rebuilt", &[]),
    control("4.5", "content trust is on", &[]),
    control("4.6", "a health check", &["SL4008"]),
    control("4.7", "no update instruction alone", &["SL2008"]),
    control("4.8", "no setuid and setgid bits", &["SL1016", "SL8001"]),
    control("4.9", "COPY instead of ADD", &["SL1005", "SL3014"]),
    control("4.10", "no secrets in Dockerfiles", &["SL1001", "SL1002", "SL1003", "SL8004"]),
    control("4.11", "verified packages only", &["SL1004", "SL1007"]),
    control("4.12", "signed artifacts are validated", &[]),
];

const CIS_DOCKER_5: &[Control] = &[
    control("5.1", "swarm mode is off if it is not needed", &[]),
    control("5.2", "an AppArmor profile", &["SL6017"]),
    control("5.3", "SELinux options", &["SL6018"]),
    control("5.4", "restricted capabilities", &["SL6002", "SL6003"]),
    control("5.5", "no privileged containers", &["SL6001"]),
    control("5.6", "no sensitive folders of the host", &["SL6007"]),
    control("5.7", "no ssh in containers", &["SL1008"]),
    control("5.8", "no privileged ports", &["SL6019"]),
    control("5.9", "needed ports only", &["SL1009"]),
    control("5.10", "the host's network is not shared", &["SL6008"]),
    control("5.11", "memory is limited", &["SL6013"]),
    control("5.12", "CPU is limited", &["SL6014"]),
    control("5.13", "the root file system is read-only", &["SL6005"]),
    control("5.14", "traffic is bound to an interface", &["SL6020"]),
    control("5.15", "restarts are limited", &["SL6021"]),
    control("5.16", "the host's processes are not shared", &["SL6009"]),
    control("5.17", "the host's IPC is not shared", &["SL6010"]),
    control("5.18", "no devices of the host", &["SL6022"]),
    control("5.19", "ulimits are not lifted", &["SL6023"]),
    control("5.20", "no shared mount propagation", &["SL6024"]),
    control("5.21", "the host's UTS is not shared", &["SL6011"]),
    control("5.22", "the system call filter is on", &["SL6016"]),
    control("5.23", "no privileged `docker exec`", &[]),
    control("5.24", "no `docker exec` as root", &[]),
    control("5.25", "the control group is the engine's", &["SL6026"]),
    control("5.26", "no new privileges", &["SL6004"]),
    control("5.27", "health is checked", &["SL4008"]),
    control("5.28", "the latest version of the image", &[]),
    control("5.29", "processes are limited", &["SL6015"]),
    control("5.30", "not the default bridge", &["SL6025"]),
    control("5.31", "the host's users are not shared", &["SL6012"]),
    control("5.32", "the engine's socket is not mounted", &["SL6006"]),
];

const NSA: &[Control] = &[
    control("pods-1", "containers do not run as root", &["SL1011", "SL1012"]),
    control("pods-2", "immutable root file systems", &["SL6005"]),
    control("pods-3", "no privileged containers", &["SL6001"]),
    control(
        "pods-4",
        "host processes, network and IPC are not shared",
        &["SL6008", "SL6009", "SL6010"],
    ),
    control("pods-5", "no folders of the node", &["SL6007", "SL6006"]),
    control("pods-6", "no privilege escalation", &["SL6004"]),
    control("pods-7", "capabilities are dropped", &["SL6002", "SL6003"]),
    control(
        "pods-8",
        "system call filters and profiles",
        &["SL6016", "SL6017", "SL6018", "SL7003"],
    ),
    control("pods-9", "no tokens that are not needed", &["SL7001"]),
    control("pods-10", "images are scanned", &[]),
    control("net-1", "network policies", &["SL7012"]),
    control("net-2", "encrypted traffic", &["SL7013"]),
    control("net-3", "the control plane is shielded", &[]),
    control("res-1", "limits on resources", &["SL6013", "SL6014"]),
    control("sec-1", "secrets are not in configuration", &["SL1001", "SL1002", "SL7009", "SL7010"]),
    control("auth-1", "least privilege", &["SL7006", "SL7007", "SL7008"]),
    control("auth-2", "no anonymous access", &["SL7008"]),
    control("ns-1", "namespaces of their own", &["SL7011"]),
    control("log-1", "audit logs", &[]),
    control("up-1", "versions that are looked after", &["SL7016"]),
];

const BASELINE: &[Control] = &[
    control("HostProcess", "no host processes on Windows", &["SL7019"]),
    control("Host Namespaces", "none of them is shared", &["SL6008", "SL6009", "SL6010"]),
    control("Privileged Containers", "there are none", &["SL6001"]),
    control("Capabilities", "none beyond the default ones is added", &["SL6002"]),
    control("HostPath Volumes", "there are none", &["SL6007", "SL6006"]),
    control("Host Ports", "there are none", &["SL6019"]),
    control("AppArmor", "the profile is not turned off", &["SL6017"]),
    control("SELinux", "the label is not turned off", &["SL6018"]),
    control("/proc Mount Type", "it is the default one", &["SL7002"]),
    control("Seccomp", "the filter is not turned off", &["SL6016"]),
    control("Sysctls", "safe ones only", &["SL6027"]),
];

const RESTRICTED: &[Control] = &[
    control("Volume Types", "those that the cluster looks after", &["SL6007", "SL7018"]),
    control("Privilege Escalation", "it is not allowed", &["SL6004"]),
    control("Running as Non-root", "it is demanded", &["SL1012", "SL1011"]),
    control("Running as Non-root user", "the user is not 0", &["SL1011"]),
    control("Seccomp", "a profile is set", &["SL7003", "SL6016"]),
    control("Capabilities", "all are dropped", &["SL6003", "SL6002"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_names_rules_that_exist() {
        for benchmark in BENCHMARKS {
            for control in benchmark.controls {
                for id in control.rules {
                    let is_known = crate::rule(id).is_some() || sealift_lint::rule(id).is_some();
                    assert!(is_known, "{} {}: {id}", benchmark.name, control.id);
                }
            }
        }
    }

    #[test]
    fn controls_stand_as_their_rules_found() {
        let standing = |name: &str, found: &[&str], id: &str, looked: bool| {
            let all = benchmark(name).unwrap().stand(found, looked);
            all.iter().find(|(control, _)| control.id == id).unwrap().1
        };
        assert_eq!(standing("cis-docker-5", &["SL6001"], "5.5", true), Standing::Fail);
        assert_eq!(standing("CIS-docker-5", &["SL6001"], "5.4", true), Standing::Pass);
        assert_eq!(standing("cis-docker-5", &[], "5.1", true), Standing::Manual);
        assert_eq!(standing("pss-baseline", &[], "Seccomp", false), Standing::NotApplicable);
    }
}
