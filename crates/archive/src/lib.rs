//! Hardened readers and reproducible writers: tar, gzip, zstd, xz, zip, ar, whiteouts.
