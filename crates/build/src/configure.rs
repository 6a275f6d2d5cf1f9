//! Instructions that change the config only.

use sealift_dockerfile::{
    Argument, Command, Expose, Healthcheck, InstructionKind, Pairs, Volume, Word,
};
use sealift_oci::Empty;

use crate::error::{Error, Result};
use crate::scope::Outside;
use crate::stage::State;

const PORTS_MAX: usize = 65_536;

/// Changes the config as an instruction says, and gives its text for the history.
pub(crate) fn configure(
    kind: &InstructionKind,
    state: &mut State,
    outside: &Outside,
) -> Result<String> {
    match kind {
        InstructionKind::Env(pairs) => env(pairs, state),
        InstructionKind::Label(pairs) => label(pairs, state),
        InstructionKind::Arg(arguments) => argument(arguments, state, outside),
        InstructionKind::User(word) => user(word, state),
        InstructionKind::Expose(ports) => expose(ports, state),
        InstructionKind::Healthcheck(check) => Ok(healthcheck(check, state)),
        InstructionKind::Entrypoint(command) => Ok(entrypoint(command, state)),
        InstructionKind::Cmd(command) => {
            let arguments = command.arguments(&state.shell());
            let text = format!("CMD {}", json(&arguments));
            state.image.config.cmd = some_unless_empty(arguments);
            state.has_command = true;
            Ok(text)
        }
        InstructionKind::Shell(words) => {
            let words: Vec<String> = words.iter().map(|word| word.text.to_string()).collect();
            let text = format!("SHELL {}", json(&words));
            state.image.config.shell = words;
            Ok(text)
        }
        InstructionKind::Volume(paths) => volume(paths, state),
        InstructionKind::Stopsignal(word) => {
            let signal = state.scope.expand(&word.text)?;
            check_signal(&signal)?;
            let text = format!("STOPSIGNAL {signal}");
            state.image.config.stop_signal = Some(signal);
            Ok(text)
        }
        InstructionKind::Onbuild(onbuild) => {
            state.image.config.on_build.push(onbuild.expression.clone());
            Ok(format!("ONBUILD {}", onbuild.expression))
        }
        InstructionKind::Maintainer(word) => {
            state.image.author = Some(word.text.to_string());
            Ok(format!("MAINTAINER {}", word.text))
        }
        InstructionKind::From(_)
        | InstructionKind::Run(_)
        | InstructionKind::Copy(_)
        | InstructionKind::Add(_)
        | InstructionKind::Workdir(_)
        | InstructionKind::Invalid => Err(Error::Unsupported {
            what: "this instruction in this place".to_owned(),
            instead: "a trigger of ONBUILD must be an instruction within a stage".to_owned(),
        }),
    }
}

fn argument(arguments: &[Argument], state: &mut State, outside: &Outside) -> Result<String> {
    let mut words = vec!["ARG".to_owned()];
    for argument in arguments {
        let name = &argument.name.text;
        words.push(match state.scope.declare(argument, outside)? {
            Some(value) => format!("{name}={value}"),
            None => name.to_string(),
        });
    }
    Ok(words.join(" "))
}

fn user(word: &Word, state: &mut State) -> Result<String> {
    let user = state.scope.expand(&word.text)?;
    if user.is_empty() {
        return Err(empty("USER", word));
    }
    state.image.config.user.clone_from(&user);
    Ok(format!("USER {user}"))
}

fn expose(expose: &Expose, state: &mut State) -> Result<String> {
    let mut words = vec!["EXPOSE".to_owned()];
    for word in &expose.ports {
        for port in state.scope.expand_words(&word.text)? {
            expose_port(&port, state)?;
            words.push(port);
        }
    }
    Ok(words.join(" "))
}

fn entrypoint(command: &Command, state: &mut State) -> String {
    let arguments = command.arguments(&state.shell());
    let text = format!("ENTRYPOINT {}", json(&arguments));
    state.image.config.entrypoint = some_unless_empty(arguments);
    // The base's CMD was meant for the base's ENTRYPOINT.
    if !state.has_command {
        state.image.config.cmd = None;
    }
    text
}

fn volume(volume: &Volume, state: &mut State) -> Result<String> {
    let mut words = vec!["VOLUME".to_owned()];
    for word in &volume.paths {
        let path = state.scope.expand(&word.text)?;
        if path.is_empty() {
            return Err(empty("VOLUME", word));
        }
        words.push(path.clone());
        state.image.config.volumes.insert(path, Empty {});
    }
    Ok(words.join(" "))
}

