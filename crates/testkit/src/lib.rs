//! Test context, small image builder, in-process registry.
//!
//! [`TestContext`] runs the binary as a user would, with a HOME, a store and a configuration of its own.
//! [`Registry`] and [`FileServer`] are servers on loopback that can be told to misbehave. [`layer`] and [`write_layout`] make images.
//! [`torture`] lets many clients use a registry that is killed now and then. [`check_scaling`] tells linear work from what grows faster.

mod context;
mod files;
mod image;
mod notary;
mod registry;
mod request;
mod scaling;
mod stores;
mod torture;

pub use context::{Outcome, TestContext, shared_data};
pub use files::{FileServer, Mischief};
pub use image::{LayerFile, TestImage, layer, write_layout};
pub use notary::{NotaryServer, make_certificates};
pub use registry::{Access, Faults, Registry};
pub use scaling::check_scaling;
pub use stores::{Postgres, S3Server, Trouble, TroubledGate};
pub use torture::{Report, Torture, torture};
