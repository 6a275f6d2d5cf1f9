//! Runs a process in its own namespaces, mounts, capabilities and seccomp filter.
