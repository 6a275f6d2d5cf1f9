//! The local content-addressed store: an OCI layout, caches, locks.
