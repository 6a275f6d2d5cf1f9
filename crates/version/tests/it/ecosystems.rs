//! The order of each ecosystem against the program that defines it: random texts and the versions of real advisories.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sealift_version::{Scheme, Version};

type Pairs = Vec<(String, String)>;

// A small generator of fixed seed: the same texts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn text(&mut self, starts: &[&str], pieces: &[&str]) -> String {
        let mut text = starts[self.below(starts.len())].to_owned();
        for _ in 0..self.below(6) {
            text.push_str(pieces[self.below(pieces.len())]);
        }
        text
    }

    fn pairs(&mut self, n_pairs: usize, starts: &[&str], pieces: &[&str]) -> Pairs {
        (0..n_pairs).map(|_| (self.text(starts, pieces), self.text(starts, pieces))).collect()
    }
}

fn skip(what: &str) {
    eprintln!("SKIPPED: {what} is not here, its order was not compared with ours");
}

fn shared() -> PathBuf {
    std::env::var_os("SEALIFT_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

const LISTED: &str = r#"
import json, sys, zipfile
found = set()
for record in (archive := zipfile.ZipFile(sys.argv[1])).namelist():
    for affected in json.loads(archive.read(record)).get("affected") or []:
        found.update(str(text) for text in affected.get("versions") or [])
        for affected_range in affected.get("ranges") or []:
            if affected_range.get("type") != "GIT":
                found.update(str(t) for e in affected_range.get("events") or [] for t in e.values())
print("\n".join(sorted(t for t in found if t and t.isprintable() and "\t" not in t)))
"#;

// Versions that advisories name, beside their neighbours and beside any.
fn advised(ecosystem: &str) -> Pairs {
    let path = shared().join("advisories/osv").join(ecosystem).join("all.zip");
    let output = Command::new("python3").args(["-c", LISTED]).arg(&path).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        skip(&format!("`{}` (SEALIFT_SHARED)", path.display()));
        return Pairs::new();
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let versions: Vec<&str> = text.lines().collect();
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut pairs = Pairs::new();
    for pair in versions.windows(2) {
        pairs.push((pair[0].to_owned(), pair[1].to_owned()));
        pairs.push((pair[0].to_owned(), versions[random.below(versions.len())].to_owned()));
    }
    pairs.truncate(60_000);
    pairs
}

// What a program answers to a pair a line: `<`, `=`, `>`, or `?` if it refuses one. Our order of texts and of keys must
// be the same; none that it takes may be refused.
fn oracle(scheme: Scheme, program: &mut Command, pairs: &[(String, String)]) {
    let name = format!("{program:?}").chars().take(60).collect::<String>();
    let spawned = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = spawned else { return skip(&name) };
    let mut input = String::new();
    for (left, right) in pairs {
        writeln!(input, "{left}\t{right}").unwrap();
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // A missing library ends the program before it reads; that is told by the exit code.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    if output.status.code() == Some(42) {
        return skip(&name);
    }
    assert!(output.status.success(), "{name}");
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), pairs.len(), "{name}");
    let mut n_ordered = 0;
    let mut differences = Vec::new();
    for ((left, right), answer) in pairs.iter().zip(answers.lines()) {
        let expected = match answer {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            _ => continue,
        };
        n_ordered += 1;
        let ours = Version::parse(scheme, left).and_then(|left| {
            let right = Version::parse(scheme, right)?;
            assert_eq!(left.cmp(&right), left.key().cmp(right.key()));
            Ok(left.cmp(&right))
        });
        if ours != Ok(expected) {
            differences.push(format!("`{left}` {answer} `{right}`, we say {ours:?}"));
        }
    }
    eprintln!(
        "{scheme}: {n_ordered} of {} pairs ordered, {} differ",
        pairs.len(),
        differences.len()
    );
    differences.truncate(20);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(
        n_ordered * 10 > pairs.len(),
        "only {n_ordered} of {} pairs were versions",
        pairs.len()
    );
}

