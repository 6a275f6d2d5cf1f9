//! Version order against the tools that define it, and ranges.

mod oracle;
mod order;
mod range;
