//! `sealift registry user` and `sealift registry robot`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use sealift_access::{RecordFile, Robots, add_user, list_users, remove_user};
use sealift_crypto::Secret;
use sealift_keeping::{Request, robot_row};
use serde_json::json;

use super::keeping::done;
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
    let token = if let Some(file) = &add.place.file {
        let made = wait(robots(file).add(&add.name, &add.permissions, expires, now))?;
        made.map_err(|error| of_file(error, file))?
    } else {
        let request = Request::AddRobot {
            name: add.name.clone(),
            permissions: add.permissions.clone(),
            expires_secs: expires.map(Timestamp::as_second),
        };
        let answer = done(&add.place.storage, &request).map_err(of_registry)?;
        text_of(&answer.summary, "token")
    };
    printer.data(&format!("{token}\n"))?;
    let end = expires.map_or("never ends".to_owned(), |end| format!("ends at {}", day(end)));
    printer.message(&format!(
        "this is the token of `robot:{}`; it {end}, and is shown once",
        add.name
    ));
    printer.message(&format!("for docker: docker login -u {} --password-stdin HOST", add.name));
    Ok(())
}

const PERMISSION_HINT: &str = "a permission is written as `team/**:pull,push`";
const LIST_HINT: &str =
    "`sealift registry robot list` shows all; names and permissions are in docs/registry-access.md";

fn of_file(error: std::io::Error, file: &Path) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => Usage::error(error.to_string(), PERMISSION_HINT),
        std::io::ErrorKind::AlreadyExists => {
            Usage::error(error.to_string(), "remove it first, or choose another name")
        }
        _ => anyhow::Error::new(error).context(format!("cannot change `{}`", file.display())),
    }
}

fn of_registry(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<sealift_keeping::Error>() {
        Some(sealift_keeping::Error::Wrong(text)) => Usage::error(text.clone(), LIST_HINT),
        _ => error,
    }
}

fn remove_robot(remove: &RobotRemove, printer: &Printer) -> anyhow::Result<()> {
    if let Some(file) = &remove.place.file {
        existing(file)?;
        let removed = wait(robots(file).remove(&remove.name))?;
        let is_removed = removed.map_err(|error| of_file(error, file))?;
        if !is_removed {
            return Err(nobody("robot", &remove.name, file));
        }
    } else {
        let request = Request::RemoveRobot { name: remove.name.clone() };
        done(&remove.place.storage, &request).map_err(of_registry)?;
    }
    printer.message(&format!("`robot:{}` was removed", remove.name));
    Ok(())
}

fn list_robots(list: &RobotList, printer: &Printer) -> anyhow::Result<()> {
    let rows = match &list.place.file {
        Some(file) => {
            existing(file)?;
            let found = wait(robots(file).list())?;
            let found = found.with_context(|| format!("cannot read `{}`", file.display()))?;
            found.iter().map(|(id, robot)| robot_row(id, robot, Timestamp::now())).collect()
        }
        None => done(&list.place.storage, &Request::Robots).map_err(of_registry)?.rows,
    };
    if list.place.storage.format == TextOrJson::Json {
        printer.data(&format!("{:#}\n", json!(rows)))?;
        return Ok(());
    }
    let mut text = String::new();
    for row in &rows {
        let permissions = row.get("permissions").and_then(serde_json::Value::as_array);
        let permissions = permissions.into_iter().flatten().filter_map(serde_json::Value::as_str);
        let end = match text_of(row, "expires") {
            end if end.is_empty() => "never".to_owned(),
            end => end,
        };
        let is_over = row.get("expired").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let state = if is_over { "  (expired)" } else { "" };
        let permissions = permissions.collect::<Vec<_>>().join(" ");
        text += &[&text_of(row, "name"), "  ", &end, state, "  ", &permissions, "\n"].concat();
    }
    printer.data_if_any(&text)?;
    Ok(())
}

/// A text of an answer; empty if it has none.
pub(super) fn text_of(row: &serde_json::Map<String, serde_json::Value>, name: &str) -> String {
    row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
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
    Usage::error(text, format!("`sealift registry {kind} list` shows all"))
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}