#[test]
fn dpkg() {
    let mut pairs = Random(0x9e37_79b9_7f4a_7c15).pairs(
        100_000,
        &["0", "1", "1.2", "10", "0:1", "1:1", "02:1.2"],
        &[
            "0", "1", "9", "10", "007", "~", "~~", "~rc1", "+", "+b1", "+deb12u1", ".", ".1", "a",
            "Z", "-1", "-",
        ],
    );
    pairs.extend(advised("Debian"));
    let script = r#"
        eval { require Dpkg::Version; 1 } or exit 42;
        while (<STDIN>) {
            chomp;
            my @v = map { Dpkg::Version->new($_) } split /\t/, $_, -1;
            if (grep { !$_->is_valid } @v) { print "?\n"; next }
            print ["=", ">", "<"]->[$v[0] <=> $v[1]], "\n";
        }"#;
    oracle(Scheme::Dpkg, Command::new("/usr/bin/perl").args(["-e", script]), &pairs);
}

#[test]
fn rpm() {
    let mut pairs = Random(0x6c62_272e_07bb_0142).pairs(
        40_000,
        &["0", "1", "1.2", "10", "1:1", "a"],
        &[
            "0", "1", "9", "10", "007", "~", "~rc1", "+", "^", "^git1", "_", ".", ".1", "a", "Z",
            "el9",
        ],
    );
    for (left, right) in &mut pairs {
        left.push_str("-1.el9");
        right.push_str("-1.el9");
    }
    pairs.extend(advised("AlmaLinux"));
    let script = r#"
import sys
try:
    import rpm
except ImportError:
    sys.exit(42)
def parse(text):
    epoch, _, rest = text.rpartition(":")
    version, _, release = rest.rpartition("-")
    return (str(int(epoch or "0")), version, release) if version else None
for line in sys.stdin:
    left, right = map(parse, line.rstrip("\n").split("\t"))
    print("?" if left is None or right is None else "=><"[rpm.labelCompare(left, right)])
"#;
    oracle(Scheme::Rpm, Command::new("/usr/bin/python3").args(["-c", script]), &pairs);
}

#[test]
fn npm() {
    let mut pairs = Random(0x2545_f491_4f6c_dd1d).pairs(
        40_000,
        &["1.2.3", "v1.2.3", "1.2.10", "0.0.0", "=1.2.3"],
        &["-0", "-1", ".1", ".a", "-rc.1", "alpha", "-10", "+b", "-A", ".01", ".x-y"],
    );
    // node-semver splits `1.2.10.1` into `1.2.1` and `0.1`; we refuse it.
    let is_plain = |text: &String| {
        let text = text.trim_start_matches(['=', 'v']);
        let end = text.find(|next: char| !next.is_ascii_digit() && next != '.');
        text[..end.unwrap_or(text.len())].matches('.').count() == 2
    };
    pairs.retain(|(left, right)| is_plain(left) && is_plain(right));
    pairs.extend(advised("npm"));
    let script = r#"
        let semver; try { semver = require("semver") } catch { process.exit(42) }
        const out = [];
        for (const line of require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1)) {
            const [a, b] = line.split("\t").map(t => semver.parse(t, {loose: true}));
            out.push(a && b ? "<=>"[a.compare(b) + 1] : "?");
        }
        require("fs").writeFileSync(1, out.join("\n") + "\n");"#;
    let installed = std::env::var_os("SEALIFT_INSTALLED").map_or_else(
        || {
            PathBuf::from(std::env::var_os("HOME").unwrap_or_default())
                .join(".cache/sealift-installed")
        },
        PathBuf::from,
    );
    let modules = format!("{}:/usr/share/nodejs", installed.join("npm/node_modules").display());
    oracle(
        Scheme::Npm,
        Command::new("node").args(["-e", script]).env("NODE_PATH", modules),
        &pairs,
    );
}

