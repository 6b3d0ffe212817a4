//! Names of entities by where they stand in the tree: `srv/accept/conn#2`. Interned as a tree, so that a greenlet's
//! birth costs no text; the text is made when somebody reads it.

use std::collections::HashMap;

use crate::choices::{Fixed, hash_bytes, mix};

/// The paths of one run.
#[derive(Debug, Default)]
pub struct Paths {
    nodes: Vec<Node>,
    labels: Vec<String>,
    label_ids: HashMap<u64, u32, Fixed>,
    /// How many paths of a label there are below another, of those that are numbered here.
    counts: HashMap<u64, u32, Fixed>,
}

#[derive(Debug)]
struct Node {
    above: Option<u32>,
    label: u32,
    ordinal: u32,
    hash: u64,
}

impl Paths {
    /// The path below `above` (or a root) with this label, the `ordinal`th of its name.
    pub fn child(&mut self, above: Option<u32>, label: &str, ordinal: u32) -> u32 {
        let label_hash = hash_bytes(label.as_bytes());
        let label_id = match self.label_ids.get(&label_hash) {
            Some(&id) => id,
            None => {
                let id = self.labels.len() as u32;
                self.labels.push(label.to_owned());
                self.label_ids.insert(label_hash, id);
                id
            }
        };
        let hash = below(above.map(|above| self.hash(above)), label_hash, ordinal);
        self.nodes.push(Node { above, label: label_id, ordinal, hash });
        self.nodes.len() as u32 - 1
    }

    /// The path below `above` (or a root) with this label, numbered after those that were made so before.
    pub fn next_child(&mut self, above: Option<u32>, label: &str) -> u32 {
        let place = above.map_or(0, |above| self.hash(above));
        let count = self.counts.entry(mix(place, hash_bytes(label.as_bytes()))).or_default();
        *count += 1;
        let ordinal = *count;
        self.child(above, label, ordinal)
    }

    /// What the path stands below; nothing for a root.
    pub fn above(&self, path: u32) -> Option<u32> {
        self.nodes[path as usize].above
    }

    /// Which of its name it is.
    pub fn ordinal(&self, path: u32) -> u32 {
        self.nodes[path as usize].ordinal
    }

    /// The path's hash: the same in every run and every version that names it so.
    pub fn hash(&self, path: u32) -> u64 {
        self.nodes[path as usize].hash
    }

    /// The path as text.
    pub fn text(&self, path: u32) -> String {
        let mut text = String::new();
        self.write(path, &mut text);
        text
    }

    fn write(&self, path: u32, text: &mut String) {
        let node = &self.nodes[path as usize];
        if let Some(above) = node.above {
            self.write(above, text);
            text.push('/');
        }
        text.push_str(&self.labels[node.label as usize]);
        if node.ordinal != 1 {
            text.push('#');
            text.push_str(&node.ordinal.to_string());
        }
    }
}

/// A text as part of a label: slashes are turned, an ordinal's `#` is a `~`, and whatever a token's text is read by is written
/// as a byte, `%20`.
pub fn escaped(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'/' => label.push('|'),
            b'#' => label.push('~'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b':' | b'<' | b'>' => {
                label.push(char::from(byte));
            }
            other => label.push_str(&format!("%{other:02x}")),
        }
    }
    label
}

/// The hash of a path given as text, as [`Paths::hash`] has it.
pub fn hash_of(text: &str) -> u64 {
    let mut hash = None;
    for part in text.split('/') {
        let (label, ordinal) = match part.rsplit_once('#') {
            Some((label, ordinal)) => (label, ordinal.parse().unwrap_or(1)),
            None => (part, 1),
        };
        hash = Some(below(hash, hash_bytes(label.as_bytes()), ordinal));
    }
    hash.unwrap_or(0)
}

fn below(above: Option<u64>, label: u64, ordinal: u32) -> u64 {
    mix(above.unwrap_or(0x6772_6565_6e72_6f6d), label ^ u64::from(ordinal).rotate_left(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_tree_hash_alike() {
        let mut paths = Paths::default();
        let srv = paths.child(None, "srv", 1);
        let accept = paths.child(Some(srv), "accept", 1);
        let conn = paths.child(Some(accept), "conn", 2);
        assert_eq!(paths.text(conn), "srv/accept/conn#2");
        assert_eq!(paths.hash(conn), hash_of("srv/accept/conn#2"));
        assert_ne!(paths.hash(conn), hash_of("srv/accept/conn"));
    }
}
