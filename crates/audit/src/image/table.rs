//! The rules that only images have. Their examples are Dockerfiles whose images have the fault, or have it no more.

use sealift_diagnostic::{Level, Rule};

/// Rules on images alone, in the order of their ids.
pub(crate) const RULES: &[Rule] = &[
    SETUID_FILE,
    EMPTY_PASSWORD,
    SAME_ID,
    CREDENTIAL_FILE,
    LEFTOVER,
    FILE_CAPABILITY,
    WRITABLE_BY_ALL,
    HOST_KEY,
    TOOLS,
    HIDDEN_BYTES,
    DUPLICATED_BYTES,
];

macro_rules! rule {
    ($name:ident, $id:literal, $word:literal, $level:ident, [$($alias:literal),*], $why:literal, $fix:literal, $bad:literal, $good:literal) => {
        pub(super) const $name: Rule = Rule {
            id: $id,
            name: $word,
            level: Level::$level,
            aliases: &[$($alias),*],
            why: $why,
            fix: $fix,
            since: "0.2.0",
            bad: $bad,
            good: $good,
            references: &[],
        };
    };
}

rule!(
    SETUID_FILE,
    "SL8001",
    "setuid-file",
    Info,
    ["CIS-4.8", "CIS-DI-0008"],
    "whoever runs such a program becomes its owner, mostly root",
    "`chmod u-s,g-s` in the instruction that brings it, or run with `no-new-privileges`",
    "FROM alpine:3.22\nCOPY --chmod=4755 tool /usr/bin/tool\n",
    "FROM alpine:3.22\nCOPY --chmod=755 tool /usr/bin/tool\n"
);
rule!(
    EMPTY_PASSWORD,
    "SL8002",
    "empty-password",
    Error,
    ["DKL-LI-0001"],
    "an account without a password is open to whatever asks for one: `su`, `login`, an ssh server",
    "lock the account: `passwd -l NAME`",
    "FROM alpine:3.22\nCOPY <<EOF /etc/shadow\nroot:*::0:::::\napp::20000:0:99999:7:::\nEOF\n",
    "FROM alpine:3.22\nCOPY <<EOF /etc/shadow\nroot:*::0:::::\napp:!:20000:0:99999:7:::\nEOF\n"
);
rule!(
    SAME_ID,
    "SL8003",
    "same-id",
    Warning,
    ["DKL-LI-0002"],
    "two names with one number are one account: what belongs to one belongs to the other",
    "give each its own number",
    "FROM alpine:3.22\nCOPY <<EOF /etc/passwd\nroot:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\nworker:x:1000:1000::/app:/bin/sh\nEOF\n",
    "FROM alpine:3.22\nCOPY <<EOF /etc/passwd\nroot:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\nworker:x:1001:1000::/app:/bin/sh\nEOF\n"
);
rule!(
    CREDENTIAL_FILE,
    "SL8004",
    "credential-file",
    Error,
    ["CIS-4.10", "CIS-DI-0010"],
    "whoever can pull the image has the file, also where a later layer deletes it",
    "keep it out of the build context by `.dockerignore`, mount it as a secret, and change what it holds",
    "FROM alpine:3.22\nCOPY id_ed25519 /root/.ssh/id_ed25519\nRUN git clone git@example.com:team/app /app\nRUN rm /root/.ssh/id_ed25519\n",
    "FROM alpine:3.22\nRUN --mount=type=secret,id=key,target=/root/.ssh/id_ed25519 git clone git@example.com:team/app /app\n"
);
rule!(
    LEFTOVER,
    "SL8005",
    "leftover",
    Info,
    ["DKL-LI-0003"],
    "the image tells how it was made and who made it, and carries bytes that nothing uses",
    "keep it out of the build context by `.dockerignore`",
    "FROM alpine:3.22\nCOPY . /srv/app/\n",
    "FROM alpine:3.22\nCOPY main.py /srv/app/\n"
);
rule!(
    FILE_CAPABILITY,
    "SL8006",
    "file-capability",
    Info,
    [],
    "whoever runs the program gains the capability, if the container has it",
    "`setcap -r FILE`, or drop the capability at run time",
    "FROM alpine:3.22\nCOPY tool /usr/bin/tool\nRUN setcap cap_net_raw+ep /usr/bin/tool\n",
    "FROM alpine:3.22\nCOPY tool /usr/bin/tool\n"
);
rule!(
    WRITABLE_BY_ALL,
    "SL8007",
    "writable-by-all",
    Warning,
    [],
    "whatever breaks into the container changes what others run or read",
    "`chmod o-w`; a folder that all must write to needs the sticky bit",
    "FROM alpine:3.22\nCOPY --chmod=666 settings.json /etc/settings.json\n",
    "FROM alpine:3.22\nCOPY --chmod=644 settings.json /etc/settings.json\n"
);
rule!(
    HOST_KEY,
    "SL8008",
    "ssh-host-key",
    Error,
    [],
    "every container of the image has the same key, and whoever pulls it can stand in for all of them",
    "remove the key in the instruction that installs the server, and make one at the first start",
    "FROM alpine:3.22\nRUN ssh-keygen -A\nCMD [\"/usr/sbin/sshd\", \"-D\"]\n",
    "FROM alpine:3.22\nCMD [\"/bin/sh\", \"-c\", \"ssh-keygen -A && exec /usr/sbin/sshd -D\"]\n"
);
rule!(
    TOOLS,
    "SL8009",
    "tools",
    Info,
    [],
    "a shell and a package manager are what an attacker looks for first",
    "copy the program into an image without them, such as a distroless one or `scratch`",
    "FROM alpine:3.22\nCOPY tool /tool\n",
    "FROM scratch\nCOPY tool /tool\n"
);
rule!(
    HIDDEN_BYTES,
    "SL8010",
    "hidden-bytes",
    Info,
    [],
    "what a later layer deletes or replaces is still pulled, and still there for whoever looks",
    "delete it in the instruction that makes it",
    "FROM alpine:3.22\nCOPY big.tar /tmp/big.tar\nRUN tar -xf /tmp/big.tar -C /opt\nRUN rm /tmp/big.tar\n",
    "FROM alpine:3.22\nRUN --mount=type=bind,source=big.tar,target=/tmp/big.tar tar -xf /tmp/big.tar -C /opt\n"
);
rule!(
    DUPLICATED_BYTES,
    "SL8011",
    "duplicated-bytes",
    Info,
    [],
    "a file that is written again, or whose mode changes, is in both layers",
    "`COPY --chmod --chown`, and change files in the instruction that makes them",
    "FROM alpine:3.22\nCOPY big.tar /opt/big.tar\nRUN chmod 600 /opt/big.tar\n",
    "FROM alpine:3.22\nCOPY --chmod=600 big.tar /opt/big.tar\n"
);
