//! A: build.
