//! Files that should not be in an image, or not as they are.

use sealift_image::{FileFact, FileTree, RemovedHow};

use super::table::{
    CREDENTIAL_FILE, DUPLICATED_BYTES, FILE_CAPABILITY, HIDDEN_BYTES, HOST_KEY, LEFTOVER,
    SETUID_FILE, TOOLS, WRITABLE_BY_ALL,
};
use super::{Findings, Place};

/// Findings of one rule that are told one by one; the rest is a number.
const SHOWN_MAX: usize = 100;
/// Bytes that are worth a word.
const BYTES_MIN: u64 = 1 << 20;

/// Every file of the merged tree, and those that were removed.
pub(super) fn run(tree: &FileTree, findings: &mut Findings) {
    let mut counts = Counts::default();
    for fact in tree.iter() {
        let path = fact.path.to_string();
        let place = Place::File { path: format!("/{path}"), layer: fact.layer };
        if fact.is_file() {
            of_file(&fact, &path, &place, &mut counts, findings);
        }
        let is_open = fact.mode & 0o002 != 0
            && (fact.is_file() || fact.is_directory() && fact.mode & 0o1000 == 0);
        let is_special = ["proc/", "sys/", "dev/"].iter().any(|it| path.starts_with(it));
        if is_open && !fact.is_implied && !is_special && counts.may_show(WRITABLE_BY_ALL.id) {
            let what = if fact.is_directory() { "folder" } else { "file" };
            findings.add(
                &WRITABLE_BY_ALL,
                place,
                format!("everybody can write the {what} `/{path}`"),
            );
        }
    }
    for removed in tree.removed().filter(|removed| removed.how == RemovedHow::Deleted) {
        let path = removed.path.to_string();
        if is_credential(&path) && counts.may_show(CREDENTIAL_FILE.id) {
            let place = Place::File { path: format!("/{path}"), layer: removed.layer };
            let message = format!(
                "`/{path}` looks like credentials; layer {} deletes it, and it is still there",
                removed.by + 1
            );
            findings.add(&CREDENTIAL_FILE, place, message);
        }
    }
    tools(tree, findings);
    counts.tell(findings);
}

fn of_file(
    fact: &FileFact,
    path: &str,
    place: &Place,
    counts: &mut Counts,
    findings: &mut Findings,
) {
    if fact.mode & 0o6000 != 0 && fact.mode & 0o111 != 0 && counts.may_show(SETUID_FILE.id) {
        let bit = if fact.mode & 0o4000 != 0 { "setuid" } else { "setgid" };
        findings.add(&SETUID_FILE, place.clone(), format!("`/{path}` has the {bit} bit"));
    }
    if fact.xattrs.contains_key(b"security.capability".as_slice())
        && counts.may_show(FILE_CAPABILITY.id)
    {
        findings.add(&FILE_CAPABILITY, place.clone(), format!("`/{path}` has capabilities"));
    }
    let name = path.rsplit('/').next().unwrap_or("");
    if path.starts_with("etc/ssh/ssh_host_") && name.ends_with("_key") {
        findings.add(&HOST_KEY, place.clone(), format!("`/{path}` is the key of an ssh server"));
    } else if is_credential(path) && fact.size > 0 && counts.may_show(CREDENTIAL_FILE.id) {
        findings.add(&CREDENTIAL_FILE, place.clone(), format!("`/{path}` looks like credentials"));
    }
    if is_leftover(path) && counts.may_show(LEFTOVER.id) {
        findings.add(
            &LEFTOVER,
            place.clone(),
            format!("`/{path}` is left over from making the image"),
        );
    }
}

/// Whether a file holds credentials, as its whole name says; files of packages, examples and tests do not count.
fn is_credential(path: &str) -> bool {
    const NAMES: [&str; 22] = [
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        ".env",
        ".npmrc",
        ".pypirc",
        ".netrc",
        ".pgpass",
        ".git-credentials",
        ".htpasswd",
        "credentials.json",
        "service-account.json",
        "kubeconfig",
        "database.yml",
        "secrets.yml",
        "secrets.yaml",
        "master.key",
        ".dockercfg",
        "terraform.tfstate",
        "wp-config.php",
        ".vault-token",
    ];
    const ENDINGS: [&str; 9] =
        [".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ovpn", ".ppk", ".private_key", ".rdp"];
    const PLACES: [&str; 5] = [
        ".aws/credentials",
        ".docker/config.json",
        ".kube/config",
        ".azure/credentials",
        "gcloud/credentials.db",
    ];
    const ELSEWHERE: [&str; 9] = [
        "/test/",
        "/tests/",
        "/testdata/",
        "/examples/",
        "/example/",
        "/site-packages/",
        "/dist-packages/",
        "/node_modules/",
        "/doc/",
    ];
    let shown = format!("/{path}");
    if shown.starts_with("/usr/share/")
        || shown.starts_with("/usr/lib/")
        || ELSEWHERE.iter().any(|it| shown.contains(it))
    {
        return false;
    }
    let name = path.rsplit('/').next().unwrap_or("");
    let is_env = name.starts_with(".env.")
        && !name.ends_with(".example")
        && !name.ends_with(".sample")
        && !name.ends_with(".template");
    NAMES.contains(&name)
        || is_env
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
        || PLACES.iter().any(|place| path.ends_with(place))
}

