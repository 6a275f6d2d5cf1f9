//! `/etc/passwd` and `/etc/group` of an image.

use std::io::Read;

use sealift_archive::RelativePath;
use sealift_diagnostic::closest;

use crate::error::{Error, Result};
use crate::tree::{Tree, resolve};

const FILE_BYTES_MAX: u64 = 16 << 20;

/// The accounts of an image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

#[derive(Clone, Debug)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// Who owns a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// As whom a process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) owner: Owner,
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
}

impl Accounts {
    /// Reads the accounts of a file system; a missing file has none.
    pub(crate) fn read(tree: &dyn Tree) -> Result<Self> {
        Ok(Self::parse(&read_file(tree, b"etc/passwd")?, &read_file(tree, b"etc/group")?))
    }

    fn parse(passwd: &str, group: &str) -> Self {
        let users = passwd.lines().filter_map(|line| {
            let fields: Vec<&str> = line.trim().split(':').collect();
            Some(User {
                name: (*fields.first()?).to_owned(),
                uid: fields.get(2)?.parse().ok()?,
                gid: fields.get(3)?.parse().ok()?,
                home: fields.get(5).unwrap_or(&"").to_string(),
            })
        });
        let groups = group.lines().filter_map(|line| {
            let fields: Vec<&str> = line.trim().split(':').collect();
            let members = fields.get(3).unwrap_or(&"").split(',');
            Some(Group {
                name: (*fields.first()?).to_owned(),
                gid: fields.get(2)?.parse().ok()?,
                members: members.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            })
        });
        Self { users: users.collect(), groups: groups.collect() }
    }

    /// Owner that `--chown` asks for: a number without group is its own group, as `BuildKit` has it.
    pub(crate) fn owner(&self, text: &str) -> Result<Owner> {
        let (user, group) = split(text);
        let mut owner = match user.parse() {
            Ok(number) => Owner { uid: number, gid: number },
            Err(_) if user.is_empty() => Owner::default(),
            Err(_) => {
                let user = self.user(user)?;
                Owner { uid: user.uid, gid: user.gid }
            }
        };
        if let Some(group) = group {
            owner.gid = self.gid(group)?;
        }
        Ok(owner)
    }

    /// The process that `USER` asks for.
    pub(crate) fn identity(&self, text: &str) -> Result<Identity> {
        let (user, group) = split(text);
        let known = match user.parse::<u32>() {
            Ok(number) => self.users.iter().find(|user| user.uid == number),
            Err(_) if user.is_empty() => self.users.iter().find(|user| user.uid == 0),
            Err(_) => Some(self.user(user)?),
        };
        let mut owner = known.map_or_else(
            || Owner { uid: user.parse().unwrap_or(0), gid: 0 },
            |user| Owner { uid: user.uid, gid: user.gid },
        );
        let mut groups = Vec::new();
        if let Some(group) = group {
            owner.gid = self.gid(group)?;
        } else if let Some(user) = known {
            let is_member = |group: &&Group| group.members.contains(&user.name);
            groups = self.groups.iter().filter(is_member).map(|group| group.gid).collect();
        }
        let home = known.map(|user| user.home.clone()).filter(|home| !home.is_empty());
        Ok(Identity { owner, groups, home: home.unwrap_or_else(|| "/".to_owned()) })
    }

    fn user(&self, name: &str) -> Result<&User> {
        self.users.iter().find(|user| user.name == name).ok_or_else(|| Error::UnknownUser {
            kind: "user",
            name: name.to_owned(),
            file: "passwd",
            nearest: closest(name, self.users.iter().map(|user| user.name.as_str()))
                .map(str::to_owned),
        })
    }

    fn gid(&self, name: &str) -> Result<u32> {
        if let Ok(number) = name.parse() {
            return Ok(number);
        }
        let found = self.groups.iter().find(|group| group.name == name);
        found.map(|group| group.gid).ok_or_else(|| Error::UnknownUser {
            kind: "group",
            name: name.to_owned(),
            file: "group",
            nearest: closest(name, self.groups.iter().map(|group| group.name.as_str()))
                .map(str::to_owned),
        })
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (text, None),
    }
}

fn read_file(tree: &dyn Tree, path: &[u8]) -> Result<String> {
    let path: RelativePath = resolve(&|path| tree.node(path), path, true)?;
    match tree.node(&path)? {
        Some(node) if node.kind == crate::tree::Kind::File => {}
        _ => return Ok(String::new()),
    }
    let mut bytes = Vec::new();
    let file = tree.open(&path)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(Error::io("read", path.as_path()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::parse(
            "root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:1001:App:/home/app:/bin/sh\n",
            "root:x:0:\nstaff:x:50:app,other\napp:x:1001:\nwheel:x:10:app\n",
        )
    }

    #[test]
    fn owners() {
        let check = |text: &str, uid: u32, gid: u32| {
            assert_eq!(accounts().owner(text).unwrap(), Owner { uid, gid }, "{text}");
        };
        check("app", 1000, 1001);
        check("app:staff", 1000, 50);
        check("app:7", 1000, 7);
        check("5", 5, 5);
        check("5:6", 5, 6);
        check(":staff", 0, 50);
        let error = accounts().owner("ap").unwrap_err();
        assert_eq!(error.to_string(), "there is no user `ap` in the image's `/etc/passwd`");
        assert_eq!(error.hint().unwrap(), "did you mean `app`?");
        assert!(accounts().owner("app:nobody").is_err());
    }

    #[test]
    fn identities() {
        let check = |text: &str, uid, gid, groups: &[u32], home: &str| {
            let expected =
                Identity { owner: Owner { uid, gid }, groups: groups.to_vec(), home: home.into() };
            assert_eq!(accounts().identity(text).unwrap(), expected, "{text}");
        };
        check("", 0, 0, &[], "/root");
        check("app", 1000, 1001, &[50, 10], "/home/app");
        check("1000", 1000, 1001, &[50, 10], "/home/app");
        check("app:staff", 1000, 50, &[], "/home/app");
        check("4711", 4711, 0, &[], "/");
        check("4711:4712", 4711, 4712, &[], "/");
    }
}
