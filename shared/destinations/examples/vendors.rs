//! Lists the vendors, those first whose pages were read longest ago: `make vendors`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use destinations::cloud::VENDORS;
use serde_json::Map;

fn main() {
    let mut vendors: Vec<_> = VENDORS.iter().filter_map(|vendor| Some((vendor.read_on()?, vendor))).collect();
    vendors.sort_by_key(|(day, vendor)| (*day, vendor.description().vendor));
    println!("{:<11} {:<27} {:<10} asked by", "read on", "vendor", "ends as");
    for (day, vendor) in vendors {
        let description = vendor.description();
        let kinds: Vec<_> = vendor.kinds(&Map::new()).iter().map(ToString::to_string).collect();
        let by = if kinds.is_empty() { "everything".to_owned() } else { kinds.join(", ") };
        let ends = serde_json::to_string(&description.confirms).unwrap_or_default();
        println!("{day:<11} {:<27} {:<10} {by}", description.vendor, ends.trim_matches('"'));
    }
}
