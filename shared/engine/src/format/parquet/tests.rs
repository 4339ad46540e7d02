//! Tests of Parquet.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::format::{rewrite, rewrite_from, scan, scan_from};
use crate::matching::SubjectSet;
use model::rules::Rules;
use model::subject::Subject;

const SCHEMA: &str = "message event {
    required int64 n;
    optional binary userId (UTF8);
    optional group context { required group traits { optional binary email (UTF8); } }
    optional group ids (LIST) { repeated group list { optional binary element (UTF8); } }
    optional fixed_len_byte_array(16) device (UUID);
    optional binary type (UTF8);
    optional binary previousId (UTF8);
    optional int64 number;
    optional binary payload (UTF8);
}";

const RULES: &str = r#"[
    {"path": "userId", "type": "USER_ID"},
    {"path": "context.traits.email", "type": "USER_ID"},
    {"path": "ids", "type": "USER_ID"},
    {"path": "device", "type": "USER_ID"},
    {"path": "number", "type": "USER_ID"},
    {"path": "payload.userId", "type": "USER_ID"},
    {"path": "previousId", "type": "USER_ID", "when": {"path": "type", "equals": "alias"}}
]"#;

#[derive(Default, Clone)]
struct Row {
    user: Option<&'static str>,
    email: Option<&'static str>,
    ids: Option<Vec<Option<&'static str>>>,
    device: Option<[u8; 16]>,
    kind: Option<&'static str>,
    previous: Option<&'static str>,
    number: Option<i64>,
    payload: Option<&'static str>,
}

fn user(user: &'static str) -> Row {
    Row { user: Some(user), email: Some("x@y.z"), ids: Some(vec![Some("a"), None]), ..Row::default() }
}

fn matcher() -> Matcher {
    let ids = ["u7", "ada@example.com", "00010203-0405-0607-0809-0a0b0c0d0e0f", "-42"];
    Matcher::new(&serde_json::from_str(RULES).unwrap(), &SubjectSet::new(ids.map(Subject::user)))
}

fn properties(codec: Compression) -> parquet::file::properties::WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(codec)
        .set_created_by("somebody else 1.0".into())
        .set_key_value_metadata(Some(vec![KeyValue::new("team".to_owned(), "growth".to_owned())]))
}

/// A file with these row groups; `n` numbers the rows across all of them.
fn file(groups: &[Vec<Row>], properties: WriterProperties) -> Bytes {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut n = 0;
    for rows in groups {
        let mut group = writer.next_row_group().unwrap();
        let numbers: Vec<i64> = (n..).take(rows.len()).collect();
        n += rows.len() as i64;
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&numbers, None, None).unwrap();
        column.close().unwrap();

        let mut texts = |cells: Vec<Option<&str>>, present: i16, absent: i16| {
            let levels: Vec<i16> = cells.iter().map(|c| if c.is_some() { present } else { absent }).collect();
            let values: Vec<ByteArray> = cells.into_iter().flatten().map(ByteArray::from).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        };
        texts(rows.iter().map(|row| row.user).collect(), 1, 0);
        texts(rows.iter().map(|row| row.email).collect(), 2, 1);

        let (mut definitions, mut repetitions, mut values) = (vec![], vec![], vec![]);
        for row in rows {
            match row.ids.as_deref() {
                None => (definitions.push(0), repetitions.push(0)),
                Some([]) => (definitions.push(1), repetitions.push(0)),
                Some(ids) => {
                    for (at, id) in ids.iter().enumerate() {
                        definitions.push(if id.is_some() { 3 } else { 2 });
                        repetitions.push(i16::from(at > 0));
                        values.extend(id.map(ByteArray::from));
                    }
                    ((), ())
                }
            };
        }
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, Some(&definitions), Some(&repetitions)).unwrap();
        column.close().unwrap();

        let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.device.is_some())).collect();
        let values: Vec<_> =
            rows.iter().filter_map(|row| row.device).map(|id| ByteArray::from(id.to_vec()).into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<FixedLenByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();

        let mut texts = |cells: Vec<Option<&str>>| {
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
            let values: Vec<ByteArray> = cells.into_iter().flatten().map(ByteArray::from).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        };
        texts(rows.iter().map(|row| row.kind).collect());
        texts(rows.iter().map(|row| row.previous).collect());

        let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.number.is_some())).collect();
        let values: Vec<i64> = rows.iter().filter_map(|row| row.number).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();

        let mut column = group.next_column().unwrap().unwrap();
        let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.payload.is_some())).collect();
        let values: Vec<ByteArray> = rows.iter().filter_map(|row| row.payload).map(ByteArray::from).collect();
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap().into()
}

