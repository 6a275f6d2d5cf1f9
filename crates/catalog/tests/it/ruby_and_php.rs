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
          files /usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1-x86_64-linux.gemspec
        pkg:gem/rack@2.2.6
          person Leah Neukirchen; licences ["MIT", "Ruby"]; layer Some(0); Installed
          Database /usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.gemspec Some(0)
          files /usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.gemspec
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

const GEMFILE: &str = "GIT
  remote: https://github.com/a/git_gem
  revision: 0000
  specs:
    git_gem (0.1.0)
      rack

PATH
  remote: .
  specs:
    own (1.0)

GEM
  remote: https://rubygems.org/
  specs:
    json (2.6.1)
    nokogiri (1.15.0-x86_64-linux)
      racc (~> 1.4)
    nokogiri (1.15.0-arm64-darwin)
      racc (~> 1.4)
    racc (1.6.0)
    rack (2.2.6)
      json (~> 2)

PLATFORMS
  x86_64-linux

DEPENDENCIES
  git_gem!
  nokogiri

CHECKSUMS
  racc (1.6.0) sha256=77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0

BUNDLED WITH
   2.3.7
";

#[test]
fn locked_gems() {
    let found = inventory(&[&[
        ("app/Gemfile.lock", GEMFILE.as_bytes()),
        ("usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.gemspec", RACK),
        ("usr/lib/ruby/gems/3.1.0/gems/rack-2.2.6/lib/rack.rb", b""),
        ("usr/lib/ruby/gems/3.1.0/gems/rack-2.2.6/Gemfile.lock", GEMFILE.as_bytes()),
    ]]);
    expect![[r#"
        pkg:gem/git_gem@0.1.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Gemfile.lock Some(0)
        pkg:gem/json@2.6.1
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Gemfile.lock Some(0)
        pkg:gem/nokogiri@1.15.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Gemfile.lock Some(0)
        pkg:gem/racc@1.6.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Gemfile.lock Some(0)
        pkg:gem/rack@2.2.6
          person Leah Neukirchen; licences ["MIT", "Ruby"]; layer Some(0); Installed
          Database /usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.gemspec Some(0)
          files /usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.gemspec /usr/lib/ruby/gems/3.1.0/gems/rack-2.2.6/Gemfile.lock /usr/lib/ruby/gems/3.1.0/gems/rack-2.2.6/lib/rack.rb
        git_gem needs rack
        nokogiri needs racc
        rack needs json
    "#]]
    .assert_eq(&show(&found));
    let racc = found.packages.iter().find(|it| it.name == "racc").unwrap();
    assert_eq!(racc.hashes.len(), 1);
}

// As PHP's `serialize` writes it: `i` for numbers, lengths in bytes.
fn serialized(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::String(text) => format!("s:{}:\"{text}\";", text.len()),
        Value::Number(number) => format!("i:{number};"),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                [serialized(&Value::String(key.clone())), serialized(value)].concat()
            };
            format!("a:{}:{{{}}}", entries.len(), entries.iter().map(entry).collect::<String>())
        }
        _ => "N;".to_owned(),
    }
}

