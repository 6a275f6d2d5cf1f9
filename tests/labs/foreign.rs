//! Other people's tools, which say what Sealift has made.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::lab::run;

/// The local store as skopeo and umoci name an image of it.
pub(crate) fn layout(context: &TestContext, name: &str) -> String {
    format!("{}:{name}", context.store().display())
}

/// Unpacks an image of the store with umoci; the folder is its root.
pub(crate) fn unpack(context: &TestContext, name: &str) -> PathBuf {
    let bundle = context.home().join("unpacked").join(name.replace(['/', ':'], "-"));
    fs::create_dir_all(bundle.parent().unwrap()).unwrap();
    let image = layout(context, name);
    let mut arguments = vec!["unpack", "--image", &image];
    if run("id", &["-u"]).trim() != "0" {
        arguments.push("--rootless");
    }
    arguments.push(bundle.to_str().unwrap());
    run("umoci", &arguments);
    bundle.join("rootfs")
}

/// Everything below a folder; folders end with a slash.
pub(crate) fn paths(root: &Path) -> BTreeSet<String> {
    let root = root.to_str().unwrap();
    let listing = run(
        "find",
        &[
            root,
            "-mindepth",
            "1",
            "(",
            "-type",
            "d",
            "-printf",
            "%P/\\n",
            "-o",
            "-printf",
            "%P\\n",
            ")",
        ],
    );
    listing.lines().map(str::to_owned).collect()
}

/// An image's config, by skopeo, which must not leave out what it does not know itself.
pub(crate) fn config(context: &TestContext, name: &str) -> Value {
    let image = format!("oci:{}", layout(context, name));
    serde_json::from_str(&run("skopeo", &["inspect", "--config", "--raw", &image])).unwrap()
}

/// An image's manifest, by skopeo.
pub(crate) fn manifest(context: &TestContext, name: &str) -> Value {
    let image = format!("oci:{}", layout(context, name));
    serde_json::from_str(&run("skopeo", &["inspect", "--raw", &image])).unwrap()
}

/// The file that a blob of the store lies in.
pub(crate) fn blob(context: &TestContext, digest: &Value) -> PathBuf {
    let digest = digest.as_str().unwrap();
    context.store().join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap())
}

/// What jq makes of a file of the work folder.
pub(crate) fn jq(context: &TestContext, expression: &str, file: &str) -> String {
    let path = context.work().join(file);
    run("jq", &["-r", expression, path.to_str().unwrap()]).trim_end().to_owned()
}