fn purged(object: &dyn Object) -> Result<(Bytes, Report), FormatError> {
    let scanned = scan(object, &matcher());
    let mut out = Vec::new();
    let rewritten = rewrite(object, &mut out, &matcher());
    assert_eq!(format!("{scanned:?}"), format!("{rewritten:?}"));
    Ok((out.into(), rewritten?))
}

/// Every row of a file as text, in order.
fn rows(file: &Bytes) -> Vec<String> {
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect()
}

fn footer(file: &Bytes) -> ParquetMetaData {
    read_metadata(&Ranges(file)).unwrap()
}

fn chunk_bytes(file: &Bytes, group: usize, column: usize) -> Bytes {
    let (start, length) = footer(file).row_group(group).column(column).byte_range();
    file.slice(start as usize..(start + length) as usize)
}

/// Ten row groups, one of them with hits.
fn ten_groups() -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> =
        (0..10).map(|_| (0..500).map(|at| user(["u1", "u2", "u3", "77u7"][at % 4])).collect()).collect();
    groups[3][17] = user("u7");
    groups[3][499] = user("u7");
    groups
}

#[test]
fn rows_go_and_everything_else_of_the_file_stays() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for codec in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default()), zstd]
    {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let before = file(
                &ten_groups(),
                properties(codec).set_writer_version(version).set_bloom_filter_enabled(true).build(),
            );
            let (after, report) = purged(&before).unwrap();
            assert_eq!((report.lines, report.removed), (5000, 2));
            assert_eq!(report.hits, [(0, 2)].into());
            assert_eq!(report.format, Format { content: Content::Parquet, codec: Codec::Plain });

            let kept: Vec<String> =
                rows(&before).into_iter().filter(|row| !row.contains("userId: \"u7\"")).collect();
            assert_eq!(rows(&after), kept);

            let (old, new) = (footer(&before), footer(&after));
            let (file, as_it_was) = (new.file_metadata(), old.file_metadata());
            assert_eq!(file.schema(), as_it_was.schema());
            assert_eq!(file.version(), as_it_was.version());
            assert_eq!(file.created_by(), as_it_was.created_by());
            assert_eq!(file.key_value_metadata(), as_it_was.key_value_metadata());
            let sizes: Vec<i64> = new.row_groups().iter().map(RowGroupMetaData::num_rows).collect();
            assert_eq!(sizes, [500, 500, 500, 498, 500, 500, 500, 500, 500, 500]);
            for (at, group) in new.row_groups().iter().enumerate() {
                for (column, chunk) in group.columns().iter().enumerate() {
                    let old_chunk = old.row_group(at).column(column);
                    assert_eq!(chunk.compression_codec(), old_chunk.compression_codec());
                    assert_eq!(chunk.page_encoding_stats(), old_chunk.page_encoding_stats(), "{at} {column}");
                    assert!(chunk.bloom_filter_offset().is_some() && chunk.offset_index_offset().is_some());
                    let index = new.page_index_for_row_group(at);
                    assert!(index.column_index(column).is_some());
                    if at != 3 {
                        assert_eq!(chunk_bytes(&after, at, column), chunk_bytes(&before, at, column));
                        assert_eq!(chunk.statistics(), old_chunk.statistics());
                    }
                }
            }
        }
    }
}

