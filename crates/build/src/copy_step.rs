//! `COPY` and `ADD` as steps: where from, the cache key, and execution.

use sealift_dockerfile::{Copy, InstructionKind, Source};
use sealift_oci::Digest;

use crate::build::{Builder, HasChanges, WasCached};
use crate::copy::{Inline, Mode, Target, copy, copy_inline};
use crate::error::{Error, Result};
use crate::filesystem::Filesystem;
use crate::ignore::Ignore;
use crate::key::KeyHasher;
use crate::plan::Origin;
use crate::select::{Selection, Wanted, digest, select};
use crate::stage::{State, Step, absolute};
use crate::users::Accounts;
use crate::view::View;
use crate::writer::LayerWriter;

/// A `COPY` or `ADD` with its variables expanded.
struct Order {
    is_add: bool,
    sources: Vec<String>,
    inline: Vec<Inline>,
    destination: String,
    is_directory: bool,
    chown: Option<String>,
    mode: Option<Mode>,
    parents: bool,
    exclude: Vec<String>,
    extracts: bool,
    /// As the history shows it.
    text: String,
}

/// Where sources come from.
pub(crate) enum From {
    Context,
    Filesystem { filesystem: Filesystem, name: String },
}

impl Builder<'_> {
    /// Runs a `COPY` or `ADD`.
    pub(crate) fn copy(
        &self,
        step: &Step<'_>,
        instruction: &Copy,
        state: &mut State,
    ) -> Result<WasCached> {
        let order = Order::new(step, instruction, state)?;
        let from = self.from(step, instruction.from.as_ref().map(|word| word.text.as_str()))?;
        let ignore = Ignore::from_patterns(&order.exclude)?;
        let mut selection = None;
        let inputs = self.inputs(&from, &order, &ignore, &mut selection)?;
        let key = order.key(&state.filesystem, &inputs);
        let (record, was_cached) = self.cached_step(&key, &mut |draft| {
            let view = self.view(&state.filesystem)?;
            let owner = match &order.chown {
                Some(chown) => Some(Accounts::read(&view)?.owner(chown)?),
                None => None,
            };
            let target = Target {
                path: order.destination.clone(),
                is_directory: order.is_directory,
                owner,
                mode: order.mode.clone(),
                extracts: order.extracts,
            };
            let mut writer = LayerWriter::new(self.ground(&view), &draft.upper())?;
            self.with_tree(&from, &mut |wanted| {
                let chosen = match selection.take() {
                    Some(selection) => selection,
                    None => select(&order.wanted(wanted, &ignore))?,
                };
                copy(&mut writer, wanted.tree, &chosen, &target)
            })?;
            for file in &order.inline {
                copy_inline(&mut writer, file, &target)?;
            }
            self.warn_all(writer.finish()?);
            Ok(HasChanges(true))
        })?;
        state.push_step(&key, key.clone(), &record, order.text);
        Ok(was_cached)
    }

    /// What `--from` names.
    pub(crate) fn from(&self, step: &Step<'_>, from: Option<&str>) -> Result<From> {
        let stage = step.stage.index;
        Ok(match self.plan.origin(from, stage)? {
            Origin::Context => From::Context,
            Origin::Scratch => {
                From::Filesystem { filesystem: Filesystem::scratch(), name: "scratch".to_owned() }
            }
            Origin::Stage(index) => {
                let name = from.unwrap_or_default();
                if self.plan.stages[index].is_none() {
                    return Err(Error::Unsupported {
                        what: format!("a trigger that copies from the stage `{name}`"),
                        instead: "write the COPY into this Dockerfile, or copy from an image"
                            .to_owned(),
                    });
                }
                let state = step.board.wait_for(index)?;
                From::Filesystem {
                    filesystem: state.filesystem,
                    name: format!("the stage `{name}`"),
                }
            }
            Origin::Image(reference) => {
                let name = from.unwrap_or_default();
                let base = self.base(step.stage, &reference, name, false)?;
                From::Filesystem {
                    filesystem: Filesystem::of_base(&base),
                    name: format!("the image `{name}`"),
                }
            }
        })
    }

    /// Opens the tree that sources come from.
    pub(crate) fn with_tree<T>(
        &self,
        from: &From,
        use_it: &mut dyn FnMut(&Wanted<'_>) -> Result<T>,
    ) -> Result<T> {
        let nothing = Ignore::default();
        let view: View;
        let wanted = match from {
            From::Context => {
                let context = self.context()?;
                Wanted {
                    tree: context,
                    context: Some(context),
                    place: "the build context".to_owned(),
                    sources: &[],
                    parents: false,
                    exclude: &nothing,
                }
            }
            From::Filesystem { filesystem, name } => {
                view = self.view(filesystem)?;
                Wanted {
                    tree: &view,
                    context: None,
                    place: name.clone(),
                    sources: &[],
                    parents: false,
                    exclude: &nothing,
                }
            }
        };
        use_it(&wanted)
    }

    // The digest of what is copied. For another stage it is remembered, as its files cannot change.
    fn inputs(
        &self,
        from: &From,
        order: &Order,
        ignore: &Ignore,
        selection: &mut Option<Selection>,
    ) -> Result<Digest> {
        let memory = match from {
            From::Context => None,
            From::Filesystem { filesystem, .. } => Some(order.input_key(filesystem)),
        };
        if let Some(known) = memory.as_ref().and_then(|key| self.cache.input(key)) {
            return Ok(known);
        }
        if order.sources.is_empty() {
            return Ok(KeyHasher::new("no inputs").finish());
        }
        let (found, digest) = self.with_tree(from, &mut |wanted| {
            let found = select(&order.wanted(wanted, ignore))?;
            let digest = digest(wanted.tree, &found)?;
            Ok((found, digest))
        })?;
        for source in &found.empty {
            self.warn(format!("`{source}` matches nothing"));
        }
        if let Some(key) = memory {
            self.cache.set_input(&key, &digest)?;
        }
        *selection = Some(found);
        Ok(digest)
    }
}

