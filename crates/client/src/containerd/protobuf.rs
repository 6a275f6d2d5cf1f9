//! The little of protocol buffers that two calls need (protobuf.dev, Encoding).

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A fixed number of bytes, which nothing here needs.
    Fixed,
}

/// Adds a text.
pub(super) fn put_text(message: &mut Vec<u8>, number: u32, text: &str) {
    put_varint(message, u64::from(number) << 3 | 2);
    put_varint(message, text.len() as u64);
    message.extend_from_slice(text.as_bytes());
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        message.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    message.push(value.to_le_bytes()[0]);
}

/// The fields of a message, in order, each with its number. After an error there are no more.
pub(super) fn fields(
    mut message: &[u8],
) -> impl Iterator<Item = Result<(u64, Field<'_>), &'static str>> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let field = field(&mut message);
        if field.is_none() {
            message = &[];
        }
        Some(field.ok_or("its answer is malformed"))
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let tag = varint(rest)?;
    let value = match tag & 7 {
        0 => Field::Number(varint(rest)?),
        1 => rest.split_off(..8).map(|_| Field::Fixed)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Field::Bytes(rest.split_off(..length)?)
        }
        5 => rest.split_off(..4).map(|_| Field::Fixed)?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        put_text(&mut message, 1, "name");
        put_text(&mut message, 300, &"x".repeat(200));
        message.extend([0x18, 0x96, 0x01, 0x25, 1, 2, 3, 4]);
        let read: Result<Vec<_>, _> = fields(&message).collect();
        let long = "x".repeat(200);
        let expected = vec![
            (1, Field::Bytes(b"name")),
            (300, Field::Bytes(long.as_bytes())),
            (3, Field::Number(150)),
            (4, Field::Fixed),
        ];
        assert_eq!(read.unwrap(), expected);
        for length in 1..message.len() {
            // Cut within a field there is an error, and after it nothing.
            let cut: Vec<_> = fields(&message[..length]).collect();
            assert!(cut.len() <= 4 && cut.iter().rev().skip(1).all(Result::is_ok), "{length}");
        }
    }

    #[test]
    fn hostile_messages_are_errors() {
        for bytes in
            [&[0xff; 11][..], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], &[0x0b], &[0x0f]]
        {
            assert!(fields(bytes).last().unwrap().is_err(), "{bytes:?}");
        }
    }
}