#[test]
fn nested_list_uuid_number_json_and_conditional_columns_count() {
    let groups = [vec![
        user("u1"),
        Row { email: Some("ada@example.com"), ..Row::default() },
        Row { ids: Some(vec![None, Some("u7")]), ..Row::default() },
        Row { device: Some(std::array::from_fn(|at| at as u8)), ..Row::default() },
        Row { number: Some(-42), ..Row::default() },
        Row { kind: Some("alias"), previous: Some("u7"), ..Row::default() },
        Row { kind: Some("track"), previous: Some("u7"), ..Row::default() },
        Row { payload: Some("{\"userId\": \"u7\"}"), ..Row::default() },
        Row { payload: Some("{\"userId\": \"u7\""), ..Row::default() },
        Row { payload: Some("u7"), ids: Some(vec![]), ..Row::default() },
        Row::default(),
    ]];
    for statistics in [EnabledStatistics::None, EnabledStatistics::Chunk] {
        let properties = properties(Compression::SNAPPY).set_statistics_enabled(statistics);
        let properties = properties.set_dictionary_enabled(statistics == EnabledStatistics::None);
        let before = file(&groups, properties.build());
        let (after, report) = purged(&before).unwrap();
        // Broken JSON that contains a subject's identifier.
        assert_eq!(report.opaque, 1);
        assert_eq!(
            (report.lines, report.removed, report.hits),
            (11, 6, [(0, 3), (1, 1), (2, 1), (3, 1)].into())
        );
        let all = rows(&before);
        let kept: Vec<&String> = [0, 6, 8, 9, 10].map(|at| &all[at]).into_iter().collect();
        assert_eq!(rows(&after).iter().collect::<Vec<_>>(), kept);
        let chunk = footer(&after).row_group(0).column(1).clone();
        assert_eq!(chunk.statistics().is_some(), statistics == EnabledStatistics::Chunk);
        assert_eq!(chunk.dictionary_page_offset().is_some(), statistics == EnabledStatistics::None);
    }
}

/// A row whose list names a subject beside others has no owner, unless another column names one.
#[test]
fn a_row_of_many_people_stays_and_is_reported() {
    let listed =
        |ids: &[&'static str]| Row { ids: Some(ids.iter().map(|&id| Some(id)).collect()), ..Row::default() };
    let groups = [vec![
        listed(&["b", "u7"]),
        Row { user: Some("u1"), ..listed(&["b", "u7"]) },
        Row { payload: Some("{\"userId\": [\"u1\", \"u7\"]}"), ..Row::default() },
        Row { payload: Some("{\"userId\": {\"$oid\": \"u7\"}}"), ..Row::default() },
        Row { user: Some("[\"u7\"]"), ..Row::default() },
        Row { user: Some("{\"$oid\": \"u1\"}"), ..Row::default() },
        listed(&["u7", "-42"]),
        listed(&["b"]),
    ]];
    for dictionary in [false, true] {
        let properties = properties(Compression::SNAPPY).set_dictionary_enabled(dictionary);
        let before = file(&groups, properties.build());
        let (after, report) = purged(&before).unwrap();
        assert_eq!((report.lines, report.removed, report.shared, report.opaque), (8, 3, 2, 2));
        let all = rows(&before);
        let kept: Vec<&String> = [0, 2, 3, 5, 7].map(|at| &all[at]).into_iter().collect();
        assert_eq!(rows(&after).iter().collect::<Vec<_>>(), kept);
    }
}

/// A regression: the first run's filter contained only the subjects that this run looked for.
#[test]
fn a_filter_knows_everybody_in_the_file_and_not_just_whom_it_was_made_looking_for() {
    use crate::filter::{self, IndexKey, Questions};
    let (rules, key): (Rules, _) = (serde_json::from_str(RULES).unwrap(), IndexKey::new(b"secret"));
    let asked = |id: &str| Matcher::new(&rules, &SubjectSet::new([Subject::user(id)]));
    let groups = [vec![user("u1"), user("u2"), Row { number: Some(5), ..Row::default() }]];
    for dictionary in [true, false] {
        let properties = properties(Compression::SNAPPY).set_dictionary_enabled(dictionary);
        let (_, filter) = filter::scan(&file(&groups, properties.build()), &asked("u7"), &key).unwrap();
        let filter = filter.unwrap();
        for id in ["u1", "u2", "x@y.z", "a", "5"] {
            assert!(filter.may_contain(&Questions::new(&asked(id), &key)), "{id}");
        }
        assert!(!filter.may_contain(&Questions::new(&asked("u3"), &key)));
    }
}

#[test]
fn empty_row_groups_are_left_out_and_all_rows_gone_leaves_nothing() {
    let groups = [vec![user("u1")], vec![user("u7"), user("u7")], vec![user("u2")]];
    let (after, report) = purged(&file(&groups, properties(Compression::SNAPPY).build())).unwrap();
    assert!(!report.leaves_nothing());
    assert_eq!((footer(&after).num_row_groups(), rows(&after).len()), (2, 2));
    let (_, report) = purged(&file(&groups[1..2], properties(Compression::SNAPPY).build())).unwrap();
    assert!(report.leaves_nothing());
    let (after, report) = purged(&file(&[], properties(Compression::SNAPPY).build())).unwrap();
    assert_eq!((report.lines, rows(&after).len()), (0, 0));
}

/// Counts the bytes requested from it.
struct Counting(Bytes, AtomicU64);

impl Object for Counting {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn reader(&self, from: u64) -> std::io::Result<Box<dyn std::io::Read + Send + '_>> {
        self.0.reader(from)
    }
    fn range(&self, range: Range<u64>) -> std::io::Result<Bytes> {
        self.1.fetch_add(range.end - range.start, Ordering::Relaxed);
        self.0.range(range)
    }
}

