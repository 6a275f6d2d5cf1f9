//! Writes the seeds of the target `program`: `cargo run -p sealift-corpus --example program_seeds`.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "small files")]

use std::path::PathBuf;

fn main() {
    let go = b"\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08go1.21.3\x00";
    let sections: [(&str, &[u8]); 6] = [
        (".go.buildinfo", go),
        (
            ".rodata",
            b"/.cargo/registry/src/index.crates.io-6f17d22bba15001f/serde-1.0.0/src/lib.rs",
        ),
        (".comment", b"rustc version 1.75.0 (82e1608df 2023-12-21)\0"),
        (".note.package", b"\x04\0\0\0\x10\0\0\0\x7e\x1a\xfe\xcaFDO\0{\"name\":\"tool\"}\0"),
        (".dep-v0", b"x\x9c\xab\xae\x05\0\x01u\0\xf9"),
        (".modinfo", b"license=GPL\0depends=a,b\0vermagic=6.1.0 SMP\0name=c\0"),
    ];
    seed(0, "elf64", &elf(&sections, true));
    seed(0, "elf32", &elf(&sections, false));
    let mut table = vec![0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
    for number in [2_u64, 1, 0, 64, 109, 109, 109] {
        table.extend_from_slice(&number.to_le_bytes());
    }
    table.extend_from_slice(b"net/http.(*Client).Do.func1\0a.b/c%2ed.F[int]\0\0");
    seed(0, "gofunctions", &elf(&[(".gopclntab", &table)], true));
    seed(1, "module", &elf(&sections[5..], true));
    let mut kernel = vec![0; 0x340];
    kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel[0x20f] = 1;
    kernel[0x300..0x30b].copy_from_slice(b"6.1.0-amd64");
    seed(1, "kernel", &kernel);
    seed(2, "python", b"PYTHONPATH\x003.11.2\0%.80s");
    seed(8, "redis", b"redis_version\x006.2.14\x006.2.14912196-d8565-1701469167040305114\0");
    seed(3, "modules", b"path\ta\nmod\ta\t(devel)\t\ndep\tb\tv1.0.0\th1:x=\n=>\tc\tv2.0.0\nbuild\t-ldflags=\"-X main.version=1.0.0 -X 'a/v.Version=2.0'\"\n");
    seed(4, "note", br#"{"type":"deb","name":"tool","version":"1"}"#);
    seed(0, "pe", &pe());
    seed(5, "pe", &pe());
    seed(0, "macho", &mach_o());
    let mut fat = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1];
    fat.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28]);
    fat.extend((mach_o().len() as u32).to_be_bytes());
    fat.extend([0; 4]);
    fat.extend(mach_o());
    seed(0, "macho-fat", &fat);
}

fn seed(selector: u8, name: &str, bytes: &[u8]) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/program"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{selector}-{name}")), [&[selector], bytes].concat())
        .unwrap();
}

// A number of four or eight bytes.
fn put(out: &mut Vec<u8>, value: usize, is_wide: bool) {
    let bytes = (value as u64).to_le_bytes();
    out.extend(&bytes[..if is_wide { 8 } else { 4 }]);
}

fn elf(sections: &[(&str, &[u8])], is_wide: bool) -> Vec<u8> {
    let head = if is_wide { 64 } else { 52 };
    let entry = if is_wide { 64 } else { 40 };
    let (mut data, mut names, mut headers) = (vec![0; head], vec![0], vec![0; entry]);
    for (name, content) in sections.iter().chain([&(".shstrtab", &b""[..])]) {
        data.resize(data.len().next_multiple_of(16), 0);
        put(&mut headers, names.len(), false);
        put(&mut headers, 1, false);
        names.extend(name.bytes().chain([0]));
        let content = if *name == ".shstrtab" { names.clone() } else { content.to_vec() };
        for value in [0, 0x1000 + data.len(), data.len(), content.len()] {
            put(&mut headers, value, is_wide);
        }
        put(&mut headers, 0, true);
        put(&mut headers, 0, is_wide);
        put(&mut headers, 0, is_wide);
        data.extend(content);
    }
    let table = data.len();
    data.extend(headers);
    let mut start = b"\x7fELF\x02\x01\x01".to_vec();
    start[4] = if is_wide { 2 } else { 1 };
    start.resize(16, 0);
    start.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for value in [0, 0, table] {
        put(&mut start, value, is_wide);
    }
    start.extend([0, 0, 0, 0, head as u8, 0, 0, 0, 0, 0, entry as u8, 0]);
    start.extend([sections.len() as u8 + 2, 0, sections.len() as u8 + 1, 0]);
    data[..head].copy_from_slice(&start);
    data
}

