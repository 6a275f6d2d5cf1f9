//! Headers and databases of rpm, made from nothing.

/// A header of these tags: number, type, how many, data.
pub(crate) fn header(tags: &[(u32, u32, usize, Vec<u8>)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, kind, count, bytes) in tags {
        while *kind == 4 && data.len() % 4 != 0 {
            data.push(0);
        }
        for number in [*tag, *kind, size(data.len()), size(*count)] {
            index.extend(number.to_be_bytes());
        }
        data.extend(bytes);
    }
    let sizes = [size(tags.len()).to_be_bytes(), size(data.len()).to_be_bytes()].concat();
    [sizes, index, data].concat()
}

pub(crate) fn text(tag: u32, text: &str) -> (u32, u32, usize, Vec<u8>) {
    (tag, 6, 1, [text.as_bytes(), b"\0"].concat())
}

pub(crate) fn texts(tag: u32, texts: &[&str]) -> (u32, u32, usize, Vec<u8>) {
    let bytes = texts.iter().flat_map(|text| [text.as_bytes(), b"\0"].concat()).collect();
    (tag, 8, texts.len(), bytes)
}

pub(crate) fn numbers(tag: u32, numbers: &[u32]) -> (u32, u32, usize, Vec<u8>) {
    (tag, 4, numbers.len(), numbers.iter().flat_map(|number| number.to_be_bytes()).collect())
}

fn size(size: usize) -> u32 {
    u32::try_from(size).unwrap()
}

/// A database in rpm's own format.
pub(crate) fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 4096];
    file[..4].copy_from_slice(b"RpmP");
    for (place, number) in [0, 1, 1, size(blobs.len()) + 1].into_iter().enumerate() {
        put(&mut file, 4 + 4 * place, number.to_le_bytes());
    }
    for slot in 2..256 {
        file[slot * 16..slot * 16 + 4].copy_from_slice(b"Slot");
    }
    for (place, blob) in blobs.iter().enumerate() {
        let number = size(place) + 1;
        let n_blocks = (16 + blob.len() + 12).div_ceil(16);
        let slot = (place + 2) * 16;
        put(&mut file, slot + 4, number.to_le_bytes());
        let block = size(file.len() / 16);
        put(&mut file, slot + 8, block.to_le_bytes());
        put(&mut file, slot + 12, size(n_blocks).to_le_bytes());
        let mut whole = b"BlbS".to_vec();
        for number in [number, 1, size(blob.len())] {
            whole.extend(number.to_le_bytes());
        }
        whole.extend(blob);
        whole.resize(n_blocks * 16 - 12, 0);
        whole.extend([0; 4]);
        whole.extend(size(blob.len()).to_le_bytes());
        whole.extend(b"BlbE");
        file.extend(whole);
    }
    file
}

/// Bytes of a number, first or last byte first.
pub(super) type Order = (fn(u16) -> [u8; 2], fn(u32) -> [u8; 4]);

pub(super) const LITTLE: Order = (u16::to_le_bytes, u32::to_le_bytes);
pub(super) const BIG: Order = (u16::to_be_bytes, u32::to_be_bytes);

pub(super) const BDB_PAGE: usize = 512;

/// A Berkeley hash: the highest number, and each blob on a chain of pages.
pub(super) fn bdb(blobs: &[Vec<u8>], (two, four): Order) -> Vec<u8> {
    let mut items: Vec<Vec<u8>> = vec![vec![1, 0, 0, 0, 0], [&[1], &four(7)[..]].concat()];
    let mut chains = Vec::new();
    let mut next = 2;
    for (place, blob) in blobs.iter().enumerate() {
        items.push([&[1], &four(size(place) + 1)[..]].concat());
        items.push([&[3, 0, 0, 0], &four(next)[..], &four(size(blob.len()))[..]].concat());
        let parts: Vec<&[u8]> = blob.chunks(BDB_PAGE - 26).collect();
        for (place, part) in parts.iter().enumerate() {
            let after = if place + 1 == parts.len() { 0 } else { next + 1 };
            let mut page = page(7, next, after, 1, size(part.len()), (two, four));
            page[26..26 + part.len()].copy_from_slice(part);
            chains.extend(page);
            next += 1;
        }
    }
    let mut hash = page(13, 1, 0, size(items.len()), 0, (two, four));
    let mut end = BDB_PAGE;
    for (place, item) in items.iter().enumerate() {
        end -= item.len();
        hash[end..end + item.len()].copy_from_slice(item);
        put(&mut hash, 26 + 2 * place, two(u16::try_from(end).unwrap()));
    }
    let mut meta = page(8, 0, 0, 0, 0, (two, four));
    for (at, number) in [(12, 0x0006_1561), (16, 9), (20, size(BDB_PAGE)), (32, next - 1)] {
        put(&mut meta, at, four(number));
    }
    meta[24] = 0;
    [meta, hash, chains].concat()
}

