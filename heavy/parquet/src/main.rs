//! Between Parquet and CSV: `musubi-parquet to-csv FILE` writes a file's rows to standard output, `musubi-parquet from-csv FILE`
//! makes a file of what comes at standard input. `musubi anonymise` calls it where a name ends in `.parquet`.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::types::Type;

/// Rows of a group that is written at once.
const GROUP: usize = 100_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["to-csv", path] => to_csv(Path::new(path), &mut BufWriter::new(std::io::stdout().lock())),
        ["from-csv", path] => from_csv(std::io::stdin().lock(), Path::new(path)),
        _ => Err(anyhow::anyhow!("usage: musubi-parquet to-csv FILE | musubi-parquet from-csv FILE")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn to_csv(path: &Path, out: &mut impl Write) -> Result<()> {
    let file = File::open(path).context("cannot open the file")?;
    let reader = SerializedFileReader::new(file).context("not a Parquet file")?;
    let schema = reader.metadata().file_metadata().schema();
    for column in schema.get_fields() {
        ensure!(
            column.is_primitive() && !is_repeated(column),
            "the column '{}' is not flat: leave it out, or make columns of its parts",
            column.name()
        );
    }
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(schema.get_fields().iter().map(|column| column.name()))?;
    for (number, row) in reader.get_row_iter(None)?.enumerate() {
        let row = row.with_context(|| format!("row {}", number + 1))?;
        let values = row
            .get_column_iter()
            .map(|(name, field)| text(field).with_context(|| format!("row {}, column '{name}'", number + 1)));
        writer.write_record(values.collect::<Result<Vec<String>>>()?)?;
    }
    writer.flush()?;
    Ok(())
}

fn is_repeated(column: &Type) -> bool {
    let info = column.get_basic_info();
    info.has_repetition() && info.repetition() == parquet::basic::Repetition::REPEATED
}

/// A value as CSV has it; nothing is the empty text.
fn text(field: &Field) -> Result<String> {
    Ok(match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.to_owned(),
            Err(_) => bail!("bytes that are not text in UTF-8"),
        },
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => bail!("not a single value"),
        // Numbers, days and times as they are shown.
        other => other.to_string(),
    })
}

fn from_csv(input: impl Read, path: &Path) -> Result<()> {
    let mut reader = csv::Reader::from_reader(input);
    let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let root = Type::group_type_builder("table");
    let column = |name: &String| {
        let kind = Type::primitive_type_builder(name, parquet::basic::Type::BYTE_ARRAY);
        let kind = kind.with_logical_type(Some(parquet::basic::LogicalType::String));
        kind.with_repetition(parquet::basic::Repetition::REQUIRED).build().map(Arc::new)
    };
    let columns = header.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(root.with_fields(columns).build()?);
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let file = File::create(path).context("cannot write the file; does the folder exist?")?;
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut rows: Vec<csv::StringRecord> = Vec::new();
    for row in reader.records() {
        rows.push(row?);
        if rows.len() == GROUP {
            write_group(&mut writer, &rows)?;
            rows.clear();
        }
    }
    if !rows.is_empty() {
        write_group(&mut writer, &rows)?;
    }
    writer.close()?;
    Ok(())
}

fn write_group(writer: &mut SerializedFileWriter<File>, rows: &[csv::StringRecord]) -> Result<()> {
    let mut group = writer.next_row_group()?;
    let mut place = 0;
    while let Some(mut column) = group.next_column()? {
        let values: Vec<ByteArray> =
            rows.iter().map(|row| row.get(place).unwrap_or_default().into()).collect();
        column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        column.close()?;
        place += 1;
    }
    group.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use parquet::schema::parser::parse_message_type;

    use super::*;

    #[test]
    fn a_table_survives_the_way_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let csv = "age,place\n30,東京都\n,\"a,b\"\n";
        from_csv(csv.as_bytes(), &path).unwrap();
        let mut again = Vec::new();
        to_csv(&path, &mut again).unwrap();
        assert_eq!(String::from_utf8(again).unwrap(), csv);
        let mut nothing = Vec::new();
        from_csv(&b"age\n"[..], &path).unwrap();
        to_csv(&path, &mut nothing).unwrap();
        assert_eq!(nothing, b"age\n");
    }

    #[test]
    fn typed_columns_are_their_text_and_nested_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("typed.parquet");
        let write = |schema: &str| {
            let schema = Arc::new(parse_message_type(schema).unwrap());
            let file = File::create(&path).unwrap();
            SerializedFileWriter::new(file, schema, Arc::default()).unwrap()
        };
        let mut writer =
            write("message m { REQUIRED INT32 day (DATE); OPTIONAL INT64 n; REQUIRED BOOLEAN b; }");
        let mut group = writer.next_row_group().unwrap();
        let mut day = group.next_column().unwrap().unwrap();
        day.typed::<parquet::data_type::Int32Type>().write_batch(&[20_000, 0], None, None).unwrap();
        day.close().unwrap();
        let mut n = group.next_column().unwrap().unwrap();
        n.typed::<parquet::data_type::Int64Type>().write_batch(&[7], Some(&[1, 0]), None).unwrap();
        n.close().unwrap();
        let mut b = group.next_column().unwrap().unwrap();
        b.typed::<parquet::data_type::BoolType>().write_batch(&[true, false], None, None).unwrap();
        b.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        let mut text = Vec::new();
        to_csv(&path, &mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "day,n,b\n2024-10-04,7,true\n1970-01-01,,false\n");

        write("message m { REPEATED INT32 many; }").close().unwrap();
        let error = to_csv(&path, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("'many' is not flat"), "{error}");
        std::fs::write(&path, "not one").unwrap();
        assert!(to_csv(&path, &mut Vec::new()).unwrap_err().to_string().contains("not a Parquet file"));
    }
}
