//! The real look through an archive for other identifiers of people, on an S3 that fails and crashes, by seed. However
//! often it is broken off, it finds what is one person's alone in the trusted source's calls, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use archive::Archive;
use archive::resolve::{Progress, Resolver};
use aws::bucket::{Bucket, Key};
use destinations::archive::Settings;
use engine::filter::IndexKey;
use jiff::Timestamp;
use lambda::clock;
use model::id::{DestinationId, RegulationId};
use model::subject::Subject;
use serde_json::json;

use crate::dice::Dice;
use crate::network::S3;
use crate::s3::ARCHIVE;
use crate::variable;

const FOLDER: &str = "segment-logs/server/";
const PEOPLE: [&str; 3] = ["user-0", "user-1", "user-2"];
/// After so many invocations nobody disturbs any more.
const CALM: u32 = 30;

/// Whose each address is, as the calls of the trusted source have it.
type Owners = BTreeMap<String, BTreeSet<String>>;

/// Writes the archive. An object of it may be `damaged`.
fn fill(s3: &S3, dice: &mut Dice, damaged: bool) -> Owners {
    let (mut world, mut owners) = (s3.world(), Owners::new());
    for object in 0..2 + dice.roll(4) {
        let mut content = String::new();
        for _ in 0..1 + dice.roll(4) {
            let (user, email) = (format!("user-{}", dice.roll(5)), format!("{}@example.com", dice.roll(9)));
            content +=
                &format!("{}\n", json!({ "type": "identify", "userId": user, "traits": { "email": email } }));
            owners.entry(email).or_default().insert(user);
        }
        let key = format!("{FOLDER}1793577600000/{object}.jsonl");
        world.objects.put(ARCHIVE, &key, Some(content.into_bytes()));
    }
    if damaged {
        let key = format!("{FOLDER}1793577600000/damaged.gz");
        let bytes = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xff; 8]].concat();
        world.objects.put(ARCHIVE, &key, Some(bytes));
    }
    // Here another writer writes, too.
    let claims = "segment-logs/web/1793577600000/claims.jsonl";
    let claim =
        json!({ "type": "identify", "userId": PEOPLE[0], "traits": { "email": "stranger@example.com" } });
    let claim = Some(format!("{claim}\n").into_bytes());
    world.objects.put(ARCHIVE, claims, claim.clone());
    world.wanted.insert(claims.to_owned(), claim);
    owners
}

/// Plays a seed. Answers how many invocations it took.
async fn play(seed: u64) -> Result<u32, String> {
    // The code under test waits between its retries: on this clock, no time.
    clock::simulate(Timestamp::from_second(1_795_000_000).expect("a time"));
    let (s3, mut dice) = (S3::new(seed, None), Dice(seed ^ 0x1de7));
    let damaged = seed.is_multiple_of(4);
    let owners = fill(&s3, &mut dice, damaged);
    let settings = json!({ "bucket": ARCHIVE, "resolves": [{ "path": "traits.email", "type": "EMAIL" }] });
    let settings: Settings = serde_json::from_value(settings).expect("settings");
    let people = PEOPLE.map(|user| vec![Subject::user(user)]);
    let (files, id) = (Bucket::new(s3.client(), "lethe".to_owned()), DestinationId::new());
    let regulation = RegulationId::new();
    let file = Key::LookUp(&regulation, &id);
    let told = |fault: &str| format!("{fault}\n  {}", s3.world().schedule.join("\n  "));
    for invocation in 1..200 {
        if invocation == CALM {
            s3.world().calm_down();
        }
        s3.restart();
        // Some invocations have no time: they read one object.
        let time = if dice.roll(3) > 0 { Duration::ZERO } else { Duration::from_secs(3_600) };
        let resolver = Resolver {
            archive: Archive::new(s3.client(), ARCHIVE.to_owned(), None),
            id: id.clone(),
            settings: &settings,
            folders: vec![FOLDER.to_owned()],
            people: &people,
            known: &people,
            files: files.clone(),
            index_key: IndexKey::new(&[7; 32]),
            cores: 2,
            until: Instant::now() + time,
        };
        let Ok(progress) = files.read::<Progress>(file).await else { continue };
        let mut progress = progress.unwrap_or_default();
        match resolver.go_on(1, &mut progress, async |at| files.write(file, at).await).await {
            Ok(false) => drop(files.write(file, &progress).await),
            Ok(true) => {
                let found = progress.resolved(&people).found.into_iter();
                let found: BTreeSet<_> =
                    found.map(|one| (one.person.expect("a person"), one.subject.id)).collect();
                // What is damaged may say that an address is somebody else's.
                let alone = owners.iter().filter(|(_, users)| users.len() == 1 && !damaged);
                let wanted = alone.filter_map(|(email, users)| {
                    let person = PEOPLE.iter().position(|user| users.contains(*user))?;
                    Some((person as u32, email.clone()))
                });
                let wanted: BTreeSet<_> = wanted.collect();
                if found != wanted {
                    return Err(told("something else was found"));
                }
                if progress.unread() != damaged.then_some(("corrupt", 1)).into_iter().collect() {
                    return Err(told("what is damaged is not named once"));
                }
                return Ok(invocation);
            }
            Err(failure) if failure.is_transient() => {}
            Err(failure) => return Err(told(&failure.public)),
        }
    }
    Err(told("it does not end"))
}

#[tokio::test]
async fn what_is_found_is_the_same_however_often_looking_is_broken_off() {
    let (first, count) = (variable("SEED").unwrap_or(0), variable("SEEDS").unwrap_or(100));
    let mut most = 0;
    for seed in first..first + count {
        match play(seed).await {
            Ok(invocations) => most = most.max(invocations),
            Err(fault) => panic!("SEED={seed} SEEDS=1: {fault}"),
        }
    }
    println!("{count} seeds, violations 0; at most {most} invocations");
    assert!(count < 100 || most > 5, "nothing was ever broken off: {most}");
}
