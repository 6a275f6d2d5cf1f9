//! What can be looked into besides images: folders, root file systems, SBOMs; and images for several platforms.

use std::process::Command;

use sealift_oci::{Digest, Index, Raw, media_type};
use sealift_testkit::{LayerFile, TestContext, TestImage, layer, write_layout};

use crate::{assert_one_error, context, with_image};

const PACKAGE: &str = "Metadata-Version: 2.1\nName: flask\nVersion: 2.2.2\n";
const ADVISORY: &str = r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[
{"package":{"ecosystem":"PyPI","name":"flask"},"versions":["2.2.2"]}]}"#;
const POLICY: &str = "package a\ndeny[m] { p := input.packages[_]; p.name == \"flask\"; m := \"no flask\" }\ndeny[m] { input.image.runs_as_root; m := \"root\" }\n";

#[test]
fn a_folder() {
    let context = context();
    context.write("root/usr/lib/python3/site-packages/flask-2.2.2.dist-info/METADATA", PACKAGE);
    context.write("osv/x.json", ADVISORY);
    context.write("deny.rego", POLICY);
    check(&context, "dir:root", "root");
    let refused = context.run(&["inspect", "dir:root"]);
    assert_one_error(&refused, 2, &["cannot be opened as an image", "hint:", "sealift sbom"]);
    assert_one_error(&context.run(&["sbom", "dir:nothing"]), 3, &["nothing"]);
}

#[test]
fn a_tar_of_a_root_file_system() {
    let context = context();
    context.write("root/usr/lib/python3/site-packages/flask-2.2.2.dist-info/METADATA", PACKAGE);
    context.write("osv/x.json", ADVISORY);
    context.write("deny.rego", POLICY);
    for (name, flags) in [("root.tar", "-cf"), ("root.tgz", "-czf")] {
        let mut tar = Command::new("tar");
        let tar = tar.current_dir(context.work()).args([flags, name, "-C", "root", "."]);
        assert!(tar.status().expect("tar").success());
        check(&context, &format!("rootfs:{name}"), name);
        check(&context, &format!("./{name}"), &format!("./{name}"));
    }
    check(&context, "./root", "./root");
    let refused = context.run(&["inspect", "./root.tar"]);
    assert_one_error(&refused, 2, &["cannot be opened as an image"]);
    context.write("text", "nothing");
    assert_one_error(&context.run(&["sbom", "./text"]), 3, &["not an image, a tar or an SBOM"]);
    assert_one_error(&context.run(&["sbom", "rootfs:text"]), 3, &["text"]);
    assert_one_error(&context.run(&["sbom", "rootfs:"]), 3, &["there is no path"]);
    // Written like an image's name, and with a word before it that is none of ours.
    context.write("127.0.0.1:1/app", "x");
    let wrong = context.run(&["sbom", "127.0.0.1:1/app"]);
    assert_one_error(&wrong, 2, &["`./127.0.0.1:1/app` means it"]);
    context.write("1/other", "x");
    let wrong = context.run(&["sbom", "127.0.0.1:1/other"]);
    assert_one_error(&wrong, 2, &["`./1/other` means it"]);
}

#[test]
fn an_sbom() {
    let context = context();
    context.write("root/usr/lib/python3/site-packages/flask-2.2.2.dist-info/METADATA", PACKAGE);
    context.write("osv/x.json", ADVISORY);
    context.write("deny.rego", POLICY);
    for (format, file, kind) in [
        ("cyclonedx-json", "a.cdx.json", "cyclonedx"),
        ("cyclonedx", "a.cdx.xml", "cyclonedx"),
        ("spdx-json", "a.spdx.json", "spdx"),
        ("spdx", "a.spdx", "spdx"),
        ("syft-json", "a.syft.json", "syft"),
    ] {
        context.expect(0, &["sbom", "dir:root", "-o", &format!("{format}={file}")]);
        for target in [format!("sbom:{file}"), format!("./{file}")] {
            let purls = context.expect(0, &["sbom", &target, "-o", "purls"]).stdout;
            assert_eq!(purls, "pkg:pypi/flask@2.2.2\n", "{target}");
            let scan = ["scan", "-f", "json", "--advisories", "osv", &target];
            let report = context.expect(0, &scan).stdout;
            let kind = format!("\"ArtifactType\": \"{kind}\"");
            assert!(report.contains(&kind) && report.contains("GHSA-1"), "{target}: {report}");
            let judged = context.run(&["policy", "check", "--policy", "deny.rego", &target]);
            assert!(judged.stdout.contains("no flask"), "{judged:?}");
        }
        let converted = context.expect(0, &["sbom", "convert", file, "-o", "spdx-json"]).stdout;
        let sbom = format!("sbom:{file}");
        let same = context.expect(0, &["sbom", &sbom, "-o", "spdx-json"]).stdout;
        assert_eq!(converted, same, "{file}: as `sbom convert`");
    }
    context.write("no.json", "{}");
    assert_one_error(
        &context.run(&["scan", "--advisories", "osv", "sbom:no.json"]),
        2,
        &["no SBOM"],
    );
    assert_one_error(&context.run(&["sbom", "sbom:nowhere"]), 3, &["nowhere"]);
    assert_one_error(&context.run(&["inspect", "sbom:a.spdx"]), 2, &["opened as an image"]);
}

