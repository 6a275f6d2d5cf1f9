//! B: SBOMs in several formats, and what they tell.

use serde_json::Value;

use crate::lab::empty_lab;

const STATUS: &str = "\
Package: zlib1g
Status: install ok installed
Maintainer: Mark Brown <broonie@debian.org>
Architecture: amd64
Version: 1:1.2.13
Description: compression library

Package: gdb
Status: install ok installed
Architecture: amd64
Version: 13.1-3
Depends: zlib1g (>= 1:1.2)
Description: GNU Debugger

Package: libssl-dev
Status: install ok installed
Architecture: amd64
Version: 3.0.15
Description: headers
";

fn image(context: &sealift_testkit::TestContext, name: &str, status: &str) {
    context.write("image/root/var/lib/dpkg/status", status);
    context.write("image/root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    context.write(
        "image/root/app/pytest-7.0.dist-info/METADATA",
        "Name: pytest\nVersion: 7.0\nLicense: MIT\n",
    );
    context.write("image/Dockerfile", "FROM scratch\nCOPY root /\n");
    context.expect(0, &["build", "--quiet", "-t", name, "image"]);
}

#[test]
fn b9_several_formats_at_once() {
    let context = empty_lab();
    image(&context, "app:1", STATUS);
    let outputs = [
        "spdx-json=a.spdx.json",
        "spdx-json@3=a.spdx3.json",
        "spdx=a.spdx",
        "cyclonedx-json=a.cdx.json",
        "cyclonedx=a.cdx.xml",
        "syft-json=a.syft.json",
    ];
    let mut arguments = vec!["sbom", "app:1"];
    arguments.extend(outputs.iter().flat_map(|output| ["-o", output]));
    assert_eq!(context.expect(0, &arguments).stdout, "", "all went to files");
    let direct = context.expect(0, &["sbom", "app:1", "-o", "purls"]).stdout;
    assert!(direct.contains("zlib1g@1:1.2.13"), "{direct}");
    for output in outputs {
        let file = output.split_once('=').unwrap().1;
        context.expect(0, &["sbom", "validate", file]);
        let listed = context.expect(0, &["sbom", "convert", file, "-o", "purls"]).stdout;
        assert_eq!(listed, direct, "{file}");
    }
}

#[test]
fn b10_analysis_and_differences() {
    let context = empty_lab();
    image(&context, "app:1", STATUS);
    image(&context, "app:2", &STATUS.replace("1:1.2.13", "1:1.3").replace("libssl-dev", "libssl3"));
    context.expect(0, &["sbom", "app:1", "-o", "cyclonedx-json=1.json"]);
    context.expect(0, &["sbom", "app:2", "-o", "spdx=2.spdx"]);

    let text = context.expect(0, &["sbom", "analyze", "--format", "json", "1.json"]).stdout;
    let analysis: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(analysis["packages"], 4);
    assert_eq!(analysis["byType"]["deb"], 3);
    assert_eq!(analysis["byType"]["pypi"], 1);
    assert_eq!(analysis["licenses"]["MIT"], 1);
    let risky = analysis["risky"].as_array().unwrap().iter();
    let risky: Vec<_> =
        risky.map(|it| (it["name"].as_str().unwrap(), it["risk"].as_str().unwrap())).collect();
    assert_eq!(risky, [("gdb", "debugging"), ("libssl-dev", "development"), ("pytest", "testing")]);

    let text = context.expect(0, &["sbom", "diff", "--format", "json", "1.json", "2.spdx"]).stdout;
    let difference: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(difference["added"][0]["name"], "libssl3");
    assert_eq!(difference["removed"][0]["name"], "libssl-dev");
    assert_eq!(difference["changed"][0]["name"], "zlib1g");
    assert_eq!(difference["changed"][0]["new"]["version"], "1:1.3");
    assert_eq!(difference["same"], 2);
}
