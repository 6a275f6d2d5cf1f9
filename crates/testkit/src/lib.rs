//! Test context, small image builder, in-process registry.
