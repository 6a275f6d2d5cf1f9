//! Writes the seeds that are no text: `cargo run -p sealift-corpus --example seeds`.
//!
//! Signatures have randomness in them, so that the signed ones differ each time.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use sealift_archive::tar::Writer;
use sealift_archive::{EntryKind, GzipWriter, Header, Mtime, RelativePath};
use sealift_corpus::{SEPARATOR, sign, tuf};
use sealift_crypto::{Certificate, SealingKey, Secret, SigningKey, dsse};
use sealift_oci::Digest;
use sealift_sign::{Artifact, Subject, attest, legacy, predicate_type, sign_image};
use sealift_tuf::server::{MemoryStore, Pick, SealedKeys, Server};
use sealift_tuf::verify::{FirstUse, Policy};
use sealift_tuf::{
    Change, FileMeta, Gun, Key, KeyFile, Keys, Repository, Role, Update, write_change,
    write_public_key,
};
use serde_json::json;

const SIGNER: &str = include_str!("../fixtures/signer.pem");

fn main() {
    archives();
    images();
    package();
    keys();
    signatures();
    trust();
}

fn seed(target: &str, name: &str, bytes: &[u8]) {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds"));
    let folder = root.join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn header(path: &str, kind: EntryKind, size: u64) -> Header {
    Header {
        path: RelativePath::parse(path.as_bytes()).unwrap(),
        kind,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size,
        mtime: Mtime { secs: 1_700_000_000, nanos: 0 },
        user_name: Vec::new(),
        group_name: Vec::new(),
        xattrs: BTreeMap::new(),
    }
}

fn tar(entries: &[(Header, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (header, content) in entries {
        writer.append(header, &mut &**content).unwrap();
    }
    let mut bytes = writer.finish().unwrap();
    // The end of an archive may be missing, and seeds are to be small.
    bytes.truncate(bytes.len() - 1024);
    bytes
}

fn files(files: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<(Header, &[u8])> = files
        .iter()
        .map(|(path, content)| (header(path, EntryKind::File, content.len() as u64), *content))
        .collect();
    tar(&entries)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzipWriter::new(Vec::new(), 6);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 0);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644);
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        if size % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn archives() {
    let path = |text: &str| RelativePath::parse(text.as_bytes()).unwrap();
    let mut marked = header("marked", EntryKind::File, 1);
    marked.xattrs.insert(b"user.a".to_vec(), b"b\n\0".to_vec());
    marked.mtime = Mtime { secs: -3, nanos: 5 };
    marked.uid = 1 << 40;
    let long = "long/".repeat(60) + "name";
    let special = tar(&[
        (header("a", EntryKind::Directory, 0), b""),
        (header("a/file", EntryKind::File, 3), b"abc"),
        (header("a/link", EntryKind::Symlink(b"../x".to_vec()), 0), b""),
        (header("a/hard", EntryKind::HardLink(path("a/file")), 0), b""),
        (header("null", EntryKind::CharDevice { major: 1, minor: 3 }, 0), b""),
        (header("pipe", EntryKind::Fifo, 0), b""),
    ]);
    seed("tar", "kinds.tar", &special);
    seed("tar", "pax.tar", &tar(&[(marked, b"x"), (header(&long, EntryKind::File, 0), b"")]));
    seed("tar", "gnu_long_name.tar", &gnu_long_name());
    seed("tar", "gnu_sparse.tar", &gnu_sparse());
    seed("ar", "package.a", &ar(&[("debian-binary", b"2.0\n"), ("odd/", b"abc"), ("_x", b"")]));
    let text = b"some text, some text, some text".repeat(4);
    seed("compressed", "two_members.gz", &[gzip(&text), gzip(b"more")].concat());
    seed("compressed", "text.xz", &xz(&text));
    seed("compressed", "text.zst", &zstd::encode_all(&text[..], 1).unwrap());
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    writer.start_file("a.json", options).unwrap();
    writer.write_all(&text).unwrap();
    let stored = options.compression_method(zip::CompressionMethod::Stored);
    writer.start_file("d/b.json", stored).unwrap();
    writer.write_all(b"{}").unwrap();
    writer.add_directory("e", options).unwrap();
    seed("zip", "small.zip", &writer.finish().unwrap().into_inner());
}

// A header block by hand, for what our writer does not write.
fn block(name: &str, kind: u8, size: usize, change: impl FnOnce(&mut [u8; 512])) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar  \0");
    change(&mut block);
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.to_vec()
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut bytes = content.to_vec();
    bytes.resize(content.len().next_multiple_of(512), 0);
    bytes
}

fn gnu_long_name() -> Vec<u8> {
    let name = "n".repeat(120);
    let long = block("././@LongLink", b'L', name.len() + 1, |_| {});
    let entry = block(&name[..100], b'0', 2, |_| {});
    [long, padded(format!("{name}\0").as_bytes()), entry, padded(b"hi"), vec![0; 1024]].concat()
}

fn gnu_sparse() -> Vec<u8> {
    let entry = block("sparse", b'S', 4, |block| {
        block[386..397].copy_from_slice(b"00000000012");
        block[398..409].copy_from_slice(b"00000000004");
        block[483..494].copy_from_slice(b"00000000024");
    });
    [entry, padded(b"data"), vec![0; 1024]].concat()
}

fn images() {
    let lower = tar(&[
        (header("etc/a", EntryKind::File, 0), b""),
        (header("etc/b", EntryKind::File, 0), b""),
        (header("lib", EntryKind::Symlink(b"usr/lib".to_vec()), 0), b""),
        (header("usr/lib/x", EntryKind::File, 0), b""),
    ]);
    let hard = EntryKind::HardLink(RelativePath::parse(b"etc/b").unwrap());
    let mut entries: Vec<(Header, &[u8])> = vec![
        (header("etc/.wh.a", EntryKind::File, 0), b""),
        (header("lib/y", EntryKind::File, 0), b""),
        (header("etc/c", hard, 0), b""),
    ];
    let upper = tar(&entries);
    entries.push((header("usr/.wh..wh..opq", EntryKind::File, 0), b""));
    let packed = zstd::encode_all(&tar(&entries)[..], 1).unwrap();
    seed("layers", "plain", &[&lower[..], SEPARATOR, &upper].concat());
    seed("layers", "packed", &[&gzip(&lower), SEPARATOR, &packed].concat());
    image_archives();
}

fn image_archives() {
    let layer = files(&[("a", b"a")]);
    let (diff_id, hex) = (Digest::sha256(&layer), Digest::sha256(&layer).hex().to_owned());
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [diff_id.to_string()] },
    });
    let config = config.to_string().into_bytes();
    let config_digest = Digest::sha256(&config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config_digest.to_string(), "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": diff_id.to_string(), "size": layer.len(),
        }],
    });
    let manifest = manifest.to_string().into_bytes();
    let manifest_digest = Digest::sha256(&manifest);
    let index = json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": manifest_digest.to_string(), "size": manifest.len(),
            "annotations": { "org.opencontainers.image.ref.name": "app:1" },
        }],
    });
    let index = index.to_string();
    let blob = |hex: &str| format!("blobs/sha256/{hex}");
    let layout = files(&[
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", index.as_bytes()),
        (&blob(manifest_digest.hex()), &manifest),
        (&blob(config_digest.hex()), &config),
        (&blob(&hex), &layer),
    ]);
    seed("image_archive", "layout.tar.gz", &gzip(&layout));
    let list = json!([{
        "Config": format!("{}.json", config_digest.hex()), "RepoTags": ["app:1"],
        "Layers": [format!("{hex}/layer.tar")],
    }]);
    let docker = files(&[
        ("manifest.json", list.to_string().as_bytes()),
        (&format!("{}.json", config_digest.hex()), &config),
        (&format!("{hex}/layer.tar"), &layer),
    ]);
    seed("image_archive", "docker.tar.gz", &gzip(&docker));
    seed("image_archive", "docker.tar.xz", &xz(&docker));
    root_file_systems();
}