#[test]
fn reading_goes_on_from_row_group_to_row_group() {
    let groups = [vec![user("u1"), user("u7")], vec![user("u7"), user("u7")], vec![user("u2")]];
    let object = file(&groups, properties(Compression::SNAPPY).build());
    let whole = scan(&object, &matcher()).unwrap();
    let (mut from, mut goes) = (None, 0);
    let in_goes = loop {
        goes += 1;
        match scan_from(&object, &matcher(), from, &|| true).unwrap() {
            Rewritten::Whole(report) => break report,
            Rewritten::Paused(pause) => from = Some(pause),
        }
    };
    assert_eq!((in_goes, goes), (whole, 3));
}

/// The joined output of all invocations equals the file that a single one writes, including Bloom filters and indexes.
/// The bytes of the footers differ, because the library writes deprecated copies of minimum and maximum only for what
/// it has just made.
#[test]
fn writing_goes_on_from_row_group_to_row_group() {
    let mut groups = ten_groups();
    groups[5] = vec![user("u7"); 4];
    groups[8][0] = user("u7");
    for indexed in [true, false] {
        let statistics = if indexed { EnabledStatistics::Page } else { EnabledStatistics::None };
        let properties = properties(Compression::SNAPPY)
            .set_statistics_enabled(statistics)
            .set_offset_index_disabled(!indexed)
            .set_bloom_filter_enabled(indexed);
        let object = file(&groups, properties.build());
        let (whole, report) = purged(&object).unwrap();
        for pace in [1, 4] {
            let (mut out, mut from, mut goes) = (Vec::new(), None, 0);
            let in_goes = loop {
                goes += 1;
                let asked = std::cell::Cell::new(0);
                let pause = || asked.replace(asked.get() + 1) + 1 >= pace;
                match rewrite_from(&object, &mut out, &matcher(), from, &pause).unwrap() {
                    Rewritten::Whole(report) => break report,
                    Rewritten::Paused(pause) => {
                        let kept = serde_json::to_string(&pause).unwrap();
                        from = Some(serde_json::from_str(&kept).unwrap());
                    }
                }
            };
            assert_eq!((&in_goes, goes), (&report, 10usize.div_ceil(pace)));
            let out = Bytes::from(out);
            assert_eq!(rows(&out), rows(&whole));
            assert_eq!(format!("{:?}", footer(&out)), format!("{:?}", footer(&whole)));
            let length =
                |end: &Bytes| u32::from_le_bytes(*end[end.len() - 8..].first_chunk().unwrap()) as usize;
            assert!(out[..out.len() - 8 - length(&out)] == whole[..whole.len() - 8 - length(&whole)]);
        }
    }
}

