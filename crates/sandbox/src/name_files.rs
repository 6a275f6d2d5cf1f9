//! `/etc/resolv.conf`, `/etc/hosts` and `/etc/hostname` as the command sees them.
//!
//! They are copies in memory: the command may write to them, as under Docker, without touching the host's.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Result;

use crate::root::isolated;
use crate::spec::Spec;

/// Their names below `/etc`.
pub(crate) const NAMES: [&str; 3] = ["resolv.conf", "hosts", "hostname"];

/// More than any real one; some machines block whole advertising networks in `/etc/hosts`.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
const LOOPBACK: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/// Writes the three files into `directory`.
pub(crate) fn write(directory: BorrowedFd<'_>, spec: &Spec) -> Result<()> {
    let hostname = &spec.hostname;
    let mut hosts = match host_file("/etc/hosts") {
        // In the host's network its names hold; on closed networks they are often the only ones.
        Some(hosts) if !isolated(spec.network) => hosts,
        _ => LOOPBACK.as_bytes().to_vec(),
    };
    if hosts.last().is_some_and(|last| *last != b'\n') {
        hosts.push(b'\n');
    }
    hosts.extend(format!("127.0.0.1\t{hostname}\n").into_bytes());
    let resolv_conf = host_file("/etc/resolv.conf").unwrap_or_default();
    let contents = [resolv_conf, hosts, format!("{hostname}\n").into_bytes()];
    for (name, content) in NAMES.iter().zip(contents) {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(directory, *name, flags, Mode::from_raw_mode(0o644))?;
        write_all(file.as_fd(), &content)?;
    }
    Ok(())
}

fn host_file(path: &str) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path).ok()?.take(BYTES_MAX).read_to_end(&mut content).ok()?;
    Some(content)
}

fn write_all(file: BorrowedFd<'_>, mut content: &[u8]) -> Result<()> {
    while !content.is_empty() {
        let n_written = rustix::io::write(file, content)?;
        content = &content[n_written..];
    }
    Ok(())
}
