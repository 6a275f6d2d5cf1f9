//! What holds for all documents, and for all signatures of one key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sealift_crypto::SigningKey;
use sealift_tuf::{Authority, Envelope, FileMeta, Key, Limits, Role, Signer, Targets, seal};
use serde_json::{Value, json};

use crate::lab::{days, start};

const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53)..(1 << 53)).prop_map(Value::from),
        "[^\\x00-\\x1F]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[^\\x00-\\x1F]{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn targets(tags: Vec<(String, Value)>) -> Targets {
    let mut targets = Targets::new(start() + days(1));
    for (tag, custom) in tags {
        let mut file = FileMeta::of_manifest([7; 32], 523);
        // `null` and nothing are the same to Go and to us.
        file.custom = Some(custom).filter(|custom| !custom.is_null());
        targets.targets.insert(tag, file);
    }
    targets
}

// The other of the two signatures that one signature gives.
fn negated(signature: &str) -> String {
    let mut bytes = STANDARD.decode(signature).unwrap();
    let mut has_borrowed = false;
    for (digit, order) in bytes[32..].iter_mut().zip(ORDER).rev() {
        let (difference, first) = order.overflowing_sub(*digit);
        let (difference, second) = difference.overflowing_sub(u8::from(has_borrowed));
        *digit = difference;
        has_borrowed = first || second;
    }
    STANDARD.encode(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn documents_round_trip(tags in proptest::collection::vec(("[^\\x00-\\x1F]{1,12}", json_value()), 0..5)) {
        let role = Role::TARGETS;
        let targets = targets(tags);
        let bytes = seal(&role, &targets.to_map(), &[]).unwrap();
        let envelope = Envelope::parse(&bytes, &role, &Limits::default()).unwrap();
        prop_assert_eq!(&Targets::read(&envelope, &role, &Limits::default()).unwrap(), &targets);
        prop_assert_eq!(seal(&role, envelope.signed(), &[]).unwrap(), bytes);
    }

    #[test]
    fn both_signatures_of_a_pair_count_as_one(tag in "[a-z]{1,12}") {
        let private = SigningKey::generate_p256();
        let key = Key::bare(&private.public());
        let role = Role::TARGETS;
        let map = targets(vec![(tag, json!(1))]).to_map();
        let bytes = seal(&role, &map, &[Signer { key: &key, private: &private }]).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let envelope = Envelope::parse(text.as_bytes(), &role, &Limits::default()).unwrap();
        let low = &envelope.signatures()[0].sig;
        prop_assert!(STANDARD.decode(low).unwrap()[32] <= 0x7F);
        let authority = |threshold| {
            Authority { keys: [(key.id().to_owned(), key.clone())].into(), threshold }
        };
        let other = text.replace(low, &negated(low));
        let high = Envelope::parse(other.as_bytes(), &role, &Limits::default()).unwrap();
        prop_assert!(high.check_signatures(&role, &authority(1)).is_ok());
        let end = text.find("\"signatures\":[").unwrap() + "\"signatures\":[".len();
        let second = &other[end..other.len() - 2];
        let both = format!("{},{second}]}}", &text[..text.len() - 2]);
        let both = Envelope::parse(both.as_bytes(), &role, &Limits::default()).unwrap();
        prop_assert_eq!(both.signatures().len(), 2);
        prop_assert!(both.check_signatures(&role, &authority(1)).is_ok());
        prop_assert!(both.check_signatures(&role, &authority(2)).is_err());
    }
}
