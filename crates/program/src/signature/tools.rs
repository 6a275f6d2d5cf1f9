//! Shells and tools.

use super::{Signature, signature};

pub(super) const SIGNATURES: &[Signature] = &[
    signature(
        "busybox",
        &["busybox", "busybox-*"],
        &[r"BusyBox v([0-9]+\.[0-9]+\.[0-9]+)"],
        "busybox:busybox",
    ),
    signature(
        "bash",
        &["bash", "rbash", "bash-static"],
        &[r"@\(#\)Bash version ([0-9]+\.[0-9]+\.[0-9]+)"],
        "gnu:bash",
    ),
    signature(
        "zsh",
        &["zsh", "zsh5", "zsh-static", "zsh-5*"],
        &[r"\x00(5\.[0-9](?:\.[0-9])?)\x00zsh %s \(", r"/zsh/(5\.[0-9](?:\.[0-9])?)\x00"],
        "zsh:zsh",
    ),
    signature(
        "coreutils",
        &["coreutils", "ls", "cat", "cp", "mv", "rm", "install", "sort", "du", "sha256sum"],
        &[r"\x00([5-9]\.[0-9]{1,2})\x00"],
        "gnu:coreutils",
    )
    .needs("GNU coreutils"),
    signature(
        "util-linux",
        &["mount", "lsblk", "lscpu", "losetup", "fdisk", "findmnt", "blkid", "unshare", "nsenter"],
        &[r"util-linux ([0-9]+\.[0-9]+(?:\.[0-9]+)?)"],
        "kernel:util-linux",
    ),
    signature(
        "systemd",
        &["systemd", "systemctl", "systemd-hwdb", "udevadm", "libsystemd-shared-*.so"],
        &[r"systemd ([0-9]{3}(?:\.[0-9]+)?) \(", r"systemd-udevd version ([0-9]{3}(?:\.[0-9]+)?)"],
        "systemd_project:systemd",
    ),
    signature(
        "curl",
        &["curl"],
        &[r"\x00curl/([0-9]+\.[0-9]+\.[0-9]+)", r"curl ([0-9]+\.[0-9]+\.[0-9]+) \("],
        "haxx:curl",
    ),
    signature(
        "wget",
        &["wget"],
        &[r"\x00(1\.[0-9]{2}(?:\.[0-9]{1,2})?)\x00", r"Wget/(1\.[0-9]{2}(?:\.[0-9]{1,2})?)"],
        "gnu:wget",
    )
    .needs("GNU Wget"),
    signature(
        "git",
        &["git"],
        &[r"git/([0-9]+\.[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-rc[0-9]+|\.rc[0-9]+)?)\x00"],
        "git-scm:git",
    ),
    signature(
        "jq",
        &["jq", "jq-linux*", "libjq.so*"],
        &[
            r"\x00(?:jq-)?(1\.[0-9](?:\.[0-9])?(?:rc[0-9])?)\x00(?:DEBUG:|jq-%s|libjq)",
            r"jq-(1\.[0-9](?:\.[0-9])?)\x00",
        ],
        "jqlang:jq",
    ),
    signature(
        "ffmpeg",
        &[
            "ffmpeg",
            "ffprobe",
            "ffplay",
            "ffmpeg-*",
            "libavcodec.so*",
            "libavutil.so*",
            "libavformat.so*",
        ],
        &[
            r"FFmpeg version n?([0-9]+\.[0-9]+(?:\.[0-9]+)?)",
            r"%s version n?([0-9]+\.[0-9]+(?:\.[0-9]+)?)[^\x00]{0,80}\x00",
        ],
        "ffmpeg:ffmpeg",
    ),
    signature(
        "imagemagick",
        &["magick", "libMagickCore-*.so*"],
        &[r"ImageMagick ([67]\.[0-9]+\.[0-9]+-[0-9]+)", r"/ImageMagick-([67]\.[0-9]+\.[0-9]+)/"],
        "imagemagick:imagemagick",
    ),
    signature(
        "binutils",
        &[
            "ld",
            "ld.bfd",
            "ld.gold",
            "as",
            "objdump",
            "readelf",
            "strip",
            "*-linux-gnu-ld*",
            "*-linux-gnu-as",
            "*-linux-gnu-objdump",
            "*-linux-gnu-readelf",
            "libbfd-*.so",
        ],
        &[r"\(GNU Binutils[^)\x00]{0,40}\) ([0-9]+\.[0-9]+(?:\.[0-9]+)?)"],
        "gnu:binutils",
    ),
    signature(
        "gdb",
        &["gdb", "gdbserver"],
        &[r"\x00((?:[789]|1[0-9])\.[0-9])\x00", r"/gdb-([0-9]+\.[0-9]+)/gdb/"],
        "gnu:gdb",
    )
    .needs("GNU gdb"),
    signature(
        "qemu",
        &[
            "qemu-system-*",
            "qemu-img",
            "qemu-nbd",
            "qemu-*-static",
            "qemu-x86_64",
            "qemu-aarch64",
            "qemu-arm",
        ],
        &[
            r"QEMU emulator version ([0-9]+\.[0-9]+\.[0-9]+)",
            r"QEMU v([0-9]+\.[0-9]+\.[0-9]+)",
            r"qemu-[a-z0-9_-]+ version ([0-9]+\.[0-9]+\.[0-9]+)",
        ],
        "qemu:qemu",
    ),
    signature(
        "chromedriver",
        &["chromedriver", "chromedriver_*", "chromedriver-*"],
        &[
            r"\x00([0-9]{2,3}\.[0-9]\.[0-9]{3,5}\.[0-9]{1,3}) \(",
            r"\x00([0-9]{2,3}\.[0-9]\.[0-9]{3,5}\.[0-9]{1,3})\x00",
        ],
        "chromedriver:chromedriver",
    )
    .needs("ChromeDriver"),
    signature(
        "chromium",
        &["chrome", "chromium", "headless_shell", "chrome-headless-shell"],
        &[r"\x00([0-9]{2,3}\.[0-9]\.[0-9]{3,5}\.[0-9]{1,3})\x00"],
        "google:chrome",
    )
    .needs("HeadlessChrome"),
    signature(
        "tini",
        &["tini", "tini-*", "docker-init"],
        &[r"tini version ([0-9]+\.[0-9]+\.[0-9]+)"],
        "",
    ),
    signature("catatonit", &["catatonit"], &[r"\x00([0-9]+\.[0-9]+\.[0-9]+)\x00tini version"], ""),
    signature(
        "crun",
        &["crun"],
        &[r"\x00([0-9]+\.[0-9]+(?:\.[0-9]+)?)\x00%s version"],
        "crun_project:crun",
    ),
    signature(
        "sudo",
        &["sudo", "sudoers.so", "cvtsudoers"],
        &[
            r"sudoers ([0-9]+\.[0-9]+\.[0-9]+(?:p[0-9]+)?)\x00",
            r"%s version %s\n\x00([0-9]+\.[0-9]+\.[0-9]+(?:p[0-9]+)?)\x00",
        ],
        "sudo_project:sudo",
    ),
    signature(
        "rsync",
        &["rsync"],
        &[r"\x00(3\.[0-9]{1,2}\.[0-9]{1,2}(?:pre[0-9])?)\x00"],
        "samba:rsync",
    )
    .needs("rsync"),
    signature(
        "tar",
        &["tar", "gtar", "rmt-tar"],
        &[r"\x00(1\.[0-9]{2}(?:\.[0-9])?)\x00", r"\(GNU tar\) (1\.[0-9]{2})"],
        "gnu:tar",
    )
    .needs("GNU tar"),
    signature(
        "grep",
        &["grep", "egrep", "fgrep"],
        &[r"\x00([2-9]\.[0-9]{1,2})\x00GNU grep", r"GNU grep[^0-9]{0,8}([2-9]\.[0-9]{1,2})"],
        "gnu:grep",
    ),
    signature("gawk", &["gawk", "awk"], &[r"GNU Awk ([0-9]+\.[0-9]+\.[0-9]+)"], "gnu:gawk"),
    signature(
        "findutils",
        &["find", "xargs"],
        &[r"GNU findutils\x00([0-9]+\.[0-9]+\.[0-9]+)\x00"],
        "gnu:findutils",
    ),
    signature(
        "procps",
        &["ps", "top", "pgrep", "free"],
        &[r"procps-ng ([0-9]+\.[0-9]+\.[0-9]+)"],
        "procps-ng_project:procps-ng",
    ),
    signature(
        "gnupg",
        &["gpg", "gpgv", "gpg-agent", "dirmngr"],
        &[r"@GNUPG@\)\x00([0-9]+\.[0-9]+\.[0-9]+)\x00"],
        "gnupg:gnupg",
    ),
    signature(
        "xz",
        &["xz", "lzmainfo", "xzdec"],
        &[r"\(XZ Utils\) ([0-9]+\.[0-9]+\.[0-9]+)"],
        "tukaani:xz",
    ),
    signature(
        "zstd",
        &["zstd", "pzstd", "libzstd.so*"],
        &[r"\x00v?(1\.[0-9]\.[0-9]{1,2})\x00(?:Zstandard CLI|PZSTD version|\x00)"],
        "facebook:zstandard",
    ),
    signature(
        "bzip2",
        &["libbz2.so*", "bzip2"],
        &[r"\x00(1\.[0-9]\.[0-9]), [0-9]{1,2}-[A-Z][a-z]{2}-20"],
        "bzip:bzip2",
    ),
    signature(
        "ripgrep",
        &["rg"],
        &[r"([0-9]{2}\.[0-9]\.[0-9])\n?(?:ripgrep|\nripgrep)"],
        "ripgrep_project:ripgrep",
    ),
    signature("vim", &["vim", "vim.*", "vi"], &[r"VIM - Vi IMproved ([0-9]+\.[0-9]+)"], "vim:vim"),
    signature(
        "cmake",
        &["cmake", "ctest", "cpack"],
        &[r"share/cmake-([0-9]+\.[0-9]+)\x00", r"\x00([34]\.[0-9]{1,2}\.[0-9]{1,2})\x00"],
        "kitware:cmake",
    )
    .needs("CMAKE_ROOT"),
];