/// Whether a file is there only because the whole folder was copied.
fn is_leftover(path: &str) -> bool {
    const NAMES: [&str; 7] = [
        "Dockerfile",
        "docker-compose.yml",
        "docker-compose.yaml",
        "compose.yaml",
        ".dockerignore",
        ".DS_Store",
        ".vimrc",
    ];
    const FOLDERS: [&str; 3] = ["/.git/HEAD", "/.vscode/settings.json", "/.idea/workspace.xml"];
    let shown = format!("/{path}");
    let is_packaged = ["/usr/share/", "/usr/lib/", "/usr/local/lib/", "/opt/"]
        .iter()
        .any(|it| shown.starts_with(it))
        || shown.contains("/node_modules/");
    let name = path.rsplit('/').next().unwrap_or("");
    !is_packaged && (NAMES.contains(&name) || FOLDERS.iter().any(|it| shown.ends_with(it)))
}

/// A shell and a package manager.
fn tools(tree: &FileTree, findings: &mut Findings) {
    const MANAGERS: [(&str, &str); 8] = [
        ("usr/bin/apt-get", "apt"),
        ("sbin/apk", "apk"),
        ("usr/bin/dnf", "dnf"),
        ("usr/bin/microdnf", "microdnf"),
        ("usr/bin/yum", "yum"),
        ("usr/bin/zypper", "zypper"),
        ("usr/bin/pacman", "pacman"),
        ("usr/local/bin/pip", "pip"),
    ];
    let mut found = Vec::new();
    let mut layer = 0;
    let shells = [("bin/sh", "a shell")];
    for (path, name) in shells.iter().chain(&MANAGERS) {
        if let Some(fact) = tree.resolve_text(path.as_bytes()) {
            found.push(*name);
            layer = layer.max(fact.layer);
        }
    }
    if !found.is_empty() {
        findings.add(&TOOLS, Place::Layer(layer), format!("the image has {}", found.join(", ")));
    }
}

/// Bytes that a layer carries for nothing.
pub(super) fn layers(tree: &FileTree, findings: &mut Findings) {
    for (number, layer) in tree.layers().iter().enumerate() {
        let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
        if layer.hidden_bytes >= BYTES_MIN {
            let count = megabytes(layer.hidden_bytes);
            let message =
                format!("later layers delete or replace {count} MiB of layer {}", number + 1);
            findings.add(&HIDDEN_BYTES, Place::Layer(number), message);
        }
        if layer.duplicated_bytes >= BYTES_MIN {
            let count = megabytes(layer.duplicated_bytes);
            let message =
                format!("layer {} has {count} MiB that layers below have too", number + 1);
            findings.add(&DUPLICATED_BYTES, Place::Layer(number), message);
        }
    }
}

/// How often a rule found something.
#[derive(Default)]
struct Counts {
    of: std::collections::BTreeMap<&'static str, usize>,
}

impl Counts {
    fn may_show(&mut self, id: &'static str) -> bool {
        let count = self.of.entry(id).or_default();
        *count += 1;
        *count <= SHOWN_MAX
    }

    fn tell(&self, findings: &mut Findings) {
        for (id, count) in self.of.iter().filter(|(_, count)| **count > SHOWN_MAX) {
            let Some(rule) = super::RULES.iter().find(|rule| rule.id == *id) else { continue };
            let more = count - SHOWN_MAX;
            findings.add(
                rule,
                Place::Configuration,
                format!("{more} more files like those of {id}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_count() {
        for path in [
            "root/.ssh/id_rsa",
            "app/.env",
            "app/.env.production",
            "root/.aws/credentials",
            "a/x.p12",
        ] {
            assert!(is_credential(path), "{path}");
        }
        for path in [
            "usr/lib/python3/test/id_rsa",
            "app/.env.example",
            "app/id_rsa.pub",
            "var/log/access.log",
            "a/tokenizer.json",
            "app/settings.py",
            "etc/ssl/private/x.pem",
            "usr/share/doc/x/.netrc",
        ] {
            assert!(!is_credential(path), "{path}");
        }
        assert!(is_leftover("app/.git/HEAD") && is_leftover("Dockerfile"));
        assert!(!is_leftover("usr/share/vim/.vimrc") && !is_leftover("app/Dockerfile.go"));
    }
}
