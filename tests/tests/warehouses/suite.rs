//! What is promised of every engine.
//!
//! Each warehouse is filled with the same people. Rows are judged here, in Rust, by rows that are read whole: nothing
//! of the engines' own SQL decides what is right.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;
use model::evidence::Step;
use model::failure::Failure;
use model::subject::{Subject, SubjectType};
use serde_json::Value;
use warehouses::erasure::{Erasure, ErasureProgress, Next, Report};
use warehouses::{Engine, Ids, Rows, survey};

pub use crate::group_commit::a_full_group;

/// A test for each promise, against the double that an expression makes.
macro_rules! promises {
    ($double:expr) => {
        $crate::suite::promises!($double; one_and_five_thousand, killed_half_way, kinds_are_kept_apart, looks_before_it_leaps, a_full_group);
    };
    ($double:expr; $($promise:ident),+) => {
        $(
            #[tokio::test]
            async fn $promise() -> anyhow::Result<()> {
                $crate::suite::$promise(&$double).await
            }
        )+
    };
}
pub(crate) use promises;

/// How many people there are, named by numbers from 1 on.
pub const PEOPLE: u32 = 5_500;
/// The schema of everything.
pub const SCHEMA: &str = "web";

/// A warehouse under test.
pub trait Double {
    type Engine: Engine;

    /// Connects as Lethe does.
    async fn connect(&self) -> model::failure::Result<Self::Engine>;

    /// Runs a statement as its owner does, and answers the rows as texts.
    async fn sql(&self, sql: &str) -> Result<Vec<Vec<String>>>;

    /// The schema of everything.
    fn schema(&self) -> &str {
        SCHEMA
    }

    /// Its dialect.
    const DIALECT: Dialect;
}

/// What differs between the dialects.
pub struct Dialect {
    pub text: &'static str,
    pub integer: &'static str,
    /// A table of one column `n`, from 1 to the number given.
    pub numbers: fn(u32) -> String,
    pub quote: fn(&str) -> String,
    /// The strangest name that a table may have.
    pub weird: &'static str,
}

/// A table: its columns with their values by `n` (`{p}` is the person `n`, `{q}` the next one, as texts), how many rows,
/// and which columns identify people.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Kind, &'static str)],
    rows: u32,
    people: &'static [usize],
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Integer,
}
use Kind::{Integer, Text};

const fn tables(weird: &'static str) -> [Table; 8] {
    [
        Table {
            name: "tracks",
            columns: &[
                ("id", Text, "CONCAT('t-', {n})"),
                ("user_id", Text, "{p}"),
                ("anonymous_id", Text, "CONCAT('anon-', {p})"),
                ("event", Text, "CONCAT('for ', {q})"),
            ],
            rows: 2 * PEOPLE,
            people: &[1],
        },
        Table {
            name: "users",
            columns: &[
                ("id", Text, "{p}"),
                ("email", Text, "CONCAT(' ', {p}, '@Example.com')"),
                // The SHA-256 of user@example.com, as UID2's makers publish it.
                (
                    "em",
                    Text,
                    "CASE WHEN {p} = '14' THEN 'tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=' ELSE '' END",
                ),
            ],
            rows: PEOPLE,
            people: &[0],
        },
        Table {
            name: "aliases",
            columns: &[("id", Text, "{q}"), ("user_id", Text, "{p}"), ("previous_id", Text, "{q}")],
            rows: PEOPLE,
            people: &[1, 2],
        },
        Table {
            name: "orders",
            columns: &[
                ("id", Text, "{p}"),
                ("previous_id", Text, "{p}"),
                ("user_id", Text, "CONCAT('x', {p})"),
            ],
            rows: 100,
            people: &[2],
        },
        Table {
            name: weird,
            columns: &[("user_id", Text, "{p}"), ("Sel ect", Text, "{q}")],
            rows: PEOPLE,
            people: &[0],
        },
        Table {
            name: "Select",
            columns: &[("User_Id", Text, "{p}"), ("from", Text, "'x'")],
            rows: PEOPLE,
            people: &[0],
        },
        Table {
            name: "loyalty",
            columns: &[("user_id", Integer, "{n}"), ("points", Integer, "7")],
            rows: PEOPLE,
            people: &[0],
        },
        Table {
            name: "members",
            columns: &[("Member Id", Text, "{p}"), ("joined", Text, "'2026'")],
            rows: PEOPLE,
            people: &[0],
        },
    ]
}

