//! The tree of the rules' paths, and how an object is read by it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use model::rules::{Rule, Rules, When};

/// A node of a record that is on the path of a rule or of a condition.
#[derive(Default)]
pub(crate) struct Node {
    pub(super) children: Vec<(String, Node)>,
    /// Rules whose identifier is here.
    pub(super) rules: Vec<usize>,
    /// Rules whose condition is decided here, with the text it requires.
    pub(super) conditions: Vec<(usize, String)>,
}

impl Node {
    pub(super) fn new(rules: &Rules) -> Self {
        let mut root = Self::default();
        for (at, Rule { path, when, .. }) in rules.iter().enumerate() {
            for path in joined(path) {
                root.place(&path).rules.push(at);
            }
            if let Some(When { path, equals }) = when {
                for path in joined(path) {
                    root.place(&path).conditions.push((at, equals.clone()));
                }
            }
        }
        root
    }

    fn place(&mut self, path: &[String]) -> &mut Self {
        let Some((name, rest)) = path.split_first() else { return self };
        let at = self.child(name).unwrap_or_else(|| {
            self.children.push((name.clone(), Self::default()));
            self.children.len() - 1
        });
        self.children[at].1.place(rest)
    }

    /// The node that these names lead to.
    pub(super) fn at<'a>(&self, mut path: impl Iterator<Item = &'a str>) -> Option<&Self> {
        path.try_fold(self, |node, name| Some(&node.children[node.child(name)?].1))
    }

    /// Rules whose identifier is at this node.
    pub(crate) fn rules(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().copied()
    }

    /// Whether some rule's identifier, and not only a condition, is here or deeper.
    pub(crate) fn leads_to_identifier(&self) -> bool {
        !self.rules.is_empty() || self.children.iter().any(|(_, child)| child.leads_to_identifier())
    }

    /// Rules whose identifier is at this node or deeper.
    pub(crate) fn rules_below(&self) -> Vec<usize> {
        let deeper = self.children.iter().flat_map(|(_, child)| child.rules_below());
        self.rules().chain(deeper).collect()
    }

    /// Whether some rule's condition is here or deeper.
    pub(crate) fn leads_to_condition(&self) -> bool {
        !self.conditions.is_empty() || self.children.iter().any(|(_, child)| child.leads_to_condition())
    }

    /// Whether a rule's identifier is here, and no path continues: an object here cannot be compared.
    pub(crate) fn ends_here(&self) -> bool {
        !self.rules.is_empty() && self.children.is_empty()
    }

    /// Whether a rule's condition is decided here, and no path continues: an object here cannot be compared.
    pub(crate) fn decides_here(&self) -> bool {
        !self.conditions.is_empty() && self.children.is_empty()
    }

    /// Whether some rule's path continues from here.
    pub(crate) fn goes_deeper(&self) -> bool {
        !self.children.is_empty()
    }

    /// The nodes directly below this one.
    pub(crate) fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.children.iter().map(|(name, child)| (name.as_str(), child))
    }

    /// The node that a name leads to.
    pub(crate) fn under(&self, name: &str) -> Option<&Self> {
        self.child(name).map(|child| &self.children[child].1)
    }

    fn child(&self, name: &str) -> Option<usize> {
        self.children.iter().position(|(child, _)| child == name)
    }
}

/// The most names of a path that programs are thought to join in part.
const MOST_JOINED: usize = 5;

/// The ways in which programs that flatten records write a path: `a.b.c`, `a."b.c"`, `"a.b".c` and `"a.b.c"`. Of a long path,
/// the first and the last.
fn joined(path: &[String]) -> Vec<Vec<String>> {
    if path.len() > MOST_JOINED {
        return vec![path.to_vec(), vec![path.join(".")]];
    }
    let gaps = path.len().saturating_sub(1);
    let way = |dots: u32| {
        let mut names: Vec<String> = Vec::new();
        for (at, name) in path.iter().enumerate() {
            match names.last_mut().filter(|_| at > 0 && dots >> (at - 1) & 1 == 1) {
                Some(last) => *last = format!("{last}.{name}"),
                None => names.push(name.clone()),
            }
        }
        names
    };
    (0..1 << gaps).map(way).collect()
}

/// Reads an object: for each child of the node, the raw text of its last value.
pub(super) struct Fields<'n>(pub(super) &'n Node);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.children.len()];
        while let Some(child) = map.next_key_seed(Name(self.0))? {
            match child {
                Some(child) => values[child] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }
}

/// Reads a key: the child of the node that it names.
struct Name<'n>(&'n Node);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.child(key))
    }
}