#[test]
fn gem() {
    let mut pairs = Random(0x9e37_79b9_7f4a_7c11).pairs(
        40_000,
        &["0", "1", "1.0", "1.2", "10", "01"],
        &[".0", ".0.0", ".1", ".a", ".a1", "b2", "-1", "-x", ".rc", ".pre", "0", ".B", "-"],
    );
    pairs.extend(advised("RubyGems"));
    let script = r#"
        STDIN.each_line(chomp: true) do |line|
          a, b = line.split("\t", -1).map { |t| Gem::Version.correct?(t) ? Gem::Version.new(t) : nil }
          puts(a && b ? ["=", ">", "<"][a <=> b] : "?")
        end"#;
    oracle(Scheme::Gem, Command::new("ruby").args(["-e", script]), &pairs);
}

#[test]
fn cpan() {
    let mut pairs = Random(0x7777_79b9_7f4a_7c11).pairs(
        40_000,
        &["0", "1", "v1", "1.2", "v1.2", "10", ".5", "0.01"],
        &["0", "1", ".0", ".1", ".10", "23", "_1", ".200", "."],
    );
    // What version.pm makes of `1_1` and `1._1` is no order; we refuse these.
    let is_plain = |text: &String| {
        text.find('_')
            .is_none_or(|place| text[..place].contains('.') && !text[..place].ends_with('.'))
    };
    pairs.retain(|(left, right)| is_plain(left) && is_plain(right));
    let script = r#"
        use version;
        while (<STDIN>) {
            chomp;
            my @v = map { my $t = $_; version::is_lax($t) ? eval { version->parse($t) } : undef } split /\t/, $_, -1;
            if (grep { !defined } @v) { print "?\n"; next }
            print ["=", ">", "<"]->[$v[0] <=> $v[1]], "\n";
        }"#;
    oracle(Scheme::Cpan, Command::new("/usr/bin/perl").args(["-e", script]), &pairs);
}

#[test]
fn composer() {
    let mut pairs = Random(0x5545_f491_4f6c_dd1d).pairs(
        40_000,
        &["1", "v1.2", "1.2.3", "1.2.3.4", "2010.01.02", "20100102", "1.x", "0"],
        &[
            ".0", ".1", "-dev", ".x-dev", "-beta", "b2", "-RC1", "alpha.1", "-p1", "pl", "-patch2",
            "@dev", "+b", "-", "-stable", "dev",
        ],
    );
    pairs.extend(advised("Packagist"));
    let script = r#"
        if (!@include "Composer/Semver/autoload.php") { exit(42); }
        $parser = new Composer\Semver\VersionParser();
        while (($line = fgets(STDIN)) !== false) {
            try {
                [$a, $b] = array_map([$parser, "normalize"], explode("\t", rtrim($line, "\n")));
                $branch = str_starts_with($a, "dev-") || str_starts_with($b, "dev-");
                echo $branch ? "?" : "<=>"[version_compare($a, $b) + 1], "\n";
            } catch (UnexpectedValueException $e) { echo "?\n"; }
        }"#;
    oracle(
        Scheme::Composer,
        Command::new("php").args(["-d", "include_path=/usr/share/php", "-r", script]),
        &pairs,
    );
}

const JAVA: &str = r#"
import java.io.*;
import org.apache.maven.artifact.versioning.ComparableVersion;
public class Order {
    public static void main(String[] arguments) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in));
        var out = new StringBuilder();
        for (String line; (line = in.readLine()) != null; ) {
            String[] pair = line.split("\t", -1);
            int order = new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]));
            out.append("<=>".charAt(Integer.signum(order) + 1)).append('\n');
        }
        System.out.print(out);
    }
}
"#;