// All values are expanded before the first is set: `ENV a=1 b=$a` has the `a` from before.
fn env(pairs: &Pairs, state: &mut State) -> Result<String> {
    let mut words = vec!["ENV".to_owned()];
    for (name, value) in expand_pairs(pairs, state)? {
        words.push(format!("{name}={value}"));
        let environment = &mut state.image.config.env;
        let prefix = format!("{name}=");
        match environment.iter_mut().find(|pair| pair.starts_with(&prefix)) {
            Some(pair) => *pair = format!("{name}={value}"),
            None => environment.push(format!("{name}={value}")),
        }
        state.scope.set(&name, value);
    }
    Ok(words.join(" "))
}

fn label(pairs: &Pairs, state: &mut State) -> Result<String> {
    let mut words = vec!["LABEL".to_owned()];
    for (name, value) in expand_pairs(pairs, state)? {
        words.push(format!("{name}={value}"));
        state.image.config.labels.insert(name, value);
    }
    Ok(words.join(" "))
}

fn expand_pairs(pairs: &Pairs, state: &State) -> Result<Vec<(String, String)>> {
    let mut expanded = Vec::new();
    for pair in &pairs.pairs {
        let name = state.scope.expand(&pair.key.text)?;
        if name.is_empty() {
            return Err(empty("name", &pair.key));
        }
        expanded.push((name, state.scope.expand(&pair.value.text)?));
    }
    Ok(expanded)
}

fn healthcheck(check: &Healthcheck, state: &mut State) -> String {
    let test = match &check.test {
        None => vec!["NONE".to_owned()],
        Some(Command::Shell(line)) => vec!["CMD-SHELL".to_owned(), line.as_str().to_owned()],
        Some(command @ Command::Exec(_)) => {
            std::iter::once("CMD".to_owned()).chain(command.arguments(&[])).collect()
        }
    };
    let text = format!("HEALTHCHECK {}", json(&test));
    state.image.config.healthcheck = Some(sealift_oci::Healthcheck {
        test,
        interval: check.interval_nanos,
        timeout: check.timeout_nanos,
        start_period: check.start_period_nanos,
        start_interval: check.start_interval_nanos,
        retries: check.retries,
    });
    text
}

// `80`, `80/udp`, `8000-8010/tcp`; what stands in front of a colon is the host's business.
fn expose_port(text: &str, state: &mut State) -> Result<()> {
    let wrong = |reason: &str| Error::Value {
        what: "port",
        value: text.to_owned(),
        reason: reason.to_owned(),
    };
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(wrong("the protocol must be `tcp`, `udp` or `sctp`"));
    }
    let ports = ports.rsplit(':').next().unwrap_or(ports);
    let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
    let number = |text: &str| {
        text.parse::<u16>().map_err(|_| wrong("it must be a number from 0 to 65535, or a range"))
    };
    let (low, high) = (number(low)?, number(high)?);
    if low > high {
        return Err(wrong("the range ends before it begins"));
    }
    let exposed = &mut state.image.config.exposed_ports;
    for port in low..=high {
        if exposed.len() >= PORTS_MAX {
            return Err(wrong("there are more than 65536 ports"));
        }
        exposed.insert(format!("{port}/{protocol}"), Empty {});
    }
    Ok(())
}

fn check_signal(text: &str) -> Result<()> {
    const SIGNALS: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let is_number = text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    let is_real_time = name.starts_with("RTMIN") || name.starts_with("RTMAX");
    if is_number || is_real_time || SIGNALS.contains(&name) {
        return Ok(());
    }
    Err(Error::Value {
        what: "signal",
        value: text.to_owned(),
        reason: "it must be a number from 1 to 64 or a name such as `SIGTERM`".to_owned(),
    })
}

fn empty(what: &'static str, word: &Word) -> Error {
    Error::Value {
        what,
        value: word.text.to_string(),
        reason: "it is empty once its variables are expanded".to_owned(),
    }
}

fn json(words: &[String]) -> String {
    serde_json::to_string(words).expect("strings are JSON")
}

// `CMD []` takes the base's command away.
fn some_unless_empty(arguments: Vec<String>) -> Option<Vec<String>> {
    if arguments.is_empty() { None } else { Some(arguments) }
}
