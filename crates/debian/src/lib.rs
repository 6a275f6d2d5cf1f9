//! Base images from a Debian archive: signatures, indices, resolver, assembly.
