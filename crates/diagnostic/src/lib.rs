//! Findings on text: spans, levels, hints, fixes, and their rendering with a caret.
//!
//! Entry points: [`Diagnostic`], [`Rule`], [`Fix`], [`apply`], [`mend()`], [`patch()`], [`render()`].
//! Invariant: plain data in, text out. A span that does not fit its source is clamped, never a panic: diagnostics
//! describe hostile files.

// expect-test writes raw strings with hashes.
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes))]

mod span;

mod diagnostic;
mod fix;
mod level;
mod mend;
mod patch;
mod render;
mod rule;
mod sink;
mod suggestion;

pub use diagnostic::Diagnostic;
pub use fix::{Edit, Fix, Mended, NewFile, Tier, apply};
pub use level::{Level, UnknownLevel};
pub use mend::{Applied, Fixed, Refusal, Refused, mend};
pub use patch::patch;
pub use render::{render, render_at, render_short};
pub use rule::Rule;
pub use sink::Sink;
pub use span::{LineIndex, Span, line_column};
pub use suggestion::closest;
