//! D: registry.
