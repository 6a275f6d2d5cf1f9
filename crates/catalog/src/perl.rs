//! Perl's distributions that are installed: what `cpanm` notes of each (`.meta/DIST/install.json`, with the `MYMETA.json`
//! beside it), else the list of files that every installer writes (`auto/…/.packlist`, `perllocal.pod`).

use std::collections::HashSet;

use sealift_model::{Method, PackageKind};
use serde_json::{Map, Value};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, license, shorten};

/// What `cpanm` installed.
pub(crate) const DISTRIBUTION: Cataloger = Cataloger {
    name: "perl-distribution",
    what: "Perl distributions that cpanm installed",
    evidence: &[Pattern::Named("", "install.json")],
    companions: &[Pattern::Named("", "MYMETA.json")],
    read: read_install,
};

/// What others installed.
pub(crate) const PACKLIST: Cataloger = Cataloger {
    name: "perl-packlist",
    what: "Perl distributions by their lists of files",
    evidence: &[Pattern::Named("", ".packlist")],
    companions: &[Pattern::Named("", "perllocal.pod")],
    read: read_packlist,
};

const BYTES_MAX: usize = 4 << 20;
const NEEDS_MAX: usize = 1_000;
const META: &str = "/.meta/";

fn read_install(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = context.path();
    let Some(folder) = path.strip_suffix("/install.json").filter(|path| path.contains(META)) else {
        return found;
    };
    let install = match object(bytes) {
        Ok(install) => install,
        Err(complaint) => {
            found.notes.push(context.note(complaint));
            return found;
        }
    };
    let meta =
        context.companion(format!("{}/MYMETA.json", folder.trim_start_matches('/')).as_bytes());
    let meta = meta.and_then(|file| object(file.bytes).ok()).unwrap_or_default();
    let text = |key: &str| install.get(key).and_then(Value::as_str).filter(|it| is_text(it));
    let version = text("version");
    let name = meta.get("name").and_then(Value::as_str).filter(|it| is_text(it)).or_else(|| {
        let dist = text("dist")?;
        Some(dist.strip_suffix(version?)?.trim_end_matches(['-', 'v']))
    });
    let Some(name) = name else {
        found.notes.push(context.note("it has no name"));
        return found;
    };
    let mut draft = distribution(name, version, context);
    // `A/AU/AUTHOR/Name-1.0.tar.gz`; the author is the purl's namespace (package-url, `cpan`).
    let author = text("pathname").and_then(|path| path.rsplit('/').nth(1));
    draft.package.purl.namespace = author.map(str::to_ascii_uppercase);
    draft.package.summary = meta.get("abstract").and_then(Value::as_str).map(shorten);
    draft.package.licenses = meta_licenses(&meta);
    folder.split(META).next().unwrap_or_default().clone_into(&mut draft.surroundings);
    // Modules are needed, distributions provide them.
    let modules =
        install.get("provides").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    draft.provides.extend(modules.take(NEEDS_MAX).cloned());
    let needs = ["prereqs", "runtime", "requires"]
        .iter()
        .try_fold(&meta, |value, key| value.get(*key).and_then(Value::as_object));
    let needs = needs.into_iter().flat_map(Map::keys).filter(|name| *name != "perl");
    draft.requires = needs.take(NEEDS_MAX).map(|name| vec![name.clone()]).collect();
    found.drafts.push(draft);
    found
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    if bytes.len() > BYTES_MAX {
        return Err("it is too large for a record".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| format!("it is no record: {error}"))
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains(char::is_control)
}

fn distribution(name: &str, version: Option<&str>, context: &Context<'_>) -> Draft {
    let evidence = context.evidence(Method::Database);
    let mut draft = component(PackageKind::Cpan, name, version, evidence, context);
    draft.provides = vec![name.to_owned(), name.replace('-', "::")];
    draft
}

// CPAN::Meta::Spec has words of its own for licences.
fn meta_licenses(meta: &Map<String, Value>) -> Vec<sealift_model::License> {
    let words = meta.get("license").and_then(Value::as_array).into_iter().flatten();
    let names = words.filter_map(Value::as_str).take(20).filter_map(|word| {
        Some(match word {
            "perl_5" => "Artistic-1.0-Perl OR GPL-1.0-or-later",
            "apache_2_0" => "Apache-2.0",
            "artistic_1" => "Artistic-1.0",
            "artistic_2" => "Artistic-2.0",
            "bsd" => "BSD-3-Clause",
            "freebsd" => "BSD-2-Clause",
            "gpl_1" => "GPL-1.0-only",
            "gpl_2" => "GPL-2.0-only",
            "gpl_3" => "GPL-3.0-only",
            "lgpl_2_1" => "LGPL-2.1-only",
            "lgpl_3_0" => "LGPL-3.0-only",
            "agpl_3" => "AGPL-3.0-only",
            "mit" => "MIT",
            "mozilla_1_1" => "MPL-1.1",
            "zlib" => "Zlib",
            "unknown" => return None,
            other => other,
        })
    });
    names.filter_map(license).collect()
}

// `…/ARCH/auto/Foo/Bar/.packlist`: the module Foo::Bar, which is what its distribution is called, as a rule.
fn read_packlist(_: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = context.path();
    let Some((home, rest)) = path.rsplit_once("/auto/") else { return found };
    let Some(module) = rest.strip_suffix("/.packlist").filter(|it| is_text(it)) else {
        return found;
    };
    let module = module.replace('/', "::");
    let homes =
        [home.to_owned(), home.replace("/site_perl/", "/"), home.replace("/vendor_perl/", "/")];
    let version = homes.iter().find_map(|home| {
        let local = context
            .companion(format!("{home}/perllocal.pod").trim_start_matches('/').as_bytes())?;
        local_version(&String::from_utf8_lossy(local.bytes), &module)
    });
    let mut draft = distribution(&module.replace("::", "-"), version.as_deref(), context);
    home.clone_into(&mut draft.surroundings);
    found.drafts.push(draft);
    found
}

/// What `cpanm` has told of, its list of files need not tell again.
pub(crate) fn settle(drafts: &mut Vec<Draft>) {
    let is_told = |draft: &Draft| draft.package.evidence[0].path.contains(META);
    let perl = drafts.iter().filter(|draft| draft.package.kind == PackageKind::Cpan);
    let told: HashSet<(String, String)> = perl
        .filter(|draft| is_told(draft))
        .flat_map(|draft| draft.provides.iter().map(|it| (draft.surroundings.clone(), it.clone())))
        .collect();
    drafts.retain(|draft| {
        draft.package.kind != PackageKind::Cpan || is_told(draft) || {
            let mut names = draft.provides.iter().cloned();
            !names.any(|name| told.contains(&(draft.surroundings.clone(), name)))
        }
    });
}

// `=head2 …: C<Module> L<Foo::Bar|Foo::Bar>`, and below it `C<VERSION: 1.0>`. What is told last holds.
fn local_version(text: &str, module: &str) -> Option<String> {
    let link = format!("L<{module}|{module}>");
    let mut is_its = false;
    let mut version = None;
    for line in text.lines() {
        if line.starts_with("=head2") {
            is_its = line.contains(&link);
        } else if is_its
            && let Some(rest) = line.trim().strip_prefix("C<VERSION: ")
            && let Some(number) = rest.strip_suffix('>').filter(|it| is_text(it))
        {
            version = Some(number.to_owned());
        }
    }
    version
}
