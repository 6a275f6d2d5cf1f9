//! `RUN` as a step: what is executed, the cache key, and execution in the sandbox.

use std::collections::VecDeque;

use sealift_dockerfile::{Network as Wish, Program, Run, Security};
use sealift_oci::Digest;
use sealift_sandbox as sandbox;

use crate::build::{Builder, HasChanges, WasCached};
use crate::cache::Draft;
use crate::error::{Error, Result};
use crate::key::KeyHasher;
use crate::mounts::PlannedMount;
use crate::stage::{State, Step};
use crate::tree::{Tree, resolve};
use crate::users::{Accounts, Identity};
use crate::view::View;
use crate::writer::LayerWriter;
use crate::{Event, Network, StepId, Stream};

const HOSTNAME: &str = "build";
/// Where the certificate authorities are seen by `RUN` steps.
const CA_TARGET: &str = "/run/sealift/ca-bundle.pem";
/// Variables by which programs find certificate authorities.
const CA_VARIABLES: [&str; 6] = [
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
];
/// Where a heredoc with a `#!` line is seen, as in `BuildKit`.
const SCRIPTS: &str = "/dev/pipes";
const TAIL_LINES: usize = 20;
const LINE_BYTES_MAX: usize = 16 << 10;

/// A `RUN` ready to be executed.
struct Order {
    argv: Vec<String>,
    script: Option<(String, String)>,
    mounts: Vec<PlannedMount>,
    network: sandbox::Network,
    /// As the history shows it.
    text: String,
}

impl Builder<'_> {
    /// Runs a `RUN`.
    pub(crate) fn run(&self, step: &Step<'_>, run: &Run, state: &mut State) -> Result<WasCached> {
        if run.security == Security::Insecure {
            return Err(Error::Unsupported {
                what: "RUN --security=insecure".to_owned(),
                instead: "do what needs privileges outside of the build".to_owned(),
            });
        }
        if step.instruction.flag("device").is_some() {
            return Err(Error::Unsupported {
                what: "RUN --device".to_owned(),
                instead: "do what needs the device outside of the build".to_owned(),
            });
        }
        let order = self.order(step, run, state)?;
        let key = order.key(state);
        let (record, was_cached) = self.cached_step(&key, &mut |draft| {
            let view = self.view(&state.filesystem)?;
            self.execute(step, &order, state, draft, &view)?;
            Ok(HasChanges(true))
        })?;
        // What a command leaves behind is not determined by the key: the snapshot is.
        let mut hasher = KeyHasher::new("ran");
        hasher.field("key", key.hex().as_bytes());
        hasher.option("snapshot", record.snapshot.as_deref());
        state.push_step(&key, hasher.finish(), &record, order.text);
        Ok(was_cached)
    }

    fn order(&self, step: &Step<'_>, run: &Run, state: &State) -> Result<Order> {
        let (argv, script) = match run.program(&step.instruction.heredocs) {
            Program::Exec(argv) => (argv, None),
            Program::Shell(line) => {
                (state.shell().into_iter().chain([line]).collect::<Vec<String>>(), None)
            }
            Program::File { name, content } => {
                (vec![format!("{SCRIPTS}/{name}")], Some((name, content)))
            }
        };
        let network = match (run.network, self.request.network) {
            (Wish::None, _) | (Wish::Default, Network::None) => sandbox::Network::None,
            (Wish::Default | Wish::Host, Network::Host) => sandbox::Network::Host,
            (Wish::Host, Network::None) => {
                return Err(Error::Value {
                    what: "--network",
                    value: "host".to_owned(),
                    reason: "this build may not use the network".to_owned(),
                });
            }
        };
        let shown = match &script {
            Some((_, content)) => content.clone(),
            None => argv.join(" "),
        };
        let mut mounts = Vec::new();
        for mount in &run.mounts {
            mounts.extend(self.plan_mount(step, mount, state)?);
        }
        let text = format!("RUN {}{shown}", state.scope.history_prefix());
        Ok(Order { argv, script, mounts, network, text })
    }

    fn execute(
        &self,
        step: &Step<'_>,
        order: &Order,
        state: &State,
        draft: &Draft,
        view: &View,
    ) -> Result<()> {
        let identity = Accounts::read(view)?.identity(&state.image.config.user)?;
        let cwd = match state.image.config.working_dir.as_str() {
            "" => "/",
            cwd => cwd,
        };
        self.make_working_directory(cwd, draft, view)?;
        let mut env = environment(state, &identity);
        let mut mounts = Vec::new();
        for (index, mount) in order.mounts.iter().enumerate() {
            self.make_mount(mount, index, draft, &mut mounts, &mut env)?;
        }
        if let Some((name, content)) = &order.script {
            let folder = draft.other("scripts")?;
            crate::mounts::write_private(&folder.join(name), content.as_bytes(), 0o755, None)?;
            mounts.push(bind(&folder, SCRIPTS));
        }
        for (name, value) in self.plan.outside.proxies() {
            set_unless_there(&mut env, &name, value);
        }
        if let Some(bundle) = &self.request.ca_bundle {
            mounts.push(bind(bundle, CA_TARGET));
            for name in CA_VARIABLES {
                set_unless_there(&mut env, name, CA_TARGET.to_owned());
            }
        }
        let locks = self.lock_mounts(&order.mounts)?;
        let spec = sandbox::Spec {
            lower_dirs: self.folders(&state.filesystem)?,
            upper_dir: draft.upper(),
            work_dir: draft.work(),
            argv: order.argv.clone(),
            env,
            cwd: cwd.to_owned(),
            user: sandbox::User {
                uid: identity.owner.uid,
                gid: identity.owner.gid,
                groups: identity.groups,
            },
            mounts,
            network: order.network,
            hostname: HOSTNAME.to_owned(),
        };
        let mut output = Output::new(self, &step.id);
        let exit = sandbox::run(&spec, &mut |stream, bytes| output.take(stream, bytes), self.stop);
        drop(locks);
        let tail = output.finish();
        let exit = exit.map_err(|error| match error {
            sandbox::Error::Cancelled => Error::Cancelled,
            other => Error::Sandbox(other),
        })?;
        self.check_stop()?;
        if exit.success() {
            return Ok(());
        }
        let (status, code) = match exit {
            sandbox::Exit::Code(code) => (format!("exit code {code}"), Some(code)),
            sandbox::Exit::Signal(signal) => (format!("signal {signal}"), None),
        };
        Err(Error::Command { command: order.argv.join(" "), status, code, output: tail })
    }

    // A base image may name a directory that it does not have.
    fn make_working_directory(&self, cwd: &str, draft: &Draft, view: &View) -> Result<()> {
        let place = resolve(&|path| view.node(path), cwd.as_bytes(), true)?;
        if view.node(&place)?.is_some() {
            return Ok(());
        }
        let mut writer = LayerWriter::new(self.ground(view), &draft.upper())?;
        writer.make_directories(&place, crate::users::Owner::default())?;
        self.warn_all(writer.finish()?);
        Ok(())
    }
}

