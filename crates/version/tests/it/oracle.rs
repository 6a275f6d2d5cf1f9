//! The same questions to `dpkg --compare-versions` and to Python's `packaging`.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use sealift_version::{Scheme, Version, compare, pep440_canonical};

const DPKG_PAIRS: usize = 4000;
const PYTHON_PAIRS: usize = 40_000;
const RPM_PAIRS: usize = 4000;

// A small generator of fixed seed: the same texts in every run.
struct Texts(u64);

impl Texts {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn dpkg(&mut self) -> String {
        const PIECES: [&str; 22] = [
            "0", "1", "2", "9", "10", "007", "~", "~~", "~rc1", "+", "+b1", "+deb12u1", "+dfsg",
            ".", ".1", ".0", "a", "b", "Z", "-", "-1", "really",
        ];
        let mut text = self.pick(&["", "", "", "0:", "1:", "02:"]).to_owned();
        text.push_str(self.pick(&["0", "1", "1.2", "10", "2024"]));
        for _ in 0..self.below(6) {
            text.push_str(self.pick(&PIECES));
        }
        text
    }

    fn rpm(&mut self) -> String {
        const PIECES: [&str; 20] = [
            "0", "1", "2", "9", "10", "007", "~", "~~", "~rc1", "+", "^", "^git1", "_", ".", ".1",
            ".0", "a", "b", "Z", "el9",
        ];
        let mut text = String::new();
        for _ in 0..=self.below(6) {
            text.push_str(self.pick(&PIECES));
        }
        text
    }

    fn python(&mut self) -> String {
        const PIECES: [&str; 40] = [
            ".0",
            ".1",
            ".2",
            ".10",
            ".01",
            "a",
            "a1",
            "b2",
            "rc",
            "rc1",
            ".rc.1",
            "-c2",
            "alpha",
            "beta3",
            "pre1",
            "preview",
            "_a_1",
            ".post",
            ".post1",
            "-1",
            "-2",
            "r3",
            "rev",
            ".dev",
            "dev1",
            ".dev2",
            "-dev-3",
            "+local",
            "+1",
            "+ubuntu.1",
            "+ubuntu-a",
            ".x",
            "_1",
            "+",
            "-",
            ".post.dev",
            "+1.a",
            "+a.1",
            "A2",
            " ",
        ];
        let mut text = self.pick(&["", "", "", "", "v", "V", "0!", "1!", "!"]).to_owned();
        text.push_str(self.pick(&["0", "1", "1.0", "1.0.0", "2", "10", "1.2.3", "x"]));
        for _ in 0..self.below(4) {
            text.push_str(self.pick(&PIECES));
        }
        text
    }
}

fn skip(tool: &str) {
    eprintln!("SKIPPED: `{tool}` is not here, its order was not compared with ours");
}

fn dpkg_says(left: &str, relation: &str, right: &str) -> bool {
    let status = Command::new("dpkg")
        .args(["--compare-versions", left, relation, right])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    status.success()
}

#[test]
fn dpkg_orders_as_we_do() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        return skip("dpkg");
    }
    let mut texts = Texts(0x9e37_79b9_7f4a_7c15);
    let mut n_compared = 0;
    while n_compared < DPKG_PAIRS {
        let (left, right) = (texts.dpkg(), texts.dpkg());
        let Ok(order) = compare(Scheme::Dpkg, &left, &right) else { continue };
        let relation = match order {
            Ordering::Less => "lt-nl",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt-nl",
        };
        assert!(dpkg_says(&left, relation, &right), "we say `{left}` {relation} `{right}`");
        n_compared += 1;
    }
}

const PACKAGING: &str = r"
import sys
try:
    from packaging.version import Version, InvalidVersion
except ImportError:
    try:
        from pip._vendor.packaging.version import Version, InvalidVersion
    except ImportError:
        sys.exit(42)
def parse(text):
    try:
        return Version(text)
    except InvalidVersion:
        return None
for line in sys.stdin:
    left, right = map(parse, line.rstrip('\n').split('\t'))
    order = '?' if left is None or right is None else '<' if left < right else '>' if left > right else '='
    print(order, left, right, sep='\t')
";

// Python's answers, one line a pair; none if Python or the library is not here.
fn packaging_says(pairs: &[(String, String)]) -> Option<Vec<String>> {
    let mut child = Command::new("python3")
        .args(["-c", PACKAGING])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = String::new();
    for (left, right) in pairs {
        writeln!(input, "{left}\t{right}").unwrap();
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // A missing library ends Python before it reads; that is told by the exit code.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    if output.status.code() == Some(42) {
        return None;
    }
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn our_line(left: &str, right: &str) -> String {
    let order = match compare(Scheme::Pep440, left, right) {
        Err(_) => "?",
        Ok(Ordering::Less) => "<",
        Ok(Ordering::Equal) => "=",
        Ok(Ordering::Greater) => ">",
    };
    let canonical = |text| pep440_canonical(text).unwrap_or_else(|_| "None".to_owned());
    format!("{order}\t{}\t{}", canonical(left), canonical(right))
}

#[test]
fn python_orders_as_we_do() {
    let mut texts = Texts(0x2545_f491_4f6c_dd1d);
    let pairs: Vec<(String, String)> =
        (0..PYTHON_PAIRS).map(|_| (texts.python(), texts.python())).collect();
    let Some(lines) = packaging_says(&pairs) else {
        return skip("python3 with packaging");
    };
    assert_eq!(lines.len(), pairs.len());
    let mut n_ordered = 0;
    for ((left, right), line) in pairs.iter().zip(lines) {
        assert_eq!(our_line(left, right), line, "`{left}` `{right}`");
        n_ordered += usize::from(!line.starts_with('?'));
    }
    assert!(n_ordered > PYTHON_PAIRS / 10, "only {n_ordered} pairs were two versions");
    assert!(Version::parse(Scheme::Pep440, "1.0").is_ok());
}

#[test]
fn rpm_orders_as_we_do() {
    let mut texts = Texts(0x6c62_272e_07bb_0142);
    let pairs: Vec<(String, String)> = (0..RPM_PAIRS).map(|_| (texts.rpm(), texts.rpm())).collect();
    let mut script = String::new();
    for (left, right) in &pairs {
        writeln!(script, "print(rpm.vercmp('{left}', '{right}'))").unwrap();
    }
    let path = std::env::temp_dir().join(format!("sealift-rpm-order-{}", std::process::id()));
    std::fs::write(&path, script).unwrap();
    let output = Command::new("rpmlua").arg(&path).output();
    std::fs::remove_file(&path).unwrap();
    let Ok(output) = output else { return skip("rpmlua") };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), pairs.len());
    for ((left, right), answer) in pairs.iter().zip(answers.lines()) {
        let expected = answer.parse::<i32>().unwrap().cmp(&0);
        assert_eq!(compare(Scheme::Rpm, left, right), Ok(expected), "`{left}` `{right}`");
    }
}
