//! Inclusion proofs of Merkle trees (RFC 6962 §2.1.1, verified as RFC 9162 §2.1.3.2 says).

use sealift_crypto::Hash;

/// Longer proofs prove nothing: a tree has at most 63 levels.
pub(crate) const HASHES_MAX: usize = 63;

/// The hash of a leaf.
pub(crate) fn leaf(content: &[u8]) -> Vec<u8> {
    Hash::Sha256.of(&[&[0], content].concat())
}

/// The root that follows from a leaf and its proof. `None` if the proof is too short, too long or outside of the tree.
pub(crate) fn root(leaf: Vec<u8>, index: u64, size: u64, hashes: &[Vec<u8>]) -> Option<Vec<u8>> {
    if index >= size || hashes.len() > HASHES_MAX || hashes.iter().any(|hash| hash.len() != 32) {
        return None;
    }
    let (mut index, mut last) = (index, size - 1);
    let mut hash = leaf;
    for other in hashes {
        if last == 0 {
            return None;
        }
        if index & 1 == 1 || index == last {
            hash = node(other, &hash);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, other);
        }
        index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

fn node(left: &[u8], right: &[u8]) -> Vec<u8> {
    Hash::Sha256.of(&[&[1], left, right].concat())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The root of a tree and the proof of one of its leaves, from the definition.
    pub(crate) fn prove(leaves: &[Vec<u8>], index: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
        match leaves {
            [] => (Hash::Sha256.of(b""), Vec::new()),
            [only] => (only.clone(), Vec::new()),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                if index < split {
                    let (root, mut proof) = prove(left, index);
                    let other = prove(right, 0).0;
                    proof.push(other.clone());
                    (node(&root, &other), proof)
                } else {
                    let (root, mut proof) = prove(right, index - split);
                    let other = prove(left, 0).0;
                    proof.push(other.clone());
                    (node(&other, &root), proof)
                }
            }
        }
    }

    #[test]
    fn every_leaf_of_every_tree() {
        for size in 1..40_usize {
            let leaves: Vec<Vec<u8>> = (0..size).map(|n| leaf(&n.to_be_bytes())).collect();
            for index in 0..size {
                let (expected, proof) = prove(&leaves, index);
                let found = |index: usize, size: usize, proof: &[Vec<u8>]| {
                    root(leaves[index % leaves.len()].clone(), index as u64, size as u64, proof)
                };
                assert_eq!(found(index, size, &proof).as_ref(), Some(&expected));
                let longer = [&proof[..], &[vec![0; 32]]].concat();
                assert_eq!(found(index, size, &longer), None);
                if let Some((_, shorter)) = proof.split_last() {
                    assert_eq!(found(index, size, shorter), None);
                }
                assert_eq!(found(index + size, size, &proof), None);
                let mut altered = proof.clone();
                if let Some(hash) = altered.first_mut() {
                    hash[0] ^= 1;
                    assert_ne!(found(index, size, &altered).as_ref(), Some(&expected));
                }
            }
        }
        assert_eq!(root(vec![0; 32], 0, 0, &[]), None);
        assert_eq!(root(vec![0; 32], 0, 2, &[vec![0; 31]]), None);
    }
}