// What a tar of a root file system has, and a layer's marks, which mean nothing special in one.
fn root_file_systems() {
    let hard = EntryKind::HardLink(RelativePath::parse(b"usr/lib/os-release").unwrap());
    let release = b"ID=debian\n";
    let plain = tar(&[
        (header("bin", EntryKind::Symlink(b"usr/bin".to_vec()), 0), b""),
        (header("usr/lib/os-release", EntryKind::File, release.len() as u64), release),
        (header("etc/os-release", EntryKind::Symlink(b"../usr/lib/os-release".to_vec()), 0), b""),
        (header("etc/copy", hard, 0), b""),
        (header("dev/null", EntryKind::CharDevice { major: 1, minor: 3 }, 0), b""),
        (header("run/pipe", EntryKind::Fifo, 0), b""),
    ]);
    seed("image_archive", "rootfs.tar.zst", &zstd::encode_all(&plain[..], 1).unwrap());
    let odd = tar(&[
        (header("a", EntryKind::File, 1), b"a"),
        (header(".wh.a", EntryKind::File, 0), b""),
        (header("d/.wh..wh..opq", EntryKind::File, 0), b""),
        (header("loop", EntryKind::Symlink(b"loop".to_vec()), 0), b""),
        (header("a", EntryKind::File, 2), b"bb"),
    ]);
    seed("image_archive", "rootfs_with_marks.tar", &odd);
}

