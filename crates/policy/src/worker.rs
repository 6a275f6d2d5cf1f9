//! A thread on which an interpreter lives. It looks at its clock between two steps only, may panic, and recurses; here it
//! has a large stack, and can be given up on. A thread that was given up on is not stopped: its own limit ends it, and
//! whoever asked has a refusal by then.

use std::sync::Mutex;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::Error;

const STACK_BYTES: usize = 256 << 20;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The thread, and the state that it alone touches.
pub(crate) struct Worker<S> {
    jobs: Mutex<Sender<Job<S>>>,
    limit: Duration,
}

impl<S: 'static> Worker<S> {
    /// Starts a thread and makes its state there.
    pub(crate) fn start(
        limit: Duration,
        make: impl FnOnce() -> Result<S, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::channel::<Job<S>>();
        let (made, is_made) = mpsc::channel();
        thread::Builder::new()
            .name("policy".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut state = match make() {
                    Ok(state) => state,
                    Err(error) => return drop(made.send(Err(error))),
                };
                // The receiver has given up if this fails, and has reported that.
                drop(made.send(Ok(())));
                drop(made);
                for job in queue {
                    job(&mut state);
                }
            })
            .map_err(|_| Error::Crashed)?;
        wait(&is_made, limit)??;
        Ok(Self { jobs: Mutex::new(jobs), limit })
    }

    /// Does something with the state, within the limit.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = mpsc::channel();
        let job: Job<S> = Box::new(move |state| drop(sender.send(work(state))));
        let jobs = self.jobs.lock().map_err(|_| Error::Crashed)?;
        jobs.send(job).map_err(|_| Error::Crashed)?;
        drop(jobs);
        wait(&receiver, self.limit)
    }
}

// Twice the limit: the interpreter's own clock is to end it first, since that says in which rule it was.
fn wait<T>(receiver: &mpsc::Receiver<T>, limit: Duration) -> Result<T, Error> {
    receiver.recv_timeout(limit.saturating_mul(2)).map_err(|error| match error {
        RecvTimeoutError::Timeout => Error::TimedOut { limit },
        RecvTimeoutError::Disconnected => Error::Crashed,
    })
}

impl<S> std::fmt::Debug for Worker<S> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Worker").field("limit", &self.limit).finish_non_exhaustive()
    }
}
