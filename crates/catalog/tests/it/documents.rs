//! SBOMs and other records that are inside the image.

use expect_test::expect;

use crate::{inventory, show};

const STATUS: &[u8] =
    b"Package: openssl\nStatus: install ok installed\nVersion: 3.0\nArchitecture: amd64\n\n";

const CYCLONEDX: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
 {"type":"library","bom-ref":"a","name":"left-pad","version":"1.3.0","purl":"pkg:npm/left-pad@1.3.0","licenses":[{"license":{"id":"WTFPL"}}]},
 {"type":"library","bom-ref":"b","name":"inner","version":"2","purl":"pkg:npm/inner@2"},
 {"type":"library","bom-ref":"c","name":"openssl","version":"3.0","purl":"pkg:deb/debian/openssl@3.0?arch=amd64"},
 {"type":"library","bom-ref":"d","name":"openssl","version":"1.1","purl":"pkg:deb/debian/openssl@1.1?arch=amd64"},
 {"type":"library","bom-ref":"e","name":"nothing"},
 {"type":"library","bom-ref":"f","name":"zlib","version":"1.3"}
],"dependencies":[{"ref":"a","dependsOn":["b"]}]}"#;

const SPDX: &[u8] = b"SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: nginx
DocumentNamespace: https://example.org/x

PackageName: nginx
SPDXID: SPDXRef-nginx
PackageVersion: 1.25.4
PackageDownloadLocation: NOASSERTION
PackageLicenseDeclared: BSD-2-Clause
ExternalRef: PACKAGE-MANAGER purl pkg:bitnami/nginx@1.25.4-0?arch=amd64&distro=debian-12

PackageName: pcre
SPDXID: SPDXRef-pcre
PackageVersion: 8.45
PackageDownloadLocation: NOASSERTION
ExternalRef: PACKAGE-MANAGER purl pkg:generic/pcre@8.45

Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-nginx
";

#[test]
fn what_is_known_already_is_one_component() {
    let found = inventory(&[&[
        ("var/lib/dpkg/status", STATUS),
        ("app/node_modules/left-pad/package.json", br#"{"name":"left-pad","version":"1.3.0"}"#),
        ("app/app.cdx.json", CYCLONEDX),
        ("app/test-data/x.cdx.json", br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"t","version":"1","purl":"pkg:pypi/t@1"}]}"#),
    ]]);
    expect![[r#"
        pkg:deb/debian/openssl@3.0?arch=amd64
          source openssl 3.0
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
          Sbom /app/app.cdx.json Some(0)
        pkg:pypi/t@1
          nobody; licences []; layer Some(0); TestData
          Sbom /app/test-data/x.cdx.json Some(0)
        pkg:npm/inner@2
          nobody; licences []; layer Some(0); Embedded
          Sbom /app/app.cdx.json Some(0)
        pkg:npm/left-pad@1.3.0
          nobody; licences ["WTFPL"]; layer Some(0); Installed
          Manifest /app/node_modules/left-pad/package.json Some(0)
          Sbom /app/app.cdx.json Some(0)
          files /app/node_modules/left-pad/package.json
        pkg:generic/zlib@1.3
          nobody; licences []; layer Some(0); Embedded
          Sbom /app/app.cdx.json Some(0)
        left-pad needs inner
        note /app/app.cdx.json: 1 entries are no packages with a package URL or a version
        note /app/app.cdx.json: 1 packages are not installed here, by the image's own record
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn bitnami() {
    let components = br#"{"nginx":{"arch":"amd64","digest":"0000000000000000000000000000000000000000000000000000000000000000","distro":"debian-12","type":"NAMI","version":"1.25.4-0"},"x":1,"y":{}}"#;
    let found = inventory(&[&[
        ("opt/bitnami/.bitnami_components.json", components),
        ("opt/bitnami/nginx/.spdx-nginx.spdx", SPDX),
    ]]);
    expect![[r#"
        pkg:bitnami/nginx@1.25.4-0?arch=amd64&distro=debian-12
          nobody; licences ["BSD-2-Clause"]; layer Some(0); Installed
          Database /opt/bitnami/.bitnami_components.json Some(0)
          Sbom /opt/bitnami/nginx/.spdx-nginx.spdx Some(0)
          files /opt/bitnami/nginx/.spdx-nginx.spdx
        pkg:bitnami/y
          nobody; licences []; layer Some(0); Installed
          Database /opt/bitnami/.bitnami_components.json Some(0)
        pkg:generic/pcre@8.45
          nobody; licences []; layer Some(0); Embedded
          Sbom /opt/bitnami/nginx/.spdx-nginx.spdx Some(0)
        note /opt/bitnami/.bitnami_components.json: a component cannot be read
        note /opt/bitnami/.bitnami_components.json: component `y` has no version
    "#]]
    .assert_eq(&show(&found));
    assert_eq!(found.packages[0].hashes.len(), 1);
}

#[test]
fn sources_of_apk_packages() {
    let document = br#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"curl","packages":[
 {"SPDXID":"SPDXRef-a","name":"curl","versionInfo":"8.4.0-r0","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/wolfi/curl@8.4.0-r0?arch=x86_64"}]},
 {"SPDXID":"SPDXRef-b","name":"curl-source","versionInfo":"curl-8_4_0","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:github/curl/curl@curl-8_4_0"}]}]}"#;
    let found = inventory(&[&[
        ("etc/os-release", b"ID=wolfi\n"),
        ("lib/apk/db/installed", b"P:curl\nV:8.4.0-r0\nA:x86_64\n\n"),
        ("var/lib/db/sbom/curl-8.4.0-r0.spdx.json", document),
    ]]);
    expect![[r#"
        distro wolfi None
        pkg:apk/wolfi/curl@8.4.0-r0?arch=x86_64&distro=wolfi
          source curl 8.4.0-r0
          nobody; licences []; layer Some(0); Installed
          Database /lib/apk/db/installed Some(0)
          Sbom /var/lib/db/sbom/curl-8.4.0-r0.spdx.json Some(0)
        pkg:github/curl/curl@curl-8_4_0
          nobody; licences []; layer Some(0); BuiltFrom
          Sbom /var/lib/db/sbom/curl-8.4.0-r0.spdx.json Some(0)
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn what_is_no_document() {
    for end in (0..CYCLONEDX.len()).step_by(7) {
        let found = inventory(&[&[("a.cdx.json", &CYCLONEDX[..end])]]);
        assert!(found.packages.is_empty() && !found.notes.is_empty(), "cut off at {end}");
    }
    for end in (0..SPDX.len()).step_by(7) {
        inventory(&[&[("a.spdx", &SPDX[..end])]]);
    }
    let deep =
        [&b"{\"bomFormat\":\"CycloneDX\",\"components\":"[..], &b"[".repeat(100_000)].concat();
    let found = inventory(&[&[
        ("deep.cdx.json", &deep),
        ("a.sbom", b"\xff"),
        ("bom.json", b"{}"),
        ("opt/bitnami/.bitnami_components.json", b"[]"),
    ]]);
    expect![[r#"
        note /a.sbom: the document is not well-formed: byte 0 is not UTF-8
        note /deep.cdx.json: the document is not well-formed: recursion limit exceeded at line 1 column 165
        note /opt/bitnami/.bitnami_components.json: it is no list of components: invalid type: sequence, expected a map at line 1 column 0
    "#]].assert_eq(&show(&found));
}
