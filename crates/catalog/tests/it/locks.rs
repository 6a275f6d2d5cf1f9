//! Lock files of languages: what is declared, and what is there as well.

use expect_test::expect;

use crate::{inventory, show};

#[test]
fn declared() {
    let found = inventory(&[&[
        ("app/gradle.lockfile", b"com.a:b:1.0=runtimeClasspath\n"),
        ("app/mix.lock", b"%{\"jason\": {:hex, :jason, \"1.4.0\", \"x\", [:mix], [{:decimal, \"~> 1.0\", []}]}, \"decimal\": {:hex, :decimal, \"2.0.0\", \"x\", [:mix], []}}"),
        ("app/Package.resolved", br#"{"pins":[{"location":"https://github.com/apple/swift-nio.git","state":{"version":"2.0"}}],"version":2}"#),
        ("app/conanfile.txt", b"[requires]\nzlib/1.2.13\n"),
        ("vcpkg/ports/zlib/vcpkg.json", br#"{"dependencies":["never"]}"#),
        ("app/pom.xml", b"<project><groupId>g</groupId><artifactId>app</artifactId><version>1</version><dependencies><dependency><groupId>g</groupId><artifactId>lib</artifactId><version>2</version></dependency><dependency><groupId>g</groupId><artifactId>t</artifactId><scope>test</scope></dependency></dependencies></project>"),
        ("fixtures/pom.xml", b"<project><artifactId>x</artifactId>"),
        ("other/pom.xml", b"no project"),
    ]]);
    expect![[r#"
        pkg:maven/com.a/b@1.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/gradle.lockfile Some(0)
        pkg:maven/g/app@1
          nobody; licences []; layer Some(0); Declared
          LockFile /app/pom.xml Some(0)
        pkg:maven/g/lib@2
          nobody; licences []; layer Some(0); Declared
          LockFile /app/pom.xml Some(0)
        pkg:hex/decimal@2.0.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/mix.lock Some(0)
        pkg:hex/jason@1.4.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/mix.lock Some(0)
        pkg:swift/github.com/apple/swift-nio@2.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Package.resolved Some(0)
        pkg:conan/zlib@1.2.13
          nobody; licences []; layer Some(0); Declared
          LockFile /app/conanfile.txt Some(0)
        g:app needs g:lib
        jason needs decimal
        note /fixtures/pom.xml: it is no whole project
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn what_is_there_is_one_package() {
    let found = inventory(&[&[
        ("app/mix.lock", b"%{\"jason\": {:hex, :jason, \"1.4.0\", \"x\", [:mix], [{:decimal, \"~> 1.0\", []}]}, \"decimal\": {:hex, :decimal, \"2.0.0\", \"x\", [:mix], []}}"),
        ("app/lib/jason-1.4.0/ebin/jason.app", b"{application,jason,[{vsn,\"1.4.0\"},{applications,[kernel]}]}."),
        ("app/lib/decimal-2.0.0/ebin/decimal.app", b"{application,decimal,[{vsn,\"2.0.0\"}]}."),
        ("app/lib/kernel-8.5/ebin/kernel.app", b"{application,kernel,[{vsn,\"8.5\"}]}."),
    ]]);
    expect![[r#"
        pkg:hex/decimal@2.0.0
          nobody; licences []; layer Some(0); Installed
          Database /app/lib/decimal-2.0.0/ebin/decimal.app Some(0)
        pkg:hex/jason@1.4.0
          nobody; licences []; layer Some(0); Installed
          Database /app/lib/jason-1.4.0/ebin/jason.app Some(0)
        pkg:otp/kernel@8.5
          nobody; licences []; layer Some(0); Installed
          Database /app/lib/kernel-8.5/ebin/kernel.app Some(0)
        jason needs decimal
    "#]]
    .assert_eq(&show(&found));
}

const DEPS: &str = r#"{"runtimeTarget":{"name":"t"},"targets":{"t":{
"app/1.0.0":{"dependencies":{"Lib":"2.0.0","Meta":"3"},"runtime":{"app.dll":{}}},
"Lib/2.0.0":{"runtime":{"lib/net6.0/Lib.dll":{}}},
"Gone/1":{"runtime":{"lib/net6.0/Gone.dll":{}}},
"Meta/3":{"dependencies":{"Lib":"2.0.0"}},"File/4.0.0.0":{"runtime":{"File.dll":{}}}}},
"libraries":{"app/1.0.0":{"type":"project"},"Lib/2.0.0":{"type":"package"},"File/4.0.0.0":{"type":"reference"}}}"#;

#[test]
fn dotnet_programs() {
    let found = inventory(&[&[
        ("app/app.deps.json", DEPS.as_bytes()),
        ("app/app.dll", b"x"),
        ("app/Lib.dll", b"x"),
        ("app/packages.lock.json", br#"{"dependencies":{"net6.0":{"Lib":{"resolved":"2.0.0"}}}}"#),
    ]]);
    expect![[r#"
        pkg:nuget/Gone@1
          nobody; licences []; layer Some(0); Declared
          BuildRecord /app/app.deps.json Some(0)
        pkg:nuget/Lib@2.0.0
          nobody; licences []; layer Some(0); Installed
          BuildRecord /app/app.deps.json Some(0)
          files /app/Lib.dll
        pkg:nuget/Meta@3
          nobody; licences []; layer Some(0); Declared
          BuildRecord /app/app.deps.json Some(0)
        pkg:nuget/app@1.0.0
          nobody; licences []; layer Some(0); Installed
          BuildRecord /app/app.deps.json Some(0)
          files /app/app.dll
        Meta needs Lib
        app needs Lib
        app needs Meta
    "#]]
    .assert_eq(&show(&found));
    for end in 0..DEPS.len() {
        inventory(&[&[("app.deps.json", &DEPS.as_bytes()[..end])]]);
    }
}
