//! What the job tells while it goes.

/// Hears what happens. Calls come from several threads.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// An observer that hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event<'_>) {}
}

/// A step of the job, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The Dockerfile is linted.
    Lint,
    /// Base images are found or assembled.
    Base,
    /// The image is built.
    Build,
    /// What is inside is listed.
    Sbom,
    /// It is matched against advisories.
    Scan,
    /// It is judged.
    Policy,
    /// It is signed.
    Sign,
    /// It is pushed, or named in the local store.
    Push,
}

impl Step {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Base => "base",
            Self::Build => "build",
            Self::Sbom => "sbom",
            Self::Scan => "scan",
            Self::Policy => "policy",
            Self::Sign => "sign",
            Self::Push => "push",
        }
    }
}

/// What the job tells while it goes.
#[non_exhaustive]
pub enum Event<'a> {
    /// A step begins.
    Started(Step),
    /// A step is at something.
    Progress(Step, String),
    /// A step went well. The text says what came of it.
    Done(Step, String),
    /// A step went well, but should be looked at.
    DoneWithWarnings(Step, String),
    /// A step failed.
    Failed(Step),
    /// Something the user should know.
    Warning(String),
    /// Text that a person must see: what shut a gate, warnings with their source.
    Details(Step, &'a str),
    /// The same for who wants to see everything: what a gate let pass.
    Passed(Step, &'a str),
    /// What the builder tells.
    Build(sealift_build::Event),
}
