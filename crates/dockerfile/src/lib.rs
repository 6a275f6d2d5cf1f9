//! Lossless Dockerfile parser: tree, variables, heredocs.