#[test]
fn a_dictionary_without_subjects_saves_reading_the_column() {
    let wide: Vec<Row> = (0..20_000).map(|at| user(["u1", "u2", "u3"][at % 3])).collect();
    for (row, less_than) in [(user("u1"), 10), (user("u7"), 100)] {
        let mut rows = wide.clone();
        rows.push(row);
        let object =
            Counting(file(&[rows], properties(Compression::UNCOMPRESSED).build()), AtomicU64::new(0));
        scan(&object, &matcher()).unwrap();
        let read = object.1.load(Ordering::Relaxed);
        assert!(read * 100 < object.len() * less_than, "{read} of {}", object.len());
    }
}

#[test]
fn what_cannot_be_searched_is_refused_not_taken_for_clean() {
    let refused = |schema: &str, rules: &str| {
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let writer = SerializedFileWriter::new(Vec::new(), schema, Default::default()).unwrap();
        let object = Bytes::from(writer.into_inner().unwrap());
        let rules: Rules = serde_json::from_str(rules).unwrap();
        scan(&object, &Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]))).unwrap_err().to_string()
    };
    let rules = r#"[{"path": "traits.email", "type": "USER_ID"}]"#;
    assert_eq!(
        refused("message m { optional binary user_id (UTF8); }", rules),
        "not supported: Parquet without a column that a rule names"
    );
    let map = |value: &str| {
        format!(
            "message m {{ optional group traits (MAP) {{ repeated group key_value {{
            required binary key (UTF8); {value} }} }} }}"
        )
    };
    let inner = "optional group value (MAP) { repeated group key_value {
        required binary key (UTF8); optional binary value (UTF8); } }";
    let rules = r#"[{"path": "traits.home.email", "type": "USER_ID"}]"#;
    let error = refused(&map(inner), rules);
    assert!(error.contains("MAP within a MAP") && error.contains("traits.key_value"), "{error}");
}

#[test]
fn a_page_that_the_library_panics_on_is_refused() {
    // The length of the first identifier in the dictionary exceeds the page.
    let mut damaged = file(&[vec![user("u7")]], properties(Compression::UNCOMPRESSED).build()).to_vec();
    let at = memmem::find(&damaged, b"\x02\0\0\0u7").unwrap();
    damaged[at] = 0xff;
    assert!(matches!(purged(&Bytes::from(damaged)), Err(FormatError::Corrupt(_))));
}

#[test]
fn a_truncated_or_damaged_file_is_refused() {
    let whole = file(&ten_groups()[2..5], properties(Compression::SNAPPY).build());
    for cut in [4, 8, 100, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
        let error = purged(&whole.slice(..cut)).unwrap_err();
        assert!(matches!(error, FormatError::Corrupt(_)), "{cut}: {error}");
    }
    // Changes single bytes: the file is refused or read, never a panic.
    for at in (0..whole.len()).step_by(11) {
        let mut damaged = whole.to_vec();
        damaged[at] ^= 0x55;
        let _ = rewrite(&Bytes::from(damaged), &mut Vec::new(), &matcher());
    }
}

/// MongoDB's and DynamoDB's connectors wrap identifiers in a struct.
#[test]
fn a_group_where_a_rule_has_an_identifier_is_refused_beside_columns_that_can_be_read() {
    for column in [
        "optional group userId { optional binary oid (UTF8); }",
        "optional group userId (LIST) { repeated group list { optional group element { optional binary S (UTF8); } } }",
        "optional group userId (MAP) { repeated group key_value { required binary key (UTF8); optional binary value (UTF8); } }",
    ] {
        let schema = format!("message event {{ optional binary anonymousId (UTF8); {column} }}");
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let mut object = Vec::new();
        SerializedFileWriter::new(&mut object, schema, Default::default()).unwrap().close().unwrap();
        let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("u7")]));
        let error = scan(&Bytes::from(object), &matcher).unwrap_err();
        assert!(error.to_string().contains("a group where a rule has an identifier"), "{column}: {error}");
    }
}