fn package() {
    let control = b"Package: seed\nVersion: 1\nArchitecture: amd64\nDescription: a seed\n";
    let control =
        files(&[("./control", control), ("./md5sums", b""), ("./conffiles", b"/etc/a\n")]);
    let library = shared_library();
    let data = tar(&[
        (header("usr", EntryKind::Directory, 0), b""),
        (header("usr/lib/libseed.so.1.0", EntryKind::File, library.len() as u64), &library),
        (header("usr/lib/libseed.so.1", EntryKind::Symlink(b"libseed.so.1.0".to_vec()), 0), b""),
        (
            header(
                "lib/b",
                EntryKind::HardLink(RelativePath::parse(b"usr/lib/libseed.so.1.0").unwrap()),
                0,
            ),
            b"",
        ),
        (header("etc/ld.so.conf", EntryKind::File, 26), b"include /etc/ld.so.conf.d\n"),
        (
            header("usr/share/base-passwd/passwd.master", EntryKind::File, 26),
            b"root:*:0:0:root:/root:/sh\n",
        ),
        (header("usr/share/ca-certificates/a.crt", EntryKind::File, 3), b"PEM"),
    ]);
    let deb = |control: (&str, &[u8]), data: (&str, &[u8])| {
        ar(&[("debian-binary", b"2.0\n"), control, data])
    };
    seed(
        "package",
        "packed.deb",
        &deb(("control.tar.gz", &gzip(&control)), ("data.tar.xz", &xz(&data))),
    );
    let small = tar(&[(header("bin/a", EntryKind::File, 1), b"a")]);
    seed("package", "plain.deb", &deb(("control.tar", &control), ("data.tar", &small)));
    let zstd = zstd::encode_all(&small[..], 1).unwrap();
    seed("package", "zstd.deb", &deb(("control.tar.xz", &xz(&control)), ("data.tar.zst", &zstd)));
}

// The least that has a soname: one segment for all, one for the dynamic table.
fn shared_library() -> Vec<u8> {
    const TABLE: u64 = 64 + 2 * 56;
    const STRINGS: u64 = TABLE + 3 * 16;
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    let half = |bytes: &mut Vec<u8>, value: u16| bytes.extend_from_slice(&value.to_le_bytes());
    let word = |bytes: &mut Vec<u8>, value: u32| bytes.extend_from_slice(&value.to_le_bytes());
    let long = |bytes: &mut Vec<u8>, value: u64| bytes.extend_from_slice(&value.to_le_bytes());
    half(&mut bytes, 3);
    half(&mut bytes, 62);
    word(&mut bytes, 1);
    for value in [0, 64, 0] {
        long(&mut bytes, value);
    }
    word(&mut bytes, 0);
    for value in [64, 56, 2, 64, 0, 0] {
        half(&mut bytes, value);
    }
    for (kind, offset, size) in [(1, 0, STRINGS + 14), (2, TABLE, STRINGS - TABLE)] {
        word(&mut bytes, kind);
        word(&mut bytes, 4);
        for value in [offset, offset, offset, size, size, 8] {
            long(&mut bytes, value);
        }
    }
    // DT_SONAME, DT_STRTAB, DT_NULL.
    for value in [14, 1, 5, STRINGS, 0, 0] {
        long(&mut bytes, value);
    }
    bytes.extend_from_slice(b"\0libseed.so.1\0");
    bytes.push(0);
    bytes
}

fn keys() {
    let fixture = |name: &str| {
        std::fs::read(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).join(name))
            .unwrap()
    };
    seed("keyring", "archive.asc", &fixture("archive.asc"));
    seed("signed_text", "ed25519.asc", &fixture("signed.asc"));
    seed("signed_text", "rsa.asc", &fixture("signed-rsa.asc"));
    seed("key_file", "plain.pem", SIGNER.as_bytes());
    let key = SigningKey::from_pem(SIGNER).unwrap();
    let encrypted = key.to_encrypted_pem(&Secret::new(b"seed".to_vec())).unwrap();
    seed("key_file", "encrypted.pem", encrypted.as_bytes());
    let envelope = dsse::sign(&key, "text/seed", b"{}".to_vec()).unwrap();
    seed("envelope", "signed.json", &envelope.to_json());
}

