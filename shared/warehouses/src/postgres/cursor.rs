//! Where a deletion continues in the next invocation.

use std::fmt;
use std::str::FromStr;

/// How a part of a table is scanned. A deletion never changes its way, even if the table shrinks meanwhile, so that a
/// position keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Identifier by identifier, by an index.
    Index,
    /// Block by block.
    Blocks,
}

/// A position in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The index of the part.
    pub part: usize,
    /// How the part is scanned; nothing, until it is begun.
    pub way: Option<Way>,
    /// At which identifier or block.
    pub at: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Some(Way::Index) => "index",
            Some(Way::Blocks) => "blocks",
            None => "",
        };
        write!(f, "{}:{way}:{}", self.part, self.at)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(kept: &str) -> Result<Self, ()> {
        let [part, way, at] = kept.split(':').collect::<Vec<_>>().try_into().map_err(drop)?;
        let way = match way {
            "index" => Some(Way::Index),
            "blocks" => Some(Way::Blocks),
            "" => None,
            _ => return Err(()),
        };
        Ok(Self { part: part.parse().map_err(drop)?, way, at: at.parse().map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_rubbish_begins_anew() {
        for way in [None, Some(Way::Index), Some(Way::Blocks)] {
            let cursor = Cursor { part: 3, way, at: 4_000 };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for kept in ["", "3:4000", "3:other:1", "x:index:1", "3:index:-1"] {
            assert_eq!(kept.parse::<Cursor>(), Err(()), "{kept}");
        }
    }
}
