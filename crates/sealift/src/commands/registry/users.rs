//! `sealift registry user` and `sealift registry robot`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use sealift_access::{RecordFile, Robots, add_user, list_users, remove_user};
use sealift_crypto::Secret;
use serde_json::json;

use crate::failure::Usage;
use crate::passphrase::{ask, first_line, is_interactive};
use crate::printer::Printer;
use sealift_arguments::{
    RegistryRobot, RegistryUser, RobotAdd, RobotList, RobotRemove, TextOrJson, UserAdd,
};

pub(super) fn user(command: &RegistryUser, printer: &Printer) -> anyhow::Result<ExitCode> {
    match command {
        RegistryUser::Add(add) => {
            let was_there = add_user(&add.file, &add.name, &password(add)?)?;
            let done = if was_there { "has another password" } else { "was added" };
            printer.message(&format!("`{}` {done} in `{}`", add.name, add.file.display()));
        }
        RegistryUser::Remove(remove) => {
            existing(&remove.file)?;
            if !remove_user(&remove.file, &remove.name)? {
                return Err(nobody("user", &remove.name, &remove.file));
            }
            printer.message(&format!("`{}` was removed", remove.name));
        }
        RegistryUser::List(list) => {
            let mut names = list_users(&list.file)?;
            // A line end after the last one, too.
            names.push(String::new());
            printer.data_if_any(&names.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn password(add: &UserAdd) -> anyhow::Result<Secret> {
    let path = match (&add.password_file, add.password_fd) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(number)) => Some(PathBuf::from(format!("/dev/fd/{number}"))),
        (None, None) => None,
    };
    if let Some(path) = path {
        let place = path.display();
        return first_line(&path)
            .with_context(|| format!("cannot read the password from `{place}`"));
    }
    if !is_interactive() {
        return Err(Usage::error(
            "there is nobody to ask for the password",
            "give --password-file FILE or --password-fd NUMBER",
        ));
    }
    let first = ask(&format!("Password for {}: ", add.name))?;
    if ask("The same again: ")? != first {
        return Err(Usage::error("the two passwords differ", "try again"));
    }
    Ok(Secret::from(first))
}

pub(super) fn robot(command: &RegistryRobot, printer: &Printer) -> anyhow::Result<ExitCode> {
    match command {
        RegistryRobot::Add(add) => add_robot(add, printer)?,
        RegistryRobot::Remove(remove) => remove_robot(remove, printer)?,
        RegistryRobot::List(list) => list_robots(list, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add_robot(add: &RobotAdd, printer: &Printer) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let expires = add.expires.map(|seconds| now.saturating_add(SignedDuration::from_secs(seconds)));
    let expires = expires.transpose().context("the time is too far away")?;
    let made = wait(robots(&add.file).add(&add.name, &add.permissions, expires, now))?;
    let token = made.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => {
            Usage::error(error.to_string(), "a permission is written as `team/**:pull,push`")
        }
        std::io::ErrorKind::AlreadyExists => {
            Usage::error(error.to_string(), "remove it first, or choose another name")
        }
        _ => anyhow::Error::new(error).context(format!("cannot change `{}`", add.file.display())),
    })?;
    printer.data(&format!("{token}\n"))?;
    let end = expires.map_or("never ends".to_owned(), |end| format!("ends at {}", day(end)));
    printer.message(&format!(
        "this is the token of `robot:{}`; it {end}, and is shown once",
        add.name
    ));
    printer.message(&format!("for docker: docker login -u {} --password-stdin HOST", add.name));
    Ok(())
}

fn remove_robot(remove: &RobotRemove, printer: &Printer) -> anyhow::Result<()> {
    existing(&remove.file)?;
    let removed = wait(robots(&remove.file).remove(&remove.name))?;
    let is_removed =
        removed.with_context(|| format!("cannot change `{}`", remove.file.display()))?;
    if !is_removed {
        return Err(nobody("robot", &remove.name, &remove.file));
    }
    printer.message(&format!("`robot:{}` was removed", remove.name));
    Ok(())
}

fn list_robots(list: &RobotList, printer: &Printer) -> anyhow::Result<()> {
    existing(&list.file)?;
    let found = wait(robots(&list.file).list())?;
    let found = found.with_context(|| format!("cannot read `{}`", list.file.display()))?;
    let now = Timestamp::now();
    let end = |end: Option<Timestamp>| end.map_or("never".to_owned(), |end| end.to_string());
    match list.format {
        TextOrJson::Text => {
            let mut text = String::new();
            for (_, robot) in &found {
                let state = if robot.is_expired(now) { "  (expired)" } else { "" };
                let permissions = robot.permissions.join(" ");
                text += &[&robot.name, "  ", &end(robot.expires), state, "  ", &permissions, "\n"]
                    .concat();
            }
            printer.data_if_any(&text)?;
        }
        TextOrJson::Json => {
            let entry = |(id, robot): &(String, sealift_access::Robot)| {
                json!({
                    "name": robot.name, "id": id, "permissions": robot.permissions,
                    "created": robot.created.to_string(),
                    "expires": robot.expires.map(|end| end.to_string()),
                    "expired": robot.is_expired(now),
                })
            };
            let all: Vec<_> = found.iter().map(entry).collect();
            printer.data(&format!("{:#}\n", json!(all)))?;
        }
    }
    Ok(())
}

fn robots(file: &Path) -> Robots {
    Robots::new(Arc::new(RecordFile::new(file)))
}

/// Waits for what a file answers.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    Ok(runtime.context("cannot start threads")?.block_on(future))
}

fn existing(file: &Path) -> anyhow::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let text = format!("there is no file `{}`", file.display());
    Err(Usage::error(text, "name the file that the registry reads"))
}

fn nobody(kind: &str, name: &str, file: &Path) -> anyhow::Error {
    let text = format!("there is no {kind} `{name}` in `{}`", file.display());
    Usage::error(text, format!("`sealift registry {kind} list {}` shows all", file.display()))
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}