fn signatures() {
    let key = SigningKey::from_pem(SIGNER).unwrap();
    let created = jiff::Timestamp::from_second(1_700_000_000).unwrap();
    let image = sign::image();
    let subject = Subject { descriptor: &image, name: Some(sign::NAME) };
    let signature = sign_image(&key, &subject, &BTreeMap::new(), created).unwrap();
    let attestation =
        attest(&key, &subject, predicate_type::SPDX, sign::PREDICATE, created).unwrap();
    let add = |name: &str, artifact: &Artifact| {
        let bundle = &artifact.blobs[1].bytes;
        seed("bundle", &format!("{name}.json"), bundle);
        let referrer = [artifact.manifest.bytes(), SEPARATOR, bundle].concat();
        seed("referrer", name, &referrer);
        let bundle: serde_json::Value = serde_json::from_slice(bundle).unwrap();
        let envelope = bundle["dsseEnvelope"].to_string();
        let envelope = dsse::Envelope::from_json(envelope.as_bytes()).unwrap();
        seed("statement", &format!("{name}.json"), &envelope.payload);
    };
    add("signature", &signature);
    add("attestation", &attestation);
    let signature = legacy::sign_image(&key, &subject, &BTreeMap::new(), created).unwrap();
    let attestation =
        legacy::attest(&key, &subject, predicate_type::SPDX, sign::PREDICATE, created).unwrap();
    for (name, artifact) in [("signature", signature), ("attestation", attestation)] {
        let parts = [artifact.manifest.bytes(), SEPARATOR, &artifact.blobs[1].bytes].concat();
        seed("legacy_signatures", name, &parts);
    }
    let summary = json!({
        "verifier": { "id": "https://github.com/sealift/sealift" },
        "timeVerified": "2024-01-01T00:00:00Z", "resourceUri": "a", "policy": { "uri": "b" },
        "verificationResult": "PASSED", "verifiedLevels": [],
    });
    seed("statement", "summary.json", summary.to_string().as_bytes());
}

fn trust() {
    let gun = Gun::parse(tuf::GUN).unwrap();
    let now: jiff::Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
    let later = now + jiff::SignedDuration::from_hours(87_600);
    let key = SigningKey::from_pem(SIGNER).unwrap();
    let bare = Key::bare(&key.public());
    let certificate = Certificate::self_signed(&key, tuf::GUN, now, later).unwrap();
    let root = Key::of_certificate(&certificate).unwrap();
    let passphrase = Secret::new(b"seed".to_vec());
    let sealed = KeyFile::seal(&key, "targets", Some(&gun), &passphrase).unwrap();
    seed("tuf", "private.key", sealed.as_bytes());
    seed("tuf", "public.pem", write_public_key(&key.public(), "alice").unwrap().as_bytes());
    seed("tuf", "certificate.pem", certificate.to_pem().as_bytes());
    seed("tuf", "key.json", bare.to_value().to_string().as_bytes());
    let store = MemoryStore::default();
    let server_keys = SealedKeys::new(&store, SealingKey::new(&SealingKey::generate()).unwrap());
    let server = Server::new(&store, &server_keys);
    let own = |role| Key::from_json(&server.key(&gun, &role).unwrap()).unwrap();
    let first = [root, bare.clone(), own(Role::SNAPSHOT), own(Role::TIMESTAMP)];
    let mut keys = Keys::default();
    keys.add(key);
    let mut repository = Repository::create(&gun, first, &keys, now);
    let alice = Change::AddSigner { name: "alice".to_owned(), keys: vec![bare] };
    repository.apply(&alice).unwrap();
    let file = FileMeta::of_manifest([1; 32], 2);
    repository
        .apply(&Change::SignTag { tag: "v1".to_owned(), file: file.clone(), count_from: Some(1) })
        .unwrap();
    let upload = repository.upload(&keys, now).unwrap();
    let files: Vec<_> = upload.into_iter().map(|(role, bytes)| (role.to_string(), bytes)).collect();
    server.upload(&gun, &files, now).unwrap();
    for role in Role::BASE.iter().chain([&Role::RELEASES]) {
        let served = server.document(&gun, role, &Pick::Newest, now).unwrap();
        seed("tuf", &format!("{}.json", role.as_str().replace('/', "-")), &served.bytes);
    }
    let change = Change::SignTagIn { role: Role::RELEASES, tag: "v1".to_owned(), file };
    seed("tuf", "staged.change", &write_change(&change).unwrap());
    let policy = Policy { first_use: FirstUse::Trust, ..Policy::default() };
    let mut update = Update::new(&gun, &policy, None, now);
    while let Some(wanted) = update.wants() {
        let (role, pick) = sealift_tuf::server::parse_name(&wanted.name).unwrap();
        let served = server.document(&gun, &role, &pick, now).ok();
        update.give(served.as_ref().map(|served| &served.bytes[..])).unwrap();
    }
    let (_, state) = update.finish().unwrap();
    seed("tuf", "state.json", &state.to_json());
}
