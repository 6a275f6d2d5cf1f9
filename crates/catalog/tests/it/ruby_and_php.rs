//! Gems and Composer's packages.

use expect_test::expect;
use sealift_model::Scope;

use crate::{inventory, show};

const RACK: &[u8] = b"# -*- encoding: utf-8 -*-\n# stub: rack 2.2.6 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.6\"\n\n  s.required_rubygems_version = Gem::Requirement.new(\">= 0\".freeze) if s.respond_to? :required_rubygems_version=\n  s.metadata = { \"a\" => \"b\" } if s.respond_to? :metadata=\n  s.authors = [\"Leah Neukirchen\".freeze, \"B\".freeze]\n  s.homepage = \"https://github.com/rack/rack\".freeze\n  s.licenses = [\"MIT\".freeze, \"Ruby\".freeze]\n  s.summary = \"A modular interface.\".freeze\n\n  s.add_runtime_dependency(%q<json>.freeze, [\"~> 2\"])\n  s.add_development_dependency(%q<minitest>.freeze, [\"~> 5.0\"])\nend\n";

#[test]
fn gems() {
    let json = b"Gem::Specification.new do |s|\n  s.name = 'json'\n  s.version = '2.6.1'\n  s.authors = []\nend\n";
    let found = inventory(&[&[
        ("usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.gemspec", RACK),
        ("usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1-x86_64-linux.gemspec", json),
        ("src/rack/rack.gemspec", RACK),
        ("x/specifications/bad.gemspec", b"\xff"),
    ]]);
    expect![[r#"
        pkg:gem/json@2.6.1?platform=x86_64-linux
          nobody; licences []; layer Some(0); Installed
          Database /usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1-x86_64-linux.gemspec Some(0)
        pkg:gem/rack@2.2.6
          person Leah Neukirchen; licences ["MIT", "Ruby"]; layer Some(0); Installed
          Database /usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.gemspec Some(0)
        rack needs json
        note /x/specifications/bad.gemspec: it has no name
    "#]]
    .assert_eq(&show(&found));
}

const PHP: &str = r#"[{"name":"Monolog/monolog","version":"2.8.0","license":["MIT","Apache-2.0"],"require":{"php":">=7","psr/log":"^1"},
"authors":[{"name":"Jordi"}]},{"name":"psr/log","version":"v1.1.4","license":["MIT"]}]"#;

#[test]
fn composer() {
    let second = format!("{{\"packages\":{PHP},\"dev\":false}}");
    for list in [PHP, &second] {
        let found = inventory(&[&[("app/vendor/composer/installed.json", list.as_bytes())]]);
        expect![[r#"
            pkg:composer/monolog/monolog@2.8.0
              person Jordi; licences ["MIT OR Apache-2.0"]; layer Some(0); Installed
              Database /app/vendor/composer/installed.json Some(0)
            pkg:composer/psr/log@v1.1.4
              nobody; licences ["MIT"]; layer Some(0); Installed
              Database /app/vendor/composer/installed.json Some(0)
            Monolog/monolog needs psr/log
        "#]]
        .assert_eq(&show(&found));
    }
    let found = inventory(&[&[
        ("app/composer.lock", second.as_bytes()),
        ("app/vendor/psr/log/composer.json", b"{}"),
    ]]);
    assert_eq!(found.packages.len(), 1);
    assert_eq!(found.packages[0].scope, Scope::Declared);
}

#[test]
fn hostile() {
    let deep = "[".repeat(10_000);
    for bytes in
        [deep.as_bytes(), b"\xff", b"[1,{}]", b"{\"packages\":{}}", b"s.name = \"", b"s.name = %"]
    {
        let found = inventory(&[&[
            ("vendor/composer/installed.json", bytes),
            ("composer.lock", bytes),
            ("specifications/a.gemspec", bytes),
        ]]);
        assert!(found.packages.is_empty());
    }
    for end in 0..RACK.len() {
        inventory(&[&[("specifications/rack.gemspec", &RACK[..end])]]);
    }
    for end in 0..PHP.len() {
        let found = inventory(&[&[("composer/installed.json", &PHP.as_bytes()[..end])]]);
        assert_eq!((found.packages.len(), found.notes.len()), (0, 1));
    }
}
