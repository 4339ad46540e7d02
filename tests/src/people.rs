//! Who stands in the archive, the warehouse and Braze.

/// The three who want to be forgotten. Their ids are prefixes of others' (`u1` of `u10`), are numbers (`1001`,
/// which a `bigint` column holds too), and have more than one spelling in JSON (`zo\u00eb`).
pub const THREE: [&str; 3] = ["u1", "1001", "zoë"];

/// Who must not be taken for one of the three.
const NEIGHBOURS: [&str; 11] =
    ["100", "10010", "01001", "zoë2", "Zoë", "zo\u{308}e", "zoe", "u1 ", "U1", "o'neil \"o\"", "back\\slash"];

/// Everyone: the three, their neighbours, and `u2`, `u3`, … up to `count` people.
pub fn everyone(count: usize) -> Vec<String> {
    let named = THREE.into_iter().chain(NEIGHBOURS).map(str::to_owned);
    named.chain((2..).map(|n| format!("u{n}"))).take(count.max(THREE.len())).collect()
}
