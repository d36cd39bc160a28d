//! `musubi match --profile western`.

use super::MatchArgs;
use super::table::{Row, Table, write_file};
use anyhow::{Context, Result, bail};
use matching::western::{LINK_BITS, Record, link, why};
use std::path::Path;
use world::Stopwatch;

/// Links the two files; each record is used at most once.
pub(super) fn run(args: &MatchArgs) -> Result<()> {
    if args.history.is_some() {
        bail!("--history belongs to the Japanese profile; leave it out with --profile western");
    }
    let start = Stopwatch::start();
    let threads =
        args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |count| count.get()));
    let (ids, register) = read(&args.register, "person_id")?;
    let (query_ids, queries) = read(&args.queries, "query_id")?;
    let pairs = link(&register, &queries, threads);
    let mut links = csv::Writer::from_writer(Vec::new());
    let mut review = csv::Writer::from_writer(Vec::new());
    let (mut linked, mut reviewed) = (0_usize, 0_usize);
    for out in [&mut links, &mut review] {
        out.write_record(["query_id", "person_id", "score", "why"])?;
    }
    for pair in &pairs {
        let id = ids.get(pair.left).context("a record without an id")?;
        let query_id = query_ids.get(pair.right).context("a query without an id")?;
        let words = register
            .get(pair.left)
            .zip(queries.get(pair.right))
            .map(|(left, right)| why(left, right))
            .unwrap_or_default();
        let row = [query_id.as_str(), id.as_str(), &format!("{:.1}", pair.score), &words];
        if pair.score > LINK_BITS {
            linked += 1;
            links.write_record(row)?;
        } else {
            reviewed += 1;
            review.write_record(row)?;
        }
    }
    write_file(&args.out, &links.into_inner().context("writing the links")?)?;
    if let Some(path) = &args.review {
        write_file(path, &review.into_inner().context("writing the reviews")?)?;
    }
    if let Some(path) = &args.json {
        let report = serde_json::json!({
            "residents": ids.len(),
            "queries": query_ids.len(),
            "links": linked,
            "review_queries": reviewed,
            "none": query_ids.len() - linked - reviewed,
            "seconds": { "all": start.elapsed().as_secs_f64() },
            "threads": threads,
        });
        write_file(path, &serde_json::to_vec_pretty(&report)?)?;
    }
    if !args.quiet {
        eprintln!(
            "{} queries against {} records: {linked} linked, {reviewed} for review ({:.1} s)",
            query_ids.len(),
            ids.len(),
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// The ids may stand under `rec_id` too, as in FEBRL's files.
fn read(path: &Path, id: &str) -> Result<(Vec<String>, Vec<Record>)> {
    let mut table = Table::open(path, &["surname"])?;
    let (mut ids, mut records) = (Vec::new(), Vec::new());
    while let Some(row) = table.next()? {
        ids.push(match row.optional(id) {
            Some(id) => id,
            None => {
                row.required("rec_id", path).with_context(|| format!("every row needs {id} or rec_id"))?
            }
        });
        records.push(record(&row));
    }
    Ok((ids, records))
}

fn record(row: &Row<'_>) -> Record {
    let text = |column: &str| row.field(column).trim().to_owned();
    Record {
        given_name: text("given_name"),
        surname: text("surname"),
        street_number: text("street_number"),
        street: text("address_1"),
        locality: text("address_2"),
        suburb: text("suburb"),
        postcode: text("postcode"),
        state: text("state"),
        birth: text("date_of_birth"),
        number: text("soc_sec_id"),
    }
}
