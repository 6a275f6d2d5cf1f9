//! Everything that reaches the terminal goes through here: data to stdout, messages to stderr.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use sealift_arguments::{ColorChoice, Global};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// How a line of a step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It went well.
    Good,
    /// It went well, but look at it.
    Warning,
    /// It failed.
    Bad,
}

/// What to print, and how.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    quiet: bool,
    verbose: bool,
    color_out: bool,
    color_error: bool,
    live: bool,
}

#[expect(clippy::unused_self, reason = "whoever prints must hold a printer")]
impl Printer {
    /// A printer as the global flags and the terminal ask for it.
    pub(crate) fn new(global: &Global) -> Self {
        let wants_color = |is_terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let variable = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                !variable("NO_COLOR") && (variable("CLICOLOR_FORCE") || (is_terminal && !is_dumb))
            }
        };
        let error_is_terminal = io::stderr().is_terminal();
        Self {
            quiet: global.quiet,
            verbose: global.verbose,
            color_out: wants_color(io::stdout().is_terminal()),
            color_error: wants_color(error_is_terminal),
            live: error_is_terminal && !global.quiet && !global.verbose && !global.no_progress,
        }
    }

    /// True if stdout may have colour.
    pub(crate) fn color(&self) -> bool {
        self.color_out
    }

    /// True if stderr may have colour.
    pub(crate) fn color_error(&self) -> bool {
        self.color_error
    }

    /// Columns of the terminal that stdout is, if it is one.
    pub(crate) fn width(&self) -> Option<u16> {
        let is_terminal = io::stdout().is_terminal();
        is_terminal
            .then(|| rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col))
            .flatten()
    }

    /// True if a line may move while work goes on.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Data for stdout, as it is. A reader that has had enough is not an error.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let written = out
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// The same, and nothing at all for no text.
    pub(crate) fn data_if_any(&self, text: &str) -> io::Result<()> {
        if text.is_empty() { Ok(()) } else { self.data(text) }
    }

    /// Data for stdout, byte by byte: no line break is added.
    pub(crate) fn exactly(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// A message for a person.
    pub(crate) fn message(&self, text: &str) {
        if !self.quiet {
            line(text);
        }
    }

    /// A message that only `--verbose` wants.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose {
            line(&self.paint(DIM, text));
        }
    }

    /// A warning.
    pub(crate) fn warning(&self, text: &str) {
        if !self.quiet {
            line(&format!("{} {text}", self.paint(WARNING, "warning:")));
        }
    }

    /// An error, printed whatever the flags say.
    pub(crate) fn error(&self, text: &str) {
        line(&format!("{} {text}", self.paint(ERROR, "error:")));
    }

    /// What an error comes from; a part of it, and so printed whatever the flags say.
    pub(crate) fn cause(&self, text: &str) {
        line(&format!("  caused by: {text}"));
    }

    /// What to do about an error.
    pub(crate) fn hint(&self, text: &str) {
        line(&format!("{} {text}", self.paint(HINT, "hint:")));
    }

    /// The end of a step: a mark, its name, what it found.
    pub(crate) fn step(&self, mark: Mark, name: &str, text: &str) {
        self.message(&self.step_line(mark, name, text));
    }

    /// The line that [`Self::step`] prints.
    pub(crate) fn step_line(&self, mark: Mark, name: &str, text: &str) -> String {
        let (style, sign) = match mark {
            Mark::Good => (GOOD, "✔"),
            Mark::Warning => (WARNING, "!"),
            Mark::Bad => (ERROR, "✘"),
        };
        format!("{} {text}", self.paint(style, &format!("{sign} {name:<7}")))
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color_error { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

// A terminal that has gone away is no reason to fail.
fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