#[test]
fn extensions() {
    let redis = serialized(&serde_json::json!({
        "name": "redis", "channel": "pecl.php.net", "version": {"release": "5.3.7", "api": "5.3.7"},
        "license": {"attribs": {"uri": "x"}, "_content": "PHP-3.01"}, "summary": "Réseau",
        "lead": {"name": "Michael Grunder", "email": "x"}, "n": 7, "none": null,
        "filelist": {"redis.so": {"installed_as": "/usr/lib/php/redis.so"}},
        "dependencies": {"required": {"package": {"name": "igbinary", "channel": "pecl.php.net"}}},
    }));
    let igbinary = serialized(&serde_json::json!({
        "name": "igbinary", "channel": "pecl.php.net", "version": {"release": "3.2.14"},
    }));
    let tar = serialized(&serde_json::json!({"package": "Archive_Tar", "version": "1.4.14"}));
    let files: [(&str, &[u8]); 4] = [
        ("usr/local/lib/php/.registry/.channel.pecl.php.net/redis.reg", redis.as_bytes()),
        ("usr/local/lib/php/.registry/.channel.pecl.php.net/igbinary.reg", igbinary.as_bytes()),
        ("usr/local/lib/php/.registry/archive_tar.reg", tar.as_bytes()),
        ("usr/local/lib/php/.registry/broken.reg", b"a:1:{"),
    ];
    expect![[r#"
        pkg:pecl/pear.php.net/Archive_Tar@1.4.14
          nobody; licences []; layer Some(0); Installed
          Database /usr/local/lib/php/.registry/archive_tar.reg Some(0)
        pkg:pecl/igbinary@3.2.14
          nobody; licences []; layer Some(0); Installed
          Database /usr/local/lib/php/.registry/.channel.pecl.php.net/igbinary.reg Some(0)
        pkg:pecl/redis@5.3.7
          person Michael Grunder; licences ["PHP-3.01"]; layer Some(0); Installed
          Database /usr/local/lib/php/.registry/.channel.pecl.php.net/redis.reg Some(0)
          files /usr/lib/php/redis.so
        redis needs igbinary
        note /usr/local/lib/php/.registry/broken.reg: it is no record of a package: it is cut off
    "#]]
    .assert_eq(&show(&inventory(&[&files])));
    for end in 0..redis.len() {
        let found = inventory(&[&[("php/.registry/redis.reg", &redis.as_bytes()[..end])]]);
        assert_eq!((found.packages.len(), found.notes.len()), (0, 1));
    }
}

#[test]
fn formulae() {
    let receipt = br#"{"source":{"tap":"homebrew/core"},"runtime_dependencies":[{"full_name":"openssl@3","version":"3.1"}]}"#;
    let formula = b"class Wget < Formula\n  desc \"Internet file retriever\"\n  homepage \"https://www.gnu.org/software/wget/\"\n  license \"GPL-3.0-or-later\"\nend\n";
    let found = inventory(&[&[
        ("home/linuxbrew/.linuxbrew/Cellar/wget/1.24.5/INSTALL_RECEIPT.json", receipt),
        ("home/linuxbrew/.linuxbrew/Cellar/wget/1.24.5/.brew/wget.rb", formula),
        ("home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.1/INSTALL_RECEIPT.json", b"{"),
        ("x/INSTALL_RECEIPT.json", receipt),
    ]]);
    expect![[r#"
        pkg:brew/openssl%403@3.1
          nobody; licences []; layer Some(0); Installed
          Database /home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.1/INSTALL_RECEIPT.json Some(0)
          files /home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.1/INSTALL_RECEIPT.json
        pkg:brew/wget@1.24.5
          nobody; licences ["GPL-3.0-or-later"]; layer Some(0); Installed
          Database /home/linuxbrew/.linuxbrew/Cellar/wget/1.24.5/INSTALL_RECEIPT.json Some(0)
          files /home/linuxbrew/.linuxbrew/Cellar/wget/1.24.5/.brew/wget.rb /home/linuxbrew/.linuxbrew/Cellar/wget/1.24.5/INSTALL_RECEIPT.json
        wget needs openssl@3
        note /home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.1/INSTALL_RECEIPT.json: it is no receipt: EOF while parsing an object at line 1 column 1
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn hostile_lock_files() {
    for end in 0..GEMFILE.len() {
        inventory(&[&[("Gemfile.lock", &GEMFILE.as_bytes()[..end])]]);
    }
    let odd = b"GEM\n    ../x (1)\n    a\n    b ()\n    c (x)\n      \n      d\nCHECKSUMS\n  a (1) sha256=0\n  \xc3\xa4 (";
    assert!(inventory(&[&[("Gemfile.lock", odd)]]).packages.is_empty());
    let notes = inventory(&[&[("Gemfile.lock", b"\xff")]]).notes;
    assert_eq!(notes.len(), 1);
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
