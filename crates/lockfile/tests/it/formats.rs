//! Lock files and manifests, as their tools write them.

use expect_test::{Expect, expect};
use sealift_lockfile::{self as lockfile, Listing};

use crate::show;

fn check(read: fn(&[u8]) -> Listing, text: &str, expected: Expect) {
    expected.assert_eq(&show(&read(text.as_bytes())));
    hostile(read, text.as_bytes());
}

// Cut off anywhere, with any byte another one, doubled, nested, too long.
fn hostile(read: fn(&[u8]) -> Listing, bytes: &[u8]) {
    for end in 0..bytes.len() {
        read(&bytes[..end]);
        for byte in [0, b'"', b'[', b'{', b'\n', 0xff] {
            let mut broken = bytes.to_vec();
            broken[end] = byte;
            read(&broken);
        }
    }
    read(&bytes.repeat(20));
    for part in ["[", "{", "(", "{\"a\":", "<a>", "- ", "a:\n ", "[[a]]\n", "<<", "\"", "[["] {
        read(part.repeat(20_000).as_bytes());
    }
    let long = "x".repeat(1000);
    for listed in read(String::from_utf8_lossy(bytes).replace('1', &long).as_bytes()).entries {
        assert!(listed.name.len() <= lockfile::NAME_BYTES_MAX);
    }
    let huge = vec![b' '; lockfile::BYTES_MAX + 1];
    assert_eq!(read(&huge).complaints, ["it is too large to be read"]);
}

