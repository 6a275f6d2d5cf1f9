//! What the pipeline tells, as lines for a person: one live line for the step at work, one line for each that ended.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sealift_build::StepId;
use sealift_pipeline::{Event, Observer, Step};

use crate::printer::{Mark, Printer};

const TICK: Duration = Duration::from_millis(120);

/// Shows what happens.
pub(crate) struct Progress {
    printer: Printer,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    started: Option<Instant>,
    // The instruction of each step that runs, for the line that tells of its end.
    running: HashMap<StepId, String>,
}

impl Progress {
    /// Progress on a printer.
    pub(crate) fn new(printer: &Printer) -> Self {
        Self { printer: printer.clone(), state: Mutex::default() }
    }

    fn begin(&self, state: &mut State, step: Step) {
        state.started = Some(Instant::now());
        if self.printer.is_live() {
            let bar = ProgressBar::new_spinner().with_message(format!("{:<7}", step.as_str()));
            let style = ProgressStyle::with_template("{spinner:.cyan} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(TICK);
            state.bar = Some(bar);
        }
    }

    fn at(&self, state: &State, step: Step, text: &str) {
        match &state.bar {
            Some(bar) => bar.set_message(format!("{:<7} {text}", step.as_str())),
            None => self.printer.detail(&format!("  {:<7} {text}", step.as_str())),
        }
    }

    fn end(&self, state: &mut State, mark: Mark, step: Step, text: &str) {
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        let time = match state.started.take() {
            Some(started) if started.elapsed() >= Duration::from_millis(100) => {
                format!("  {:.1} s", started.elapsed().as_secs_f64())
            }
            _ => String::new(),
        };
        self.printer.step(mark, step.as_str(), &format!("{text}{time}"));
    }

    // A line that stays, above the one that moves.
    fn keep(state: &State, print: impl FnOnce()) {
        match &state.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn build_event(&self, state: &mut State, event: sealift_build::Event) {
        use sealift_build::Event as Build;
        match event {
            Build::StageStarted { name, base, .. } => {
                self.at(state, Step::Build, &format!("stage {name} from {base}"));
            }
            Build::BaseLayer { image, index, total, .. } => {
                self.at(
                    state,
                    Step::Build,
                    &format!("unpacking {image}, layer {index} of {total}"),
                );
            }
            Build::StepStarted { step, text } => {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                self.at(state, Step::Build, &format!("{} {text}", place(&step)));
                state.running.insert(step, text);
            }
            Build::StepCached { step } => {
                let text = state.running.remove(&step).unwrap_or_default();
                self.printer.detail(&format!("  {} cached  {text}", place(&step)));
            }
            Build::StepDone { step, duration } => {
                let text = state.running.remove(&step).unwrap_or_default();
                let secs = duration.as_secs_f64();
                self.printer.detail(&format!("  {} {secs:.1} s  {text}", place(&step)));
            }
            Build::Output { step, line, .. } => match &state.bar {
                Some(_) => self.at(state, Step::Build, &format!("{} {line}", place(&step))),
                None => self.printer.detail(&format!("  {} | {line}", place(&step))),
            },
            Build::LayerPacked { digest, size_bytes } => {
                let size = sealift_pipeline::build::megabytes(size_bytes);
                self.printer.detail(&format!("  layer {} of {size}", digest.short()));
            }
            Build::Warning { message } => Self::keep(state, || self.printer.warning(&message)),
            _ => {}
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        let mut state = self.state.lock().expect("no panic while held");
        match event {
            Event::Started(step) => self.begin(&mut state, step),
            Event::Progress(step, text) => self.at(&state, step, &text),
            Event::Done(step, text) => self.end(&mut state, Mark::Good, step, &text),
            Event::DoneWithWarnings(step, text) => self.end(&mut state, Mark::Warning, step, &text),
            Event::Failed(step) => self.end(&mut state, Mark::Bad, step, "failed"),
            Event::Warning(text) => Self::keep(&state, || self.printer.warning(&text)),
            Event::Details(_, text) => Self::keep(&state, || self.printer.message(text.trim_end())),
            Event::Passed(_, text) => Self::keep(&state, || self.printer.detail(text.trim_end())),
            Event::Build(event) => self.build_event(&mut state, event),
            _ => {}
        }
    }
}

fn place(step: &StepId) -> String {
    format!("[{} {}/{}]", step.stage_name, step.index, step.total)
}
