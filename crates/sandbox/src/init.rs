//! The three processes between the caller and the command.
//!
//! The *supervisor* is this program started anew, a child of the caller in the caller's namespaces. It makes the pid
//! namespace, listens to the caller, and kills everything when told to or when the caller is gone. Its child is the
//! *init* process, number 1 inside: it builds the root, starts the command and reaps. When it ends, the kernel
//! ends every process that is left. Its child becomes the *command*.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};
use rustix::thread::UnshareFlags;

use crate::report::{self, Context, Failure, Report, Step};
use crate::spec::{Exit, Network, Spec};
use crate::{identity, root, sys};

const DEFAULT_SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Is the supervisor, from the first to the last breath.
pub(crate) fn supervise() -> ! {
    let Ok(control) = adopt_control() else { sys::exit(1) };
    let Some(spec) = report::receive_spec(&control) else { sys::exit(1) };
    match start_init(&spec, &control).and_then(|init| watch(init, &control)) {
        Ok(()) => sys::exit(0),
        Err(failure) => {
            report::send(&control, &Report::Failed(failure));
            sys::exit(1)
        }
    }
}

/// Takes over the socket to the caller, which arrives as standard input, and arranges to die with the caller.
pub(crate) fn adopt_control() -> rustix::io::Result<UnixStream> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    sys::close_inherited()?;
    sys::take_stdin().map(UnixStream::from)
}

fn start_init(spec: &Spec, control: &UnixStream) -> Result<Pid, Failure> {
    let namespace = |what: &str| Step::Namespace(what.to_owned());
    sys::unshare(UnshareFlags::NEWPID).step(|| namespace("a pid namespace"))?;
    let supervisor = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())
        .prepare("opening itself")?;
    sys::block_supervised_signals();
    match sys::fork().prepare("starting the init process")? {
        Some(init) => Ok(init),
        None => be_init(spec, control, &supervisor),
    }
}

/// Waits for the end of the init process, which is the end of all processes inside, and obeys the caller.
fn watch(init: Pid, control: &UnixStream) -> Result<(), Failure> {
    let alive = rustix::process::pidfd_open(init, PidfdFlags::empty())
        .prepare("watching the init process")?;
    let mut listening = true;
    loop {
        let mut polled = vec![PollFd::new(&alive, PollFlags::IN)];
        if listening {
            polled.push(PollFd::new(control, PollFlags::IN));
        }
        match rustix::event::poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).prepare("watching the init process"),
        }
        let told = polled.get(1).is_some_and(|control| !control.revents().is_empty());
        if !polled[0].revents().is_empty() {
            return describe_end(init);
        }
        if told {
            listening = obey(control, alive.as_fd());
        }
    }
}

/// Carries out one order; says whether there can be more.
fn obey(control: &UnixStream, init: BorrowedFd<'_>) -> bool {
    let mut order = [0_u8; 1];
    let signal = match rustix::io::read(control, &mut order) {
        Ok(1) if order[0] == report::TERMINATE => Signal::TERM,
        Err(Errno::INTR) => return true,
        // Also when the caller's end was closed: then nobody wants the result any more.
        _ => Signal::KILL,
    };
    let _already_dead = rustix::process::pidfd_send_signal(init, signal);
    signal == Signal::TERM
}

/// The init process reports for itself unless it was killed.
fn describe_end(init: Pid) -> Result<(), Failure> {
    let status = rustix::process::waitpid(Some(init), WaitOptions::empty())
        .prepare("waiting for the init process")?;
    match status.and_then(|(_, status)| status.terminating_signal()) {
        Some(signal) => {
            Err(Failure::new(Step::Live(format!("killed by signal {signal}")), Errno::CANCELED))
        }
        None => Ok(()),
    }
}

fn be_init(spec: &Spec, control: &UnixStream, supervisor: &OwnedFd) -> ! {
    match prepare_and_start(spec, control, supervisor).and_then(reap) {
        Ok(exit) => {
            report::send(control, &Report::Exit(exit));
            sys::exit(0)
        }
        Err(failure) => {
            report::send(control, &Report::Failed(failure));
            sys::exit(1)
        }
    }
}

fn prepare_and_start(
    spec: &Spec,
    control: &UnixStream,
    supervisor: &OwnedFd,
) -> Result<Pid, Failure> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .prepare("tying its life to the caller's")?;
    // The supervisor may have died before that took effect.
    let mut polled = [PollFd::new(supervisor, PollFlags::IN)];
    if rustix::event::poll(&mut polled, Some(&rustix::event::Timespec::default())) != Ok(0) {
        sys::exit(1);
    }
    enter_namespaces(spec)?;
    rustix::process::umask(rustix::fs::Mode::empty());
    root::enter(spec)?;
    sys::new_session_keyring();
    // The command may be root, too, but must not look into this process.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .prepare("hiding the init process")?;
    if let Some(command) = sys::fork().prepare("starting the command")? {
        return Ok(command);
    }
    let failure = become_command(spec);
    report::send(control, &Report::Failed(failure));
    sys::exit(127)
}

