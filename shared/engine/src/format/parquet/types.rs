//! Tests of columns by type: values are compared, and types that cannot be compared are refused.

use parquet::basic::{BrotliLevel, Compression};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::format::{rewrite, scan};
use crate::matching::SubjectSet;
use model::rules::Rules;
use model::subject::Subject;

const UUID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

/// A file with these values in the column `id`, and another rule's column beside it.
fn file<T: DataType>(column: &str, values: &[T::T], dictionary: bool, codec: Compression) -> bytes::Bytes {
    let end = if column.ends_with('}') { "" } else { ";" };
    let schema = format!("message m {{ required {column}{end} required binary userId (UTF8); }}");
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = WriterProperties::builder().set_dictionary_enabled(dictionary).set_compression(codec);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let users = vec![ByteArray::from("u1"); values.len()];
    column.typed::<ByteArrayType>().write_batch(&users, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap().into()
}

fn matcher(id: &str) -> Matcher {
    Matcher::new(&Rules::at_paths(["userId", "id"]).unwrap(), &SubjectSet::new([Subject::user(id)]))
}

/// How many rows of the subject are removed, according to scan and rewrite, with a dictionary (the fast path) and
/// without.
fn removed<T: DataType>(id: &str, column: &str, values: &[T::T]) -> u64 {
    let removed = [true, false].map(|dictionary| {
        let object = file::<T>(column, values, dictionary, Compression::UNCOMPRESSED);
        let mut out = Vec::new();
        let report = rewrite(&object, &mut out, &matcher(id)).unwrap();
        assert_eq!(report, scan(&object, &matcher(id)).unwrap());
        let after = scan(&bytes::Bytes::from(out), &matcher(id)).unwrap();
        assert_eq!((after.lines, after.removed), (report.lines - report.removed, 0));
        report.removed
    });
    assert_eq!(removed[0], removed[1], "{column}");
    removed[0]
}

#[test]
fn whole_decimals_of_each_physical_type_and_scale_are_numbers() {
    let wide = |number: i128| ByteArray::from(number.to_be_bytes().to_vec());
    let short = |number: i16| ByteArray::from(number.to_be_bytes().to_vec());
    let decimal = "fixed_len_byte_array(16) id (DECIMAL(38, 0))";
    for number in [0, 7, -7, 123, 10_i128.pow(38) - 1, 1 - 10_i128.pow(38)] {
        let values = [wide(5), wide(number), wide(6), wide(number)].map(Into::into);
        assert_eq!(removed::<FixedLenByteArrayType>(&number.to_string(), decimal, &values), 2, "{number}");
    }
    let cents = [wide(12300), wide(12350)].map(Into::into);
    let scaled = "fixed_len_byte_array(16) id (DECIMAL(38, 2))";
    assert_eq!(removed::<FixedLenByteArrayType>("123", scaled, &cents), 1);
    let values = [short(123), wide(123), short(-123)];
    assert_eq!(removed::<ByteArrayType>("123", "binary id (DECIMAL(38, 0))", &values), 2);
    assert_eq!(removed::<ByteArrayType>("-123", "binary id (DECIMAL(38, 0))", &values), 1);
    assert_eq!(removed::<Int32Type>("123", "int32 id (DECIMAL(9, 0))", &[123, 124]), 1);
    assert_eq!(removed::<Int32Type>("123", "int32 id (DECIMAL(9, 2))", &[12300, 123]), 1);
    assert_eq!(removed::<Int64Type>("123", "int64 id (DECIMAL(18, 0))", &[123, 124]), 1);
    assert_eq!(removed::<Int64Type>("-123", "int64 id (DECIMAL(18, 3))", &[-123_000, 123]), 1);
}

#[test]
fn sixteen_bytes_are_a_uuid_with_the_annotation_or_without() {
    let bytes = uuid::Uuid::parse_str(UUID).unwrap().as_bytes().to_vec();
    let values = [ByteArray::from(bytes), ByteArray::from(vec![7; 16])];
    for id in [UUID.to_owned(), UUID.to_uppercase()] {
        for column in ["fixed_len_byte_array(16) id", "fixed_len_byte_array(16) id (UUID)"] {
            let values = values.clone().map(Into::into);
            assert_eq!(removed::<FixedLenByteArrayType>(&id, column, &values), 1, "{column}");
        }
        assert_eq!(removed::<ByteArrayType>(&id, "binary id", &values), 1);
    }
}

/// As BigQuery's `SHA256()` and `MD5()` give them.
#[test]
fn bytes_are_hashes_where_rules_look_for_hashes() {
    let bytes = |hex: &str| {
        ByteArray::from(Vec::from_iter(
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()),
        ))
    };
    // printf %s u7 | sha256sum, md5sum
    let sha256 = "e8180000fa67e824043aa522c6743de57dbc5de1d39d5483acb618b699a9dd00";
    let md5 = "6bce05df9831da7799a5edc4f7abfbec";
    let rules = |kind: &str| -> Rules {
        serde_json::from_str(&format!(r#"[{{"path": "id", "type": "{kind}"}}]"#)).unwrap()
    };
    let values = [bytes(sha256), ByteArray::from(vec![0xe8; 32]), bytes(md5)];
    let object = file::<ByteArrayType>("binary id", &values, true, Compression::UNCOMPRESSED);
    let counts = |kind: &str| {
        let matcher = Matcher::new(&rules(kind), &SubjectSet::new([Subject::user("u7")]));
        let report = scan(&object, &matcher).unwrap();
        (report.removed, report.opaque)
    };
    assert_eq!(counts("USER_ID_SHA256"), (1, 0));
    assert_eq!(counts("USER_ID_MD5"), (1, 0));
    assert_eq!(counts("USER_ID"), (0, 2));
}

#[test]
fn a_column_that_cannot_be_compared_is_refused_by_name_even_beside_one_that_can() {
    let object =
        file::<Int64Type>("int64 id (TIMESTAMP(MILLIS, true))", &[1], true, Compression::UNCOMPRESSED);
    let error = scan(&object, &matcher("u7")).unwrap_err();
    assert!(
        matches!(error, FormatError::Unsupported(_)) && error.to_string().contains("column id,"),
        "{error}"
    );
    // No rule names it, so it does not matter.
    let object =
        file::<Int64Type>("int64 at (TIMESTAMP(MILLIS, true))", &[1], true, Compression::UNCOMPRESSED);
    assert_eq!(scan(&object, &matcher("u1")).unwrap().removed, 1);
}

/// A file with these values in a column for the rule's condition, and the same user in each row.
fn conditions<T: DataType>(column: &str, values: &[T::T]) -> Result<Report, FormatError> {
    let rules = r#"[{"path": "userId", "type": "USER_ID", "when": {"path": "id", "equals": "true"}}]"#;
    let rules: Rules = serde_json::from_str(rules).unwrap();
    let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user("u1")]));
    let object = file::<T>(column, values, false, Compression::UNCOMPRESSED);
    let scanned = scan(&object, &matcher);
    assert_eq!(format!("{scanned:?}"), format!("{:?}", rewrite(&object, &mut Vec::new(), &matcher)));
    scanned
}

