//! Templates that are made of what trivy's and sprig's users write.

use expect_test::expect;
use sealift_model::Report;
use sealift_report::{Context, by_template};
use sealift_template::{Template, TemplateError};

use crate::formats::{hostile, reports};
use crate::sample;

fn fill(text: &str, file: &str, report: &Report) -> Result<String, TemplateError> {
    let (inventory, subject) = (sample::inventory(), sample::subject());
    let variable = &|name: &str| Some(format!("value-of-{name}"));
    let context =
        Context { inventory: &inventory, subject: &subject, lists_packages: false, variable };
    by_template(report, &context, &Template::parse_file(text, file)?)
}

const PAGE: &str = include_str!("templates/page.tpl");
const DOCUMENT: &str = include_str!("templates/document.tpl");
const LIST: &str = include_str!("templates/list.md.j2");

#[test]
fn a_page() {
    expect![[r#"
        <title>app:1 (debian 12) at 2020-09-13 12:26:40 +0000 UTC</title>
        <h2>debian</h2>
        <p class="LOW">openssl CVE-2020-2 1.1: A flaw in openssl.</p>
        <p class="UNKNOWN">zlib1g CVE-2020-3 no fix: A flaw in zlib1g.</p>
        <p>no misconfigurations</p>
        <h2>python-pkg</h2>
        <p class="CRITICAL">flask CVE-2020-1 1.1: A flaw in flask. <a href="https://example.org/1">https://example.org/1</a></p>
        <p>no misconfigurations</p>
    "#]].assert_eq(&fill(PAGE, "page.tpl", &sample::report()).unwrap());
}

#[test]
fn a_document() {
    let text = fill(DOCUMENT, "document.tpl", &sample::report()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    expect![[r#"
        {
          "at": "2020-09-13T12:26:40Z",
          "image": "app:1",
          "list": [
            {
              "id": "CVE-2020-2",
              "line": "CVE-2020-2 - openssl - 1.0 - A flaw in openssl",
              "links": [],
              "other": "0",
              "print": "18ef7e3af25a76e5ced57175b2ae19938be82704",
              "score": 0,
              "severity": "Low",
              "text": ""
            },
            {
              "id": "CVE-2020-3",
              "line": "CVE-2020-3 - zlib1g - 1.0 - A flaw in zlib1g",
              "links": [],
              "other": "0",
              "print": "fdeb18364e1a7c11ab9c6af6178aad98d8297c65",
              "score": 0,
              "severity": "Unknown",
              "text": ""
            },
            {
              "id": "CVE-2020-1",
              "line": "CVE-2020-1 - flask - 1.0 - A flaw in flask",
              "links": [
                "https://example.org/1"
              ],
              "other": "0",
              "page": "https://nvd.nist.gov/vuln/detail/CVE-2020-1",
              "print": "306e0b06915239b28d23ece34c855c3b16262cac",
              "score": 9.8,
              "severity": "Critical",
              "text": "Long &amp; &lt; .."
            }
          ],
          "of": "app:1",
          "os": "debian 12",
          "region": "value-of-AWS_REGION",
          "version": "0.1.0"
        }"#]]
    .assert_eq(&format!("{document:#}"));
}

#[test]
fn jinja() {
    expect![[r"
        # app:1 (0.1.0)
        - CVE-2020-3 in ZLIB1G: no fix
        - CVE-2020-1 in FLASK: 1.1

        3 in all
    "]]
    .assert_eq(&fill(LIST, "list.md.j2", &sample::report()).unwrap());
    // By its name, this one makes markup.
    let text = fill("{{ ArtifactName }}", "page.html.j2", &hostile()).unwrap();
    assert!(!text.contains('<'), "{text}");
}

#[test]
fn every_report_fills_every_template() {
    for (name, report) in reports() {
        for (text, file) in [(PAGE, "page.tpl"), (DOCUMENT, "document.tpl"), (LIST, "list.md.j2")] {
            let filled = fill(text, file, &report);
            let said = filled.as_ref().err();
            assert!(filled.is_ok(), "{file} of {name}: {said:?}");
            assert_eq!(filled, fill(text, file, &report));
        }
    }
}

#[test]
fn fields_that_trivy_has_are_never_without_value() {
    let text = "{{ range . }}{{ range .Vulnerabilities }}[{{ .FixedVersion }}{{ .PrimaryURL }}{{ len .References }}]{{ end }}{{ end }}";
    let empty = Report { findings: vec![sample::report().findings[1].clone()], ..sample::report() };
    assert_eq!(fill(text, "", &empty).unwrap(), "[0]");
    // What trivy does not have shows itself.
    assert_eq!(fill("{{ (index . 0).NoSuch }}", "", &empty).unwrap(), "<no value>");
    assert!(fill("{{ range .Results }}{{ end }}", "", &empty).unwrap().is_empty());
}
