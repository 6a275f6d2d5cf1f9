//! `passwd`, `group` and their shadows: Debian's own users from base-passwd, `nonroot`, and the recipe's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sealift_archive::RelativePath;

use crate::recipe::User;
use crate::system::add;
use crate::tree::{Node, Tree};

/// The unprivileged user that minimal images have by custom.
pub(crate) const NONROOT: u32 = 65532;

/// Group `shadow` of base-passwd.
const GID_SHADOW: u32 = 42;

const PASSWD_MINIMAL: &str =
    "root:*:0:0:root:/root:/bin/sh\nnobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP_MINIMAL: &str =
    "root:*:0:\ntty:*:5:\nmail:*:8:\nshadow:*:42:\nutmp:*:43:\nstaff:*:50:\nnogroup:*:65534:\n";

/// Writes the four files and makes the homes. Returns what the recipe's users clash with.
pub(crate) fn add_accounts(tree: &mut Tree, recipe_users: &[User]) -> Vec<String> {
    let master = |tree: &Tree, path: &str, minimal: &str| match tree.read(path) {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => minimal.to_owned(),
    };
    let passwd = master(tree, "usr/share/base-passwd/passwd.master", PASSWD_MINIMAL);
    let group = master(tree, "usr/share/base-passwd/group.master", GROUP_MINIMAL);
    let mut accounts = Accounts {
        has_bash: tree.at("usr/bin/bash").is_some(),
        has_nologin: tree.at("usr/sbin/nologin").is_some(),
        ..Accounts::default()
    };
    for line in group.lines() {
        accounts.take_group(line);
    }
    for line in passwd.lines() {
        accounts.take_user(line);
    }
    let mut clashes = Vec::new();
    let own = own_users(tree);
    for user in own.iter().chain(recipe_users) {
        // From base-passwd 3.6 on, Debian's own list has `_apt`.
        if accounts.user_names.contains(&user.name) && own.iter().any(|own| own.name == user.name) {
            continue;
        }
        match accounts.add_user(user) {
            Ok(()) => add_home(tree, user),
            Err(clash) => clashes.push(clash),
        }
    }
    for (path, text, mode, gid) in [
        ("etc/passwd", &accounts.passwd, 0o644, 0),
        ("etc/group", &accounts.group, 0o644, 0),
        ("etc/shadow", &accounts.shadow, 0o640, GID_SHADOW),
        ("etc/gshadow", &accounts.gshadow, 0o640, GID_SHADOW),
    ] {
        add(tree, path, Node::file(text.as_str(), mode).owned_by(0, gid));
    }
    clashes
}

fn own_users(tree: &Tree) -> Vec<User> {
    let mut users = vec![User {
        name: "nonroot".to_owned(),
        uid: NONROOT,
        gid: None,
        home: "/home/nonroot".to_owned(),
        shell: "/usr/sbin/nologin".to_owned(),
    }];
    // apt drops to this user; its script takes the first free number.
    if tree.at("usr/bin/apt-get").is_some() {
        users.push(User {
            name: "_apt".to_owned(),
            uid: 100,
            gid: Some(65534),
            home: "/nonexistent".to_owned(),
            shell: "/usr/sbin/nologin".to_owned(),
        });
    }
    users
}

fn add_home(tree: &mut Tree, user: &User) {
    let Ok(home) = RelativePath::parse(user.home.as_bytes()) else { return };
    let Some(home) = home.as_str().filter(|home| !home.is_empty() && *home != "nonexistent") else {
        return;
    };
    add(tree, home, Node::directory(0o700).owned_by(user.uid, user.gid.unwrap_or(user.uid)));
}

#[derive(Default)]
struct Accounts {
    passwd: String,
    group: String,
    shadow: String,
    gshadow: String,
    user_names: BTreeSet<String>,
    uids: BTreeSet<u32>,
    group_names: BTreeSet<String>,
    gids: BTreeSet<u32>,
    has_bash: bool,
    has_nologin: bool,
}

