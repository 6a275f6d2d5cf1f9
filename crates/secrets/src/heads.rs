//! A search for many short patterns at once, in any case. Four bytes at every second place are looked up in a table of
//! those that can be there in a pattern; few places pass, and only those are compared with patterns.
//!
//! The automaton of a library that finds the same takes longer for each byte, and far longer to be made.

use std::ops::Range;

/// Bits of a table, which are kept in bytes: so many that few places pass by chance.
const BIT_COUNT_LOG2: u32 = 18;
const TABLE_BYTES: usize = 1 << (BIT_COUNT_LOG2 - 3);
/// Lists of patterns, by a hash of their first bytes.
const LISTS_LOG2: u32 = 12;
/// Fewest bytes of a pattern, and of one that is long.
const SHORT: usize = 3;
const LONG: usize = 4;
/// Bytes that are searched before what was found in them is told, which bounds how much is kept.
const BLOCK_BYTES: usize = 4096;
/// Places are looked up in groups.
const GROUP: usize = 4;
/// Of a byte as much counts as is the same for small and large letters.
const FOLD: u8 = 0x1f;
/// Numbers that mix bytes into hashes.
const FIRST: u32 = 0x9e37_79b1;
const SECOND: u32 = 0x85eb_ca77;

type Table = Box<[u8; TABLE_BYTES]>;

/// What is looked up.
pub(crate) struct Heads {
    table: Table,
    /// The same by another hash, for what has passed.
    second: Table,
    long: Lists,
    short: Lists,
}

impl Heads {
    /// Those of patterns in small letters, each of three bytes or more.
    pub(crate) fn of(patterns: &[String]) -> Self {
        let mut heads = Self {
            table: nothing_passes(),
            second: nothing_passes(),
            long: Lists::of(patterns.len()),
            short: Lists::of(patterns.len()),
        };
        for (number, pattern) in patterns.iter().enumerate() {
            heads.add(number, pattern.as_bytes());
        }
        heads
    }

    fn add(&mut self, number: usize, pattern: &[u8]) {
        let byte = |at: usize| pattern.get(at).copied();
        self.allow([byte(0), byte(1), byte(2), byte(3)]);
        // At an odd place it is seen from the one behind, or from the one before if too little of it is left there.
        if let Some(first) = pattern.first_chunk::<LONG>() {
            self.allow([byte(1), byte(2), byte(3), byte(4)]);
            self.long.add(number, *first);
        } else {
            self.allow([None, byte(0), byte(1), byte(2)]);
            let first = pattern.first_chunk::<SHORT>().expect("a pattern has three bytes");
            self.short.add(number, padded(*first));
        }
    }

    /// Lets four bytes pass; `None`, which one of them may be, is any byte.
    fn allow(&mut self, bytes: [Option<u8>; 4]) {
        let free = bytes.iter().position(Option::is_none);
        let bytes = bytes.map(Option::unwrap_or_default);
        for (table, mixer) in [(&mut self.table, FIRST), (&mut self.second, SECOND)] {
            let Some(free) = free else {
                let (at, bit) = place_of_bit(bytes, mixer);
                table[at] |= 1 << bit;
                continue;
            };
            for byte in 0..=FOLD {
                let mut bytes = bytes;
                bytes[free] = byte;
                let (at, bit) = place_of_bit(bytes, mixer);
                table[at] |= 1 << bit;
            }
        }
    }

