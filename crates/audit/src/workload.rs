//! What a container is allowed to do, wherever it is declared: a service of a compose file, a container of a
//! Kubernetes workload, or a container that runs. The rules see only this.

use sealift_diagnostic::{Fix, Span};

/// Where a container is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Compose,
    Kubernetes,
    Running,
}

/// A setting with its place; settings of what runs have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T> Set<T> {
    pub(crate) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A namespace of the host that a container may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    Network,
    Process,
    Ipc,
    HostName,
    User,
}

/// A folder, file or volume that a container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Path on the host; empty for a volume that has none.
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) is_read_only: bool,
    pub(crate) propagation: String,
    pub(crate) span: Span,
}

/// A port that the host gives to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    /// The address on the host; empty for all.
    pub(crate) address: String,
    /// First and last port of the host; zero if the engine chooses.
    pub(crate) host: (u16, u16),
    pub(crate) container: (u16, u16),
    pub(crate) span: Span,
}

/// Whether somebody asks the container how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Nobody said; the image may.
    Missing,
    Disabled(Span),
    Checked,
}

/// A profile of what system calls or files are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Nobody said; the engine's own holds if it has one.
    Missing,
    Unconfined(Span),
    Given,
}

/// An environment variable with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Where the value is written.
    pub(crate) span: Span,
}

/// What to do about a finding; the source knows how to write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy<'a> {
    Unprivileged,
    DropCapabilities,
    NoNewPrivileges,
    ReadOnlyRoot,
    User,
    Memory,
    Cpu,
    Processes,
    Restart,
    /// Take the value at this place away.
    Remove(Span),
    /// Bind the port at this place to the host itself.
    LocalPort(Span),
    /// Mount what is at this place for reading only.
    ReadOnlyMount(Span),
    /// Let the variable's value come from outside of the file.
    Outside(&'a Variable),
}

/// Who can write a remedy down.
pub(crate) trait Mend {
    /// The fix, if it can be written without doubt.
    fn mend(&self, remedy: Remedy<'_>) -> Option<Fix>;
}

/// One container with all that is said about it.
pub(crate) struct Workload<'a> {
    pub(crate) source: Source,
    /// What it is called in messages: service, container.
    pub(crate) noun: &'static str,
    pub(crate) name: String,
    /// Where what is missing is reported.
    pub(crate) span: Span,
    pub(crate) mender: Option<&'a dyn Mend>,
    pub(crate) image: Option<Set<String>>,
    /// Whether the image promises a user, as far as anybody knows.
    pub(crate) image_has_user: bool,
    /// Whether the image has a health check, as far as anybody knows.
    pub(crate) image_has_health: bool,
    /// A job that ends, so that nobody asks how it is.
    pub(crate) is_short_lived: bool,
    pub(crate) privileged: Option<Set<bool>>,
    pub(crate) capabilities_added: Vec<Set<String>>,
    pub(crate) capabilities_dropped: Vec<Set<String>>,
    pub(crate) no_new_privileges: Option<Set<bool>>,
    pub(crate) read_only_root: Option<Set<bool>>,
    /// User, with the group if one is given.
    pub(crate) user: Option<Set<String>>,
    pub(crate) must_not_be_root: bool,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) host_namespaces: Vec<Set<Namespace>>,
    pub(crate) memory: Option<Span>,
    pub(crate) cpu: Option<Span>,
    pub(crate) processes: Option<Span>,
    pub(crate) seccomp: Profile,
    pub(crate) apparmor: Profile,
    pub(crate) selinux: Profile,
    pub(crate) ports: Vec<Port>,
    pub(crate) restart: Option<Set<String>>,
    pub(crate) devices: Vec<Set<String>>,
    /// Limits that were raised to no limit at all.
    pub(crate) unlimited: Vec<Set<String>>,
    pub(crate) cgroup_parent: Option<Set<String>>,
    pub(crate) default_bridge: Option<Span>,
    pub(crate) health: Health,
    pub(crate) sysctls: Vec<Set<String>>,
    pub(crate) variables: Vec<Variable>,
}

impl Workload<'_> {
    /// A container about which nothing is said.
    pub(crate) fn new(source: Source, noun: &'static str, name: String, span: Span) -> Self {
        Self {
            source,
            noun,
            name,
            span,
            mender: None,
            image: None,
            image_has_user: false,
            image_has_health: false,
            is_short_lived: false,
            privileged: None,
            capabilities_added: Vec::new(),
            capabilities_dropped: Vec::new(),
            no_new_privileges: None,
            read_only_root: None,
            user: None,
            must_not_be_root: false,
            mounts: Vec::new(),
            host_namespaces: Vec::new(),
            memory: None,
            cpu: None,
            processes: None,
            seccomp: Profile::Missing,
            apparmor: Profile::Missing,
            selinux: Profile::Missing,
            ports: Vec::new(),
            restart: None,
            devices: Vec::new(),
            unlimited: Vec::new(),
            cgroup_parent: None,
            default_bridge: None,
            health: Health::Missing,
            sysctls: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// How messages call it: service `web`.
    pub(crate) fn title(&self) -> String {
        let name: String = self.name.chars().take(80).collect();
        format!("{} `{name}`", self.noun)
    }

    pub(crate) fn is_privileged(&self) -> bool {
        self.privileged.as_ref().is_some_and(|set| set.value)
    }

    pub(crate) fn fix(&self, remedy: Remedy<'_>) -> Option<Fix> {
        self.mender.and_then(|mender| mender.mend(remedy))
    }
}
