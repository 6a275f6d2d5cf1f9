//! Files that no package lists and that are there for a known reason: databases, caches, what is made when packages are
//! set up, what the system makes when it starts.

/// A reason, and where it holds.
pub struct Explanation {
    /// Which files.
    pub place: Place,
    /// Why they are there.
    pub reason: &'static str,
}

/// Which files; without a slash at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everything below this directory.
    Below(&'static str),
    /// This file, and what differs from it by an ending such as `-` or `.old`.
    File(&'static str),
    /// Files of this name anywhere.
    Named(&'static str),
}

use Place::{Below, File, Named};

/// All of them.
pub const EXPLANATIONS: &[Explanation] = &[
    because("package database", Below("var/lib/dpkg")),
    because("package database", Below("var/lib/apt")),
    because("package database", Below("lib/apk/db")),
    because("package database", Below("usr/lib/apk/db")),
    because("package database", Below("var/lib/rpm")),
    because("package database", Below("usr/lib/sysimage")),
    because("package database", Below("usr/share/rpm")),
    because("package database", Below("var/lib/rpmmanifest")),
    because("package database", Below("var/lib/pacman")),
    because("package database", Below("var/db/pkg")),
    because("package database", Below("var/lib/dnf")),
    because("package database", Below("var/lib/yum")),
    because("package database", Below("var/lib/zypp")),
    because("package database", Below("nix/var/nix")),
    because("package database", Below("usr/lib/opkg")),
    because("package database", Named(".package-lock.json")),
    because("package database", Named(".yarn-integrity")),
    because("package database", Named(".modules.yaml")),
    because("package sources", Below("etc/apt")),
    because("package sources", Below("etc/apk")),
    because("package sources", Below("etc/yum.repos.d")),
    because("cache", Below("var/cache")),
    because("cache", File("etc/ld.so.cache")),
    because("cache", Named("icon-theme.cache")),
    because("cache", Named("gconv-modules.cache")),
    because("cache", Named("loaders.cache")),
    because("cache", Named("immodules.cache")),
    because("cache", Named("gschemas.compiled")),
    because("cache", Named("mimeinfo.cache")),
    because("cache", Named("giomodule.cache")),
    because("cache", Below("usr/share/mime")),
    because("cache", File("usr/share/info/dir")),
    because("cache", Named("classes.jsa")),
    because("log", Below("var/log")),
    because("accounts", File("etc/passwd")),
    because("accounts", File("etc/group")),
    because("accounts", File("etc/shadow")),
    because("accounts", File("etc/gshadow")),
    because("accounts", File("etc/subuid")),
    because("accounts", File("etc/subgid")),
    because("accounts", File("etc/.pwd.lock")),
    because("made when packages are set up", File("etc/shells")),
    because("made when packages are set up", File("etc/environment")),
    because("made when packages are set up", File("etc/nsswitch.conf")),
    because("made when packages are set up", File("etc/ca-certificates.conf")),
    because("made when packages are set up", Below("etc/ssl/certs")),
    because("made when packages are set up", Below("etc/pki/ca-trust/extracted")),
    because("made when packages are set up", Below("etc/alternatives")),
    because("made when packages are set up", Below("etc/pam.d")),
    because("made when packages are set up", Below("etc/systemd/system")),
    because("made when packages are set up", Below("var/lib/systemd")),
    because("made when packages are set up", Below("var/lib/pam")),
    because("made when packages are set up", Below("var/lib/ucf")),
    because("made when packages are set up", Below("var/lib/python")),
    because("made when packages are set up", Below("var/lib/emacsen-common")),
    because("made when packages are set up", Below("var/lib/ghc")),
    because("made when packages are set up", Below("var/lib/xml-core")),
    because("made when packages are set up", Below("var/lib/sgml-base")),
    because("made when packages are set up", Below("etc/xml")),
    because("made when packages are set up", Below("etc/sgml")),
    because("made when packages are set up", Below("usr/lib/locale")),
    because("made when packages are set up", Below("etc/X11/Xsession.d")),
    because("made when packages are set up", File("etc/issue")),
    because("made when packages are set up", File("etc/motd")),
    because("made when packages are set up", File("etc/profile")),
    because("made when packages are set up", File("etc/nanorc")),
    because("made when packages are set up", Below("etc/skel")),
    because("home of root, from templates", File("root/.bashrc")),
    because("home of root, from templates", File("root/.profile")),
    because("made when packages are set up", Below("etc/logrotate.d")),
    because("identity of the machine", File("etc/machine-id")),
    because("identity of the machine", File("var/lib/dbus/machine-id")),
    because("identity of the machine", File("etc/hostname")),
    because("identity of the machine", File("etc/hosts")),
    because("identity of the machine", File("etc/resolv.conf")),
    because("identity of the machine", File("etc/localtime")),
    because("identity of the machine", File("etc/timezone")),
    because("identity of the machine", File("etc/mtab")),
    because("identity of the machine", File("etc/fstab")),
    because("identity of the machine", File("etc/os-release")),
    because("identity of the machine", File("etc/adjtime")),
    because("made by container runtimes", File(".dockerenv")),
];

const ENDINGS: [&[u8]; 6] = [b"", b"-", b"~", b".old", b".dpkg-old", b".apk-new"];

const fn because(reason: &'static str, place: Place) -> Explanation {
    Explanation { place, reason }
}

/// Why a file is there, if the table knows.
pub(crate) fn explanation(path: &[u8]) -> Option<&'static str> {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let holds = |place: Place| match place {
        Below(directory) => {
            path.strip_prefix(directory.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
        }
        File(file) => {
            path.strip_prefix(file.as_bytes()).is_some_and(|rest| ENDINGS.contains(&rest))
        }
        Named(known) => name == known.as_bytes(),
    };
    EXPLANATIONS.iter().find(|known| holds(known.place)).map(|known| known.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(explanation(path.as_bytes()), expected, "{path}");
        };
        check("var/lib/dpkg/status", Some("package database"));
        check("var/lib/dpkgx", None);
        check("srv/var/lib/dpkg/status", None);
        check("etc/passwd", Some("accounts"));
        check("etc/passwd-", Some("accounts"));
        check("etc/passwd.mine", None);
        check("a/node_modules/.package-lock.json", Some("package database"));
        check("node_modules/x.package-lock.json", None);
        check("", None);
    }
}
