//! What an image's configuration and history say.

use sealift_dockerfile::{Limits, parse};
use sealift_image::Image;
use sealift_lint::{Config, Context};
use sealift_oci::Reference;

use super::{Findings, Place};

/// The configuration.
pub(super) fn run(image: &Image, name: Option<&Reference>, findings: &mut Findings) {
    let config = &image.config.value().config;
    let place = || Place::Configuration;
    let user = config.user.split(':').next().unwrap_or("").trim();
    match user {
        "" => findings.add_shared("SL1012", place(), "the image names no user, so it runs as root"),
        "root" | "0" => findings.add_shared("SL1011", place(), "the image runs as root"),
        _ => {}
    }
    // `NONE` is a decision: the platform asks by itself, as for the instruction in a Dockerfile.
    if config.healthcheck.as_ref().is_none_or(|check| check.test.is_empty()) {
        findings.add_shared("SL4008", place(), "nobody asks how a container of the image is");
    }
    if let Some(name) = name.filter(|name| name.digest().is_none())
        && name.tag().is_none_or(|tag| tag == "latest")
    {
        let message = format!("the tag of `{}` moves with every release", name.familiar());
        findings.add_shared("SL2001", place(), message);
    }
    for port in config.exposed_ports.keys() {
        let Some(number) = port.split('/').next().and_then(|it| it.parse::<u16>().ok()) else {
            continue;
        };
        if let Some((_, service)) = sealift_lint::admin_port((number, number)) {
            findings.add_shared("SL1008", place(), format!("port {number} is that of {service}"));
        }
    }
    for folder in config.volumes.keys() {
        if ["/proc", "/sys", "/dev"]
            .iter()
            .any(|it| folder == it || folder.starts_with(&format!("{it}/")))
        {
            findings.add_shared("SL1017", place(), format!("a volume is on `{folder}`"));
        }
    }
    for variable in &config.env {
        let Some((name, value)) = variable.split_once('=') else { continue };
        secrets(&format!("variable `{name}`"), name, value, &Place::Configuration, findings);
    }
    for (name, value) in &config.labels {
        secrets(&format!("label `{name}`"), name, value, &Place::Configuration, findings);
    }
}

fn secrets(title: &str, name: &str, value: &str, place: &Place, findings: &mut Findings) {
    let found = sealift_lint::secrets_in(value);
    for what in &found {
        findings.add_shared("SL1002", place.clone(), format!("{title} holds a secret: {what}"));
    }
    let is_named = sealift_lint::is_secret_name(name) && sealift_lint::can_be_secret(value);
    if found.is_empty() && is_named && title.starts_with("variable") {
        findings.add_shared("SL1001", place.clone(), format!("{title} has a secret"));
    }
}

/// Rules of Dockerfiles that can be judged by one instruction alone.
const OF_HISTORY: [&str; 17] = [
    "SL1001", "SL1002", "SL1004", "SL1005", "SL1006", "SL1007", "SL1010", "SL1014", "SL1016",
    "SL2007", "SL2008", "SL2009", "SL4001", "SL4004", "SL4009", "SL4011", "SL4012",
];

/// What the instructions did that made the layers, as far as the history tells.
pub(super) fn history(image: &Image, config: &Config, findings: &mut Findings) {
    for (layer, instruction) in image.instructions().into_iter().enumerate() {
        let Some(instruction) = instruction else { continue };
        let Some(line) = as_instruction(&instruction) else { continue };
        let text = format!("FROM scratch\n{line}\n");
        let parse = parse(&text, &Limits::default());
        for found in sealift_lint::lint(&parse, &Context::new(config)) {
            let id = found.rule.as_deref().unwrap_or("");
            if !OF_HISTORY.contains(&id) {
                continue;
            }
            // The span is one of a text that nobody has.
            let place = Place::Layer(layer);
            findings.add_shared(id, place, found.message.clone());
        }
    }
}

/// A line of history as an instruction on one line: `/bin/sh -c x`, `/bin/sh -c #(nop) CMD x`, `RUN |1 A=b /bin/sh -c x`.
fn as_instruction(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches("# buildkit").trim();
    let is_run = text.starts_with("RUN ") || text.starts_with('/') || text.starts_with('|');
    let shell = text.find("/bin/sh -c ").filter(|_| is_run);
    let line = if let Some((_, rest)) = text.split_once("#(nop)") {
        rest.trim().to_owned()
    } else if let Some(at) = shell {
        format!("RUN {}", &text[at + "/bin/sh -c ".len()..])
    } else {
        text.to_owned()
    };
    // What an old history says of a copy is no instruction: `COPY dir:1234 in /app`.
    let is_known = ["RUN ", "ENV ", "ARG ", "LABEL ", "ADD "].iter().any(|it| line.starts_with(it));
    (is_known && line.len() < 64 << 10).then(|| line.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_history() {
        for (text, expected) in [
            ("/bin/sh -c apt-get update", Some("RUN apt-get update")),
            ("RUN /bin/sh -c apt-get update # buildkit", Some("RUN apt-get update")),
            ("RUN |1 A=b /bin/sh -c x", Some("RUN x")),
            ("/bin/sh -c #(nop)  ENV A=b", Some("ENV A=b")),
            ("/bin/sh -c #(nop) COPY dir:12 in /app", None),
            ("RUN x\n  y", Some("RUN x   y")),
            ("bazel build", None),
        ] {
            assert_eq!(as_instruction(text).as_deref(), expected, "{text}");
        }
    }
}
