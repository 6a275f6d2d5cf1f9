//! Compressed streams in and out.

use std::fs;
use std::io::{Read, Write};
use std::process::Command;

use sealift_archive::{Compression, Error, GzipWriter, decoder, detect, open};

fn sample(len: usize) -> Vec<u8> {
    // Text that compresses, without a period that a window could catch.
    let mut state = 1_u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + u8::try_from(state >> 28).unwrap()
        })
        .collect()
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut writer = GzipWriter::new(Vec::new(), level);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn inflate(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    open(Box::new(std::io::Cursor::new(bytes)))?.read_to_end(&mut out)?;
    Ok(out)
}

#[test]
fn gzip_round_trip_in_members() {
    for len in [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20] {
        let bytes = sample(len);
        let packed = gzip(&bytes, 6);
        assert_eq!(Compression::sniff(&packed), Compression::Gzip);
        assert!(inflate(packed).unwrap() == bytes, "{len}");
    }
}

#[test]
fn gzip_bytes_do_not_depend_on_writes_or_threads() {
    let bytes = sample(3_500_000);
    let expected = gzip(&bytes, 6);
    let mut writer = GzipWriter::new(Vec::new(), 6);
    for piece in bytes.chunks(777) {
        writer.write_all(piece).unwrap();
        writer.flush().unwrap();
    }
    assert!(writer.finish().unwrap() == expected);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // Inside the pool the writer must not wait for itself.
        assert!(pool.install(|| gzip(&bytes, 6)) == expected, "{threads} threads");
    }
    assert!(gzip(&bytes, 12).len() < gzip(&bytes, 1).len());
}

#[test]
fn gnu_gzip_and_python_read_our_gzip() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sample(2_500_000);
    let path = folder.path().join("a.gz");
    fs::write(&path, gzip(&bytes, 6)).unwrap();
    for (program, arguments) in [
        ("gzip", vec!["-dc", "a.gz"]),
        (
            "python3",
            vec!["-c", "import gzip,sys;sys.stdout.buffer.write(gzip.open('a.gz').read())"],
        ),
    ] {
        match Command::new(program).args(&arguments).current_dir(&folder).output() {
            Ok(output) => assert!(output.stdout == bytes && output.stderr.is_empty(), "{program}"),
            Err(error) => eprintln!("SKIPPED: `{program}` cannot be run: {error}"),
        }
    }
}

fn packed_by(program: &str, arguments: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, bytes).unwrap();
    match Command::new(program).args(arguments).arg(&path).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        other => {
            eprintln!("SKIPPED: `{program}` cannot be run: {other:?}");
            None
        }
    }
}

#[test]
fn foreign_streams_also_concatenated() {
    let bytes = sample(300_000);
    for (program, arguments, compression) in [
        ("gzip", &["-c"][..], Compression::Gzip),
        ("zstd", &["-qc"], Compression::Zstd),
        ("zstd", &["-qc", "-19"], Compression::Zstd),
        ("xz", &["-c"], Compression::Xz),
        ("xz", &["-9ec"], Compression::Xz),
        ("bzip2", &["-c"], Compression::Bzip2),
    ] {
        let Some(packed) = packed_by(program, arguments, &bytes) else { continue };
        assert_eq!(Compression::sniff(&packed), compression);
        assert!(inflate(packed.clone()).unwrap() == bytes, "{program} {arguments:?}");
        assert!(
            inflate([packed.clone(), packed].concat()).unwrap()
                == [bytes.clone(), bytes.clone()].concat()
        );
    }
    assert!(inflate(bytes.clone()).unwrap() == bytes);
    assert!(inflate(Vec::new()).unwrap().is_empty());
}

#[test]
fn every_cut_and_flip_is_noticed() {
    let bytes = sample(2000);
    let xz = packed_by("xz", &["-c"], &bytes);
    let zstd = packed_by("zstd", &["-qc", "--check"], &bytes);
    let bzip2 = packed_by("bzip2", &["-c"], &bytes);
    for packed in [Some(gzip(&bytes, 6)), xz, zstd, bzip2].into_iter().flatten() {
        let compression = Compression::sniff(&packed);
        for end in 6..packed.len() {
            let error = inflate(packed[..end].to_vec()).unwrap_err();
            assert!(
                matches!(error, Error::Compression { .. }),
                "{compression} cut at {end}: {error:?}"
            );
        }
        for at in 10..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x10;
            // Never a panic, and never other bytes without an error.
            if let Ok(out) = inflate(damaged) {
                assert!(out == bytes, "{compression} flip at {at}");
            }
        }
    }
    let error = inflate(gzip(&bytes, 6)[..100].to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "bad gzip data: it ends early");
}

#[test]
fn memory_is_bounded() {
    let small = b"small";
    if let Some(packed) = packed_by("xz", &["-c", "--lzma2=dict=1GiB"], small) {
        let error = inflate(packed).unwrap_err();
        assert!(error.to_string().starts_with("bad xz data: "), "{error}");
    }
    // RFC 8878 §3.1.1: a frame of one raw block that asks for a window of 2 to this power.
    let frame = |power: u8| {
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, (power - 10) << 3, 5 << 3 | 1, 0, 0], &small[..]].concat()
    };
    assert_eq!(inflate(frame(27)).unwrap(), small);
    let error = inflate(frame(31)).unwrap_err();
    assert!(error.to_string().starts_with("bad zstd data: "), "{error}");
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the line is down"))
    }
}

#[test]
fn errors_of_the_source_are_not_blamed_on_the_data() {
    for compression in [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Xz,
        Compression::Bzip2,
        Compression::None,
    ] {
        let mut reader = decoder(Box::new(Failing), compression).unwrap();
        let error = Error::from(reader.read(&mut [0; 10]).unwrap_err());
        assert_eq!(error.to_string(), "cannot read or write: the line is down", "{compression}");
    }
}

#[test]
fn detection_loses_nothing() {
    for text in ["", "a", "abcdef", "abcdefg"] {
        let (compression, mut reader) = detect(Box::new(text.as_bytes())).unwrap();
        assert_eq!(compression, Compression::None);
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
    }
}
