//! Go programs: the modules that the linker's record names.

use sealift_archive::RelativePath;
use sealift_model::{Method, PackageKind, Scope};
use sealift_program::{Program, go, signature};

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Draft, Found};
use crate::component::component;

/// The parts `version`, `modules` and, where only a variable has it, `main` of a program that Go built.
pub(crate) fn extract(_: &RelativePath, content: &[u8]) -> Option<Extract> {
    let program = Program::parse(content)?;
    let record = go::record(&program)?;
    let part = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let mut parts = vec![part("version", record.toolchain), part("modules", record.modules)];
    let modules = String::from_utf8_lossy(record.modules);
    let build = go::build(&String::from_utf8_lossy(record.toolchain), &modules);
    if build.main.is_some() && build.version().is_none() {
        let version = go::variable_version(&program, &build);
        parts.extend(version.map(|version| part("main", version.as_bytes())));
    }
    Some(Extract { parts, complaints: Vec::new() })
}

/// The modules: the main one, those that it was built from, and the standard library.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let text = |name| String::from_utf8_lossy(extract.part(name).unwrap_or_default());
    let build = go::build(&text("version"), &text("modules"));
    let mut builder = Builder { context, drafts: Vec::new() };
    builder.add("stdlib", build.go.as_deref(), Scope::Embedded);
    for module in &build.modules {
        builder.add(&module.path, module.version.as_deref(), Scope::Embedded);
    }
    if let Some(main) = &build.main {
        let needs = builder.drafts.iter().map(|draft| draft.provides.clone()).collect();
        let variable = text("main");
        let version = build.version().or_else(|| (!variable.is_empty()).then(|| variable.into()));
        let draft = builder.add(&main.path, version.as_deref(), Scope::Installed);
        draft.requires = needs;
        let known = signature::go_module(&main.path);
        let cpe = known.zip(version).and_then(|(known, version)| {
            signature::cpe(known.cpe, version.strip_prefix('v').unwrap_or(&version))
        });
        draft.package.cpes.extend(cpe);
    }
    Found { drafts: builder.drafts, notes: Vec::new() }
}

struct Builder<'a> {
    context: &'a Context<'a>,
    drafts: Vec<Draft>,
}

impl Builder<'_> {
    fn add(&mut self, path: &str, version: Option<&str>, scope: Scope) -> &mut Draft {
        let mut draft = module(path, version, Method::BuildRecord, self.context);
        draft.package.scope = scope;
        draft.provides = vec![format!("{}#{path}", self.context.path())];
        let place = self.drafts.len();
        self.drafts.push(draft);
        &mut self.drafts[place]
    }
}

/// A module; its purl is in lower case, whatever its path is (purl types, `golang`).
pub(crate) fn module(
    path: &str,
    version: Option<&str>,
    method: Method,
    context: &Context<'_>,
) -> Draft {
    let evidence = context.evidence(method);
    let mut draft = component(PackageKind::Go, path, version, evidence, context);
    let purl = &mut draft.package.purl;
    purl.name.make_ascii_lowercase();
    if let Some(namespace) = &mut purl.namespace {
        namespace.make_ascii_lowercase();
    }
    draft
}