/// The settings that all engines have in common: columns beside Segment's.
pub fn columns(schema: &str) -> Value {
    let table = |name: &str| format!("{schema}.{name}");
    serde_json::json!([
        { "table": table("members"), "column": "Member Id", "type": "USER_ID" },
        { "table": table("users"), "column": "email", "type": "EMAIL" },
        { "table": table("users"), "column": "em", "type": "EMAIL_SHA256" },
        { "table": table("orders"), "column": "previous_id", "type": "crm" },
    ])
}

/// Fills a warehouse.
pub async fn fill<D: Double>(double: &D) -> Result<()> {
    let Dialect { text, integer, numbers, quote, weird } = D::DIALECT;
    for table in tables(weird) {
        let name = format!("{}.{}", quote(double.schema()), quote(table.name));
        let column = |(name, kind, _): &(&str, Kind, &str)| {
            format!("{} {}", quote(name), if *kind == Text { text } else { integer })
        };
        let columns: Vec<_> = table.columns.iter().map(column).collect();
        double.sql(&format!("CREATE TABLE {name} ({})", columns.join(", "))).await?;
        let person = |n: &str| format!("CAST(MOD({n}, {PEOPLE}) + 1 AS {text})");
        let value = |(_, kind, value): &(&str, Kind, &str)| {
            let n = if *kind == Text { format!("CAST(n AS {text})") } else { "n".to_owned() };
            value.replace("{n}", &n).replace("{p}", &person("n")).replace("{q}", &person("n + 1"))
        };
        let values: Vec<_> = table.columns.iter().map(value).collect();
        double
            .sql(&format!("INSERT INTO {name} SELECT {} FROM {}", values.join(", "), numbers(table.rows)))
            .await?;
    }
    let (view, users) = (quote("users_view"), quote("users"));
    let schema = quote(double.schema());
    double
        .sql(&format!("CREATE VIEW {schema}.{view} AS SELECT {} FROM {schema}.{users}", quote("id")))
        .await?;
    Ok(())
}

/// What stands in a warehouse.
#[derive(Debug, PartialEq)]
pub struct Holdings {
    /// By table: the rows of the people asked about.
    pub theirs: Rows,
    /// By table: everyone else's rows, in order.
    pub rest: BTreeMap<String, Vec<Vec<String>>>,
}

impl Holdings {
    pub async fn take<D: Double>(double: &D, people: &[Subject]) -> Result<Self> {
        let ids: BTreeSet<&str> = people.iter().map(|s| s.id.as_str()).collect();
        let mut holdings = Self { theirs: Rows::new(), rest: BTreeMap::new() };
        let Dialect { quote, weird, .. } = D::DIALECT;
        for table in tables(weird) {
            let columns: Vec<_> = table.columns.iter().map(|(name, ..)| quote(name)).collect();
            let sql = format!(
                "SELECT {} FROM {}.{}",
                columns.join(", "),
                quote(double.schema()),
                quote(table.name)
            );
            let (theirs, mut rest): (Vec<_>, Vec<_>) = double
                .sql(&sql)
                .await?
                .into_iter()
                .partition(|row| table.people.iter().any(|column| ids.contains(row[*column].as_str())));
            rest.sort();
            let place = format!("{}.{}", double.schema(), table.name);
            holdings.theirs.insert(place.clone(), theirs.len() as u64);
            holdings.rest.insert(place, rest);
        }
        Ok(holdings)
    }

    fn total(&self) -> u64 {
        self.theirs.values().sum()
    }
}

/// The people numbered so.
pub fn people(numbers: impl IntoIterator<Item = u32>) -> Vec<Subject> {
    numbers.into_iter().map(|n| Subject::user(n.to_string())).collect()
}

/// Erases as the function does, over as many invocations as it takes, and answers the evidence.
pub async fn erase<D: Double>(double: &D, people: &[Subject], seed: &str) -> Result<Vec<Report>, Failure> {
    erase_from(double, people, seed, &mut Value::Null).await
}