fn pe() -> Vec<u8> {
    let mut file = vec![0; 0x400];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 0x40;
    file[0x40..0x44].copy_from_slice(b"PE\0\0");
    file[0x46] = 1;
    file[0x54] = 240;
    file[0x58..0x5a].copy_from_slice(&0x20b_u16.to_le_bytes());
    let optional = 0x58;
    file[optional + 108] = 16;
    // Resources at 0x1000, the header of .NET at 0x1100.
    for (number, address, size) in [(2, 0x1000_u32, 0x100_u32), (14, 0x1100, 72)] {
        let at = optional + 112 + 8 * number;
        file[at..at + 4].copy_from_slice(&address.to_le_bytes());
        file[at + 4..at + 8].copy_from_slice(&size.to_le_bytes());
    }
    let header = optional + 240;
    file[header..header + 5].copy_from_slice(b".rsrc");
    for (at, value) in [(8, 0x400_u32), (12, 0x1000), (16, 0x400), (20, 0x400), (36, 0xc000_0040)] {
        file[header + at..header + at + 4].copy_from_slice(&value.to_le_bytes());
    }
    file.extend(resources());
    file.resize(0x500, 0);
    file.extend(assembly());
    file.resize(0x800, 0);
    file
}

fn resources() -> Vec<u8> {
    let mut tree = Vec::new();
    for (id, offset) in [(16_u32, 0x8000_0018_u32), (1, 0x8000_0030), (1033, 0x48)] {
        tree.extend([0; 14]);
        tree.extend([1, 0]);
        tree.extend(id.to_le_bytes());
        tree.extend(offset.to_le_bytes());
    }
    tree.extend(0x1058_u32.to_le_bytes());
    tree.extend(0x90_u32.to_le_bytes());
    tree.extend([0; 8]);
    let string =
        block("ProductName", "Tool".encode_utf16().flat_map(u16::to_le_bytes).collect(), 4, &[]);
    let table = block("040904b0", vec![], 0, &string);
    let strings = block("StringFileInfo", vec![], 0, &table);
    tree.extend(block("VS_VERSION_INFO", vec![], 0, &strings));
    tree
}

fn block(key: &str, value: Vec<u8>, length: u16, children: &[u8]) -> Vec<u8> {
    let mut block = vec![0, 0];
    block.extend(length.to_le_bytes());
    block.extend([0, 0]);
    block.extend(key.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    block.resize(block.len().next_multiple_of(4), 0);
    block.extend(value);
    block.extend(children);
    let size = (block.len() as u16).to_le_bytes();
    block[..2].copy_from_slice(&size);
    block.resize(block.len().next_multiple_of(4), 0);
    block
}

fn assembly() -> Vec<u8> {
    let mut header = vec![72, 0, 0, 0, 2, 0, 5, 0];
    header.extend(0x1148_u32.to_le_bytes());
    header.extend(0x100_u32.to_le_bytes());
    header.resize(72, 0);
    let mut metadata = b"BSJB\x01\0\x01\0\0\0\0\0\x04\0\0\0v4.0\0\0\x02\0".to_vec();
    metadata.extend([60, 0, 0, 0, 60, 0, 0, 0]);
    metadata.extend(b"#~\0\0");
    metadata.extend([120, 0, 0, 0, 16, 0, 0, 0]);
    metadata.extend(b"#Strings\0\0\0\0");
    metadata.resize(60, 0);
    metadata.extend([0, 0, 0, 0, 2, 0, 0, 1]);
    metadata.extend((1_u64 << 0x20).to_le_bytes());
    metadata.extend([0; 8]);
    metadata.extend([1, 0, 0, 0]);
    metadata.extend([4, 0x80, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    metadata.resize(120, 0);
    metadata.extend(b"\0Tool.Core\0\0\0\0\0\0");
    header.extend(metadata);
    header
}

fn mach_o() -> Vec<u8> {
    let content = b"/registry/src/index.crates.io-6f17d22bba15001f/serde-1.0.0/src/lib.rs";
    let mut file = 0xfeed_facf_u32.to_le_bytes().to_vec();
    for value in [0x0100_0007_u32, 3, 2, 1, 152, 0, 0, 0x19, 152] {
        file.extend(value.to_le_bytes());
    }
    file.extend(b"__TEXT\0\0\0\0\0\0\0\0\0\0");
    for value in [0x1000_usize, 0x1000, 0, 0x200] {
        put(&mut file, value, true);
    }
    for value in [7_u32, 3, 1, 0] {
        file.extend(value.to_le_bytes());
    }
    file.extend(b"__cstring\0\0\0\0\0\0\0__TEXT\0\0\0\0\0\0\0\0\0\0");
    put(&mut file, 0x1000, true);
    put(&mut file, content.len(), true);
    file.extend(184_u32.to_le_bytes());
    file.extend([0; 28]);
    file.extend(content);
    file
}