#[test]
fn gradle() {
    check(
        lockfile::gradle_lock,
        "# comment\ncom.a:b:1.0=compileClasspath,testRuntimeClasspath\norg.c:d:2=testRuntimeClasspath\nx:y:3=annotationProcessor,fooAnnotationProcessor\nnonsense\nempty=annotationProcessor\n",
        expect![[r#"
            com.a:b 1.0
            complaint: a line is no dependency: `nonsense`
        "#]],
    );
}

#[test]
fn nuget() {
    let hash =
        "qNdZBoyDSVXSCpA4l1yYl0wWF4qA0rUWVwiUJb5EIgFAg0LX4Nke5bQ2O3L2c0Ql6dPyFFIGJFE7FaxKaq3kIw==";
    check(
        lockfile::nuget_lock,
        &format!(
            r#"{{"version":1,"dependencies":{{"net6.0":{{"A.B":{{"type":"Direct","requested":"[1.0, )","resolved":"1.0.1","contentHash":"{hash}","dependencies":{{"C":"2.0"}}}},"C":{{"type":"Transitive","resolved":"2.0"}},"own":{{"type":"Project"}}}},"net7.0":{{"A.B":{{"type":"Direct","resolved":"1.0.1","dependencies":{{"D":"1"}}}}}}}}}}"#
        ),
        expect![[r#"
            A.B 1.0.1 Sha512 a8d7… needs C D
            C 2.0
        "#]],
    );
    check(
        lockfile::packages_config,
        "<?xml version=\"1.0\"?>\n<packages>\n<package id=\"A\" version=\"1.0\" targetFramework=\"net45\" />\n<package id=\"B\" version=\"2\" developmentDependency=\"true\"/><package version='1'></package></packages>",
        expect![[r#"
            A 1.0
            complaint: a package has no id
        "#]],
    );
}

#[test]
fn nuget_cache() {
    check(
        lockfile::nuspec,
        "<?xml version=\"1.0\"?><package xmlns=\"http://x\"><metadata><id>A.B</id><version>1.0.1</version><authors>N</authors><license type=\"expression\">MIT</license><projectUrl>https://x</projectUrl><dependencies><group targetFramework=\"net6.0\"><dependency id=\"C\" version=\"2.0\"/><dependency id=\"D\"></dependency></group></dependencies></metadata></package>",
        expect![[r#"
            A.B 1.0.1 license MIT by N at https://x needs C D
        "#]],
    );
}

#[test]
fn dotnet_program() {
    let text = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v6.0/linux-x64","signature":""},
"targets":{".NETCoreApp,Version=v6.0":{},".NETCoreApp,Version=v6.0/linux-x64":{
"app/1.0.0":{"dependencies":{"Lib":"2.0.0","runtimepack.Microsoft.NETCore.App.Runtime.linux-x64":"6.0.5"},"runtime":{"app.dll":{}}},
"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.5":{"runtime":{"System.dll":{"assemblyVersion":"6.0.0.0"}},"native":{"libcoreclr.so":{}}},
"Lib/2.0.0":{"runtime":{"lib/net6.0/Lib.dll":{}},"resources":{"lib/net6.0/de/Lib.resources.dll":{"locale":"de"}},"runtimeTargets":{"runtimes/win/lib/Lib.dll":{"rid":"win"},"runtimes/x/../y":{}}},
"Meta/3":{"dependencies":{"Lib":"2.0.0"}},"File/4.0.0.0":{"runtime":{"File.dll":{}}},"bad":{}}},
"libraries":{"app/1.0.0":{"type":"project"},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.5":{"type":"runtimepack"},"Lib/2.0.0":{"type":"package","sha512":"sha512-qNdZ"},"Meta/3":{"type":"package"},"File/4.0.0.0":{"type":"reference"}}}"#;
    fn read(bytes: &[u8]) -> Listing {
        let (libraries, complaints) = lockfile::deps_json(bytes);
        let shown = libraries.into_iter().map(|library| {
            let mut entry = library.entry;
            entry.license = Some(format!("{:?} {:?}", library.kind, library.files));
            entry
        });
        Listing { entries: shown.collect(), complaints }
    }
    check(
        read,
        text,
        expect![[r#"
            File 4.0.0.0 license Reference ["File.dll"]
            Lib 2.0.0 license Package ["Lib.dll", "runtimes/win/lib/Lib.dll", "de/Lib.resources.dll"]
            Meta 3 license Package [] needs Lib
            app 1.0.0 license Project ["app.dll"] needs Lib Microsoft.NETCore.App.Runtime.linux-x64
            Microsoft.NETCore.App.Runtime.linux-x64 6.0.5 license RuntimePack ["System.dll", "libcoreclr.so"]
            complaint: a library has no name
        "#]],
    );
}

#[test]
fn erlang() {
    check(
        lockfile::erlang_app,
        "%% This is\n{application, 'ssl',\n [{description, \"Erlang/OTP  SSL \\\"application\\\"\"},\n  {vsn, \"10.8.7\"},\n  {modules, [ssl,tls]},\n  {applications, [crypto,public_key,kernel,stdlib]},\n  {licenses, [\"Apache-2.0\"]},\n  {runtime_dependencies, [\"stdlib-4.1\",\"erts-13.0\"]}]}.\n",
        expect![[r#"
            ssl 10.8.7 license Apache-2.0 needs crypto public_key kernel stdlib erts
        "#]],
    );
    check(
        lockfile::erlang_app,
        "{application,x,[{vsn,git}]}.",
        expect![[r#"
            x ?
        "#]],
    );
    let hash = "0f4c".repeat(16);
    check(
        lockfile::rebar_lock,
        &format!(
            "{{\"1.2.0\",\n[{{<<\"cowboy\">>,{{pkg,<<\"cowboy\">>,<<\"2.9.0\">>}},0}},\n {{<<\"other\">>,{{git,\"https://x/other.git\",{{ref,\"abc\"}}}},1}}]}}.\n[\n{{pkg_hash,[\n {{<<\"cowboy\">>, <<\"{hash}\">>}}]}}].\n"
        ),
        expect![[r#"
            cowboy 2.9.0 Sha256 0f4c…
            other ?
        "#]],
    );
    check(
        lockfile::rebar_lock,
        "[{<<\"jsx\">>,{pkg,<<\"jsx\">>,<<\"2.8\">>},0}].",
        expect![[r#"
            jsx 2.8
        "#]],
    );
}

#[test]
fn elixir() {
    let hash = "0f4c".repeat(16);
    check(
        lockfile::mix_lock,
        &format!(
            "%{{\n  \"jason\": {{:hex, :jason, \"1.4.0\", \"{hash}\", [:mix], [{{:decimal, \"~> 1.0 or ~> 2.0\", [hex: :decimal, repo: \"hexpm\", optional: true]}}], \"hexpm\", \"{hash}\"}},\n  \"decimal\": {{:hex, :decimal, \"2.0.0\", \"x\", [:mix], [], \"hexpm\", \"y\"}},\n  \"mine\": {{:git, \"https://x/mine.git\", \"abc\", []}},\n}}\n"
        ),
        expect![[r#"
            jason 1.4.0 Sha256 0f4c… needs decimal
            decimal 2.0.0
            mine ?
        "#]],
    );
}

#[test]
fn lua() {
    check(
        lockfile::rockspec,
        "local name = \"Penlight\"\nlocal version = '1.13.1'\npackage = name\nversion = version .. \"-1\"\nrockspec_format = \"3.0\"\ndescription = {\n   summary = \"Lua utility libraries\", -- short\n   homepage = \"https://x\", license = \"MIT/X11\",\n   detailed = [[\nlong \"text\"\n]],\n}\ndependencies = { \"lua >= 5.1\", \"luafilesystem\", \"x~>1\" }\nbuild = { type = \"builtin\", modules = { [\"pl.app\"] = \"lua/pl/app.lua\" } }\n",
        expect![[r#"
            Penlight 1.13.1 license MIT/X11 at https://x needs lua luafilesystem x
        "#]],
    );
    check(
        lockfile::rockspec,
        "package = 'a'; version = get('b')",
        expect![[r#"
            a ?
        "#]],
    );
}

#[test]
fn dart() {
    let hash = "0f4c".repeat(16);
    check(
        lockfile::pub_lock,
        &format!(
            "# Generated by pub\npackages:\n  args:\n    dependency: transitive\n    description:\n      name: args\n      sha256: {hash}\n      url: \"https://pub.dev\"\n    source: hosted\n    version: \"2.4.2\"\n  flutter:\n    dependency: \"direct main\"\n    description: flutter\n    source: sdk\n    version: \"0.0.0\"\n  own:\n    description:\n      path: \"../own\"\n    source: path\n    version: \"1.0.0\"\nsdks:\n  dart: \">=3.0.0\"\n"
        ),
        expect![[r#"
            args 2.4.2 Sha256 0f4c…
        "#]],
    );
    check(
        lockfile::pub_manifest,
        "name: args\nversion: 2.4.2\ndescription: >-\n  Long\n  text\nrepository: https://x\nenvironment:\n  sdk: \">=3\"\ndependencies:\n  meta: ^1\n  flutter:\n    sdk: flutter\ndev_dependencies:\n  test: ^1\n",
        expect![[r#"
            args 2.4.2 at https://x needs meta flutter
        "#]],
    );
}

#[test]
fn swift() {
    check(
        lockfile::swift_resolved,
        r#"{"object":{"pins":[{"package":"Alamofire","repositoryURL":"https://GitHub.com/Alamofire/Alamofire.git","state":{"branch":null,"revision":"x","version":"5.4.3"}}]},"version":1}"#,
        expect![[r#"
            github.com/Alamofire/Alamofire 5.4.3
        "#]],
    );
    check(
        lockfile::swift_resolved,
        r#"{"pins":[{"identity":"nio","kind":"remoteSourceControl","location":"git@github.com:apple/swift-nio.git","state":{"branch":"main","revision":"x"}},{"identity":"a.b","kind":"registry","state":{"version":"1"}},{}],"version":3}"#,
        expect![[r#"
            github.com/apple/swift-nio ?
            a.b 1
            complaint: a pin has no location
        "#]],
    );
}

#[test]
fn pods() {
    let hash = "0f4c".repeat(10);
    check(
        lockfile::pod_lock,
        &format!(
            "PODS:\n  - AFNetworking (4.0.1):\n    - AFNetworking/NSURLSession (= 4.0.1)\n    - Reachability\n  - AFNetworking/NSURLSession (4.0.1)\n  - Reachability (3.2)\n\nDEPENDENCIES:\n  - AFNetworking\n\nSPEC CHECKSUMS:\n  AFNetworking: {hash}\n\nCOCOAPODS: 1.11.2\n"
        ),
        expect![[r#"
            AFNetworking 4.0.1 Sha1 0f4c… needs Reachability
            Reachability 3.2
        "#]],
    );
}

#[test]
fn conan() {
    check(
        lockfile::conan_lock,
        r#"{"graph_lock":{"nodes":{"0":{"ref":"app/1.0","requires":["1"]},"1":{"ref":"zlib/1.2.11@bincrafters/stable#rev"},"2":{}}},"version":"0.4"}"#,
        expect![[r#"
            app 1.0 as 0 needs 1
            zlib 1.2.11 as 1 channel=stable user=bincrafters
        "#]],
    );
    check(
        lockfile::conan_lock,
        r#"{"version":"0.5","requires":["zlib/1.2.13#e377bee6%1678","fmt/9.1.0","x"],"build_requires":["cmake/3.22"]}"#,
        expect![[r#"
            zlib 1.2.13
            fmt 9.1.0
            complaint: a requirement is no reference
        "#]],
    );
    check(
        lockfile::conan_text,
        "[requires]\nzlib/1.2.13 # comment\nfmt/[>=9]\n[generators]\ncmake\n",
        expect![[r#"
            zlib 1.2.13
            fmt ?
        "#]],
    );
    check(
        lockfile::conan_info,
        "[settings]\n    os=Linux\n\n[requires]\n    zlib/1.Y.Z\n\n[full_requires]\n    zlib/1.2.11:4a7\n",
        expect![[r#"
            zlib 1.2.11
        "#]],
    );
}

#[test]
fn vcpkg() {
    check(
        lockfile::vcpkg_manifest,
        r#"{"name":"app","dependencies":["zlib",{"name":"fmt","version>=":"9"},{"name":"cmake","host":true},3],"overrides":[{"name":"fmt","version":"9.1.0"}]}"#,
        expect![[r#"
            zlib ?
            fmt 9.1.0
            complaint: a dependency has no name
        "#]],
    );
}

#[test]
fn haskell() {
    let hash = "0f4c".repeat(16);
    check(
        lockfile::stack_lock,
        &format!(
            "packages:\n- completed:\n    hackage: text-icu-0.8.0@sha256:{hash},4982\n    pantry-tree:\n      size: 1\n  original:\n    hackage: text-icu-0.8.0\nsnapshots:\n- completed:\n    size: 5\n  original: lts-16\n"
        ),
        expect![[r#"
            text-icu 0.8.0 Sha256 0f4c…
        "#]],
    );
    check(
        lockfile::cabal_freeze,
        "active-repositories: hackage.haskell.org:merge\nconstraints: any.base ==4.14.3.0,\n             any.text ==1.2.4.1, text -developer,\n             -- x ==1\n             zlib ==0.6\nindex-state: hackage.haskell.org 2022\n",
        expect![[r#"
            base 4.14.3.0
            text 1.2.4.1
            zlib 0.6
        "#]],
    );
}

#[test]
fn julia() {
    let uuid = "682c06a0-de6a-54ab-a142-c8b1cf79cde6";
    let hash = "0f4c".repeat(10);
    check(
        lockfile::julia_manifest,
        &format!(
            "julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n[[deps.JSON]]\ndeps = [\"Dates\", \"Parsers\"]\ngit-tree-sha1 = \"{hash}\"\nuuid = \"{uuid}\"\nversion = \"0.21.4\"\n[[deps.Dates]]\nuuid = \"ade2ca70-3891-5945-98fb-dc099432e06a\"\n"
        ),
        expect![[r#"
            JSON 0.21.4 uuid=682c06a0-de6a-54ab-a142-c8b1cf79cde6 Sha1 0f4c… needs Dates Parsers
        "#]],
    );
    check(
        lockfile::julia_manifest,
        &format!("[[Old]]\ngit-tree-sha1 = \"{hash}\"\nversion = \"1.0\"\n[Old.deps]\nX = \"y\"\n"),
        expect![[r#"
            Old 1.0 Sha1 0f4c… needs X
        "#]],
    );
    check(
        lockfile::julia_project,
        &format!(
            "name = \"JSON\"\nuuid = \"{uuid}\"\nversion = \"0.21.4\"\n[deps]\nDates = \"x\"\n"
        ),
        expect![[r#"
            JSON 0.21.4 uuid=682c06a0-de6a-54ab-a142-c8b1cf79cde6 needs Dates
        "#]],
    );
}

#[test]
fn ocaml() {
    check(
        lockfile::opam,
        "opam-version: \"2.0\"\nname: \"base\"\nversion: \"v0.14.0\"\nlicense: [\"MIT\" \"ISC\"]\nhomepage: \"https://x\"\n# comment\ndescription: \"\"\"a \"quoted\" text\"\"\"\ndepends: [\n  \"ocaml\" {>= \"4.07\"} (* c *)\n  \"sexplib0\" {= \"v0.14.0\"}\n  \"dune\" {= \"2.8\" & build}\n  \"alcotest\" {with-test}\n  \"ocaml-base-compiler\" | \"other\"\n]\nbuild: [[\"dune\" \"build\" \"-p\" name \"-j\" jobs]]\n",
        expect![[r#"
            base v0.14.0 license MIT AND ISC at https://x needs ocaml sexplib0 ocaml-base-compiler other
            sexplib0 v0.14.0
        "#]],
    );
}

#[test]
fn prolog() {
    check(
        lockfile::prolog_pack,
        "name(list_util).\nversion('0.13.0').\ntitle('Predicates for lists').\nauthor('A B', 'a@x').\nhome('https://x').\nrequires(func).\n",
        expect![[r#"
            list_util 0.13.0 by A B at https://x needs func
        "#]],
    );
}