#[test]
fn an_image_for_several_platforms() {
    let context = context();
    let mut entries = Vec::new();
    for architecture in ["arm64", "s390x"] {
        let content = PACKAGE.replace("2.2.2", architecture);
        let path = "usr/lib/python3/site-packages/flask-1.dist-info/METADATA";
        let file = LayerFile { path, content: content.as_bytes(), mode: 0o644 };
        let image = TestImage::new(vec![layer(&[file])], |config| {
            config.architecture = architecture.to_owned();
        });
        write_layout(&context.work().join("layout"), "app:1", &image);
        let mut descriptor = image.descriptor();
        descriptor.platform = Some(sealift_oci::Platform {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            os_version: None,
            variant: None,
        });
        entries.push(descriptor);
    }
    let index = Raw::encode(Index::new(entries));
    let digest = Digest::sha256(index.bytes());
    context.write(&format!("layout/blobs/sha256/{}", digest.hex()), index.bytes());
    let mut top = sealift_oci::Descriptor::new(media_type::INDEX, digest, index.size());
    top.annotations.insert(sealift_oci::ANNOTATION_REF_NAME.to_owned(), "app:1".to_owned());
    context.write("layout/index.json", Raw::encode(Index::new(vec![top])).bytes());
    let target = "oci-dir:layout:app:1";
    for (platform, architecture) in
        [("linux/arm64", "arm64"), ("linux/aarch64/v8", "arm64"), ("linux/s390x", "s390x")]
    {
        let command = ["sbom", "--platform", platform, target, "-o", "purls"];
        let purls = context.expect(0, &command).stdout;
        assert_eq!(purls, format!("pkg:pypi/flask@{architecture}\n"));
        let shown = context.expect(0, &["inspect", "--platform", platform, "./layout"]).stdout;
        assert!(shown.contains(&format!("linux/{architecture}")), "{shown}");
    }
    let available = ["no image for `linux/riscv64`", "`linux/arm64`, `linux/s390x`", "--platform"];
    for command in ["sbom", "inspect"] {
        let missing = context.run(&[command, "--platform", "linux/riscv64", target]);
        assert_one_error(&missing, 3, &available);
    }
    let wrong = context.run(&["sbom", "--platform", "arm64", target]);
    assert_one_error(&wrong, 2, &["OS/ARCH"]);
    context.write("sealift.toml", "platform = \"linux/s390x\"\n");
    let purls = context.expect(0, &["sbom", target, "-o", "purls"]).stdout;
    assert_eq!(purls, "pkg:pypi/flask@s390x\n");
}

#[test]
fn an_image_for_another_platform_is_not_what_was_asked_for() {
    let context = with_image();
    context.expect(0, &["inspect", "small:1"]);
    let wrong = context.run(&["inspect", "--platform", "windows/arm64", "store:small:1"]);
    assert_one_error(&wrong, 3, &["no image for `windows/arm64`, only for `linux/"]);
    // A registry that cannot be asked leaves what the store says.
    context.expect(0, &["build", "--quiet", "-t", "127.0.0.1:1/small:1", "small"]);
    let wrong = context.run(&["sbom", "--platform", "windows/arm64", "127.0.0.1:1/small:1"]);
    assert_one_error(&wrong, 3, &["no image for `windows/arm64`, only for `linux/"]);
}

// What `sbom`, `scan` and `policy` say of files that hold `flask` and no image.
fn check(context: &TestContext, target: &str, name: &str) {
    let purls = context.expect(0, &["sbom", target, "-o", "purls"]).stdout;
    assert_eq!(purls, "pkg:pypi/flask@2.2.2\n");
    let document = context.expect(0, &["sbom", target, "-o", "cyclonedx-json"]).stdout;
    assert!(document.contains(&format!("\"name\": \"{name}\"")), "{document}");
    assert!(document.contains("2026-01-02T03:04:05Z"), "{document}");
    let again = context.expect(0, &["sbom", target, "-o", "cyclonedx-json"]).stdout;
    assert_eq!(document, again, "the same twice");
    let report = context.expect(0, &["scan", "-f", "json", "--advisories", "osv", target]).stdout;
    assert!(report.contains("\"ArtifactType\": \"filesystem\""), "{report}");
    assert!(report.contains("GHSA-1"), "{report}");
    let judged = context.run(&["policy", "check", "--policy", "deny.rego", target]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert!(judged.stdout.contains("no flask") && judged.stdout.contains("root"), "{judged:?}");
    assert!(judged.stderr.contains("this is no image"), "{judged:?}");
}