fn enter_namespaces(spec: &Spec) -> Result<(), Failure> {
    let mut flags = UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if spec.network == Network::None {
        flags |= UnshareFlags::NEWNET;
    }
    sys::unshare(flags)
        .step(|| Step::Namespace("mount, IPC and host name namespaces".to_owned()))?;
    // Only hides the names of the host's control groups; kernels without them are fine.
    let _hidden = sys::unshare(UnshareFlags::NEWCGROUP);
    if spec.network == Network::None {
        sys::loopback_up().prepare("bringing up the loopback interface")?;
    }
    rustix::system::sethostname(spec.hostname.as_bytes()).prepare("setting the host name")
}

/// Waits for the command and buries whatever else ends meanwhile.
fn reap(command: Pid) -> Result<Exit, Failure> {
    loop {
        let received = match sys::wait_for_signal() {
            Ok(received) => received,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno).prepare("waiting for the command"),
        };
        // Number 0 is the supervisor; a command that signals its init process means only that.
        if received.signal == Signal::TERM.as_raw() && received.sender == 0 {
            sys::terminate_all_others();
        }
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid == command {
                return Ok(exit_of(status));
            }
        }
    }
}

fn exit_of(status: WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (_, Some(signal)) => Exit::Signal(signal),
        (Some(code), None) => Exit::Code(code),
        (None, None) => Exit::Code(255),
    }
}

/// Turns this process into the command; returns only what prevented it.
fn become_command(spec: &Spec) -> Failure {
    match ready_command(spec) {
        Ok((argv, env)) => execute(spec, &argv, &env),
        Err(failure) => failure,
    }
}

fn ready_command(spec: &Spec) -> Result<(Vec<CString>, Vec<CString>), Failure> {
    // A session of its own: what is typed at the caller's terminal, such as Ctrl-C, is the caller's to handle.
    rustix::process::setsid().prepare("starting a session")?;
    rustix::process::chdir(spec.cwd.as_str()).step(|| Step::WorkingDirectory(spec.cwd.clone()))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let null = rustix::fs::open(
        "/dev/null",
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    );
    null.and_then(|null| sys::replace_standard(null.as_fd(), 0)).prepare("opening `/dev/null`")?;
    give_outputs(spec);
    identity::assume(&spec.user)?;
    sys::close_others_on_exec().prepare("closing files")?;
    sys::default_signals();
    let texts = |texts: &mut dyn Iterator<Item = String>| {
        texts.map(CString::new).collect::<Result<Vec<_>, _>>()
    };
    let argv = texts(&mut spec.argv.iter().cloned());
    let env = texts(&mut spec.env.iter().map(|(name, value)| format!("{name}={value}")));
    let nul = |_| Failure::new(Step::Prepare("reading the command".to_owned()), Errno::INVAL);
    Ok((argv.map_err(nul)?, env.map_err(nul)?))
}

/// Lets the command's user open `/dev/stdout` and `/dev/stderr` again, as many programs do.
fn give_outputs(spec: &Spec) {
    let (uid, gid) =
        (rustix::fs::Uid::from_raw(spec.user.uid), rustix::fs::Gid::from_raw(spec.user.gid));
    for output in [std::io::stdout().as_fd(), std::io::stderr().as_fd()] {
        // An unknown user fails later with its own message.
        let _unknown_user = rustix::fs::fchown(output, Some(uid), Some(gid));
    }
}

/// Looks the program up and becomes it, like `execvpe`, and says precisely why not.
fn execute(spec: &Spec, argv: &[CString], env: &[CString]) -> Failure {
    let name = &spec.argv[0];
    let value = spec.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value);
    let search_path = value.map_or(DEFAULT_SEARCH_PATH, String::as_str);
    let direct = name.contains('/');
    let candidates: Vec<String> = if direct {
        vec![name.clone()]
    } else {
        search_path.split(':').map(|directory| candidate(directory, name)).collect()
    };
    let searched = (!direct).then(|| search_path.to_owned());
    let not_found = Step::FindCommand { command: name.clone(), search_path: searched };
    let mut failure = Failure::new(not_found, Errno::NOENT);
    for path in candidates {
        let Ok(program) = CString::new(path.as_str()) else { continue };
        match sys::execute(&program, argv, env) {
            Errno::NOENT if exists(&path) => {
                return Failure::new(Step::LoadCommand(path), Errno::NOENT);
            }
            Errno::NOENT | Errno::NOTDIR => {}
            // A later directory may have one that can be executed.
            Errno::ACCESS => failure = Failure::new(Step::ExecuteCommand(path), Errno::ACCESS),
            errno => return Failure::new(Step::ExecuteCommand(path), errno),
        }
    }
    failure
}

fn candidate(directory: &str, name: &str) -> String {
    // An empty entry means the working directory.
    let directory = if directory.is_empty() { "." } else { directory };
    format!("{directory}/{name}")
}

fn exists(path: &str) -> bool {
    rustix::fs::stat(path).is_ok_and(|status| status.st_mode & 0o170_000 == 0o100_000)
}