#[test]
fn a_condition_holds_by_a_truth_value_and_is_opaque_by_what_is_not_compared() {
    let report = conditions::<BoolType>("boolean id", &[true, false, true]).unwrap();
    assert_eq!((report.removed, report.opaque), (2, 0));
    let report = conditions::<ByteArrayType>("binary id (UTF8)", &["true", "false"].map(ByteArray::from));
    assert_eq!((report.as_ref().unwrap().removed, report.unwrap().opaque), (1, 0));
    let report = conditions::<Int64Type>("int64 id (TIMESTAMP(MILLIS, true))", &[1, 2]).unwrap();
    assert_eq!((report.removed, report.opaque), (0, 2));
    let group = conditions::<Int64Type>("group id { required int64 x; }", &[1]);
    assert!(matches!(group, Err(FormatError::Unsupported(_))));
}

#[test]
fn a_float_that_may_be_a_subjects_number_is_kept_and_opaque() {
    let values = [9_007_199_254_740_992.0, 15.0];
    let object = file::<DoubleType>("double id", &values, true, Compression::UNCOMPRESSED);
    let report = scan(&object, &matcher("9007199254740993")).unwrap();
    assert_eq!((report.removed, report.opaque), (0, 1));
    let report = scan(&object, &matcher("15")).unwrap();
    assert_eq!((report.removed, report.opaque), (1, 0));
}

#[test]
fn brotli_and_lz4_are_read_and_written() {
    for codec in [Compression::BROTLI(BrotliLevel::default()), Compression::LZ4, Compression::LZ4_RAW] {
        let object = file::<Int64Type>("int64 id", &[7, 8, 7, 9], false, codec);
        let mut out = Vec::new();
        assert_eq!(rewrite(&object, &mut out, &matcher("7")).unwrap().removed, 2);
        let out = bytes::Bytes::from(out);
        let report = scan(&out, &matcher("7")).unwrap();
        assert_eq!((report.lines, report.removed), (2, 0));
        let metadata = read_metadata(&Ranges(&out)).unwrap();
        assert_eq!(metadata.row_group(0).column(0).compression(), codec);
    }
}
