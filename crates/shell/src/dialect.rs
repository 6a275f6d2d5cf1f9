//! The shells that are told apart.

/// A shell, by what it understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `sh` of any kind: no more than POSIX is sure.
    Posix,
    /// `dash`, which is `sh` of Debian.
    Dash,
    /// `ash` of BusyBox, which is `sh` of Alpine.
    Busybox,
    /// `bash`.
    Bash,
    /// `ksh`.
    Ksh,
}

impl Dialect {
    /// The shell that a program of this name is; `None` for any other program.
    pub fn of_program(name: &str) -> Option<Self> {
        match name {
            "sh" => Some(Self::Posix),
            "dash" => Some(Self::Dash),
            "ash" | "busybox" => Some(Self::Busybox),
            "bash" => Some(Self::Bash),
            "ksh" | "ksh93" | "mksh" => Some(Self::Ksh),
            _ => None,
        }
    }
}
