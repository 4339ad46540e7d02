//! A file of subjects reads the same however it is cut into pieces, and each line is reported once, in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::batch::entry::Entry;
use model::batch::file::File;
use model::failure::Failure;

fn read(data: &[u8], piece: usize) -> Result<Vec<(u64, Entry)>, Failure> {
    let (mut file, mut entries) = (File::new(None), Vec::new());
    let mut sink = |line, entry| {
        entries.push((line, entry));
        Ok(())
    };
    for piece in data.chunks(piece) {
        file.push(piece, &mut sink)?;
    }
    file.finish(&mut sink)?;
    Ok(entries)
}

fuzz_target!(|data: &[u8]| {
    let Some((&piece, data)) = data.split_first() else { return };
    let whole = read(data, usize::MAX);
    assert_eq!(read(data, usize::from(piece).max(1)), whole);
    if let Ok(entries) = whole {
        assert!(entries.is_sorted_by(|(a, _), (b, _)| a < b));
    }
});