/// The same, going on from what was kept.
pub async fn erase_from<D: Double>(
    double: &D,
    people: &[Subject],
    seed: &str,
    kept: &mut Value,
) -> Result<Vec<Report>, Failure> {
    let mut reports = Vec::new();
    let mut tries = 0;
    loop {
        match invoke(double, people, seed, kept, &mut reports).await {
            Ok(true) => return Ok(reports),
            Ok(false) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(failure) if failure.is_transient() && tries < 8 => tries += 1,
            Err(failure) => return Err(failure),
        }
    }
}

/// One invocation. Answers whether all is done.
pub async fn invoke<D: Double>(
    double: &D,
    people: &[Subject],
    seed: &str,
    kept: &mut Value,
    reports: &mut Vec<Report>,
) -> Result<bool, Failure> {
    let mut engine = double.connect().await?;
    let tables = engine.discover().await?;
    let ids = Ids::new(people, &tables);
    let mut progress = ErasureProgress::of(kept.clone(), 1);
    let mut erasure = Erasure { engine: &mut engine, tables: &tables, ids: &ids, seed };
    let until = Instant::now() + Duration::from_secs(900);
    loop {
        let next = erasure.next(&mut progress, until, Timestamp::now()).await;
        *kept = serde_json::to_value(&progress).expect("progress is JSON");
        match next? {
            Next::Done => return Ok(true),
            Next::Later(_) => return Ok(false),
            // What a step said first stands.
            Next::Tell(report) if reports.iter().any(|known| known.step == report.step) => {}
            Next::Tell(report) => reports.push(report),
        }
    }
}

pub fn report(reports: &[Report], step: Step) -> Result<&Report> {
    match reports.iter().find(|report| report.step == step) {
        Some(report) => Ok(report),
        None => bail!("nothing was said of {step:?}"),
    }
}

/// One person, then 5,000, are erased: their rows are counted, gone, and counted to zero; nobody else's changes;
/// and doing it again finds and deletes nothing.
pub async fn one_and_five_thousand<D: Double>(double: &D) -> Result<()> {
    fill(double).await?;
    for (seed, people) in [("one", people([7])), ("many", people(1..=5_000))] {
        let before = Holdings::take(double, &people).await?;
        ensure!(before.total() > 0, "they are in it");
        let reports = erase(double, &people, seed).await?;
        assert_eq!(report(&reports, Step::Find)?.counts, before.theirs, "{seed}: what was found");
        let removed = &report(&reports, Step::Forget)?.counts;
        assert_eq!(removed.values().sum::<u64>(), before.total(), "{seed}: what was removed, {removed:?}");
        assert_eq!(report(&reports, Step::Verify)?.counts.values().sum::<u64>(), 0, "{seed}");
        let after = Holdings::take(double, &people).await?;
        assert_eq!(after.total(), 0, "{seed}: {:?}", after.theirs);
        assert!(after.rest == before.rest, "{seed}: everyone else's rows");

        let again = erase(double, &people, &format!("{seed} again")).await?;
        assert_eq!(report(&again, Step::Find)?.counts.values().sum::<u64>(), 0, "{seed} again");
        assert!(report(&again, Step::Forget)?.counts.is_empty(), "{seed} again: nothing is deleted");
        assert!(Holdings::take(double, &people).await? == after, "{seed} again");
    }
    Ok(())
}

/// Killed again and again, with what was kept last or not even that, it ends as if nothing had been.
pub async fn killed_half_way<D: Double>(double: &D) -> Result<()> {
    fill(double).await?;
    let people = people((1..=5_000).filter(|n| n % 2 == 0));
    let before = Holdings::take(double, &people).await?;
    let (mut kept, mut reports) = (Value::Null, Vec::new());
    let mut killed = 0;
    for n in 0_u64..12 {
        let mut now = kept.clone();
        let life = Duration::from_millis(20 + 45 * n);
        match tokio::time::timeout(life, invoke(double, &people, "killed", &mut now, &mut reports)).await {
            Ok(done) => drop(done?),
            // Sometimes even what it had come to is lost.
            Err(_) => killed += 1,
        }
        if n % 3 != 0 {
            kept = now;
        }
    }
    ensure!(killed > 0, "it was never killed");
    reports.extend(erase_from(double, &people, "killed", &mut kept).await?);
    assert_eq!(report(&reports, Step::Find)?.counts, before.theirs, "what was found first");
    let after = Holdings::take(double, &people).await?;
    assert_eq!(after.total(), 0, "{:?}", after.theirs);
    assert!(after.rest == before.rest, "everyone else's rows");
    Ok(())
}

