//! `sealift registry can-i`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use sealift_access::{
    AccessSettings, Action, Denial, Gatekeeper, Kind, Parts, Principal, RecordFile, RobotSettings,
    Robots, Thing, robot_principal,
};
use sealift_keeping::Request;
use sealift_registry::configuration::{Configuration, StoragePlace};
use serde_json::{Map, Value, json};

use super::access::rules;
use super::config::read_file;
use super::keeping::done_in;
use super::users::{text_of, wait};
use crate::failure::{FINDINGS, Usage};
use crate::printer::Printer;
use sealift_arguments::{RegistryCanI, TextOrJson};

pub(super) fn run(arguments: &RegistryCanI, printer: &Printer) -> anyhow::Result<ExitCode> {
    let action = Action::of_name(&arguments.action).ok_or_else(|| {
        Usage::error(
            format!("`{}` is no action", arguments.action),
            "the actions are pull, push, delete and admin",
        )
    })?;
    let (settings, robots, is_open) = if arguments.config.is_some() {
        of_configuration(arguments)?
    } else {
        let rules = rules(&arguments.rules)?;
        (AccessSettings { rules, ..AccessSettings::default() }, RobotPlaces::default(), false)
    };
    let principal = principal(arguments, &settings, &robots)?;
    let parts = Parts { rules: settings.rules, is_open, ..Parts::default() };
    let thing = thing(arguments)?;
    let decision = Gatekeeper::new(parts).decide(&principal, action, thing);
    let (is_allowed, rule) = (decision.is_allowed(), decision.rule());
    match arguments.format {
        TextOrJson::Text => {
            let why = match (rule, is_allowed) {
                (Some(rule), _) => format!("the rule `{rule}`"),
                (None, true) if is_open => "anybody may do everything".to_owned(),
                (None, true) => "there are no rules, so that users may do this".to_owned(),
                (None, false) => "no rule allows it".to_owned(),
            };
            printer.data(&format!("{}: {why}\n", if is_allowed { "yes" } else { "no" }))?;
        }
        TextOrJson::Json => {
            printer.data(&format!("{:#}\n", json!({ "allowed": is_allowed, "rule": rule })))?;
        }
    }
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

// Rules and groups, robots, and whether nobody has to say who they are.
fn of_configuration(
    arguments: &RegistryCanI,
) -> anyhow::Result<(AccessSettings, RobotPlaces, bool)> {
    let path = arguments.config.as_deref().unwrap_or(std::path::Path::new(""));
    let reading = read_file(path)?;
    let file = path.display().to_string();
    let unusable = |text: String| {
        Usage::error(text, format!("`sealift registry config check {file}` shows all findings"))
    };
    let Some(configuration) = reading.configuration else {
        let first = reading.findings.first().map(|finding| finding.line(&file));
        return Err(unusable(first.unwrap_or_default()));
    };
    let settings: AccessSettings =
        configuration.own.section("access").map_err(|finding| unusable(finding.line(&file)))?;
    let robots: RobotSettings =
        configuration.own.section("robots").map_err(|finding| unusable(finding.line(&file)))?;
    let folder = match &configuration.storage.place {
        StoragePlace::Folder(folder) => Some(folder.clone()),
        _ => None,
    };
    let file = folder.as_ref().map(|folder| robots.path(folder)).or(robots.file);
    let robots = RobotPlaces { file, folder };
    let is_open = is_open(&configuration);
    Ok((settings, robots, is_open))
}

// Where robots may be: a file, and the folder of a registry.
#[derive(Default)]
struct RobotPlaces {
    file: Option<PathBuf>,
    folder: Option<PathBuf>,
}

impl RobotPlaces {
    // None if no robots are kept anywhere.
    fn find(&self, name: &str) -> anyhow::Result<Option<Result<Principal, Denial>>> {
        let depot = self.folder.as_ref().filter(|folder| folder.join("meta.db").exists());
        if let Some(folder) = depot {
            let rows = done_in(folder, sealift_depot::Rules::default(), &Request::Robots)?.rows;
            if let Some(row) = rows.iter().find(|row| text_of(row, "name") == name) {
                return Ok(Some(of_row(row, name)));
            }
        }
        let Some(path) = &self.file else { return Ok(None) };
        let robots = Robots::new(Arc::new(RecordFile::new(path)));
        Ok(Some(wait(robots.find(name, Timestamp::now()))?))
    }
}

fn of_row(row: &Map<String, Value>, name: &str) -> Result<Principal, Denial> {
    if row.get("expired") != Some(&Value::Bool(false)) {
        return Err(Denial::Wrong("the robot's token has expired"));
    }
    let permissions = row.get("permissions").and_then(Value::as_array).into_iter().flatten();
    let permissions = permissions.filter_map(Value::as_str).map(str::to_owned);
    robot_principal(name, &permissions.collect::<Vec<_>>())
}

fn is_open(configuration: &Configuration) -> bool {
    let is_asked = ["robots", "tokens", "oidc", "certificates"];
    configuration.auth.is_none() && !is_asked.iter().any(|name| configuration.own.has(name))
}

fn principal(
    arguments: &RegistryCanI,
    settings: &AccessSettings,
    robots: &RobotPlaces,
) -> anyhow::Result<Principal> {
    let name = arguments.user.as_str();
    let kind = match name.split_once(':') {
        _ if name == "anonymous" => return Ok(Principal::ANONYMOUS),
        Some(("robot", robot)) => {
            let Some(found) = robots.find(robot)? else {
                return Ok(Principal { kind: Kind::Robot, ..Principal::user(name) });
            };
            return found.map_err(|denial| {
                let text = format!("`{name}` cannot come in: {}", denial.as_str());
                Usage::error(text, "`sealift registry robot list` shows all")
            });
        }
        Some(("workload", _)) => Kind::Workload,
        Some(("certificate", _)) => Kind::Certificate,
        _ => Kind::User,
    };
    let is_in =
        |names: &Vec<String>| kind == Kind::User && names.iter().any(|member| member == name);
    let groups = settings.groups.iter().filter(|(_, names)| is_in(names));
    let groups = groups.map(|(group, _)| group.clone()).chain(arguments.groups.iter().cloned());
    let claim = |text: &String| {
        let fault =
            || Usage::error(format!("`{text}` is no claim"), "write it as `repository=acme/app`");
        let (name, value) = text.split_once('=').ok_or_else(fault)?;
        anyhow::Ok((name.to_owned(), value.to_owned()))
    };
    let claims = arguments.claims.iter().map(claim).collect::<anyhow::Result<_>>()?;
    Ok(Principal { kind, groups: groups.collect(), claims, ..Principal::user(name) })
}

fn thing(arguments: &RegistryCanI) -> anyhow::Result<Thing<'_>> {
    let place = arguments.place.as_str();
    if arguments.of_all {
        return match place {
            "catalog" => Ok(Thing::Catalog),
            "server" => Ok(Thing::Server),
            _ => Err(Usage::error(
                format!("`{place}` is not about all repositories"),
                "with --of-all it is `catalog` or `server`",
            )),
        };
    }
    Ok(match place.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => Thing::Tag(repository, tag),
        _ => Thing::Repository(place),
    })
}
