//! Links the release program at a fixed address.
//!
//! Otherwise 110,000 addresses in its tables (texts, functions, places of panics) are relocated at every start, in 600
//! pages: half of the time that a short command takes. Packed relocations make the file as small, but touch the same
//! pages. What it costs is that the program's own code no longer lies at a random address; heap, stack and libraries
//! still do. Nearly all of that code is memory-safe, and programs written in Go, such as Docker, are linked like this too.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let is_gnu =
        variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    let is_static = variable("CARGO_CFG_TARGET_FEATURE").split(',').any(|it| it == "crt-static");
    if variable("PROFILE") == "release" && is_gnu && !is_static {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
