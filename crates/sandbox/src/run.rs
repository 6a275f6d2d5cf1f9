//! The caller's side: starts the supervisor, passes output on, and cancels.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::error::Error;
use crate::reexec::{self, Role};
use crate::report::{self, Report};
use crate::spec::{Exit, Spec, Stream};

/// How often the cancel flag is looked at.
const CANCEL_PERIOD: Duration = Duration::from_millis(25);
/// How long a cancelled command may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// Size of a pipe, so one read takes all that there is.
const READ_BYTES: usize = 64 * 1024;
/// A report is a short line; anything longer is not one.
const REPORT_BYTES_MAX: usize = 1024 * 1024;

/// Runs one command and waits for its end.
///
/// `output` is given what the command writes, as it comes. Every process that the command started is gone when
/// this returns, and so is every mount. When `cancel` becomes true the command is asked to end with SIGTERM, and
/// killed two seconds later; the result is then [`Error::Cancelled`]. Should the caller itself be killed, at whatever
/// moment and by whatever signal, the kernel kills the rest.
pub fn run(
    spec: &Spec,
    output: &mut dyn FnMut(Stream, &[u8]),
    cancel: &AtomicBool,
) -> Result<Exit, Error> {
    spec.check()?;
    if cancel.load(Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    let (control, theirs) = UnixStream::pair().map_err(setup("making a socket"))?;
    let mut supervisor = reexec::command(Role::Supervisor)?
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(setup("starting itself"))?;
    let outcome = follow(spec, &control, &mut supervisor, output, cancel);
    if outcome.is_err() {
        // The supervisor takes this as an order to kill everything, and then ends itself.
        let _already_gone = control.shutdown(std::net::Shutdown::Both);
    }
    let status = supervisor.wait().map_err(setup("waiting for the sandbox"))?;
    let (received, cancelled) = outcome?;
    if cancelled {
        return Err(Error::Cancelled);
    }
    match report::first(&received) {
        Some(Report::Exit(exit)) => Ok(exit),
        Some(Report::Failed(failure)) => Err(failure.into()),
        None => Err(Error::Lost { how: status.to_string() }),
    }
}

fn setup(step: &str) -> impl FnOnce(std::io::Error) -> Error {
    let step = step.to_owned();
    move |source| Error::Setup { step, source }
}

/// Passes output on until all processes are gone; returns their report, and whether it was cut short.
fn follow(
    spec: &Spec,
    control: &UnixStream,
    supervisor: &mut Child,
    output: &mut dyn FnMut(Stream, &[u8]),
    cancel: &AtomicBool,
) -> Result<(Vec<u8>, bool), Error> {
    // A supervisor that is gone already is found out below, with its report if it left one.
    let _gone = report::send_spec(control, spec);
    let mut pipes = Pipes {
        out: supervisor.stdout.take().map(OwnedFd::from),
        err: supervisor.stderr.take().map(OwnedFd::from),
        buffer: vec![0; READ_BYTES],
    };
    pipes.never_block().map_err(setup("reading output"))?;
    let mut cancellation = Cancellation::default();
    let mut received = Vec::new();
    loop {
        let ready = pipes.wait(control).map_err(setup("reading output"))?;
        pipes.pass_on(ready, output).map_err(setup("reading output"))?;
        if ready.control && !receive(control, &mut received).map_err(setup("reading the report"))? {
            break;
        }
        if cancel.load(Ordering::Relaxed) {
            cancellation.advance(control);
        }
    }
    // Their writers are dead, so all that they wrote is in the pipes by now.
    pipes.drain(output).map_err(setup("reading output"))?;
    Ok((received, cancellation.since.is_some()))
}

/// Reads a piece of the report; says whether there may be more.
fn receive(mut control: &UnixStream, received: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut buffer = [0; 4096];
    let n_read = match control.read(&mut buffer) {
        Ok(n_read) => n_read,
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
        Err(error) => return Err(error),
    };
    if received.len() < REPORT_BYTES_MAX {
        received.extend_from_slice(&buffer[..n_read]);
    }
    Ok(n_read > 0)
}

/// How far an ordered end has come.
#[derive(Default)]
struct Cancellation {
    since: Option<Instant>,
    killed: bool,
}

impl Cancellation {
    fn advance(&mut self, control: &UnixStream) {
        let order = match self.since {
            None => report::TERMINATE,
            Some(since) if !self.killed && since.elapsed() >= GRACE => report::KILL,
            Some(_) => return,
        };
        self.killed = order == report::KILL;
        self.since.get_or_insert_with(Instant::now);
        // A supervisor that does not listen any more is at its end.
        let _gone = std::io::Write::write_all(&mut &*control, &[order]);
    }
}

/// The reading ends of the command's outputs, each until its end.
struct Pipes {
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
    buffer: Vec<u8>,
}

/// Where something can be read.
#[derive(Clone, Copy, Default)]
struct Ready {
    out: bool,
    err: bool,
    control: bool,
}

impl Pipes {
    fn never_block(&self) -> std::io::Result<()> {
        for pipe in [&self.out, &self.err].into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(())
    }

    fn wait(&self, control: &UnixStream) -> std::io::Result<Ready> {
        let sources = [self.out.as_ref(), self.err.as_ref()];
        let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(3);
        polled.push(PollFd::new(control, PollFlags::IN));
        polled.extend(sources.iter().flatten().map(|pipe| PollFd::new(*pipe, PollFlags::IN)));
        let period = Timespec { tv_sec: 0, tv_nsec: i64::from(CANCEL_PERIOD.subsec_nanos()) };
        match rustix::event::poll(&mut polled, Some(&period)) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(errno) => return Err(errno.into()),
        }
        let mut events = polled.iter().map(|source| !source.revents().is_empty());
        let control = events.next().unwrap_or(false);
        let [out, err] = sources.map(|pipe| pipe.is_some() && events.next().unwrap_or(false));
        Ok(Ready { out, err, control })
    }

    /// Passes on what is there, at most one buffer of each.
    fn pass_on(
        &mut self,
        ready: Ready,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> std::io::Result<()> {
        if ready.out {
            read_once(&mut self.out, Stream::Out, &mut self.buffer, output)?;
        }
        if ready.err {
            read_once(&mut self.err, Stream::Err, &mut self.buffer, output)?;
        }
        Ok(())
    }

    fn drain(&mut self, output: &mut dyn FnMut(Stream, &[u8])) -> std::io::Result<()> {
        while read_once(&mut self.out, Stream::Out, &mut self.buffer, output)? {}
        while read_once(&mut self.err, Stream::Err, &mut self.buffer, output)? {}
        Ok(())
    }
}

/// Reads one buffer from a pipe and closes it at its end; says whether anything was read.
fn read_once(
    pipe: &mut Option<OwnedFd>,
    stream: Stream,
    buffer: &mut [u8],
    output: &mut dyn FnMut(Stream, &[u8]),
) -> std::io::Result<bool> {
    let Some(source) = pipe else { return Ok(false) };
    match rustix::io::read(source, &mut *buffer) {
        Ok(0) => {
            *pipe = None;
            Ok(false)
        }
        Ok(n_read) => {
            output(stream, &buffer[..n_read]);
            Ok(true)
        }
        Err(Errno::INTR) => Ok(true),
        Err(Errno::AGAIN) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