fn page(
    kind: u8,
    number: u32,
    next: u32,
    entries: u32,
    offset: u32,
    (two, four): Order,
) -> Vec<u8> {
    let mut page = vec![0; BDB_PAGE];
    put(&mut page, 8, four(number));
    put(&mut page, 16, four(next));
    put(&mut page, 20, two(u16::try_from(entries).unwrap()));
    put(&mut page, 22, two(u16::try_from(offset).unwrap()));
    page[25] = kind;
    page
}

pub(super) const SQLITE_PAGE: usize = 512;

/// SQLite: the schema, an inner page, a leaf for each blob, and the chains of what does not fit there.
pub(super) fn sqlite(blobs: &[Vec<u8>]) -> Vec<u8> {
    let schema = record(&[b"table", b"Packages", b"Packages", &[2], b"CREATE TABLE Packages"], 3);
    let mut first = leaf(&[[varint(schema.len()), vec![1], schema].concat()], 100);
    first[..16].copy_from_slice(b"SQLite format 3\0");
    put(&mut first, 16, 512_u16.to_be_bytes());
    let mut inner = vec![0; SQLITE_PAGE];
    inner[0] = 5;
    put(&mut inner, 3, u16::try_from(blobs.len() - 1).unwrap().to_be_bytes());
    let mut pages = Vec::new();
    let mut leaves = Vec::new();
    for (place, blob) in blobs.iter().enumerate() {
        leaves.push(size(pages.len() / SQLITE_PAGE + 3));
        let row = record(&[&[], blob], 9);
        let (local, number) = (local(row.len()), size(pages.len() / SQLITE_PAGE + 4));
        let mut cell = varint(row.len());
        cell.push(u8::try_from(place + 1).unwrap());
        cell.extend(&row[..local]);
        let rest: Vec<&[u8]> = row[local..].chunks(SQLITE_PAGE - 4).collect();
        if !rest.is_empty() {
            cell.extend(number.to_be_bytes());
        }
        pages.extend(leaf(&[cell], 0));
        for (place, part) in rest.iter().enumerate() {
            let after = if place + 1 == rest.len() { 0 } else { number + size(place) + 1 };
            let mut page = [&after.to_be_bytes()[..], part].concat();
            page.resize(SQLITE_PAGE, 0);
            pages.extend(page);
        }
    }
    let (last, others) = leaves.split_last().unwrap();
    put(&mut inner, 8, last.to_be_bytes());
    for (place, leaf) in others.iter().enumerate() {
        let cell = SQLITE_PAGE - 5 * (place + 1);
        put(&mut inner, 12 + 2 * place, u16::try_from(cell).unwrap().to_be_bytes());
        put(&mut inner, cell, leaf.to_be_bytes());
        inner[cell + 4] = u8::try_from(place + 1).unwrap();
    }
    let mut file = [first, inner, pages].concat();
    let n_pages = size(file.len() / SQLITE_PAGE);
    put(&mut file, 28, n_pages.to_be_bytes());
    file
}

fn local(total: usize) -> usize {
    let (most, least) = (SQLITE_PAGE - 35, (SQLITE_PAGE - 12) * 32 / 255 - 23);
    let fitting = least + (total.max(least) - least) % (SQLITE_PAGE - 4);
    match total {
        _ if total <= most => total,
        _ if fitting <= most => fitting,
        _ => least,
    }
}

fn varint(number: usize) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(number & 0x7f).unwrap()];
    let mut rest = number >> 7;
    while rest > 0 {
        bytes.insert(0, u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes
}

// Texts, but for one column that is a number of a byte; an empty one is NULL.
fn record(columns: &[&[u8]], number: usize) -> Vec<u8> {
    let mut kinds = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        kinds.extend(match column.len() {
            0 => vec![0],
            _ if place == number => vec![1],
            bytes => varint(12 + 2 * bytes),
        });
    }
    let mut row = vec![u8::try_from(kinds.len() + 1).unwrap()];
    row.extend(kinds);
    row.extend(columns.concat());
    row
}

fn leaf(cells: &[Vec<u8>], header: usize) -> Vec<u8> {
    let mut page = vec![0; SQLITE_PAGE];
    page[header] = 13;
    put(&mut page, header + 3, u16::try_from(cells.len()).unwrap().to_be_bytes());
    let mut end = SQLITE_PAGE;
    for (place, cell) in cells.iter().enumerate() {
        end -= cell.len();
        page[end..end + cell.len()].copy_from_slice(cell);
        put(&mut page, header + 8 + 2 * place, u16::try_from(end).unwrap().to_be_bytes());
    }
    page
}

/// Writes bytes over others.
pub(super) fn put<const N: usize>(bytes: &mut [u8], at: usize, new: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&new);
}
