//! `cargo xtask package [PROGRAM]`: a Debian package of the program, the registry's service and the documentation.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::manuals::manuals;

const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];
const CONFFILES: &str = "/etc/sealift/registry.yml\n";

/// Builds the program if none is given, and packs it.
pub(crate) fn run(root: &Path, program: Option<PathBuf>) -> anyhow::Result<()> {
    let program = match program {
        Some(program) => program,
        None => build(root)?,
    };
    let version = version(&program)?;
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))?;
    let out = root.join("target/package");
    let tree = out.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    fill(root, &tree, &program)?;
    changelog(&tree, &version)?;
    manual_pages(root, &tree, &version)?;
    let size = size_of(&tree)?.div_ceil(1024);
    let control = fs::read_to_string(root.join("packaging/debian/control"))?
        .replace("@VERSION@", &version)
        .replace("@ARCHITECTURE@", &architecture)
        .replace("@SIZE@", &size.to_string());
    let debian = tree.join("DEBIAN");
    write(&debian.join("control"), control.as_bytes(), 0o644)?;
    write(&debian.join("conffiles"), CONFFILES.as_bytes(), 0o644)?;
    for script in SCRIPTS {
        copy(&root.join("packaging/debian").join(script), &debian.join(script), 0o755)?;
    }
    let sums = sums(&tree)?;
    write(&debian.join("md5sums"), sums.as_bytes(), 0o644)?;
    let package = out.join(format!("sealift_{version}_{architecture}.deb"));
    let mut packing = Command::new("dpkg-deb");
    packing.args(["--root-owner-group", "--build", "-Zxz"]).arg(&tree).arg(&package);
    ensure!(packing.status()?.success(), "{packing:?} failed");
    fs::remove_dir_all(&tree)?;
    eprintln!("xtask: wrote {}", package.display());
    Ok(())
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let mut building = Command::new(env!("CARGO"));
    building.args(["build", "--release", "-p", "sealift"]).current_dir(root);
    ensure!(building.status()?.success(), "{building:?} failed");
    Ok(root.join("target/release/sealift"))
}

fn version(program: &Path) -> anyhow::Result<String> {
    let text = output(Command::new(program).arg("--version"))?;
    let version = text.split_whitespace().nth(1).context("`--version` gives no version")?;
    Ok(version.to_owned())
}

fn fill(root: &Path, tree: &Path, program: &Path) -> anyhow::Result<()> {
    let packaging = root.join("packaging");
    let installed = tree.join("usr/bin/sealift");
    copy(program, &installed, 0o755)?;
    // Policy 10.1: programs have no symbols for debuggers.
    output(
        Command::new("strip")
            .args(["--strip-unneeded", "--remove-section=.comment"])
            .arg(&installed),
    )?;
    copy(
        &packaging.join("debian/lintian-overrides"),
        &tree.join("usr/share/lintian/overrides/sealift"),
        0o644,
    )?;
    copy(&packaging.join("debian/registry.yml"), &tree.join("etc/sealift/registry.yml"), 0o644)?;
    let unit = "sealift-registry.service";
    copy(
        &packaging.join("systemd").join(unit),
        &tree.join("lib/systemd/system").join(unit),
        0o644,
    )?;
    let documentation = tree.join("usr/share/doc/sealift");
    copy(&packaging.join("debian/copyright"), &documentation.join("copyright"), 0o644)?;
    for entry in fs::read_dir(root.join("docs"))? {
        let path = entry?.path();
        if let Some(name) =
            path.file_name().filter(|_| path.extension().is_some_and(|it| it == "md"))
        {
            copy(&path, &documentation.join(name), 0o644)?;
        }
    }
    Ok(())
}

// Policy 12.7: every package has one, compressed. What changed is in CHANGELOG.md; this names the version.
fn changelog(tree: &Path, version: &str) -> anyhow::Result<()> {
    let date = output(Command::new("date").args(["-R", "-u"]))?;
    let text = format!(
        "sealift ({version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of this version.\n\n -- The Sealift authors \
         <maintainers@sealift.dev>  {date}\n"
    );
    let path = tree.join("usr/share/doc/sealift/changelog");
    write(&path, text.as_bytes(), 0o644)?;
    output(Command::new("gzip").args(["-9", "-n"]).arg(&path)).map(drop)
}

// Policy 12.1: every program has one, compressed.
fn manual_pages(root: &Path, tree: &Path, version: &str) -> anyhow::Result<()> {
    let reference = fs::read_to_string(root.join("docs/commands.md"))?;
    let folder = tree.join("usr/share/man/man1");
    let manuals = manuals(&reference, version);
    ensure!(!manuals.is_empty(), "docs/commands.md has no command");
    for manual in &manuals {
        write(&folder.join(&manual.file), manual.text.as_bytes(), 0o644)?;
    }
    let files = manuals.iter().map(|manual| folder.join(&manual.file));
    output(Command::new("gzip").args(["-9", "-n"]).args(files)).map(drop)
}

fn copy(from: &Path, to: &Path, mode: u32) -> anyhow::Result<()> {
    let bytes = fs::read(from).with_context(|| format!("cannot read `{}`", from.display()))?;
    write(to, &bytes, mode)
}

fn write(to: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let folder = to.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(to, bytes)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    // Whatever the umask was, others may look into folders.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        if path.is_dir() { files(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

fn size_of(tree: &Path) -> anyhow::Result<u64> {
    let mut found = Vec::new();
    files(tree, &mut found)?;
    found.iter().map(|path| Ok(fs::metadata(path)?.len())).sum()
}

fn sums(tree: &Path) -> anyhow::Result<String> {
    let mut found = Vec::new();
    files(tree, &mut found)?;
    found.retain(|path| !path.starts_with(tree.join("DEBIAN")));
    found.sort();
    let names = found.iter().filter_map(|path| path.strip_prefix(tree).ok());
    let text = output(Command::new("md5sum").args(names).current_dir(tree))?;
    Ok(text + "\n")
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