// Maven's own order goes in a circle for a word between dots, and for a list that begins with zeros before another: such
// texts are not asked for.
fn is_in_order(text: &str) -> bool {
    let bytes = text.as_bytes();
    let between_dots = text.match_indices('.').any(|(place, _)| {
        let word =
            text[place + 1..].bytes().take_while(|byte| !b".-0123456789".contains(byte)).count();
        word > 0 && matches!(bytes.get(place + 1 + word), Some(b'.' | b'-'))
    });
    let lists: Vec<&str> = text.split('-').collect();
    let empty_list =
        lists.iter().skip(1).any(|list| list.bytes().all(|byte| b"0.".contains(&byte)));
    // So do a word for a release and a zero behind a word, where more follows.
    let lower = text.to_ascii_lowercase();
    let null_word = ["ga", "final", "release"]
        .iter()
        .any(|word| lower.match_indices(word).any(|(place, _)| place + word.len() < lower.len()));
    let null_number =
        bytes.windows(3).any(|three| three[0].is_ascii_alphabetic() && three[1] == b'0');
    !between_dots && !empty_list && !null_word && !null_number
}

#[test]
fn maven() {
    let jar = "/usr/share/java/maven-artifact-3.x.jar";
    if !std::path::Path::new(jar).exists() {
        return skip("libmaven3-core-java");
    }
    let mut pairs = Random(0x3345_f491_4f6c_dd1d).pairs(
        40_000,
        &["0", "1", "1.0", "1.2", "10", "1.0.0"],
        &[
            ".0",
            ".1",
            "-1",
            "-alpha",
            "a1",
            "-b2",
            ".M1",
            "-rc",
            ".Final",
            "-SNAPSHOT",
            "-sp",
            "-jre",
            "x",
            ".RELEASE",
            "-ga",
            "-cr3",
            "0",
            "_1",
        ],
    );
    pairs.extend(advised("Maven"));
    pairs.retain(|(left, right)| is_in_order(left) && is_in_order(right));
    let folder = std::env::temp_dir().join(format!("sealift-maven-order-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let source = folder.join("Order.java");
    std::fs::write(&source, JAVA).unwrap();
    let path = format!("{jar}:/usr/share/java/commons-lang3.jar");
    oracle(Scheme::Maven, Command::new("java").args(["-cp", &path]).arg(&source), &pairs);
    std::fs::remove_dir_all(&folder).unwrap();
}

// Every scheme: an order, the same for keys, and no panic, whatever the text.
#[test]
fn order_of_all_schemes() {
    let starts = ["0", "1", "1.0", "v1.2.3", "1.2.3.4", "go1.22", "a", "1:1", "1!2", "2010.01.02"];
    let pieces = [
        ".0", ".1", "-", "-1", "-a", "a", "b2", "rc1", ".rc.1", "_p1", "_alpha", "-r1", "+b", "~",
        "-dev", ".post1", "\u{e9}", "0", " X:x", "-0",
    ];
    let mut random = Random(0x1111_f491_4f6c_dd1d);
    for scheme in Scheme::ALL {
        let mut n_read = 0;
        for _ in 0..30_000 {
            let texts = [(); 3].map(|()| random.text(&starts, &pieces));
            let read: Vec<Version> =
                texts.iter().filter_map(|text| Version::parse(scheme, text).ok()).collect();
            n_read += read.len();
            let [a, b, c] = read.as_slice() else { continue };
            assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a:?} {b:?}");
            assert_eq!(a.cmp(b), a.key().cmp(b.key()), "{a:?} {b:?}");
            assert!(!(a <= b && b <= c) || a <= c, "{a:?} {b:?} {c:?}");
        }
        assert!(n_read > 1000, "{scheme}: only {n_read} texts were read");
    }
}

#[test]
fn long_and_cut_texts() {
    let longest = sealift_version::VERSION_BYTES_MAX;
    for scheme in Scheme::ALL {
        for piece in [
            "1", "0.", "1.", "a", "-", "-1", "1a", ".a", "_p", "~", "+", "99999.", "1-", "0:",
            "\u{e9}",
        ] {
            let mut text = String::from("1.");
            while text.len() + piece.len() < longest {
                text.push_str(piece);
            }
            for text in [text.as_str(), text.trim_end_matches(['.', '-']), &text[2..]] {
                if let Ok(version) = Version::parse(scheme, text) {
                    assert!(version.key().len() <= 8 * longest, "{scheme} {piece}");
                }
            }
        }
    }
}

fn ascending(scheme: Scheme, texts: &[&str]) {
    let versions: Vec<Version> =
        texts.iter().map(|text| Version::parse(scheme, text).unwrap()).collect();
    for (i, left) in versions.iter().enumerate() {
        for (j, right) in versions.iter().enumerate() {
            assert_eq!(left.cmp(right), i.cmp(&j), "{left} {right}");
        }
    }
}

// The schemes whose program is not at hand.
#[test]
fn written_orders() {
    let go = [
        "v0.0.0-20200101000000-abc",
        "1.21.0",
        "1.22.0-rc.1",
        "1.22.0-rc.2",
        "go1.22",
        "go1.22.1 X:exp",
        "v2.0.0+incompatible",
    ];
    ascending(Scheme::Go, &["go1.22beta1", "go1.22rc1", "go1.22rc2", "go1.22", "go1.22.1-maker"]);
    ascending(Scheme::Go, &go);
    ascending(
        Scheme::Semver,
        &[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
    );
    ascending(Scheme::Nuget, &["1.0.0-Alpha", "1.0.0-beta.2", "1", "1.0.0.1", "1.0.1"]);
    ascending(Scheme::Bitnami, &["1.2.3-rc.1", "1.2.3-0", "1.2.3-1", "1.2.3-10", "1.2.4"]);
    ascending(Scheme::Pub, &["1.0.0-a", "1.0.0", "1.0.0+1", "1.0.0+2", "1.0.1"]);
    ascending(Scheme::Julia, &["1.0.0rc1", "1.0.0", "1.0.0+0", "1.0.0+1"]);
    ascending(Scheme::Hackage, &["1", "1.0", "1.0.0", "1.0.1", "1.10"]);
    ascending(Scheme::Cran, &["1.0", "1.0-1", "1.0.2", "1.1"]);
    ascending(
        Scheme::Portage,
        &["1.01", "1.1", "1.2_alpha", "1.2_rc1", "1.2", "1.2-r1", "1.2_p", "1.2b", "1.10"],
    );
    ascending(
        Scheme::Conda,
        &[
            "0.4",
            "0.4.1.rc",
            "0.4.1",
            "0.5a1",
            "0.5b3",
            "0.5",
            "0.9.6",
            "1.0dev",
            "1.0",
            "1.0.post1",
            "1.1",
            "1!0.1",
        ],
    );
    for (scheme, left, right) in [
        (Scheme::Nuget, "1.0-BETA", "1.0.0.0-beta+x"),
        (Scheme::Cran, "1.0-1", "1.0.1"),
        (Scheme::Conda, "1.0", "1"),
        (Scheme::Go, "go1.22.0", "v1.22"),
    ] {
        assert_eq!(Version::parse(scheme, left), Version::parse(scheme, right));
    }
}

#[test]
fn refusals_say_why() {
    for (scheme, text, reason) in [
        (Scheme::Composer, "dev-main", "it is a branch, which has no place among the releases"),
        (Scheme::Go, "devel go1.23-abc", "it does not start with a number"),
        (Scheme::Npm, "1.2.3.4", "it has too many numbers"),
        (Scheme::Gem, "x.1", "it does not start with a number"),
        (Scheme::Maven, "${version}", ""),
        (Scheme::Cran, "1.a", "a part is not a number"),
    ] {
        let reasons = Version::parse(scheme, text).err().map_or("", |error| error.reason);
        assert_eq!(reasons, reason, "{scheme} {text}");
    }
}
