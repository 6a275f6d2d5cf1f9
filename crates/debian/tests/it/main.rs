//! Assembles images from archives made here, and, if asked for, from a real one.

mod archive;
mod curl;
mod mirror;
mod real_archive;
