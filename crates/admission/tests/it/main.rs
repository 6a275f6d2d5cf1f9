//! The webhook: reviews as Kubernetes sends them, and what installs it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod install;
mod reviews;
mod served;
mod setting;