/// Identifiers of each kind are looked for in columns of this kind only, addresses in whatever case they are written.
pub async fn kinds_are_kept_apart<D: Double>(double: &D) -> Result<()> {
    fill(double).await?;
    let anonymous = |id: &str| Subject { kind: SubjectType::AnonymousId, id: id.to_owned() };
    // 7 is somebody's user id, and no anonymous one.
    let reports = erase(double, &[anonymous("7"), anonymous("anon-8")], "kinds").await?;
    let (found, tracks) = (&report(&reports, Step::Find)?.counts, format!("{}.tracks", double.schema()));
    assert_eq!(found, &Rows::from([(tracks.clone(), 2)]));
    let left = Holdings::take(double, &people([7])).await?;
    assert_eq!(left.theirs[&tracks], 2, "the user 7 stays");

    let of = |kind: &str, id: &str| Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() };
    let subjects =
        [of("EMAIL", "9@example.com"), of("crm", "11"), of("crm", "12@example.com"), of("PHONE", "12")];
    let reports = erase(double, &subjects, "forms").await?;
    let at = |table: &str| format!("{}.{table}", double.schema());
    assert_eq!(report(&reports, Step::Find)?.counts.values().sum::<u64>(), 2, "{reports:?}");
    assert_eq!(report(&reports, Step::Forget)?.counts, Rows::from([(at("orders"), 1), (at("users"), 1)]));
    let left = Holdings::take(double, &people([9, 12])).await?;
    assert_eq!((left.theirs[&at("users")], left.theirs[&tracks]), (1, 4), "12 stays, and 9 elsewhere");

    // A plain address where its hash stands, and hashes where the addresses themselves do.
    let hashes = [
        of("EMAIL", "user@example.com"),
        of("EMAIL_SHA256", "efc7bc63ab402f1c56920fe0c98e6df0ebda71183235ea689b801087a90b1a63"),
        of("EMAIL_MD5", "9d9fd43100b91e9439852bcb0433260b"),
        of("USER_ID_MD5", "9d9fd43100b91e9439852bcb0433260b"),
    ];
    let reports = erase(double, &hashes, "hashes").await?;
    assert_eq!(report(&reports, Step::Find)?.counts.values().sum::<u64>(), 3, "{reports:?}");
    assert_eq!(report(&reports, Step::Forget)?.counts, Rows::from([(at("users"), 3)]));
    let left = Holdings::take(double, &people([13, 14, 15, 16, 17])).await?;
    assert_eq!(left.theirs[&at("users")], 2, "13 and 17 stay");
    Ok(())
}

/// `check` lists the tables and columns, `count` the rows, and neither changes anything.
pub async fn looks_before_it_leaps<D: Double>(double: &D) -> Result<()> {
    fill(double).await?;
    let people = people(1..=50);
    let before = Holdings::take(double, &people).await?;
    let checked = survey::check(&mut double.connect().await?, &people).await?;
    let found: BTreeSet<_> = checked.tables.iter().map(|table| table.table.clone()).collect();
    assert_eq!(found, before.theirs.keys().cloned().collect(), "base tables with identifiers, no view");
    let aliases = checked
        .tables
        .iter()
        .find(|table| table.table == format!("{}.aliases", double.schema()))
        .expect("listed");
    assert_eq!(aliases.columns.len(), 2, "{aliases:?}");
    assert!(checked.rows.is_none() && aliases.columns[0].starts_with("previous_id ("), "{aliases:?}");

    let until = Instant::now() + Duration::from_secs(900);
    let counted = survey::count(&mut double.connect().await?, &people, "count", until).await?;
    let rows: Rows = counted.tables.iter().map(|t| (t.table.clone(), t.rows.unwrap_or(u64::MAX))).collect();
    assert_eq!(rows, before.theirs);
    assert_eq!(counted.rows, Some(before.total()));
    assert!(Holdings::take(double, &people).await? == before, "nothing changes");
    Ok(())
}
