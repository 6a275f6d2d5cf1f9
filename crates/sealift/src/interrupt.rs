//! Ctrl-C: the first asks for a clean end, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Set once the user wants to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Begins to listen.
    pub(crate) fn install() -> std::io::Result<Self> {
        Self::of(&[SIGINT, SIGTERM, SIGHUP])
    }

    /// Begins to listen for a server, which the end of a terminal tells to read its configuration again: the flag is set
    /// then.
    pub(crate) fn install_for_server() -> std::io::Result<(Self, Arc<AtomicBool>)> {
        let hangup = Arc::new(AtomicBool::new(false));
        flag::register(SIGHUP, Arc::clone(&hangup))?;
        Ok((Self::of(&[SIGINT, SIGTERM])?, hangup))
    }

    fn of(signals: &[i32]) -> std::io::Result<Self> {
        let interrupt = Self::default();
        for signal in signals {
            // Registered first, so that it finds the flag still unset on the first signal.
            flag::register_conditional_shutdown(*signal, 130, Arc::clone(&interrupt.0))?;
            flag::register(*signal, Arc::clone(&interrupt.0))?;
        }
        Ok(interrupt)
    }

    /// The flag that long work polls.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// True once the user wants to stop.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