    /// Tells of the patterns in a text, by their numbers, in the order of their ends, the longest first, until it is
    /// told to stop. `patterns` are those that this was made of.
    pub(crate) fn search(
        &self,
        text: &[u8],
        patterns: &[String],
        mut stop: impl FnMut(usize, Range<usize>) -> bool,
    ) {
        let mut hits = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let end = text.len().min(at + BLOCK_BYTES);
            self.block(text, at..end, |place| self.compare(text, place, patterns, &mut hits));
            at = end;
            if hits.is_empty() {
                continue;
            }
            // What is found later ends later.
            hits.sort_unstable_by_key(|(_, range): &(usize, Range<usize>)| {
                (range.end, range.start)
            });
            let done = hits.partition_point(|(_, range)| range.end <= end || end == text.len());
            if hits.drain(..done).any(|(pattern, range)| stop(pattern, range)) {
                return;
            }
        }
    }

    /// The places of a block that pass; it begins at an even one.
    fn block(&self, text: &[u8], block: Range<usize>, mut pass: impl FnMut(usize)) {
        const STEP: usize = 2 * GROUP;
        let mut pass = |at: usize, bytes: [u8; 4]| {
            if passes(&self.second, bytes, SECOND) {
                pass(at);
            }
        };
        let mut at = block.start;
        while at + STEP <= block.end
            && let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk::<{ STEP + 2 }>)
        {
            let four =
                |from: usize| [bytes[from], bytes[from + 1], bytes[from + 2], bytes[from + 3]];
            let passing: [bool; GROUP] =
                std::array::from_fn(|index| passes(&self.table, four(2 * index), FIRST));
            if passing != [false; GROUP] {
                for (index, _) in passing.iter().enumerate().filter(|(_, passes)| **passes) {
                    pass(at + 2 * index, four(2 * index));
                }
            }
            at += STEP;
        }
        while at < block.end {
            let byte = |at: usize| text.get(at).copied().unwrap_or_default();
            let four = [byte(at), byte(at + 1), byte(at + 2), byte(at + 3)];
            if passes(&self.table, four, FIRST) {
                pass(at, four);
            }
            at += 2;
        }
    }

    /// The patterns that are seen from a place.
    fn compare(
        &self,
        text: &[u8],
        place: usize,
        patterns: &[String],
        hits: &mut Vec<(usize, Range<usize>)>,
    ) {
        let mut compare = |start: usize, number: usize| {
            let pattern = patterns[number].as_bytes();
            let end = start + pattern.len();
            if text.get(start..end).is_some_and(|it| it.eq_ignore_ascii_case(pattern)) {
                hits.push((number, start..end));
            }
        };
        for start in place.saturating_sub(1)..=place {
            if let Some(bytes) = text[start..].first_chunk::<LONG>() {
                self.long.with(*bytes).for_each(|number| compare(start, number));
            }
        }
        for start in place..text.len().min(place + 2) {
            if let Some(bytes) = text[start..].first_chunk::<SHORT>() {
                self.short.with(padded(*bytes)).for_each(|number| compare(start, number));
            }
        }
    }
}

/// Numbers of patterns by a hash of their first bytes.
struct Lists {
    /// By hash: one more than the number of the last pattern that has it.
    last: Vec<u16>,
    /// By pattern: the same of the one before it.
    earlier: Vec<u16>,
}

impl Lists {
    fn of(patterns: usize) -> Self {
        Self { last: vec![0; 1 << LISTS_LOG2], earlier: vec![0; patterns] }
    }

    fn add(&mut self, number: usize, bytes: [u8; 4]) {
        let next = u16::try_from(number + 1).expect("there are a few hundred patterns");
        let last = &mut self.last[list(bytes)];
        self.earlier[number] = std::mem::replace(last, next);
    }

    #[inline]
    fn with(&self, bytes: [u8; 4]) -> impl Iterator<Item = usize> {
        let number = |next: u16| usize::from(next).checked_sub(1);
        let last = number(self.last[list(bytes)]);
        std::iter::successors(last, move |it| number(self.earlier[*it]))
    }
}

fn nothing_passes() -> Table {
    let table = vec![0; TABLE_BYTES].into_boxed_slice();
    table.try_into().expect("it has this length")
}

fn padded([one, two, three]: [u8; SHORT]) -> [u8; 4] {
    [one, two, three, 0]
}

#[inline]
fn passes(table: &[u8; TABLE_BYTES], bytes: [u8; 4], mixer: u32) -> bool {
    let (at, bit) = place_of_bit(bytes, mixer);
    table[at] >> bit & 1 == 1
}

/// The byte of a table that four bytes have, and the bit in it.
#[inline]
fn place_of_bit(bytes: [u8; 4], mixer: u32) -> (usize, u32) {
    let hash = mix(bytes, mixer) >> (32 - BIT_COUNT_LOG2);
    ((hash >> 3) as usize, hash & 7)
}

#[inline]
fn list(bytes: [u8; 4]) -> usize {
    (mix(bytes, FIRST) >> (32 - LISTS_LOG2)) as usize
}

#[inline]
fn mix(bytes: [u8; 4], mixer: u32) -> u32 {
    (u32::from_le_bytes(bytes) & u32::from_le_bytes([FOLD; 4])).wrapping_mul(mixer)
}
