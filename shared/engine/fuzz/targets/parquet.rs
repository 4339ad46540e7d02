//! Damaged Parquet is refused or read, and never crashes the engine, in one invocation or several.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use engine::format::{Rewritten, rewrite, rewrite_from};
use engine::matching::{Matcher, SubjectSet};
use model::rules::Rules;
use model::subject::Subject;

const SCHEMA: &str = "message m { optional binary userId (UTF8); required int32 n;
    optional group anonymousId (LIST) { repeated group list { optional binary element (UTF8); } } }";

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
    // The engine catches the library's panics; libFuzzer's hook would end the process first.
    std::panic::set_hook(Box::new(|_| {}));
    Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("u7")]))
});

/// Two row groups, of which one has a hit.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| write().expect("a good file"));

fn write() -> parquet::errors::Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Default::default())?;
    for ids in [["u1", "u7", "u2"], ["u3", "u3", "u4"]] {
        let mut group = file.next_row_group()?;
        let mut column = group.next_column()?.expect("a column");
        column.typed::<ByteArrayType>().write_batch(&ids.map(ByteArray::from), Some(&[1, 1, 0, 1]), None)?;
        column.close()?;
        let mut column = group.next_column()?.expect("a column");
        column.typed::<Int32Type>().write_batch(&[1, 2, 3, 4], None, None)?;
        column.close()?;
        let mut column = group.next_column()?.expect("a column");
        let levels = (&[3, 2, 3, 1, 0][..], &[0, 1, 0, 0, 0][..]);
        column.typed::<ByteArrayType>().write_batch(&ids.map(ByteArray::from)[..2], Some(levels.0), Some(levels.1))?;
        column.close()?;
        group.close()?;
    }
    file.into_inner()
}

fuzz_target!(|data: &[u8]| {
    let matcher = &*MATCHER;
    let mut object = FILE.clone();
    let raw = data.first().is_some_and(|&first| first == 0);
    if raw {
        object = [b"PAR1", &data[1..]].concat();
    } else {
        // Three bytes each: a position and the byte to write there.
        for edit in data.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % object.len();
            object[at] = edit[2];
        }
    }
    let object = Bytes::from(object);
    let whole = rewrite(&object, &mut Vec::new(), matcher);
    // Several invocations find the same, or refuse the object.
    let (mut out, mut from) = (Vec::new(), None);
    while let Ok(rewritten) = rewrite_from(&object, &mut out, matcher, from.take(), &|| true) {
        match rewritten {
            Rewritten::Paused(pause) => from = Some(pause),
            Rewritten::Whole(report) => return assert_eq!(Some(report), whole.ok()),
        }
    }
});
