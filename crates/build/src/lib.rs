//! From a Dockerfile and a context to an image: stage graph, cache keys, layers.
//!
//! Entry point: [`build`]. The Dockerfile is read into stages; those that the target needs run in parallel, each on
//! its own thread. Every `RUN`, `COPY`, `ADD` and `WORKDIR` is a step with a cache key made of all that can change its
//! result, and gives a layer folder in overlayfs's upper form. Only layers of the image that is asked for are
//! compressed.
//!
//! Invariants: equal keys mean equal results, so secrets, proxies and certificate authorities are in no key, no
//! layer and no history; layer folders and records come into the cache by rename and never change; nothing is mounted
//! by this crate, and paths of images and contexts are resolved beneath their root, never by the system; a cached
//! build gives the same digest again.
//! Follows docs.docker.com/reference/dockerfile, `BuildKit`'s tests and the OCI image specification 1.1.
//!
//! The caller's `main` begins with `sealift_sandbox::handle_reexec()`, and the process is root, of the machine or of
//! a user namespace.

mod error;
mod request;

mod bases;
mod build;
mod plan;
mod scope;
mod stage;

mod configure;
mod copy_step;
mod mounts;
mod run;

mod copy;
mod select;
mod unpack;
mod users;

mod cache;
mod filesystem;
mod key;
mod timestamp;

mod differ;
mod output;
mod pack;
mod read_ahead;

mod context;
mod ignore;
mod pattern;
mod tree;
mod view;
mod writer;

#[doc(hidden)]
pub mod fuzz;

pub use bases::base_references;
pub use build::build;
pub use error::Error;
pub use request::{
    BaseError, BaseImages, BaseUsed, Built, Event, Network, Observer, Request, Silent, StepId,
    Stream,
};