impl Order {
    // Neither the certificate authorities nor proxies nor the content of secrets are part of the key.
    fn key(&self, state: &State) -> Digest {
        let config = &state.image.config;
        let mut hasher = KeyHasher::new("run");
        hasher.field("below", state.filesystem.key.hex().as_bytes());
        for argument in &self.argv {
            hasher.field("argument", argument.as_bytes());
        }
        if let Some((name, content)) = &self.script {
            hasher.field("script", name.as_bytes());
            hasher.field("content", content.as_bytes());
        }
        for (name, value) in state.scope.variables() {
            hasher.field("variable", name.as_bytes());
            hasher.field("value", value.as_bytes());
        }
        hasher.field("cwd", config.working_dir.as_bytes());
        hasher.field("user", config.user.as_bytes());
        hasher.number("network", u64::from(self.network == sandbox::Network::Host));
        for mount in &self.mounts {
            mount.add_to_key(&mut hasher);
        }
        hasher.finish()
    }
}

fn environment(state: &State, identity: &Identity) -> Vec<(String, String)> {
    let is_valid = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
    let mut env: Vec<(String, String)> =
        state.scope.variables().iter().filter(|(name, _)| is_valid(name)).cloned().collect();
    set_unless_there(&mut env, "HOME", identity.home.clone());
    env
}

fn set_unless_there(env: &mut Vec<(String, String)>, name: &str, value: String) {
    if !env.iter().any(|(own, _)| own == name) {
        env.push((name.to_owned(), value));
    }
}

fn bind(source: &std::path::Path, target: &str) -> sandbox::Mount {
    sandbox::Mount::Bind { source: source.to_owned(), target: target.into(), read_only: true }
}

// Cuts the output into lines for the observer, and keeps the last ones for the error.
struct Output<'a, 'b> {
    builder: &'a Builder<'b>,
    step: &'a StepId,
    out: Vec<u8>,
    err: Vec<u8>,
    tail: VecDeque<String>,
}

impl<'a, 'b> Output<'a, 'b> {
    fn new(builder: &'a Builder<'b>, step: &'a StepId) -> Self {
        Self { builder, step, out: Vec::new(), err: Vec::new(), tail: VecDeque::new() }
    }

    fn take(&mut self, stream: sandbox::Stream, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (buffer, stream) = match stream {
                sandbox::Stream::Out => (&mut self.out, Stream::Out),
                sandbox::Stream::Err => (&mut self.err, Stream::Err),
            };
            let room = LINE_BYTES_MAX.saturating_sub(buffer.len());
            buffer.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(buffer);
                self.line(stream, &line);
            }
        }
    }

    fn finish(mut self) -> Vec<String> {
        for (stream, rest) in [
            (Stream::Out, std::mem::take(&mut self.out)),
            (Stream::Err, std::mem::take(&mut self.err)),
        ] {
            if !rest.is_empty() {
                self.line(stream, &rest);
            }
        }
        self.tail.into()
    }

    fn line(&mut self, stream: Stream, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        // Of a progress bar, what stands there in the end.
        let line = text.rsplit('\r').next().unwrap_or(text).to_owned();
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        self.builder.observer.event(Event::Output { step: self.step.clone(), stream, line });
    }
}