impl Order {
    fn new(step: &Step<'_>, copy: &Copy, state: &State) -> Result<Self> {
        let scope = &state.scope;
        let is_add = matches!(step.instruction.kind, InstructionKind::Add(_));
        let mut sources = Vec::new();
        let mut inline = Vec::new();
        for source in &copy.sources {
            match source {
                Source::Path(word) => sources.push(scope.expand(&word.text)?),
                Source::Heredoc(index) => {
                    let Some(heredoc) = step.instruction.heredocs.get(*index) else { continue };
                    let content = heredoc.content();
                    let content =
                        if heredoc.expand { scope.expand_heredoc(&content)? } else { content };
                    inline.push(Inline { name: heredoc.name.clone(), content });
                }
            }
        }
        for source in &sources {
            refuse_remote(source, is_add)?;
        }
        let written = scope.expand(&copy.destination.text)?;
        let is_directory = written.ends_with('/') || matches!(written.as_str(), "" | "." | "..");
        if sources.len() + inline.len() > 1 && !is_directory {
            return Err(Error::Value {
                what: "destination",
                value: written,
                reason: "with more than one source it must be a directory and end with `/`"
                    .to_owned(),
            });
        }
        if let Some(checksum) = &copy.checksum {
            return Err(Error::Value {
                what: "--checksum",
                value: checksum.text.to_string(),
                reason: "it goes with sources from the network only".to_owned(),
            });
        }
        let expand = |word: &sealift_dockerfile::Word| scope.expand(&word.text);
        let chown = copy.chown.as_ref().map(expand).transpose()?.filter(|text| !text.is_empty());
        let chmod = copy.chmod.as_ref().map(expand).transpose()?.filter(|text| !text.is_empty());
        let mode = chmod.as_deref().map(Mode::parse).transpose()?;
        let exclude: Result<Vec<String>> = copy.exclude.iter().map(expand).collect();
        let mut words = vec![if is_add { "ADD" } else { "COPY" }.to_owned()];
        words.extend(chown.as_ref().map(|chown| format!("--chown={chown}")));
        words.extend(chmod.as_ref().map(|chmod| format!("--chmod={chmod}")));
        words.extend(sources.iter().cloned());
        words.extend(inline.iter().map(|file| format!("<<{}", file.name)));
        words.push(written.clone());
        Ok(Self {
            is_add,
            sources,
            inline,
            destination: absolute(&state.image.config.working_dir, &written),
            is_directory,
            chown,
            mode,
            parents: copy.parents,
            exclude: exclude?,
            extracts: copy.unpack.unwrap_or(is_add),
            text: words.join(" "),
        })
    }

    fn wanted<'a>(&'a self, tree: &Wanted<'a>, exclude: &'a Ignore) -> Wanted<'a> {
        Wanted {
            tree: tree.tree,
            context: tree.context,
            place: tree.place.clone(),
            sources: &self.sources,
            parents: self.parents,
            exclude,
        }
    }

    fn key(&self, below: &Filesystem, inputs: &Digest) -> Digest {
        let mut hasher = KeyHasher::new(if self.is_add { "add" } else { "copy" });
        hasher.field("below", below.key.hex().as_bytes());
        hasher.field("inputs", inputs.hex().as_bytes());
        hasher.field("destination", self.destination.as_bytes());
        hasher.number("is_directory", u64::from(self.is_directory));
        hasher.option("chown", self.chown.as_deref());
        hasher.number("mode", self.mode.as_ref().map_or(u64::MAX, |mode| u64::from(mode.0)));
        hasher.number("extracts", u64::from(self.extracts));
        for file in &self.inline {
            hasher.field("inline", file.name.as_bytes());
            hasher.field("content", file.content.as_bytes());
        }
        hasher.finish()
    }

    fn input_key(&self, filesystem: &Filesystem) -> Digest {
        let mut hasher = KeyHasher::new("copied from");
        hasher.field("from", filesystem.key.hex().as_bytes());
        hasher.number("parents", u64::from(self.parents));
        for (name, list) in [("source", &self.sources), ("exclude", &self.exclude)] {
            for text in list {
                hasher.field(name, text.as_bytes());
            }
        }
        hasher.finish()
    }
}

fn refuse_remote(source: &str, is_add: bool) -> Result<()> {
    let is_url = source.starts_with("http://") || source.starts_with("https://");
    let is_git =
        source.starts_with("git@") || source.starts_with("git://") || source.starts_with("ssh://");
    if !is_url && !is_git {
        return Ok(());
    }
    let keyword = if is_add { "ADD" } else { "COPY" };
    let instead = if is_git || source.contains(".git") {
        "clone it in a RUN step of a stage that has git, and take the files by COPY --from"
    } else {
        "download it in a RUN step that checks its digest, such as \
         `RUN curl -fsSLo FILE URL && echo \"SHA256  FILE\" | sha256sum -c`, \
         or put the file into the context"
    };
    Err(Error::Unsupported {
        what: format!("{keyword} from the network (`{source}`)"),
        instead: instead.to_owned(),
    })
}
