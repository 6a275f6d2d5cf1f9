//! A store, a context and a Dockerfile in a folder of their own, and the layers of what was built as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use sealift_archive::{EntryKind, Header, tar};
use sealift_build::{
    BaseError, BaseImages, Built, Error, Event, Network, Observer, Request, build,
};
use sealift_image::Image;
use sealift_oci::{Descriptor, Platform, Reference};
use sealift_store::Store;

/// Static, so that it runs in an image with nothing else in it.
pub(crate) const BUSYBOX: &str = "/bin/busybox";

/// Everything that a build needs.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) images: Images,
    pub(crate) events: Events,
    pub(crate) request: Request,
    pub(crate) cancel: AtomicBool,
}

/// Base images by name.
#[derive(Default)]
pub(crate) struct Images(pub(crate) BTreeMap<String, Image>);

/// Remembers what it hears.
#[derive(Default)]
pub(crate) struct Events(pub(crate) Mutex<Vec<Event>>);

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("context");
        fs::create_dir(&context).unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let request = Request {
            context: context.clone(),
            dockerfile_path: context.join("Dockerfile"),
            dockerfile: String::new(),
            target: None,
            build_args: Vec::new(),
            labels: Vec::new(),
            platform: Platform::host(),
            ca_bundle: None,
            secrets: Vec::new(),
            no_cache: false,
            source_date_epoch: None,
            network: Network::None,
        };
        Self {
            folder,
            store,
            images: Images::default(),
            events: Events::default(),
            request,
            cancel: AtomicBool::new(false),
        }
    }

    /// With an image `busybox` that has a shell, `/etc/passwd` and `/etc/group`.
    pub(crate) fn with_busybox() -> Self {
        let mut bench = Self::new();
        let folder = bench.folder.path().join("busybox");
        fs::create_dir(&folder).unwrap();
        fs::copy(BUSYBOX, folder.join("busybox")).unwrap();
        let request = Request {
            context: folder,
            dockerfile: "FROM scratch\n\
                COPY --chmod=755 busybox /bin/busybox\n\
                COPY <<passwd <<group /etc/\n\
                root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\npasswd\n\
                root:x:0:\nstaff:x:50:app\napp:x:1001:\ngroup\n\
                RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
                CMD [\"/bin/sh\"]\n"
                .to_owned(),
            source_date_epoch: Some(1_600_000_000),
            ..bench.request.clone()
        };
        let built =
            build(&request, &bench.store, &bench.images, &bench.events, &bench.cancel).unwrap();
        bench.keep("busybox", &built.descriptor);
        bench
    }

    /// Offers an image of the store as base.
    pub(crate) fn keep(&mut self, name: &str, descriptor: &Descriptor) {
        let image = self.store.image(descriptor).unwrap();
        self.images.0.insert(name.to_owned(), image);
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn in_context(&self, path: &str) -> PathBuf {
        self.request.context.join(path)
    }

    /// Writes a file of the context, with mode 644.
    pub(crate) fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.in_context(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        self
    }

    pub(crate) fn mode(&self, path: &str, mode: u32) -> &Self {
        fs::set_permissions(self.in_context(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub(crate) fn link(&self, path: &str, target: &str) -> &Self {
        std::os::unix::fs::symlink(target, self.in_context(path)).unwrap();
        self
    }

    pub(crate) fn build(&mut self, dockerfile: &str) -> Built {
        match self.try_build(dockerfile) {
            Ok(built) => built,
            Err(error) => panic!("{}", story(&error)),
        }
    }

    pub(crate) fn try_build(&mut self, dockerfile: &str) -> Result<Built, Error> {
        dockerfile.clone_into(&mut self.request.dockerfile);
        self.events.0.lock().unwrap().clear();
        build(&self.request, &self.store, &self.images, &self.events, &self.cancel)
    }

    /// Why a build fails, with its hint.
    pub(crate) fn failure(&mut self, dockerfile: &str) -> String {
        let error = self.try_build(dockerfile).expect_err("the build must fail");
        let left = fs::read_dir(self.store.root().join("temporary")).unwrap().count();
        assert_eq!(left, 0, "something was left behind");
        story(&error).replace(&self.request.context.display().to_string(), "CONTEXT")
    }

    /// What the layers of an image that are not in `below` have in them.
    pub(crate) fn layers(&self, built: &Built, below: usize) -> String {
        let image = self.store.image(&built.descriptor).unwrap();
        let mut text = String::new();
        for index in below..image.layers().len() {
            writeln!(text, "layer").unwrap();
            text.push_str(&list(&image, index));
        }
        text
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let events = self.events.0.lock().unwrap();
        let warning = |event: &Event| match event {
            Event::Warning { message } => Some(message.clone()),
            _ => None,
        };
        events.iter().filter_map(warning).collect()
    }

    pub(crate) fn output(&self) -> Vec<String> {
        let events = self.events.0.lock().unwrap();
        let line = |event: &Event| match event {
            Event::Output { line, .. } => Some(line.clone()),
            _ => None,
        };
        events.iter().filter_map(line).collect()
    }
}

/// An error with everything below it.
pub(crate) fn story(error: &Error) -> String {
    let mut text = format!("{error}\n");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        writeln!(text, "caused by: {cause}").unwrap();
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        writeln!(text, "hint: {hint}").unwrap();
    }
    text
}

fn list(image: &Image, index: usize) -> String {
    let mut reader =
        tar::Reader::new(image.open_layer(index).unwrap(), sealift_archive::Limits::default());
    let mut text = String::new();
    while let Some(mut entry) = reader.next_entry().unwrap() {
        let header: Header = entry.header().clone();
        let path = &header.path;
        let what = match &header.kind {
            EntryKind::File => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                let content = String::from_utf8_lossy(&content).replace('\n', "\\n");
                format!("- {path} {content}").trim_end().to_owned()
            }
            EntryKind::Directory => format!("d {path}"),
            EntryKind::Symlink(target) => {
                format!("l {path} -> {}", String::from_utf8_lossy(target))
            }
            EntryKind::HardLink(target) => format!("h {path} = {target}"),
            other => format!("{other:?} {path}"),
        };
        let kind = what.split(' ').next().unwrap();
        let rest = what.split_once(' ').map_or("", |(_, rest)| rest);
        writeln!(text, "  {kind} {:04o} {}:{} {rest}", header.mode, header.uid, header.gid)
            .unwrap();
        for name in header.xattrs.keys() {
            writeln!(text, "    {}", String::from_utf8_lossy(name)).unwrap();
        }
    }
    text
}

impl BaseImages for Images {
    fn base(&self, reference: &Reference, _: &Platform) -> Result<Image, BaseError> {
        self.0.get(&reference.familiar_name()).cloned().ok_or_else(|| BaseError {
            reference: reference.familiar(),
            reason: "it is neither in the store nor mapped".to_owned(),
            hint: Some("map it to a recipe in sealift.toml".to_owned()),
        })
    }
}

impl Observer for Events {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}