impl Accounts {
    // The last password change is left empty: a date would make the image depend on the day, and 0 asks for a new one.
    fn take_user(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, gecos, home, shell] = fields[..] else { return };
        let shell = self.shell(shell);
        let _ = writeln!(self.passwd, "{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}");
        let _ = writeln!(self.shadow, "{name}:*::0:99999:7:::");
        self.user_names.insert(name.to_owned());
        self.uids.extend(uid.parse::<u32>());
    }

    fn take_group(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = fields[..] else { return };
        let _ = writeln!(self.group, "{name}:x:{gid}:{members}");
        let _ = writeln!(self.gshadow, "{name}:*::{members}");
        self.group_names.insert(name.to_owned());
        self.gids.extend(gid.parse::<u32>());
    }

    fn add_user(&mut self, user: &User) -> Result<(), String> {
        if self.user_names.contains(&user.name) || self.uids.contains(&user.uid) {
            return Err(format!("user `{}` ({}) is there already", user.name, user.uid));
        }
        let gid = user.gid.unwrap_or(user.uid);
        if !self.gids.contains(&gid) {
            if self.group_names.contains(&user.name) {
                return Err(format!("group `{}` is there already with another number", user.name));
            }
            self.take_group(&format!("{}:x:{gid}:", user.name));
        }
        let User { name, uid, home, shell, .. } = user;
        self.take_user(&format!("{name}:x:{uid}:{gid}::{home}:{shell}"));
        Ok(())
    }

    fn shell<'s>(&self, shell: &'s str) -> &'s str {
        match shell {
            "/bin/bash" if !self.has_bash => "/bin/sh",
            "/usr/sbin/nologin" if !self.has_nologin => "/bin/false",
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn user(name: &str, uid: u32) -> User {
        User {
            name: name.to_owned(),
            uid,
            gid: None,
            home: format!("/home/{name}"),
            shell: "/bin/bash".to_owned(),
        }
    }

    fn text(tree: &Tree, path: &str) -> String {
        String::from_utf8(tree.read(path).unwrap()).unwrap()
    }

    #[test]
    fn minimal_image() {
        let mut tree = Tree::default();
        let clashes =
            add_accounts(&mut tree, &[user("app", 1000), user("root", 5), user("b", 1000)]);
        expect![[r"
            root:x:0:0:root:/root:/bin/sh
            nobody:x:65534:65534:nobody:/nonexistent:/bin/false
            nonroot:x:65532:65532::/home/nonroot:/bin/false
            app:x:1000:1000::/home/app:/bin/sh
        "]]
        .assert_eq(&text(&tree, "etc/passwd"));
        expect![[r"
            root:*::0:99999:7:::
            nobody:*::0:99999:7:::
            nonroot:*::0:99999:7:::
            app:*::0:99999:7:::
        "]]
        .assert_eq(&text(&tree, "etc/shadow"));
        assert!(text(&tree, "etc/group").ends_with("nonroot:x:65532:\napp:x:1000:\n"));
        assert_eq!(tree.at("etc/shadow").unwrap().mode, 0o640);
        assert_eq!(tree.at("etc/shadow").unwrap().gid, 42);
        assert_eq!(tree.at("home/nonroot").unwrap().uid, 65532);
        assert_eq!(
            clashes,
            ["user `root` (5) is there already", "user `b` (1000) is there already"]
        );
    }

    #[test]
    fn debian_users_come_from_the_package() {
        let mut tree = Tree::default();
        let passwd = "root:*:0:0:root:/root:/bin/bash\nwww-data:*:33:33:www-data:/var/www:/usr/sbin/nologin\nbroken\n";
        tree.insert(
            crate::tree::literal("usr/share/base-passwd/passwd.master"),
            Node::file(passwd, 0o644),
        );
        tree.insert(crate::tree::literal("usr/bin/bash"), Node::file("x", 0o755));
        tree.insert(crate::tree::literal("usr/sbin/nologin"), Node::file("x", 0o755));
        add_accounts(&mut tree, &[]);
        expect![[r"
            root:x:0:0:root:/root:/bin/bash
            www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
            nonroot:x:65532:65532::/home/nonroot:/usr/sbin/nologin
        "]]
        .assert_eq(&text(&tree, "etc/passwd"));
    }
}
