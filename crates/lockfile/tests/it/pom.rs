//! Maven's projects.

use expect_test::expect;
use sealift_lockfile::{Pom, pom};

const POM: &str = r#"<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>org.acme</groupId><artifactId>parent</artifactId><version>3</version></parent>
  <artifactId>app</artifactId>
  <name>${project.artifactId} of A &amp; B</name>
  <url>https://x</url>
  <organization><name>ACME</name></organization>
  <licenses><license><name>Apache-2.0</name></license></licenses>
  <properties><jackson.version>${major}.13</jackson.version><major>2</major><loop>${loop}</loop></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>g</groupId><artifactId>managed</artifactId><version>7</version><scope>runtime</scope></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>com.j</groupId><artifactId>core</artifactId><version>${jackson.version}</version></dependency>
    <dependency><groupId>g</groupId><artifactId>managed</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId><version>${project.version}</version><optional>true</optional></dependency>
    <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>${unknown}</version><scope>test</scope>
      <exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>
    <dependency><groupId>l</groupId><artifactId>loop</artifactId><version>${loop}</version></dependency>
  </dependencies>
</project>"#;

fn show(pom: &Pom) -> String {
    let coordinates = |it: &sealift_lockfile::Coordinates| {
        format!("{:?} {} {:?}", it.group, it.artifact, it.version)
    };
    let mut lines = vec![coordinates(&pom.own)];
    lines.push(format!(
        "{:?} {:?} {:?} {:?}",
        pom.summary, pom.homepage, pom.organization, pom.licenses
    ));
    lines.extend(
        pom.dependencies
            .iter()
            .map(|it| format!("{} {} {}", coordinates(&it.coordinates), it.scope, it.is_optional)),
    );
    lines.join("\n")
}

#[test]
fn properties_are_filled_in() {
    expect![[r#"
        Some("org.acme") app Some("3")
        Some("app of A & B") Some("https://x") Some("ACME") ["Apache-2.0"]
        Some("com.j") core Some("2.13") compile false
        Some("g") managed Some("7") runtime false
        Some("org.acme") own Some("3") compile true
        Some("junit") junit None test false
        Some("l") loop None compile false"#]]
    .assert_eq(&show(&pom(POM.as_bytes()).unwrap()));
}

#[test]
fn hostile() {
    for end in 0..POM.len() {
        assert!(pom(&POM.as_bytes()[..end]).is_err(), "{end}");
        for byte in [0, b'<', b'>', b'&', b'$', 0xff] {
            let mut broken = POM.as_bytes().to_vec();
            broken[end] = byte;
            let _ = pom(&broken);
        }
    }
    assert!(pom("<project>".repeat(100_000).as_bytes()).is_err());
    assert!(pom(b"<html></html>").is_err());
    // Properties that grow with every round.
    let lines: Vec<String> =
        (0..50).map(|n| format!("<p{n}>${{p{}}}${{p{}}}</p{n}>", n + 1, n + 1)).collect();
    let bomb = lines.concat();
    let text = format!(
        "<project><artifactId>${{p0}}</artifactId><properties>{bomb}</properties></project>"
    );
    assert_eq!(pom(text.as_bytes()).unwrap().own.artifact, "");
    let many =
        "<dependency><groupId>g</groupId><artifactId>a</artifactId></dependency>".repeat(20_000);
    let text = format!("<project><dependencies>{many}</dependencies></project>");
    assert_eq!(pom(text.as_bytes()).unwrap().dependencies.len(), 5000);
}
