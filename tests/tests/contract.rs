//! The live client and the fake vendors, held against the vendors' own OpenAPI documents: every call of the real
//! engine and every answer of a fake goes through Prism, which refuses what a document does not know. What ends as it
//! would without Prism had no fault.
//!
//! The documents are not part of this repository: `make contract SPECS=folder`.

#![allow(clippy::print_stdout, reason = "it says how many calls it held against which document")]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use destinations::cloud::{Outcome, vendor};
use forward::engine::{Engine, Job, VendorProgress, VendorTurn};
use model::destination::{Destination, Secrets};
use model::subject::Subject;
use serde_json::{Value, json};
use tests::prism::Prism;
use tests::vendors::appsflyer::APPSFLYER;
use tests::vendors::customerio::CUSTOMERIO;
use tests::vendors::hubspot::HUBSPOT;
use tests::vendors::intercom::INTERCOM;
use tests::vendors::iterable::ITERABLE;
use tests::vendors::klaviyo::KLAVIYO;
use tests::vendors::mixpanel::MIXPANEL;
use tests::vendors::{Fake, Vendor};

/// A vendor, its document, the base path of its server, settings for which the document has every call, and how two
/// users whom it knows and one whom it does not end.
type Contract = (&'static Vendor, &'static str, &'static str, Value, [(Outcome, u64); 2]);

fn contracts() -> [Contract; 8] {
    use Outcome::{Accepted, Confirmed, NoDataFound};
    let known = |outcome| [(outcome, 2), (NoDataFound, 1)];
    let all = |outcome| [(outcome, 3), (NoDataFound, 0)];
    [
        // Its stub endpoints have the same contract.
        (&APPSFLYER, "appsflyer-opendsr.json", "", json!({}), all(Confirmed)),
        (&CUSTOMERIO, "customerio-patched.json", "", json!({}), all(Accepted)),
        (&HUBSPOT, "hubspot-contacts-v3.json", "", json!({}), known(Accepted)),
        (&INTERCOM, "intercom-2.16.yaml", "", json!({}), known(Accepted)),
        (&ITERABLE, "iterable-patched.json", "", json!({}), known(Confirmed)),
        (&ITERABLE, "iterable-patched.json", "", json!({ "mode": "delete" }), known(Accepted)),
        (&MIXPANEL, "mixpanel-gdpr.openapi.yaml", "/api/app", json!({}), all(Confirmed)),
        // The document has no call that looks a profile up.
        (
            &KLAVIYO,
            "klaviyo-request_profile_deletion.json",
            "",
            json!({ "identifier": "email" }),
            known(Accepted),
        ),
    ]
}

#[tokio::test]
#[ignore = "needs the vendors' documents: make contract SPECS=folder"]
async fn the_live_client_and_the_fakes_keep_to_the_vendors_documents() -> Result<()> {
    ensure!(
        contracts().iter().any(|(_, document, ..)| Prism::has(document)),
        "SPECS has none of the documents"
    );
    for (of, document, base, change, ends) in contracts() {
        if !Prism::has(document) {
            println!("{}: NOT HELD against its document: {document} is not in SPECS", of.name);
            continue;
        }
        let fake = Fake::start(of)?;
        fake.world().users.extend(["ada@example.com", "b+c@example.com"].map(str::to_owned));
        let prism = Prism::before(&fake.url, document, base).await?;
        let mut place = fake.destination_at(&prism.url);
        for (name, value) in change.as_object().into_iter().flatten() {
            place["settings"][name] = value.clone();
        }
        let secrets: Secrets = serde_json::from_value(place["secrets"].take())?;
        let destination: Destination = serde_json::from_value(json!({
            "id": "dst_0193aeb1c2d37f6f8c1e5a7b9d0e2f41", "name": place["name"], "vendor": place["vendor"],
            "kind": "CLOUD", "settings": place["settings"], "enabledFrom": "2026-01-01T00:00:00Z",
        }))?;
        let people =
            ["ada@example.com", "b+c@example.com", "nobody@example.com"].map(|id| vec![Subject::user(id)]);
        let job =
            Job { destination: &destination, secrets: &secrets, regulation: "contract", people: &people };
        let (engine, vendor) = (Engine::new(None, true)?, vendor(of.name)?);
        let until = || Instant::now() + Duration::from_secs(900);
        let checked = engine.check(vendor, job, until()).await;
        assert_eq!(checked, Ok(()), "{}: the harmless call", of.name);
        let (mut progress, mut turn) = (VendorProgress::default(), Ok(VendorTurn::Later(0)));
        for _ in 0..10 {
            turn = engine.turn(vendor, job, &mut progress, until(), async |_| Ok(())).await;
            if !matches!(turn, Ok(VendorTurn::Later(_))) {
                break;
            }
        }
        assert_eq!(turn, Ok(VendorTurn::Done), "{}", of.name);
        let ends = ends.into_iter().filter(|(_, people)| *people > 0).collect();
        assert_eq!(progress.outcomes(), ends, "{}: {:?}", of.name, progress.refusal());
        assert!(fake.world().users.is_empty(), "{}", of.name);
        println!("{} ({document}): {} calls, no violation", of.name, fake.world().calls);
    }
    Ok(())
}
